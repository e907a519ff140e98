import { checkWidth, concat, copyOf, equalBytes } from '../bytes/bytes.ts';
import { extensions as numbers } from '../codepoints/extensions.gen.ts';
import { checkEd25519PublicKey, isEd25519SignatureForm } from '../crypto/ed25519-rule.ts';
import { commitRecordKey, deriveRecordKey, type RecordKey } from '../crypto/key-schedule.ts';
import type { AeadAlgorithm, CryptoProvider } from '../crypto/provider.ts';
import { aeadOfSuite } from '../crypto/suite.ts';
import { TridcommError } from '../errors.ts';
import { checkFreshness } from '../replay/freshness.ts';
import type { JobPart } from '../replay/leaves.ts';
import type { ReplayState } from '../replay/sourced-replay.ts';
import type { ReplayWrites } from '../replay/stored-state.ts';
import type { Extensions } from '../wire/extensions.ts';
import {
  leavesOf,
  parseEnvelope,
  parseJob,
  recordsInLeaf,
  type EnvelopeView,
  type JobView,
  tagBytes,
} from '../wire/envelope.ts';
import { flagBits, type HeaderView } from '../wire/header.ts';
import { decodeRecords, Records, singleRecord } from '../wire/records.ts';
import { envelopeId, signInput } from './identity.ts';
import { checkKeySource, type KeySource, type LateKeySource } from './key-source.ts';
import { hashLeaf, MerkleTree, verifyMerklePath } from '../crypto/merkle.ts';
import { aadHeaderOf } from './protected-header.ts';
import { leafAad, leafNonce } from './record-cipher.ts';
import { streamSecret } from './stream-secrets.ts';

/** The key of a sender, as a receiver knows it. */
export interface SenderKey {
  readonly publicKey32: Uint8Array;
  readonly keyId32: Uint8Array;
}

/** The key sources of one topic, by epoch. */
export interface TopicKeys {
  /**
   * Step 8: the source of an epoch that is open; undefined otherwise.
   *
   * Also the place of what a group or pattern asks in step 8 beyond the epoch: it throws the refusal.
   *
   * @param view - what arrived; nothing in it is authenticated
   * @param nowMs - the clock
   */
  keySource(epoch: number, view: EnvelopeView | JobView, nowMs: number): KeySource | LateKeySource | undefined;
}

/** What a receiver knows: the look-ups of chapter 03 and the state of chapter 10. */
export interface Receiver {
  readonly provider: CryptoProvider;
  /** The state of chapter 10, and the freshness rule. */
  readonly replay: ReplayState;
  /** Step 7; undefined where the tag is not one that this receiver subscribes to. */
  findTopic(topicTag16: Uint8Array): TopicKeys | undefined;
  /** Step 9; undefined where no key has this sender id. Throws the refusal of one that is known and must not be trusted now. */
  findSender(senderId16: Uint8Array, nowMs: number): SenderKey | undefined;
  /** Step 9: whether this sender may write this envelope. */
  mayWrite(sender: SenderKey, header: HeaderView, extensions: Extensions): boolean;
  /** Step 14: what a pattern asks of the records. A refusal is one of step 14: the envelope is recorded as seen, and refused. */
  checkRecords?(view: EnvelopeView | JobView, records: Records): void;
}

/** An envelope, or a leaf of one, that passed every check. */
export interface Opened {
  readonly header: HeaderView;
  readonly extensions: Extensions;
  readonly keyinfo: Uint8Array;
  readonly sender: SenderKey;
  /** Identity of the envelope: 32 bytes, of which users see 16. */
  readonly id32: Uint8Array;
  readonly records: Records;
  /** With a job: which leaf. */
  readonly leaf: number | undefined;
}

/** One ciphertext that is to be opened, for engines that answer later. */
export interface SealedPart {
  readonly algorithm: AeadAlgorithm;
  readonly key32: Uint8Array;
  readonly nonce12: Uint8Array;
  readonly aad: Uint8Array;
  /** ct ‖ tag. */
  readonly sealed: Uint8Array;
}

