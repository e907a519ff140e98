import { limits } from '../codepoints/limits.gen.ts';
import { patternKinds } from '../codepoints/patterns.gen.ts';
import type { CryptoProvider, RandomSource } from '../crypto/provider.ts';
import type { RoutingInput } from '../envelope/routing.ts';
import type { SealInput, UnsignedEnvelope } from '../envelope/seal.ts';
import { StreamSealer } from '../envelope/stream-sealer.ts';
import { TridcommError } from '../errors.ts';
import type { PoolRecord } from '../keys/pool-record.ts';
import { tagBytes } from '../wire/envelope.ts';
import { headSeqExtension } from './head-seq.ts';
import { setupPoolStream } from './pool-stream.ts';
import type { AskedStream } from './requester.ts';
import { reservedToForward } from './split-runs.ts';
import { encodeWork, type WorkRecord } from './work.ts';

/** What a pool stream carries: it is for one of them. */
export type PoolPattern = 'request' | 'job' | 'message';

/** What a pool stream is made of. */
export interface PoolSealerOptions {
  readonly provider: CryptoProvider;
  readonly random: RandomSource;
  readonly senderKeyId32: Uint8Array;
  /** From `deriveHedgeSecret`; one for the process. */
  readonly hedgeSecret32: Uint8Array;
  /** The newest of the front that was proven: whoever seals has made sure of that (patterns.11, patterns.12). */
  readonly record: Pick<PoolRecord, 'suite' | 'epoch' | 'publicKey32' | 'object'>;
  readonly topicTag16: Uint8Array;
  readonly pattern: PoolPattern;
}

/** One envelope of requests, jobs or messages. */
export interface PoolInput {
  /** 1 or more. */
  readonly records: readonly WorkRecord[];
  /** Of the view of the front. */
  readonly headSeq: number;
  /** Jobs in leaves that a broker may split; for jobs only. */
  readonly jobsPerLeaf?: number;
  /** With messages, and with nothing else. */
  readonly routing?: RoutingInput;
}

/**
 * One pool stream of a sender process: one KEM operation, then envelopes of one pattern for one topic tag, until it is over.
 *
 * @spec patterns.15
 */
export class PoolSealer {
  /** For who takes the replies: its secret is that of the stream, and ends with it. */
  readonly stream: AskedStream;
  readonly #sealer: StreamSealer;
  readonly #pattern: PoolPattern;
  readonly #keyinfo: Uint8Array;
  readonly #startedMs: number;
  #sealed = 0;

  /** @throws TridcommError `E_KEY`, `E_LIMIT`, `E_USAGE` for what gives no stream */
  constructor(options: PoolSealerOptions, nowMs: number) {
    const { provider, random, senderKeyId32, hedgeSecret32, record, topicTag16, pattern } = options;
    const { suite, epoch, publicKey32 } = record;
    const poolHash32 = record.object.hash32;
    const setup = setupPoolStream(provider, { suite, poolHash32, senderKeyId32 }, publicKey32, nowMs, random);
    const { keySource, replySecret32, streamId8, enc32, keyinfo } = setup;
    this.#sealer = new StreamSealer({
      provider,
      random,
      keySource,
      senderKeyId32,
      hedgeSecret32,
      patternKind: kinds[pattern],
      topicTag16,
      epoch,
      streamId8,
    });
    // The sealer has what it derived; nobody needs it again.
    keySource.sourceSecret32.fill(0);
    this.stream = { enc32, poolHash32, suite, epoch, replySecret32, isOfMessages: pattern === 'message' };
    this.#pattern = pattern;
    this.#keyinfo = keyinfo;
    this.#startedMs = nowMs;
  }

  /** Whether the next envelope takes another stream. Also where the clock went back: no receiver takes a stream from later than its envelope. */
  isOver(nowMs: number): boolean {
    const ageMs = nowMs - this.#startedMs;
    return ageMs < 0 || ageMs > limits.poolStreamMs || this.#sealed >= limits.poolStreamEnvelopes;
  }

  /**
   * Seals the next envelope of the stream.
   *
   * @throws TridcommError `E_CLOSED` for a stream that is over; `E_LIMIT`, `E_USAGE` for what no receiver takes
   * @spec patterns.15, patterns.19, patterns.36
   */
  seal({ records, headSeq, jobsPerLeaf, routing }: PoolInput, nowMs: number): UnsignedEnvelope {
    if (this.isOver(nowMs)) throw new TridcommError('E_CLOSED', 'pool stream that is over');
    const isJob = this.#pattern === 'job';
    if (!isJob && (jobsPerLeaf !== undefined || records.some(({ deadlineMs }) => deadlineMs === 0))) {
      throw new TridcommError('E_USAGE', 'what is no job has a deadline, and no leaves');
    }
    if ((this.#pattern === 'message') !== (routing !== undefined)) {
      throw new TridcommError('E_USAGE', 'messages have routing data, and nothing else has');
    }
    const input: SealInput = {
      form: jobsPerLeaf === undefined ? 'batch' : 'merkle',
      messages: records.map((record) => ({ timestampMs: nowMs, payload: encodeWork(record) })),
      timestampMs: nowMs,
      keyinfo: this.#keyinfo,
      extensions: [headSeqExtension(headSeq)],
      ...(jobsPerLeaf !== undefined && { jobsPerLeaf }),
      ...(routing !== undefined && { routing, mostBytes: limits.forwardableBytes }),
    };
    const unsigned = this.#sealer.seal(input);
    this.#sealed += 1;
    return unsigned;
  }

  /** Ends the stream: overwrites its secrets, that of its replies too, of which a {@link Requester} has a copy of its own. */
  erase(): void {
    this.#sealer.erase();
    this.stream.replySecret32.fill(0);
  }
}

/** What the other records of an envelope of messages leave free, so that a forward can hold it. @spec patterns.36 */
export function messageReservedBytes(routing: Uint8Array): number {
  return reservedToForward(32 + 8, [8, 4 + routing.length + tagBytes]);
}

const kinds: Readonly<Record<PoolPattern, number>> = {
  request: patternKinds.reqRep.request,
  job: patternKinds.pipeline.push,
  message: patternKinds.routerDealer.message,
};
