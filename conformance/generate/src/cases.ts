/** Builds a vector file case by case and checks each stated answer against the twin. */
import { isDeepStrictEqual } from 'node:util';
import { answer } from './check.ts';
import { NOTES } from './notes.ts';
import type { Json, Members } from './json.ts';

export const VERSION = '0.1.0';
export const SPEC_VERSION = '1.0';

export interface Case {
  id: string;
  since: string;
  comment: string;
  in: Members;
  result: 'valid' | 'invalid';
  out?: Members;
  layer?: string;
  error?: string[];
  flags: string[];
  spec: string[];
  from?: string;
}

export interface Valid {
  comment: string;
  in: Members;
  out: Members;
  spec: string[];
  flags?: string[];
  from?: string;
}
export interface Invalid {
  comment: string;
  in: Members;
  error: string | string[];
  spec: string[];
  flags?: string[];
  from?: string;
  layer?: string;
}

/** The layer that refuses with a code, where the code alone tells. */
const LAYER: Readonly<Record<string, string>> = {
  E_EXT: 'extensions',
  E_EPOCH: 'source',
  E_SENDER: 'source',
  E_POLICY: 'source',
  E_EXPIRED: 'freshness',
  E_FUTURE: 'freshness',
  E_REPLAY: 'replay',
  E_TOO_OLD: 'replay',
  E_FORK: 'replay',
  E_REPLAY_STATE: 'replay',
  E_SIG: 'signature',
  E_PROOF: 'signature',
  E_COMMIT: 'aead',
  E_AEAD: 'aead',
  E_KEY: 'key',
  E_VERSION: 'header',
  E_CLOSED: 'frame',
};

export class Group {
  readonly id: string;
  readonly op: string;
  readonly feature: string;
  readonly layer: string;
  readonly tests: Case[] = [];
  private readonly prefix: string;
  private readonly verify: boolean;

  constructor(suite: string, id: string, op: string, feature: string, layer: string, verify: boolean) {
    this.prefix = `${suite}/${id}/`;
    this.id = id;
    this.op = op;
    this.feature = feature;
    this.layer = layer;
    this.verify = verify;
  }

  name(id: string): string {
    return this.prefix + id;
  }

  valid(id: string, c: Valid): string {
    this.test(id, {
      result: 'valid',
      comment: c.comment,
      in: c.in,
      out: c.out,
      flags: c.flags,
      spec: c.spec,
      from: c.from,
    });
    return this.name(id);
  }

  /** `from` is a full id, or one of this group. */
  invalid(id: string, c: Invalid): string {
    const error = typeof c.error === 'string' ? [c.error] : c.error;
    const layer = c.layer ?? LAYER[error[0] ?? ''] ?? this.layer;
    this.test(id, {
      result: 'invalid',
      comment: c.comment,
      in: c.in,
      error,
      layer,
      flags: c.flags,
      spec: c.spec,
      from: c.from,
    });
    return this.name(id);
  }

  private test(
    id: string,
    c: {
      result: 'valid' | 'invalid';
      comment: string;
      in: Members;
      out?: Members;
      layer?: string;
      error?: string[];
      flags: string[] | undefined;
      spec: string[];
      from: string | undefined;
    },
  ): void {
    const full = this.name(id);
    if (this.verify) this.compare(full, c);
    const made: Case = {
      id: full,
      since: VERSION,
      comment: c.comment,
      in: c.in,
      result: c.result,
      flags: c.flags ?? [],
      spec: c.spec,
    };
    if (c.out !== undefined) made.out = c.out;
    if (c.layer !== undefined) made.layer = c.layer;
    if (c.error !== undefined) made.error = c.error;
    if (c.from !== undefined) made.from = c.from.includes('/') ? c.from : this.name(c.from);
    this.tests.push(made);
  }

  private compare(id: string, c: { in: Members; out?: Members; error?: string[] }): void {
    const got = answer(this.op, c.in);
    if (got === undefined) return;
    const stated: Json = c.out === undefined ? { error: c.error?.[0] ?? '' } : { out: c.out };
    if (!isDeepStrictEqual(got, stated)) {
      const cutOff = (j: Json): string => JSON.stringify(j).slice(0, 2000);
      throw new Error(`${id}: stated ${cutOff(stated)}, but the twin answers ${cutOff(got)}`);
    }
  }
}

export class VectorFile {
  readonly suite: string;
  readonly groups: Group[] = [];

  constructor(suite: string) {
    this.suite = suite;
  }

  /** `verify` false where the twin has no answer of its own to the operation. */
  group(id: string, op: string, feature: string, layer: string, verify = true): Group {
    const g = new Group(this.suite, id, op, feature, layer, verify);
    this.groups.push(g);
    return g;
  }

  tests(): Case[] {
    return this.groups.flatMap((g) => g.tests);
  }

  toJson(): Members {
    const used = [...new Set(this.tests().flatMap((t) => t.flags))].sort();
    const notes: Members = {};
    for (const flag of used) {
      const note = NOTES[flag];
      if (note === undefined) throw new Error(`no note for flag ${flag}`);
      notes[flag] = { ...note };
    }
    return {
      schema: 'tridcomm-vectors/1',
      suite: this.suite,
      specVersion: SPEC_VERSION,
      vectorsVersion: VERSION,
      numberOfTests: this.tests().length,
      notes,
      groups: this.groups.map((g) => ({
        id: g.id,
        op: g.op,
        feature: g.feature,
        tests: g.tests.map((t) => ordered(t)),
      })),
    };
  }
}

function ordered(t: Case): Members {
  const out: Members = { id: t.id, since: t.since, comment: t.comment };
  if (t.from !== undefined) out['from'] = t.from;
  out['in'] = t.in;
  out['result'] = t.result;
  if (t.out !== undefined) out['out'] = t.out;
  if (t.layer !== undefined) out['layer'] = t.layer;
  if (t.error !== undefined) out['error'] = t.error;
  out['flags'] = t.flags;
  out['spec'] = t.spec;
  return out;
}