/**
 * Opens one envelope with the provider at hand: all of chapter 03.
 *
 * For a durable receiver, or for keys held elsewhere, take {@link beginOpen} and its steps.
 *
 * @param bytes - one envelope as received; kept and viewed by what comes back, not changed
 * @param nowMs - the clock
 * @returns undefined where the tag leads nowhere: not delivered, and nothing is said to anybody
 * @throws TridcommError with the code of the first check that fails; the state is then as it was, but for an envelope whose records
 *   do not parse, which is recorded as seen
 * @spec envelope.27, envelope.28, envelope.29, envelope.30
 */
export function openEnvelope(receiver: Receiver, bytes: Uint8Array, nowMs: number): Opened | undefined {
  return finishOpen(receiver.provider, begin(receiver, parseEnvelope(bytes), nowMs));
}

/** Opens one job, as {@link openEnvelope} does an envelope. */
export function openJob(receiver: Receiver, bytes: Uint8Array, nowMs: number): Opened | undefined {
  return finishOpen(receiver.provider, begin(receiver, parseJob(bytes), nowMs));
}

/**
 * Steps 1 to 11 for an envelope, and the parts of step 12 that need no signature.
 *
 * @param bytes - copied: what they hold later, while answers are awaited, does not matter
 * @returns what is left to do; undefined where the tag leads nowhere
 * @throws TridcommError as {@link openEnvelope}
 */
export function beginOpen(receiver: Receiver, bytes: Uint8Array, nowMs: number): PendingOpen | undefined {
  return begin(receiver, parseEnvelope(copyOf(bytes)), nowMs);
}

/** Steps 1 to 11 for a job, as {@link beginOpen} for an envelope. */
export function beginOpenJob(receiver: Receiver, bytes: Uint8Array, nowMs: number): PendingOpen | undefined {
  return begin(receiver, parseJob(copyOf(bytes)), nowMs);
}

/**
 * Steps 7 to 11 for an envelope or job whose form is checked, as {@link beginOpen}: for who had to look at it to know which receiver it is for.
 *
 * @param view - kept; its bytes stay as they are until the end
 */
export function beginParsed(receiver: Receiver, view: EnvelopeView | JobView, nowMs: number): PendingOpen | undefined {
  return begin(receiver, view, nowMs);
}

/**
 * The rest of the steps with the provider at hand, for a receiver that stores nothing.
 *
 * @param pending - undefined where the tag leads nowhere, and so does this
 * @throws TridcommError as {@link openEnvelope}
 */
export function finishOpen(provider: CryptoProvider, pending: PendingOpen | undefined): Opened | undefined {
  if (pending === undefined) return undefined;
  const { publicKey32, signInput: signed, signature } = pending;
  const parts = pending.verified(provider.ed25519Verify(publicKey32, signed, signature));
  pending.decrypted(
    parts.map((part) => provider.aeadOpen(part.algorithm, part.key32, part.nonce12, part.aad, part.sealed)),
  );
  return pending.commit();
}

/** @spec suites.3, suites.6, envelope.25, envelope.26, envelope.29 */
function begin(receiver: Receiver, view: EnvelopeView | JobView, nowMs: number): PendingOpen | undefined {
  const { provider, replay } = receiver;
  const { header, extensions } = view;
  const topic = receiver.findTopic(header.topicTag);
  if (topic === undefined) return undefined;
  const keySource = topic.keySource(header.epoch, view, nowMs);
  if (keySource === undefined) throw new TridcommError('E_EPOCH', `epoch ${header.epoch}`);
  if (header.suite !== keySource.suite) {
    const detail = `suite ${header.suite}, the key source has ${keySource.suite}`;
    throw new TridcommError('E_SUITE', detail, { outward: 'E_REFUSED' });
  }
  if (!isLate(keySource)) checkKeySource(keySource);
  const sender = receiver.findSender(header.senderId, nowMs);
  if (sender === undefined) throw new TridcommError('E_SENDER');
  checkSenderKey(sender, header);
  // Nothing but true is a yes: an answer that is only truthy, such as a promise, is a mistake.
  // oxlint-disable-next-line typescript/no-unnecessary-boolean-literal-compare
  if (receiver.mayWrite(sender, header, extensions) !== true) throw new TridcommError('E_POLICY');
  checkFreshness(replay.freshness, header.timestampMs, extensions.expiryMs, nowMs);
  const found = replay.lookUp(header.bytes, jobPart(view));
  const pending = new PendingOpen(receiver, view, sender, keySource);
  if (found === 'compare') pending.compare();
  checkEd25519PublicKey(sender.publicKey32);
  checkRoot(provider, view);
  return pending;
}

