import {
  EvidencePool,
  ReplayGuard,
  TridcommError,
  type ErrorCode,
  type GroupName,
  type ReplayWrites,
  type StoredEviction,
  type StoredFloor,
  type StreamName,
} from '@tridcomm/core';
import { checkFreshness, headerOfStream, StreamRate, type JobPart } from '@tridcomm/core/internal';
import { orError } from './open.ts';
import { toHex, type Input, type Operation, type Value } from './values.ts';

/** The operations of feature `replay`. */
export function replayOperations(): Record<string, Operation> {
  return {
    'replay.run': (input) => {
      const life = new Life(input);
      return { results: input.objects('steps').map((step) => life.take(step)) };
    },
    freshness: (input) => {
      const rule = {
        stored: input.flag('stored'),
        maxAgeMs: input.decimal('maxAgeMs', 120_000),
        skewMs: input.decimal('skewMs', 30_000),
      };
      const expiryMs = input.has('expiry') ? input.decimal('expiry') : undefined;
      checkFreshness(rule, input.decimal('timestamp'), expiryMs, input.decimal('now'));
      return {};
    },
    'stream.rate': (input) => {
      const rate = new StreamRate({ hashKey16: new Uint8Array(16) });
      return {
        results: input.objects('steps').map((step) =>
          orError(() => {
            rate.check(headerOfStream(readStream(step.object('stream'))), step.decimal('now'));
            return { ok: true };
          }),
        ),
      };
    },
  };
}

/** A receiver with what it stored, through restarts. */
class Life {
  readonly #input: Input;
  readonly #floors = new Map<string, StoredFloor>();
  readonly #evictions = new Map<string, StoredEviction>();
  #guard: ReplayGuard;

  constructor(input: Input) {
    this.#input = input;
    for (const one of input.objects('floors')) {
      const stream = readStream(one.object('stream'));
      const [floor, boundMs] = [one.decimal('floor'), one.decimal('bound')];
      this.#floors.set(nameOf(stream), { stream, floor, boundMs });
    }
    for (const one of input.objects('evictions')) {
      const group = readGroup(one.object('group'));
      this.#evictions.set(nameOfGroup(group), { group, evictTs: one.decimal('evictTs') });
    }
    this.#guard = this.#start(input.decimal('bootMs', 0));
  }

  take(step: Input): Value {
    if (step.has('restart')) {
      this.#guard = this.#start(step.object('restart').decimal('bootMs', 0));
      return {};
    }
    if (step.has('offer2')) {
      const prepared = step.objects('offer2').map((offer) => this.#prepare(offer));
      return { results: prepared.map((commit) => orError(commit)) };
    }
    return orError(this.#prepare(step.object('offer')));
  }

  #start(bootMs: number): ReplayGuard {
    const durable = this.#input.flag('durable');
    return new ReplayGuard({
      hashKey16: new Uint8Array(16),
      window: this.#input.integer('window', 1024),
      streamCap: this.#input.integer('streamCap', 64),
      evidence: new EvidencePool(this.#input.integer('evidenceStreams', 10_000)),
      life: durable
        ? { kind: 'durable', floors: [...this.#floors.values()], evictions: [...this.#evictions.values()] }
        : { kind: 'volatile', bootMs },
      freshness: { skewMs: this.#input.decimal('skewMs', 30_000) },
    });
  }

  /** Steps 11 to 14; what it returns is step 15. */
  #prepare(offer: Input): () => Value {
    const stream = readStream(offer.object('stream'));
    const header = headerOfStream(stream, offer.decimal('seq'), offer.decimal('timestamp'));
    if (offer.flag('control')) header[3] = 0x80;
    const id32 = offer.bytes('id32');
    const previous32 = offer.has('prev32') ? offer.bytes('prev32') : undefined;
    const part: JobPart | undefined = offer.has('leaf')
      ? { leaf: offer.integer('leaf'), leafCount: offer.integer('leafCount') }
      : undefined;
    try {
      if (this.#guard.lookUp(header, part) === 'compare') this.#guard.compare(header, id32, part);
      if (offer.flag('forged')) throw new TridcommError('E_SIG');
      this.#guard.decideFork(header, id32, previous32);
      if (offer.flag('badTag')) throw new TridcommError('E_AEAD');
    } catch (error) {
      return () => {
        throw error;
      };
    }
    return () => {
      const stored = offer.flag('unstored') ? {} : this.#store(stream, header, part);
      this.#guard.commit(header, id32, part);
      if (offer.flag('badGrammar')) throw new TridcommError('E_ENCODING' satisfies ErrorCode);
      return { verdict: 'new', ...stored };
    };
  }

  /** Stores what the guard asks for, and says what it was. */
  #store(
    stream: StreamName,
    header: Uint8Array,
    part: JobPart | undefined,
  ): { floor?: string; bound?: string; evictTs?: string } {
    let written: ReplayWrites | undefined;
    for (let writes = this.#guard.pendingWrites(header, part); writes !== undefined;) {
      const { floor, boundMs, evictTs } = writes;
      this.#floors.set(nameOf(stream), { stream, floor, boundMs });
      if (evictTs !== undefined) this.#evictions.set(nameOfGroup(stream), { group: stream, evictTs });
      const displaced = this.#guard.stored(header, writes);
      if (displaced !== undefined) this.#floors.delete(nameOf({ ...stream, streamId: displaced }));
      written = writes;
      writes = this.#guard.pendingWrites(header, part);
    }
    if (written === undefined) return {};
    const shown = { floor: String(written.floor), bound: String(written.boundMs) };
    return written.evictTs === undefined ? shown : { ...shown, evictTs: String(written.evictTs) };
  }
}

function readGroup(input: Input): GroupName {
  return { senderId: input.bytes('sender'), epoch: input.integer('epoch'), topicTag: input.bytes('tag') };
}

function readStream(input: Input): StreamName {
  return { ...readGroup(input), streamId: input.bytes('id') };
}

function nameOfGroup({ senderId, epoch, topicTag }: GroupName): string {
  return `${toHex(senderId)} ${epoch} ${toHex(topicTag)}`;
}

function nameOf(stream: StreamName): string {
  return `${nameOfGroup(stream)} ${toHex(stream.streamId)}`;
}
