import { checkWidth, concat, writeU32 } from '../bytes/bytes.ts';
import { extensions as numbers } from '../codepoints/extensions.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { patternKinds } from '../codepoints/patterns.gen.ts';
import { commitRecordKey, deriveRecordKey, deriveSalt, type RecordKey } from '../crypto/key-schedule.ts';
import type { CryptoProvider, RandomSource } from '../crypto/provider.ts';
import { aeadOfSuite } from '../crypto/suite.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import { signatureBytes, tagBytes } from '../wire/envelope.ts';
import { decodeExtensions, encodeExtensions, encodeMerkleExtension, type ExtensionInput } from '../wire/extensions.ts';
import { flagBits, headerBytes, saltOffset, writeHeader } from '../wire/header.ts';
import { encodeRecords, framedBytes, writeRecords, type Message } from '../wire/records.ts';
import { envelopeId, signInput } from './identity.ts';
import type { KeySource } from './key-source.ts';
import { hashLeaf, MerkleTree } from '../crypto/merkle.ts';
import { leafAad, leafNonce } from './record-cipher.ts';
import { blankRouting, sealRouting, type RoutingInput } from './routing.ts';

/** What a stream is made of. */
export interface StreamOptions {
  readonly provider: CryptoProvider;
  /** Draws `stream_id8` once, where it is not given, and `random16` for each envelope. */
  readonly random: RandomSource;
  readonly keySource: KeySource;
  /** Of the key that will sign. */
  readonly senderKeyId32: Uint8Array;
  /** From `deriveHedgeSecret`; one for the process. */
  readonly hedgeSecret32: Uint8Array;
  /** Of the registry, such as `patternKinds.pubSub.data`. */
  readonly patternKind: number;
  readonly topicTag16: Uint8Array;
  readonly epoch: number;
  /** Of a pattern that derives it; of all others it is drawn. */
  readonly streamId8?: Uint8Array;
}

/** What stays the same for all envelopes of one stream; widths are the maker's concern. */
export interface StreamContext extends StreamOptions {
  readonly streamId8: Uint8Array;
  readonly streamSecret32: Uint8Array;
}

/** One envelope to seal. */
export interface SealInput {
  /** `single`: one message, unframed. `batch`: framed together. `merkle`: in leaves that a broker may split. */
  readonly form: 'single' | 'batch' | 'merkle';
  /** 1 to 65,535; exactly 1 for `single`, whose time is then `timestampMs`. Not changed, not kept. */
  readonly messages: readonly Message[];
  /** The clock at this moment. */
  readonly timestampMs: number;
  /** Hide lengths behind Padmé padding; not for `single`. */
  readonly padded?: boolean;
  /** Messages in a leaf of a `merkle` batch; 16 unless said. */
  readonly jobsPerLeaf?: number;
  /** Any but 1, 11 and 12, which the sealer writes. */
  readonly extensions?: readonly ExtensionInput[];
  /** Commit to the record key in extension 11, so that the key can be shown as evidence. */
  readonly recordCommit?: boolean;
  /** What extension 12 says, of a message of a dealer. */
  readonly routing?: RoutingInput;
  readonly keyinfo?: Uint8Array;
  /** Most bytes of the whole envelope, where it is less than what a receiver takes. */
  readonly mostBytes?: number;
}

/** An envelope that lacks its signature, which may come later and from elsewhere. */
export interface UnsignedEnvelope {
  /** What to sign: 146 bytes. */
  readonly signInput: Uint8Array;
  /** The identity of the envelope: 32 bytes, of which users see 16. */
  readonly id32: Uint8Array;
  /**
   * Puts the signature in; once.
   *
   * @param signature64 - over `signInput`, by the key of the stream's `senderKeyId32`; not checked here
   * @returns the finished envelope, the caller's
   * @throws TridcommError `E_USAGE` for another length, or the second time
   */
  readonly finish: (signature64: Uint8Array) => Uint8Array;
}

/**
 * Seals messages into envelope number `seq` of a stream.
 *
 * @param seq - never used before in this stream
 * @throws TridcommError `E_LIMIT` above a limit of chapter 03, `E_USAGE` for what no receiver takes
 * @spec envelope.1, envelope.2, envelope.5, envelope.6, envelope.8, envelope.18, suites.10, suites.13, patterns.36
 */
