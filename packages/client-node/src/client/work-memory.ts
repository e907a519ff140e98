import { limits } from '@tridcomm/core/internal';
import type { WorkUnit } from './work-unit.ts';

/**
 * The units of work of one topic that came and may come again. Pure: times are of a clock that does not jump.
 *
 * @spec replay.2, replay.3
 */
export class WorkMemory {
  readonly #mostBytes: number;
  /** By name, the oldest first. */
  readonly #units = new Map<string, WorkUnit>();

  /** @param mostBytes - beyond it the oldest go that nobody works on */
  constructor(mostBytes: number = mostMemoryBytes) {
    this.#mostBytes = mostBytes;
  }

  get(name: string): WorkUnit | undefined {
    return this.#units.get(name);
  }

  add(unit: WorkUnit): void {
    this.#units.set(unit.name, unit);
  }

  *values(): Generator<WorkUnit, void, undefined> {
    yield* this.#units.values();
  }

  /** Forgets what no receiver takes any more, and what there is no room for. */
  tick(nowMs: number): void {
    let bytes = 0;
    for (const unit of this.#units.values()) bytes += unit.bytes;
    for (const unit of this.#units.values()) {
      const isOld = nowMs > unit.receivedMs + keptMs;
      if (!isOld && bytes <= this.#mostBytes) return;
      if (!unit.isIdle || unit.hasLease(nowMs)) continue;
      bytes -= unit.bytes;
      this.#units.delete(unit.name);
    }
  }
}

/** An envelope may be as far ahead, and as old. */
const keptMs = limits.maxAgeMs + limits.skewMs;
const mostMemoryBytes = 64 * 1024 * 1024;
