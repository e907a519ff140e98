/** Freshness of chapter 10, and the broker's token bucket of replay.18. */
import { refuse } from './refusal.ts';

export interface FreshnessInput {
  timestamp: bigint;
  now: bigint;
  maxAge: bigint;
  skew: bigint;
  expiry?: bigint;
  stored: boolean;
}

export function checkFreshness(f: FreshnessInput): void {
  if (!f.stored && f.timestamp < f.now - f.maxAge) refuse('E_EXPIRED', 'replay.2');
  if (!f.stored && f.timestamp > f.now + f.skew) refuse('E_FUTURE', 'replay.3');
  if (f.expiry !== undefined && f.now > f.expiry) refuse('E_EXPIRED', 'replay.4');
}

/** One sender on one tag, at a broker. Thousandths of a token, so that a millisecond is worth one. */
export class StreamRate {
  private thousandths = 64_000n;
  private last: bigint | undefined;
  /** The 64 that it remembers; most recently seen last. */
  private readonly remembered: Set<string> = new Set();

  offer(now: bigint, stream: string): boolean {
    if (this.last !== undefined && now > this.last) {
      this.thousandths += now - this.last;
      if (this.thousandths > 64_000n) this.thousandths = 64_000n;
    }
    this.last = now;
    if (!this.remembered.has(stream)) {
      if (this.thousandths < 1000n) return false;
      this.thousandths -= 1000n;
    }
    this.remembered.delete(stream);
    this.remembered.add(stream);
    for (const oldest of this.remembered) {
      if (this.remembered.size <= 64) break;
      this.remembered.delete(oldest);
    }
    return true;
  }
}
