import type { CryptoProvider } from '../crypto/provider.ts';
import {
  beginParsed,
  type Opened,
  type PendingOpen,
  type Receiver,
  type SenderKey,
  type TopicKeys,
} from '../envelope/open.ts';
import { forgetStreamSecrets } from '../envelope/stream-secrets.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import type { EnvelopeView } from '../wire/envelope.ts';
import type { Extensions } from '../wire/extensions.ts';
import type { HeaderView } from '../wire/header.ts';
import { nameOf } from './names.ts';
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
}

/** What a requester asks of the group behind it. */
export interface RequesterOptions {
  readonly provider: CryptoProvider;
  /** The state of chapter 10, and the freshness rule. */
  readonly replay: Receiver['replay'];
  readonly keyId32: Uint8Array;
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

interface OpenStream extends ReplySource {
  readonly epoch: number;
  /** Deadlines of what is outstanding, by the name of the request. */
  readonly outstanding: Map<string, number>;
  hasEnded: boolean;
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
  #outstanding = 0;

  constructor(options: RequesterOptions) {
    this.#options = options;
    this.#most = options.mostOutstanding ?? defaultOutstanding;
  }

  /** Requests that wait for an answer. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** Streams whose replies are taken. */
  get openStreams(): number {
    return this.#streams.size;
  }

  /** A pool stream begins. */
  open({ enc32, poolHash32, suite, epoch, replySecret32 }: AskedStream): void {
    const { provider, keyId32 } = this.#options;
    const terms = { suite, poolHash32, senderKeyId32: keyId32 };
    const source = replySource(provider, terms, enc32, replySecret32);
    const name = nameOf(source.keyinfo);
    if (this.#streams.has(name)) throw new TridcommError('E_USAGE', 'pool stream that is open');
    this.#streams.set(name, { ...source, epoch, outstanding: new Map(), hasEnded: false });
  }

  /**
   * Requests go out on a stream.
   *
   * @param names - of the records of one envelope
   * @param deadlineMs - of all of them
   * @throws TridcommError `E_LIMIT` where too many would be outstanding, before anything is noted; `E_CLOSED` for a stream that is not open
   */
  asked(enc32: Uint8Array, names: readonly RecordName[], deadlineMs: number): void {
    const stream = this.#streams.get(this.#nameOf(enc32));
    if (stream === undefined || stream.hasEnded) throw new TridcommError('E_CLOSED', 'pool stream that has ended');
    checkLimit('outstanding requests', this.#outstanding + names.length, this.#most);
    const before = stream.outstanding.size;
    for (const name of names) stream.outstanding.set(recordOf(name), deadlineMs);
    this.#outstanding += stream.outstanding.size - before;
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
  tick(nowMs: number): number {
    let late = 0;
    for (const [name, stream] of this.#streams) {
      for (const [record, deadlineMs] of stream.outstanding) {
        if (nowMs <= deadlineMs) continue;
        stream.outstanding.delete(record);
        late += 1;
      }
      this.#closeIfDone(name, stream);
    }
    this.#outstanding -= late;
    return late;
  }

  /**
   * Steps 7 to 11 for a reply.
   *
   * @param view - kept; its bytes stay as they are until the end
   * @returns undefined where the tag is none of ours, or the reply is to no stream that is open: not delivered, and nothing is said to anybody
   * @throws TridcommError the refusal
   * @spec patterns.22, patterns.23
   */
  begin(view: EnvelopeView, nowMs: number): PendingOpen | undefined {
    const { provider, replay } = this.#options;
    if (!this.#options.isAnswerTag(view.header.topicTag)) return undefined;
    checkReplyForm(view);
    const stream = this.#streams.get(nameOf(view.keyinfo));
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
        replay,
        findTopic: () => keys,
        findSender: (senderId16, atMs) => this.#options.findSender(senderId16, atMs),
        mayWrite: (sender, header, extensions) => this.#options.mayRespond(sender, header, extensions),
        checkRecords: (_view, records) => checkReplyRecords(records),
      },
      view,
      nowMs,
    );
  }

  /**
   * What a reply that passed every check says to requests that are outstanding.
   *
   * @spec patterns.25, patterns.26
   */
  take({ keyinfo, records }: Opened): TakenReplies {
    const name = nameOf(keyinfo);
    const stream = this.#streams.get(name);
    const replies: ReplyRecord[] = [];
    // It may have been closed while the reply was opened.
    if (stream === undefined) return { replies, ignored: records.count };
    for (const { payload } of records) {
      const reply = decodeReply(payload);
      const record = recordOf(reply);
      if (!stream.outstanding.has(record)) continue;
      replies.push(reply);
      if (reply.status === replyStatus.inProgress) continue;
      stream.outstanding.delete(record);
      this.#outstanding -= 1;
    }
    this.#closeIfDone(name, stream);
    return { replies, ignored: records.count - replies.length };
  }

  /** Closes everything, and overwrites the secrets. */
  stop(): void {
    for (const [name, stream] of this.#streams) this.#close(name, stream);
    this.#outstanding = 0;
  }

  #nameOf(enc32: Uint8Array): string {
    return nameOf(this.#options.provider.sha256(enc32));
  }

  #closeIfDone(name: string, stream: OpenStream): void {
    if (stream.hasEnded && stream.outstanding.size === 0) this.#close(name, stream);
  }

  #close(name: string, { keySource }: OpenStream): void {
    this.#streams.delete(name);
    forgetStreamSecrets(keySource);
    keySource.sourceSecret32.fill(0);
  }
}

/** One name for a request. */
function recordOf({ id32, leaf, index }: RecordName): string {
  return `${nameOf(id32)}${leaf}/${index}`;
}

const defaultOutstanding = 65_536;
