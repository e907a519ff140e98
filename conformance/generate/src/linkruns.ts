/** Cases of `link.run`. */
import type { Group } from './cases.ts';
import { meet, runInput, runOutput, type Ending, type Met, type Setup } from './linkworld.ts';
import { cat, type Bytes } from './twin/bytes.ts';
import type { Frame } from './twin/frame.ts';
import { MODE } from './twin/link.ts';
import type { Side } from './twin/noise.ts';

export interface Script {
  spec: string[];
  flags?: string[];
  from?: string;
  /** in place of what the peer sends to open the link, whole flight by flight */
  pieces?: (m: Met) => Bytes[];
  /** what comes on the open link */
  after?: (m: Met) => Bytes[];
  /** what came, cut anew */
  cut?: (all: Bytes) => Bytes[];
  ends?: boolean;
}

export interface Where {
  id: string;
  mode: number;
  side: Side;
  name: string;
}
const where = (mode: number, side: Side): Where => ({
  id: `${mode === MODE.T ? 't' : 'n'}-${side}`,
  mode,
  side,
  name: `${mode === MODE.T ? 'T' : 'N'}, ${side}`,
});
export const TI: Where = where(MODE.T, 'initiator');
export const TR: Where = where(MODE.T, 'responder');
export const NI: Where = where(MODE.N, 'initiator');
export const NR: Where = where(MODE.N, 'responder');
export const ALL: readonly Where[] = [TI, TR, NI, NR];
/** The case of which what is refused is a mutation. */
const base = (w: Where): string => `link/open/${w.id}-silent`;

export class Runs {
  private readonly group: Group;
  private readonly few: Map<Where, readonly string[]> = new Map();
  constructor(group: Group) {
    this.group = group;
  }

  /** Of what is asked for at `w` only these cases are written, as another end has them all. */
  only(w: Where, ids: readonly string[]): void {
    this.few.set(w, ids);
  }
  private skips(w: Where, id: string): boolean {
    return this.few.get(w)?.includes(id) === false;
  }

  private make(w: Where, more: Partial<Setup>, s: Script): { met: Met; pieces: Bytes[]; send: Frame[] } {
    const met = meet({ mode: w.mode, side: w.side, ...more });
    const whole = [...(s.pieces ?? ((m): Bytes[] => m.flights))(met), ...(s.after?.(met) ?? [])];
    return { met, pieces: s.cut === undefined ? whole : s.cut(cat(...whole)), send: more.send ?? [] };
  }

  good(w: Where, id: string, comment: string, more: Partial<Setup>, s: Script, ending: Ending = {}): void {
    if (this.skips(w, id)) return;
    const { met, pieces, send } = this.make(w, more, s);
    this.group.valid(`${w.id}-${id}`, {
      comment: `${w.name}: ${comment}`,
      in: runInput(met, pieces, send, s.ends),
      out: runOutput(met, pieces, ending),
      spec: s.spec,
      flags: s.flags ?? [],
    });
  }

  bad(w: Where, id: string, comment: string, more: Partial<Setup>, error: string | string[], s: Script): void {
    if (this.skips(w, id)) return;
    const { met, pieces, send } = this.make(w, more, s);
    this.group.invalid(`${w.id}-${id}`, {
      comment: `${w.name}: ${comment}`,
      in: runInput(met, pieces, send, s.ends),
      error,
      spec: s.spec,
      flags: s.flags ?? [],
      from: s.from ?? base(w),
      layer: 'link',
    });
  }
}