export function sealEnvelope(stream: StreamContext, seq: number, input: SealInput): UnsignedEnvelope {
  const { provider, keySource, hedgeSecret32 } = stream;
  checkInput(input);
  checkRouted(stream, input);
  const merkle = input.form === 'merkle';
  const jobsPerLeaf = merkle ? (input.jobsPerLeaf ?? limits.jobsPerLeaf) : input.messages.length;
  const lengths = plaintextLengths(input, jobsPerLeaf);
  const extensionArea = encodeArea(input, seq, lengths.length, jobsPerLeaf);
  const { envelope, bodyAt } = layOut(stream, seq, input, lengths, extensionArea);
  const body = envelope.subarray(bodyAt, envelope.length - signatureBytes);
  const plaintexts = framePlaintexts(input, jobsPerLeaf, body);

  // Salt, root, commitment and routing data are still zero: what stands in the buffer is PHS, then AADH.
  const protectedHeader = envelope.subarray(0, headerBytes + extensionArea.length);
  const random16 = stream.random(16);
  checkWidth('random', random16, 16);
  const told = input.routing === undefined ? plaintexts : [...plaintexts, input.routing.data];
  const salt = deriveSalt(provider, hedgeSecret32, random16, protectedHeader, keySource.bind32, told);
  protectedHeader.set(salt, saltOffset);
  const recordKey = deriveRecordKey(provider, stream.streamSecret32, salt);
  const extensions = decodeExtensions(protectedHeader.subarray(headerBytes), { merkle, seq });
  extensions.value(numbers.recordCommit)?.set(commitRecordKey(provider, recordKey));
  if (input.routing !== undefined) {
    const { senderKeyId32, streamId8 } = stream;
    const place = { senderKeyId32, streamId8, seq, salt16: salt };
    extensions.value(numbers.routing)!.set(sealRouting(provider, input.routing, place));
  }

  if (merkle) {
    const root = encryptLeaves(stream, recordKey, protectedHeader, plaintexts, body);
    extensions.value(numbers.merkle)!.set(root);
  } else {
    const aad = concat(protectedHeader, keySource.bind32);
    const aead = aeadOfSuite(keySource.suite)!;
    const sealed = provider.aeadSeal(aead, recordKey.key32, recordKey.nonce12, aad, plaintexts[0]!, body);
    checkWidth('sealed body', sealed, body.length);
    if (sealed !== body) body.set(sealed);
  }
  return unsigned(stream, input, envelope, protectedHeader, body);
}

/** Fills the body of a Merkle batch and gives the root over it. */
function encryptLeaves(
  { provider, keySource }: StreamContext,
  recordKey: RecordKey,
  aadHeader: Uint8Array,
  plaintexts: readonly Uint8Array[],
  body: Uint8Array,
): Uint8Array {
  const aead = aeadOfSuite(keySource.suite)!;
  const leafHashes: Uint8Array[] = [];
  let offset = 0;
  for (const [leaf, plaintext] of plaintexts.entries()) {
    const nonce = leafNonce(recordKey.nonce12, leaf);
    const aad = leafAad(aadHeader, keySource.bind32, leaf);
    const sealed = provider.aeadSeal(aead, recordKey.key32, nonce, aad, plaintext);
    checkWidth('sealed leaf', sealed, plaintext.length + tagBytes);
    writeU32(body, offset, plaintext.length);
    body.set(sealed, offset + 4);
    offset += 4 + sealed.length;
    leafHashes.push(hashLeaf(provider, leaf, sealed));
  }
  return new MerkleTree(provider, leafHashes).root;
}

/** The extension area, root, commitment and routing data still zero. */
function encodeArea(input: SealInput, seq: number, leafCount: number, jobsPerLeaf: number): Uint8Array {
  const merkle = input.form === 'merkle';
  const wanted = [...(input.extensions ?? [])];
  if (wanted.some(({ number }) => ownExtensions.has(number))) {
    throw new TridcommError('E_USAGE', 'extensions 1, 11 and 12 are written by the sealer');
  }
  if (merkle) {
    const value = encodeMerkleExtension(new Uint8Array(32), leafCount, jobsPerLeaf);
    wanted.push({ number: numbers.merkle, value });
  }
  if (input.recordCommit === true) wanted.push({ number: numbers.recordCommit, value: new Uint8Array(32) });
  if (input.routing !== undefined) wanted.push({ number: numbers.routing, value: blankRouting(input.routing) });
  return encodeExtensions(wanted, { merkle, seq });
}

/** The whole envelope in one buffer, with all but salt, root, commitment, routing data, body and signature in place. */
function layOut(
  stream: StreamContext,
  seq: number,
  input: SealInput,
  lengths: readonly number[],
  extensionArea: Uint8Array,
): { envelope: Uint8Array; bodyAt: number } {
  const { keySource, senderKeyId32, patternKind, topicTag16, epoch, streamId8 } = stream;
  const { messages, timestampMs, keyinfo = none } = input;
  const perPlaintext = tagBytes + (input.form === 'merkle' ? 4 : 0);
  const plaintextBytes = lengths.reduce((sum, length) => sum + length, 0);
  const bodyLengthBytes = plaintextBytes + perPlaintext * lengths.length;
  checkLimit('plaintext', plaintextBytes, limits.plaintextBytes);
  const bodyAt = headerBytes + extensionArea.length + keyinfo.length;
  const envelopeBytes = bodyAt + bodyLengthBytes + signatureBytes;
  checkLimit('envelope', envelopeBytes, input.mostBytes ?? limits.envelopeBytes);
  const envelope = new Uint8Array(envelopeBytes);
  writeHeader(envelope, {
    patternKind,
    suite: keySource.suite,
    flags: flagsOf(input),
    topicTag: topicTag16,
    epoch,
    count: messages.length,
    senderId: senderKeyId32.subarray(0, 16),
    streamId: streamId8,
    seq,
    timestampMs,
    salt: none,
    extensionsLengthBytes: extensionArea.length,
    keyinfoLengthBytes: keyinfo.length,
    bodyLengthBytes,
  });
  envelope.set(extensionArea, headerBytes);
  envelope.set(keyinfo, headerBytes + extensionArea.length);
  return { envelope, bodyAt };
}