function isLate(keySource: KeySource | LateKeySource): keySource is LateKeySource {
  return 'bindTo' in keySource;
}

/** What the look-up gave must be the key of this sender id, or the signature proves somebody else. */
function checkSenderKey({ keyId32 }: SenderKey, { senderId }: HeaderView): void {
  checkWidth('keyId32', keyId32, 32);
  if (!equalBytes(keyId32.subarray(0, 16), senderId)) throw new TridcommError('E_USAGE', 'key of another sender id');
}

/** Which leaf of how many, where a job came. */
function jobPart(view: EnvelopeView | JobView): JobPart | undefined {
  return 'leaf' in view ? { leaf: view.leaf, leafCount: view.extensions.merkle!.leafCount } : undefined;
}

/** The part of step 12 that the root decides. */
function checkRoot(provider: CryptoProvider, view: EnvelopeView | JobView): void {
  const { merkle } = view.extensions;
  if (merkle === undefined) return;
  const { root32, leafCount } = merkle;
  if ('body' in view) {
    const hashes = Array.from(leavesOf(view.body, leafCount), ({ leaf, sealed }) => hashLeaf(provider, leaf, sealed));
    if (!equalBytes(new MerkleTree(provider, hashes).root, root32)) throw new TridcommError('E_PROOF', 'root');
    return;
  }
  const leafHash = hashLeaf(provider, view.leaf, view.sealed);
  if (!verifyMerklePath(provider, leafHash, view.leaf, leafCount, view.path, root32)) {
    throw new TridcommError('E_PROOF', `leaf ${view.leaf} of ${leafCount}`);
  }
}

/**
 * An envelope on its way through the checks, after steps 1 to 11.
 *
 * It waits for two answers, which may come from an engine elsewhere and much later: whether the signature verifies, and what the
 * ciphertexts hold. Others may be opened meanwhile; step 15 looks at the replay state again. The calls come in this order, each
 * once: {@link verified}, {@link decrypted}, {@link commit}; a durable receiver stores {@link pendingWrites} before the last.
 */
export class PendingOpen {
  /** Of the sender; its form is checked. */
  readonly publicKey32: Uint8Array;
  /** What the signature is over: 146 bytes. */
  readonly signInput: Uint8Array;
  readonly signature: Uint8Array;
  readonly #receiver: Receiver;
  readonly #view: EnvelopeView | JobView;
  readonly #sender: SenderKey;
  readonly #keySource: KeySource | LateKeySource;
  readonly #bind32: Uint8Array;
  readonly #id32: Uint8Array;
  #next: OpenStep = 'verified';
  #records: Records | undefined;
  #plaintextBytes: readonly number[] = [];
  #grammarError: TridcommError | undefined;

