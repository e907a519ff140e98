import { MapTransaction, type EffectMap } from './effect-map.ts';
import type { EffectRun, EffectWork } from './effect-store.ts';

/** A run of an embedded store. */
export class LiveRun implements EffectRun<EffectMap> {
  readonly transaction: MapTransaction;
  /** Of its key. */
  readonly name: string;
  readonly bodyHash32: Uint8Array;
  readonly deadlineMs: number;
  readonly leasedUntilMs: number;
  /** Its commit is on the way to the disk: whatever its lease says, nobody begins beside it. */
  isCommitting = false;

  constructor(name: string, work: EffectWork, leasedUntilMs: number, values: ReadonlyMap<string, Uint8Array>) {
    this.transaction = new MapTransaction(values);
    this.name = name;
    this.bodyHash32 = Uint8Array.from(work.bodyHash32);
    this.deadlineMs = work.deadlineMs;
    this.leasedUntilMs = leasedUntilMs;
  }
}
