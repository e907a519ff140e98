import { checkWidth, copyOf } from '../bytes/bytes.ts';
import { deriveStreamSecret } from '../crypto/key-schedule.ts';
import { aeadOfSuite } from '../crypto/suite.ts';
import { TridcommError } from '../errors.ts';
import { definedPatternKinds } from '../wire/header.ts';
import { checkKeySource } from './key-source.ts';
import { sealEnvelope, type SealInput, type StreamContext, type StreamOptions, type UnsignedEnvelope } from './seal.ts';

/**
 * One stream of a sender process: numbers and seals its envelopes.
 *
 * A stream lives in memory only. A new process, epoch or topic tag takes a new one, so nothing has to be stored for keys to stay
 * apart.
 *
 * @example
 * const unsigned = sealer.seal({ form: 'single', messages: [{ timestampMs: now, payload }], timestampMs: now });
 * const envelope = unsigned.finish(provider.ed25519Sign(seed32, unsigned.signInput));
 * @spec envelope.3, envelope.4
 */
export class StreamSealer {
  readonly #stream: StreamContext;
  #seq = 0;
  #isErased = false;

  /** @throws TridcommError `E_USAGE` for a suite, pattern, epoch or width that no receiver takes */
  constructor(options: StreamOptions) {
    const { provider, keySource, senderKeyId32, hedgeSecret32, topicTag16, patternKind, epoch } = options;
    if (aeadOfSuite(keySource.suite) === undefined) throw new TridcommError('E_USAGE', `suite ${keySource.suite}`);
    if (!definedPatternKinds.has(patternKind)) throw new TridcommError('E_USAGE', `pattern and kind ${patternKind}`);
    if (!Number.isInteger(epoch) || epoch < 0 || epoch > 0xffff_ffff)
      throw new TridcommError('E_USAGE', `epoch ${epoch}`);
    checkWidth('topicTag16', topicTag16, 16);
    checkWidth('senderKeyId32', senderKeyId32, 32);
    checkKeySource(keySource);
    checkWidth('hedgeSecret32', hedgeSecret32, 32);
    const streamId8 = options.streamId8 === undefined ? options.random(8) : copyOf(options.streamId8);
    checkWidth('stream id', streamId8, 8);
    const { sourceSecret32, groupContext32 } = keySource;
    const streamSecret32 = deriveStreamSecret(provider, sourceSecret32, groupContext32, senderKeyId32, streamId8);
    this.#stream = {
      ...options,
      // Copies: what the caller wipes or reuses must not change the stream.
      keySource: { ...keySource, bind32: copyOf(keySource.bind32) },
      senderKeyId32: copyOf(senderKeyId32),
      hedgeSecret32: copyOf(hedgeSecret32),
      topicTag16: copyOf(topicTag16),
      streamId8,
      streamSecret32,
    };
  }

  /**
   * Seals messages into the next envelope of the stream.
   *
   * @returns the envelope but for its signature, over `signInput`, which may come from elsewhere
   * @throws TridcommError `E_LIMIT` above a limit of chapter 03, `E_USAGE` for what no receiver takes; no number is used up then; `E_CLOSED`
   *   after {@link erase}
   * @spec envelope.4, suites.17
   */
  seal(input: SealInput): UnsignedEnvelope {
    if (this.#isErased) throw new TridcommError('E_CLOSED', 'stream that was erased');
    const unsigned = sealEnvelope(this.#stream, this.#seq + 1, input);
    this.#seq += 1;
    return unsigned;
  }
  /** Ends the stream: its secrets are overwritten. */
  erase(): void {
    this.#isErased = true;
    this.#stream.streamSecret32.fill(0);
    this.#stream.hedgeSecret32.fill(0);
  }
}
