import type { Member } from '../member.ts';
import type { PatternsMemberPlan } from './plan.ts';
import type { PoolAsker } from './pool-asker.ts';
import type { PoolRouter } from './pool-router.ts';
import type { PoolWorker } from './pool-worker.ts';
import type { Surveyor } from './surveyor.ts';

/** A member, and what it does. */
export interface Party {
  readonly plan: PatternsMemberPlan;
  readonly member: Member;
  readonly asker: PoolAsker | undefined;
  readonly worker: PoolWorker | undefined;
  readonly router: PoolRouter | undefined;
  readonly surveyor: Surveyor;
}
