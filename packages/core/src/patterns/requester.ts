import { limits } from '../codepoints/limits.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { beginParsed, type Opened, type PendingOpen, type SenderKey, type TopicKeys } from '../envelope/open.ts';
import { forgetStreamSecrets } from '../envelope/stream-secrets.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import type { ReplayState } from '../replay/sourced-replay.ts';
import type { EnvelopeView } from '../wire/envelope.ts';
import type { Extensions } from '../wire/extensions.ts';
import type { HeaderView } from '../wire/header.ts';
import { nameOf } from './names.ts';
import { RecordMap } from './record-map.ts';
import {
  checkReplyForm,
  checkReplyRecords,
  decodeReply,
  replySource,
  replyStatus,
  type ReplyRecord,
  type ReplySource,
} from './replies.ts';
import { refusal } from './refusal.ts';
import type { RecordName } from './work.ts';

/** What who asks needs of a pool stream of its own, to take the replies. */
export interface AskedStream {
  readonly enc32: Uint8Array;
  readonly poolHash32: Uint8Array;
  readonly suite: number;
  readonly epoch: number;
  /** Copied. */
  readonly replySecret32: Uint8Array;
  /** Whether it is one of messages of a dealer; default one of requests. */
  readonly isOfMessages?: boolean;
}

/** The state of chapter 10 for the replies to one pool stream, and the freshness rule. */
export interface StreamReplay extends ReplayState {
  /** The stream is closed: no reply to it is accepted any more. */
  release(): void;
}

/** What a requester asks of the group behind it. */
export interface RequesterOptions {
  readonly provider: CryptoProvider;
  /** One for each pool stream that begins, which goes with it. @spec replay.1, replay.16 */
  newReplay(): StreamReplay;
  /** Step 7: whether a tag is an answer tag of our own in the front. */
  isAnswerTag(topicTag16: Uint8Array): boolean;
  /** Step 8: throws `E_STALE` where the view of the front is not fresh, and the front does not take that. */
  checkView(nowMs: number): void;
  /** Step 9, as of a {@link Receiver}. */
  findSender(senderId16: Uint8Array, nowMs: number): SenderKey | undefined;
  /** Step 9: whether the writers of the view of the front let this sender respond. */
  mayRespond(sender: SenderKey, header: HeaderView, extensions: Extensions): boolean;
  /** Requests that may be outstanding at a time; default 65,536. */
  readonly mostOutstanding?: number;
}

/** What a reply envelope brought. */
export interface TakenReplies {
  /** Of requests that were outstanding. One with status 0 or 2 is the answer, and nothing comes after it. */
  readonly replies: readonly ReplyRecord[];
  /** Records that named none such. */
  readonly ignored: number;
}

/** A request that goes out. */
export interface AskedRequest {
  readonly name: RecordName;
  readonly deadlineMs: number;
}

interface OpenStream extends ReplySource {
  readonly epoch: number;
  readonly isOfMessages: boolean;
  readonly replay: StreamReplay;
  /** Requests on it that are outstanding. */
  count: number;
  hasEnded: boolean;
}

interface Outstanding extends AskedRequest {
  readonly stream: OpenStream;
}

/**
 * Who asks a pool: which streams are open, what on them is outstanding, and the replies, each of which counts once.
 *
 * ```
 * const pending = requester.begin(view, nowMs);      steps 7 to 11; undefined: not for us
 * pending.verified(…); pending.decrypted(…)
 * const { replies } = requester.take(pending.commit());
 * ```
 */
export class Requester {
  readonly #options: RequesterOptions;
  readonly #most: number;
  /** By keyinfo of the replies. */
  readonly #streams = new Map<string, OpenStream>();
  /** By the name of the request. */
  readonly #outstanding = new RecordMap<Outstanding>();

  constructor(options: RequesterOptions) {
    this.#options = options;
    this.#most = options.mostOutstanding ?? limits.requestsOutstanding;
  }

  /** Requests that wait for an answer. */
  get outstanding(): number {
    return this.#outstanding.size;
  }

  /** Streams whose replies are taken. */
  get openStreams(): number {
    return this.#streams.size;
  }

