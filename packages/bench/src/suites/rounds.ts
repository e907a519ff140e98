import { countFor, median, ratiosOf, spreadOf } from '../measure.ts';
import type { Peer } from '../peers/peer.ts';
import type { Row } from '../report.ts';
import { reasonOf, type Effort } from './suite.ts';

/** A peer that is ready to do the same again and again. */
export interface Runner<R> {
  run(): Promise<R>;
  close(): Promise<void>;
}

/** What peers did in their rounds; one that could not do it has a reason. */
export interface Found<R> {
  readonly ran: ReadonlyMap<string, readonly R[]>;
  readonly absent: ReadonlyMap<string, string>;
}

/**
 * Lets peers do the same in alternating rounds, so that a drift of the machine meets all of them.
 *
 * @param open - makes a peer ready, and warm
 */
export async function alternateRounds<R>(
  title: string,
  peers: readonly Peer[],
  rounds: number,
  { note }: Pick<Effort, 'note'>,
  open: (peer: Peer) => Promise<Runner<R>>,
): Promise<Found<R>> {
  const absent = new Map<string, string>();
  const runners = new Map<string, Runner<R>>();
  const ran = new Map<string, R[]>();
  const drop = (name: string, error: unknown) => {
    absent.set(name, reasonOf(error));
    ran.delete(name);
  };
  try {
    for (const peer of peers) {
      const { name } = peer;
      if (peer.absent !== undefined) {
        absent.set(name, peer.absent);
        continue;
      }
      note(`${title}: ${name}`);
      try {
        runners.set(name, await open(peer));
        ran.set(name, []);
      } catch (error) {
        drop(name, error);
      }
    }
    for (let round = 0; round < rounds; round++) {
      for (const [name, runner] of runners) {
        try {
          ran.get(name)!.push(await runner.run());
        } catch (error) {
          drop(name, error);
          runners.delete(name);
          await runner.close();
        }
      }
    }
  } finally {
    for (const runner of runners.values()) await runner.close();
  }
  return { ran, absent };
}

/**
 * Rounds of about so long, of something that takes a count. It is closed where it cannot do it.
 *
 * @param sizes - as of {@link countFor}; the first step is not timed: it waits for rights and keys, and programs are compiled
 */
export async function runnerOf<R extends { readonly perSecond: number }>(
  flow: { close(): Promise<void> },
  sizes: { readonly step: number; readonly most: number; readonly roundMs: number },
  run: (count: number) => Promise<R>,
): Promise<Runner<R>> {
  try {
    await run(sizes.step);
    const count = await countFor(async (some) => (some * 1_000) / (await run(some)).perSecond, sizes);
    return { run: async () => await run(count), close: async () => await flow.close() };
  } catch (error) {
    await flow.close();
    throw error;
  }
}

/** A figure of each peer. @param suffix - behind the names of the rows */
export function peerRows<R>(
  { ran, absent }: Found<R>,
  peers: readonly Peer[],
  { title, suffix = '', unit }: { readonly title: string; readonly suffix?: string; readonly unit: string },
  what: (one: R) => number,
): Row[] {
  return peers.map((peer): Row => {
    const name = `${title}: ${peer.name}${suffix}`;
    const values = ran.get(peer.name)?.map(what);
    if (values === undefined) return { name, value: undefined, unit, note: absent.get(peer.name)! };
    return { name, value: median(values), unit, spread: spreadOf(values) };
  });
}

/** A goal on the ratio of two peers, round by round. */
export function ratioRow<R>(
  { ran, absent }: Found<R>,
  name: string,
  [over, under]: readonly [string, string],
  goal: Pick<Row, 'goal' | 'atLeast' | 'atMost'>,
  what: (one: R) => number | undefined,
): Row {
  const valuesOf = (peer: string) => ran.get(peer)?.map(what);
  const [numerator, denominator] = [valuesOf(over), valuesOf(under)];
  const isWhole = (values: readonly (number | undefined)[] | undefined): values is readonly number[] =>
    values?.every((value) => value !== undefined) === true;
  if (!isWhole(numerator) || !isWhole(denominator)) {
    const note = absent.get(over) ?? absent.get(under) ?? 'the system does not tell';
    return { name, value: undefined, unit: '×', note, ...goal };
  }
  const ratios = ratiosOf(numerator, denominator);
  return { name, value: median(ratios), unit: '×', spread: spreadOf(ratios), ...goal };
}

/** Of what was done in a second. */
export const perSecond = (one: { readonly perSecond: number }): number => one.perSecond;
