import type { RecordName } from '@tridcomm/core';
import type { Client } from '@tridcomm/core/internal';
import type { SeededRandom } from '@tridcomm/core/testing';
import { hexOf } from '../bytes.ts';
import type { Member } from '../member.ts';
import type { PatternsOracle, PatternsScene } from './oracle.ts';
import type { RoutingOracle } from './routing-oracle.ts';
import type { Effects, GroupName, WorkKind } from './plan.ts';

/** What the applications of a member need of the world. */
export interface AppHost {
  readonly member: Member;
  readonly random: SeededRandom;
  readonly oracle: PatternsOracle;
  readonly routing: RoutingOracle;
  readonly effects: Readonly<Record<WorkKind, Effects>>;
  readonly trueMs: number;
  /** As the member sees a group now. */
  sceneOf(group: GroupName): PatternsScene;
  /** Does something later, if this life of the member lasts. */
  after(delayMs: number, action: (client: Client) => void): void;
  /** Something goes on that comes to its end without time: the clock waits for it. */
  stir(): void;
  note(line: () => string): void;
  count(deed: string): void;
  refused(what: string, error: unknown): void;
  broken(error: unknown): void;
}

/** One name for a request or job, in a map. */
export function keyOfRecord({ id32, leaf, index }: RecordName): string {
  return `${hexOf(id32)}/${leaf}/${index}`;
}