  /** @internal */
  constructor(
    receiver: Receiver,
    view: EnvelopeView | JobView,
    sender: SenderKey,
    keySource: KeySource | LateKeySource,
  ) {
    const { provider } = receiver;
    const { protectedHeader, keyinfo, header } = view;
    this.#receiver = receiver;
    this.#view = view;
    this.#sender = sender;
    this.#keySource = keySource;
    this.publicKey32 = sender.publicKey32;
    this.signature = view.signature;
    this.#bind32 = isLate(keySource) ? keySource.bindTo(sender.keyId32) : keySource.bind32;
    checkWidth('bind32', this.#bind32, 32);
    const body = 'body' in view && (header.flags & flagBits.merkle) === 0 ? view.body : none;
    this.signInput = signInput(provider, sender.keyId32, this.#bind32, protectedHeader, keyinfo, body);
    this.#id32 = envelopeId(provider, this.signInput);
  }

  /** @internal Step 11 for a number that was seen: an exact duplicate goes no further. */
  compare(): void {
    this.#receiver.replay.compare(this.#view.header.bytes, this.#id32, jobPart(this.#view));
  }

  /**
   * Takes the verdict on the signature, and goes on to the key commitment.
   *
   * @param valid - whether an Ed25519 engine accepts `signature` over `signInput` under `publicKey32`; what the rule of chapter 06
   *   asks of the bytes beyond that is checked here, so any engine will do that verifies the cofactorless equation
   * @returns what to decrypt, in order
   * @throws TridcommError `E_SIG`, `E_FORK`, `E_COMMIT`; `E_USAGE` out of order, as all steps
   * @spec suites.7, suites.15, suites.18, suites.19, replay.12, replay.13
   */
  verified(valid: boolean): readonly SealedPart[] {
    this.#take('verified');
    // Nothing but true is a yes, as above.
    // oxlint-disable-next-line typescript/no-unnecessary-boolean-literal-compare
    if (valid !== true || !isEd25519SignatureForm(this.signature)) throw new TridcommError('E_SIG');
    const { provider, replay } = this.#receiver;
    const { header, extensions } = this.#view;
    replay.decideFork(header.bytes, this.#id32, extensions.value(numbers.prevEnvelope));
    const recordKey = this.#deriveRecordKey();
    const commitment = extensions.value(numbers.recordCommit);
    if (commitment !== undefined && !equalBytes(commitment, commitRecordKey(provider, recordKey))) {
      throw new TridcommError('E_COMMIT');
    }
    const parts = this.#sealedParts(recordKey);
    this.#plaintextBytes = parts.map(({ sealed }) => sealed.length - tagBytes);
    this.#next = 'decrypted';
    return parts;
  }

  /**
   * Takes the plaintexts and reads the records.
   *
   * @param plaintexts - one for each part of {@link verified}, in order; undefined where the tag does not fit; kept and viewed
   * @throws TridcommError `E_AEAD`; `E_USAGE` for plaintexts of another number or length; a grammar failure is kept
   *   for {@link commit}, which records the envelope before it refuses it
   * @spec suites.14, envelope.28
   */
  decrypted(plaintexts: readonly (Uint8Array | undefined)[]): void {
    this.#take('decrypted');
    if (plaintexts.length !== this.#plaintextBytes.length) {
      throw new TridcommError('E_USAGE', `${plaintexts.length} plaintexts for ${this.#plaintextBytes.length} parts`);
    }
    const opened = plaintexts.filter((plaintext) => plaintext !== undefined);
    if (opened.length !== plaintexts.length) throw new TridcommError('E_AEAD');
    if (isLate(this.#keySource)) this.#keySource.keep(this.#sender.keyId32);
    for (const [i, lengthBytes] of this.#plaintextBytes.entries()) checkWidth('plaintext', opened[i]!, lengthBytes);
    try {
      const records = readRecords(this.#view, opened);
      this.#receiver.checkRecords?.(this.#view, records);
      this.#records = records;
    } catch (cause) {
      if (!(cause instanceof TridcommError)) throw cause;
      // The sender signed it, so only the receiver's own side may know what is wrong with it.
      this.#grammarError = new TridcommError(cause.code, 'records under a valid signature', {
        cause,
        outward: 'E_REFUSED',
      });
    }
    this.#next = 'commit';
  }

  /**
   * What a durable receiver has to store before {@link commit}; undefined for most, and in a volatile one.
   *
   * Asked again after {@link stored}, as others may have been faster, until it is undefined.
   *
   * @spec replay.22, replay.24
   */
  pendingWrites(): ReplayWrites | undefined {
    this.#check('commit');
    return this.#receiver.replay.pendingWrites(this.#view.header.bytes, jobPart(this.#view));
  }

  /**
   * Says that `writes`, from {@link pendingWrites}, are stored.
   *
   * @returns stream_id of the stream of the same group that is held no longer, whose stored floor may be deleted now
   */
  stored(writes: ReplayWrites): Uint8Array | undefined {
    this.#check('commit');
    return this.#receiver.replay.stored(this.#view.header.bytes, writes);
  }

  /**
   * Step 15: test-and-set of the replay state. What comes back may be handed to a handler, and nothing before.
   *
   * @throws TridcommError `E_REPLAY` and its kin, where another was faster; `E_REPLAY_STATE` where a durable receiver has not
   *   stored what it must; `E_ENCODING`, `E_LIMIT` for records that do not parse, or are not what their
   *   pattern asks for, now recorded as seen
   * @spec envelope.28, envelope.30
   */
  commit(): Opened {
    this.#take('commit');
    const { header, extensions, keyinfo } = this.#view;
    try {
      this.#receiver.replay.commit(header.bytes, this.#id32, jobPart(this.#view));
    } catch (error) {
      // Step 14 failed before step 15 did.
      throw this.#grammarError ?? error;
    }
    if (this.#records === undefined) throw this.#grammarError;
    const leaf = 'leaf' in this.#view ? this.#view.leaf : undefined;
    return { header, extensions, keyinfo, sender: this.#sender, id32: this.#id32, records: this.#records, leaf };
  }

  /** A step out of order, or after a refusal, is the caller's mistake, and must never open what was refused. */
  #take(step: OpenStep): void {
    this.#check(step);
    this.#next = 'nothing';
  }

  #check(step: OpenStep): void {
    if (this.#next !== step) throw new TridcommError('E_USAGE', `not the time for ${step}`);
  }

  #deriveRecordKey(): RecordKey {
    const { provider } = this.#receiver;
    const { streamId, salt } = this.#view.header;
    const secret32 = streamSecret(provider, this.#takeKeySource(), this.#sender.keyId32, streamId);
    return deriveRecordKey(provider, secret32, salt);
  }

  /** The secret of a late source costs a private key: it is asked for here, under a valid signature. */
  #takeKeySource(): KeySource {
    if (!isLate(this.#keySource)) return this.#keySource;
    const keySource = this.#keySource.take(this.#sender.keyId32);
    checkKeySource(keySource);
    return keySource;
  }

  /** @spec suites.2, suites.13 */
  #sealedParts({ key32, nonce12 }: RecordKey): readonly SealedPart[] {
    const view = this.#view;
    const { suite } = this.#keySource;
    const bind32 = this.#bind32;
    const algorithm = aeadOfSuite(suite)!;
    const { merkle } = view.extensions;
    if (merkle === undefined && 'body' in view) {
      return [{ algorithm, key32, nonce12, aad: concat(view.protectedHeader, bind32), sealed: view.body }];
    }
    const aadHeader = aadHeaderOf(view.protectedHeader, view.extensions);
    const leaves = 'body' in view ? leavesOf(view.body, merkle!.leafCount) : [view];
    return Array.from(leaves, ({ leaf, sealed }) => {
      return { algorithm, key32, nonce12: leafNonce(nonce12, leaf), aad: leafAad(aadHeader, bind32, leaf), sealed };
    });
  }
}

type OpenStep = 'verified' | 'decrypted' | 'commit' | 'nothing';

/** Step 14. */
function readRecords(view: EnvelopeView | JobView, plaintexts: readonly Uint8Array[]): Records {
  const { header, extensions } = view;
  const { flags, count, timestampMs } = header;
  const padded = (flags & flagBits.padded) !== 0;
  if ((flags & flagBits.batch) === 0) return singleRecord(plaintexts[0]!, timestampMs);
  const { merkle } = extensions;
  if (merkle === undefined) return decodeRecords(plaintexts[0]!, count, timestampMs, padded);
  const first = 'leaf' in view ? view.leaf : 0;
  const leaves = plaintexts.map((plaintext, i) =>
    decodeRecords(plaintext, recordsInLeaf(count, merkle, first + i), timestampMs, padded),
  );
  return leaves.length === 1 ? leaves[0]! : Records.join(leaves);
}

const none = new Uint8Array(0);
