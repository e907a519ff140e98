import { TridcommError } from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';
import type { ProvenHead, Testimony } from './restore-sources.ts';

/*
 * When an authority may begin again.
 *
 * The core begins every life as chapter 08 asks after a restore: a generation, epochs and head numbers far above all that the sources show.
 * Nobody can tell a state directory from a copy of it by looking at it, so every start has to pass this rule, not only one that is called a
 * restore. What it asks for:
 *
 *  1. Two sources (groups.23). The directory's own archive is one of them, as long as it is not behind the state file and no other source
 *     shows a higher head: then it is a backup too. A broker that holds nothing counts only where nothing was ever handed out.
 *  2. What the highest head names (groups.29): the core refuses without it.
 *  3. No head that this state handed out nothing of and whose number it has passed by now: then it went on from a backup without asking,
 *     and what came in between would be lost without anybody seeing it.
 *  4. No sign that another authority runs with the same keys, or ran: two heads under one number, or another chain of authority records. It
 *     would come out as E_FORK at every member. Who ran two has to choose one, and go on from its state with its brokers alone.
 *
 * `acceptsSingleSource` lets one source do for the first. It does not do for the others, and not without any source. The risk of it: a
 * broker that is the only one to be asked may show an old head, and so bring back who was revoked after the backup; and an archive that is
 * the only one may itself be as old as the state.
 */

/** What a start is judged by. */
export interface StartCase {
  readonly archive: Testimony;
  readonly sources: readonly Testimony[];
  /** Number of the head of the state. */
  readonly stateSeq: number;
  /** See `StateContent`. */
  readonly handedOutSeq: number;
  readonly archivedSeq: number;
  /** Whether anything is handed to anybody in the life that begins. */
  readonly handsOut: boolean;
  readonly acceptsSingleSource: boolean;
}

/**
 * Refuses a start that the rule above does not allow.
 *
 * @throws TridcommError `E_USAGE` for too few sources; `E_STALE` for a state that went on from a backup; `E_FORK` for another authority with the
 * same keys
 * @spec groups.22, groups.23
 */
export function checkStart(start: StartCase, nowMs: number): void {
  const { archive, sources, handedOutSeq, stateSeq, archivedSeq } = start;
  const archiveSeq = archive.head?.headSeq ?? 0;
  const heads = sources.flatMap(({ head, name }) => (head === undefined ? [] : [{ head, name }]));
  for (const { head, name } of heads) {
    const { headSeq, issuedMs } = head;
    const isUnknown = headSeq > Math.max(archiveSeq, handedOutSeq);
    if (isUnknown && issuedMs > nowMs - runningMs) {
      throw new TridcommError('E_FORK', `another authority with this state runs: ${name} has a head of this minute`);
    }
    if (headSeq > handedOutSeq && headSeq <= stateSeq && headSeq !== archiveSeq) {
      const what = `${name} has head ${headSeq}, which this state passed by without having handed it out`;
      throw new TridcommError('E_STALE', `${what}: it went on from a backup; restore that backup`);
    }
    const others = [archive.head, ...heads.map((other) => other.head)];
    if (others.some((other) => other !== undefined && isFork(head, other))) {
      throw new TridcommError('E_FORK', `${name} has another head ${headSeq}: two authorities ran with this state`);
    }
  }
  const highest = Math.max(0, ...heads.map(({ head }) => head.headSeq));
  const archiveCounts = archive.head !== undefined && archiveSeq >= archivedSeq && archiveSeq >= highest;
  const counted = sources.filter(({ kind }) => kind === 'head' || (kind === 'nothing' && handedOutSeq === 0));
  const count = counted.length + (archiveCounts ? 1 : 0);
  // What goes nowhere harms nobody: the rule is asked again before it does.
  const isPrivate = handedOutSeq === 0 && !start.handsOut;
  const needed = start.acceptsSingleSource || isPrivate ? 1 : 2;
  if (count >= needed) return;
  throw new TridcommError('E_USAGE', `${count} of ${needed} sources for a start: ${describe(start, archiveCounts)}`);
}

function isFork(a: ProvenHead, b: ProvenHead): boolean {
  return a.headSeq === b.headSeq && Buffer.compare(a.hash32, b.hash32) !== 0;
}

function describe({ archive, sources }: StartCase, archiveCounts: boolean): string {
  const own = archiveCounts ? 'counts' : archive.head === undefined ? 'has no head' : 'is behind';
  const others = sources.map(({ name, kind }) => `${name}: ${sentences[kind]}`);
  return [`the archive ${own}`, ...(others.length === 0 ? ['no broker was asked'] : others)].join('; ');
}

const sentences: Readonly<Record<Testimony['kind'], string>> = {
  head: 'shows a head',
  nothing: 'holds nothing of this authority',
  unproven: 'shows nothing that verifies',
  silent: 'did not answer',
};
/** A living authority makes a head every 20 s; a clock may be off. */
const runningMs = 2 * limits.headIntervalMs + limits.skewMs;
