import type { EvidencePool } from './evidence.ts';
import type { FreshnessRule } from './freshness.ts';
import type { LeafBudget } from './leaves.ts';
import type { StoredEviction, StoredFloor } from './stored-state.ts';

/** A receiver that stores nothing: what it accepts is newer than its start. */
export interface VolatileLife {
  readonly kind: 'volatile';
  /** Start time of conventions.4; 0 where the receiver's own keys came into being after its start. */
  readonly bootMs: number;
}

/** A receiver that stores floors, with what an earlier life of it stored; empty lists for the first. */
export interface DurableLife {
  readonly kind: 'durable';
  /** In the order in which the streams were admitted, as far as it is known. */
  readonly floors: readonly StoredFloor[];
  readonly evictions: readonly StoredEviction[];
}

export interface ReplayGuardOptions {
  /** 16 random bytes, drawn anew for each process; copied. */
  readonly hashKey16: Uint8Array;
  readonly life: VolatileLife | DurableLife;
  /** Step 10, and what of it the restart rules use: one rule for both, so that they cannot differ. */
  readonly freshness?: FreshnessRule;
  /** W: a power of two from 64 to 4,096, default 1,024. */
  readonly window?: number;
  /** Streams of one (sender, epoch, topic_tag); default 64. */
  readonly streamCap?: number;
  /** Shared with other guards; default one of its own, of the specification's size. */
  readonly evidence?: EvidencePool;
  /** Likewise. */
  readonly leafBudget?: LeafBudget;
}