function unsigned(
  { provider, keySource, senderKeyId32 }: StreamContext,
  { form, keyinfo = none }: SealInput,
  envelope: Uint8Array,
  protectedHeader: Uint8Array,
  body: Uint8Array,
): UnsignedEnvelope {
  const signedBody = form === 'merkle' ? none : body;
  let isFinished = false;
  const toSign = signInput(provider, senderKeyId32, keySource.bind32, protectedHeader, keyinfo, signedBody);
  return {
    signInput: toSign,
    id32: envelopeId(provider, toSign),
    finish: (signature64) => {
      checkWidth('signature', signature64, signatureBytes);
      if (isFinished) throw new TridcommError('E_USAGE', 'the envelope has its signature');
      isFinished = true;
      envelope.set(signature64, envelope.length - signatureBytes);
      return envelope;
    },
  };
}

/** Of one plaintext, or of one for each leaf. */
function plaintextLengths({ form, messages, timestampMs, padded = false }: SealInput, jobsPerLeaf: number): number[] {
  if (form === 'single') return [messages[0]!.payload.length];
  const lengths: number[] = [];
  for (let from = 0; from < messages.length; from += jobsPerLeaf) {
    const to = Math.min(from + jobsPerLeaf, messages.length);
    lengths.push(framedBytes(messages, from, to, timestampMs, padded));
  }
  return lengths;
}

/** Frames the messages: one plaintext, where its ciphertext is to stand, or one for each leaf. */
function framePlaintexts(input: SealInput, jobsPerLeaf: number, body: Uint8Array): Uint8Array[] {
  const { messages, timestampMs, padded = false } = input;
  if (input.form === 'single') return [messages[0]!.payload];
  if (input.form === 'batch') {
    writeRecords(body, messages, 0, messages.length, timestampMs);
    return [body.subarray(0, body.length - tagBytes)];
  }
  const plaintexts: Uint8Array[] = [];
  for (let from = 0; from < messages.length; from += jobsPerLeaf) {
    const to = Math.min(from + jobsPerLeaf, messages.length);
    plaintexts.push(encodeRecords(messages, from, to, timestampMs, padded));
  }
  return plaintexts;
}

function flagsOf({ form, padded }: SealInput): number {
  if (form === 'single') return 0;
  return flagBits.batch | (form === 'merkle' ? flagBits.merkle : 0) | (padded === true ? flagBits.padded : 0);
}

/** @spec envelope.6 */
function checkInput({ form, messages, timestampMs, padded, jobsPerLeaf }: SealInput): void {
  checkLimit('messages', messages.length, limits.recordsCount);
  if (messages.length === 0) throw new TridcommError('E_USAGE', 'no message');
  if (!Number.isInteger(timestampMs) || timestampMs < 0) throw new TridcommError('E_USAGE', `time ${timestampMs}`);
  if (form === 'single') {
    if (messages.length !== 1) throw new TridcommError('E_USAGE', `single of ${messages.length} messages`);
    if (padded === true) throw new TridcommError('E_USAGE', 'single cannot be padded');
    if (messages[0]!.timestampMs !== timestampMs) throw new TridcommError('E_USAGE', 'single with a time of its own');
  }
  if (form === 'merkle') {
    const perLeaf = jobsPerLeaf ?? limits.jobsPerLeaf;
    if (!Number.isInteger(perLeaf) || perLeaf < 1 || perLeaf > 0xffff) {
      throw new TridcommError('E_USAGE', `jobsPerLeaf ${perLeaf}`);
    }
    checkLimit('leaves', Math.ceil(messages.length / perLeaf), limits.leavesCount);
  }
}

/** @spec patterns.16 */
function checkRouted({ patternKind }: StreamContext, { routing }: SealInput): void {
  if (routing === undefined || patternKind === patternKinds.routerDealer.message) return;
  throw new TridcommError('E_USAGE', 'routing data with what is no message of a dealer');
}

const none = new Uint8Array(0);
const ownExtensions: ReadonlySet<number> = new Set([numbers.merkle, numbers.recordCommit, numbers.routing]);