  /** A pool stream begins. */
  open({ enc32, poolHash32, suite, epoch, replySecret32, isOfMessages = false }: AskedStream): void {
    const source = replySource(this.#options.provider, { suite, poolHash32 }, enc32, replySecret32);
    const name = nameOf(source.keyinfo);
    if (this.#streams.has(name)) throw new TridcommError('E_USAGE', 'pool stream that is open');
    const replay = this.#options.newReplay();
    this.#streams.set(name, { ...source, epoch, isOfMessages, replay, count: 0, hasEnded: false });
  }

  /**
   * Requests go out on a stream.
   *
   * @param requests - of one envelope; their names are kept
   * @throws TridcommError `E_LIMIT` where too many would be outstanding, before anything is noted; `E_CLOSED` for a stream that is not open
   */
  asked(enc32: Uint8Array, requests: readonly AskedRequest[]): void {
    const stream = this.#streams.get(this.#nameOf(enc32));
    if (stream === undefined || stream.hasEnded) throw new TridcommError('E_CLOSED', 'pool stream that has ended');
    checkLimit('outstanding requests', this.#outstanding.size + requests.length, this.#most);
    for (const { name, deadlineMs } of requests) this.#outstanding.set(name, { name, deadlineMs, stream });
    stream.count += requests.length;
  }

  /** Nobody waits for an answer to these any more. */
  cancel(names: readonly RecordName[]): void {
    const streams = new Set<OpenStream>();
    for (const name of names) {
      const { stream } = this.#outstanding.get(name) ?? {};
      if (stream === undefined) continue;
      this.#settle(name, stream);
      streams.add(stream);
    }
    for (const stream of streams) this.#closeIfDone(nameOf(stream.keyinfo), stream);
  }

  /** No request goes out on a stream any more: it is closed when nothing on it is outstanding. @spec patterns.26 */
  end(enc32: Uint8Array): void {
    const name = this.#nameOf(enc32);
    const stream = this.#streams.get(name);
    if (stream === undefined) return;
    stream.hasEnded = true;
    this.#closeIfDone(name, stream);
  }

  /**
   * Lets time pass: what no reply can answer any more is not outstanding.
   *
   * @returns the requests that nobody answered by their deadline, as what they are is up to who asked
   * @spec patterns.26
   */
  tick(nowMs: number): RecordName[] {
    const late: RecordName[] = [];
    for (const { name, deadlineMs } of this.#outstanding.values()) if (nowMs > deadlineMs) late.push(name);
    this.cancel(late);
    return late;
  }

  /**
   * Steps 7 to 11 for a reply.
   *
   * @param view - kept; its bytes stay as they are until the end
   * @returns undefined where the tag is none of ours, or the reply is to no stream that is open: not delivered, and nothing is said to anybody
   * @throws TridcommError the refusal
   * @spec patterns.22, patterns.23, patterns.42
   */
  begin(view: EnvelopeView, nowMs: number): PendingOpen | undefined {
    const { provider } = this.#options;
    if (!this.#options.isAnswerTag(view.header.topicTag)) return undefined;
    const stream = this.#streams.get(nameOf(view.keyinfo));
    if (stream === undefined && view.keyinfo.length === 32) return undefined;
    checkReplyForm(view, stream?.isOfMessages);
    if (stream === undefined) return undefined;
    const keys: TopicKeys = {
      keySource: (epoch: number) => {
        if (epoch !== stream.epoch) throw refusal('E_EPOCH', `reply of epoch ${epoch} to a stream of ${stream.epoch}`);
        this.#options.checkView(nowMs);
        return stream.keySource;
      },
    };
    return beginParsed(
      {
        provider,
        replay: stream.replay,
        findTopic: () => keys,
        findSender: (senderId16, atMs) => this.#options.findSender(senderId16, atMs),
        mayWrite: (sender, header, extensions) => this.#options.mayRespond(sender, header, extensions),
        checkRecords: checkReplyRecords,
      },
      view,
      nowMs,
    );
  }

  /**
   * What a reply that passed every check says to requests that are outstanding.
   *
   * @param nowMs - the clock: who deals hears nothing after the deadline
   * @spec patterns.25, patterns.26, patterns.42
   */
  take({ keyinfo, records }: Opened, nowMs: number): TakenReplies {
    const name = nameOf(keyinfo);
    const stream = this.#streams.get(name);
    const replies: ReplyRecord[] = [];
    // It may have been closed while the reply was opened.
    if (stream === undefined) return { replies, ignored: records.count };
    for (const { payload } of records) {
      const reply = decodeReply(payload);
      const asked = this.#outstanding.get(reply);
      if (asked?.stream !== stream || (stream.isOfMessages && nowMs > asked.deadlineMs)) continue;
      replies.push(reply);
      if (reply.status !== replyStatus.inProgress) this.#settle(reply, stream);
    }
    this.#closeIfDone(name, stream);
    return { replies, ignored: records.count - replies.length };
  }

  /** Closes everything, and overwrites the secrets. */
  stop(): void {
    for (const [name, stream] of this.#streams) this.#close(name, stream);
    this.#outstanding.clear();
  }

  #nameOf(enc32: Uint8Array): string {
    return nameOf(this.#options.provider.sha256(enc32));
  }

  #settle(record: RecordName, stream: OpenStream): void {
    this.#outstanding.delete(record);
    stream.count -= 1;
  }

  #closeIfDone(name: string, stream: OpenStream): void {
    if (stream.hasEnded && stream.count === 0) this.#close(name, stream);
  }

  #close(name: string, { keySource, replay }: OpenStream): void {
    this.#streams.delete(name);
    replay.release();
    forgetStreamSecrets(keySource);
    keySource.sourceSecret32.fill(0);
  }
}
