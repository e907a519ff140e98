/*
 * What sibling packages and the conformance adapter use beyond the public names. Outside semantic versioning.
 */
export { extensions } from './codepoints/extensions.gen.ts';
export { limits } from './codepoints/limits.gen.ts';
export { readVarint, varintLength, writeVarint } from './bytes/varint.ts';
export {
  commitRecordKey,
  deriveRecordKey,
  deriveSalt,
  deriveStreamSecret,
  expandLabel,
} from './crypto/key-schedule.ts';
export { envelopeId, signInput } from './envelope/identity.ts';
export { MerkleTree, verifyMerklePath } from './crypto/merkle.ts';
export { aadHeaderOf } from './envelope/protected-header.ts';
export { sealEnvelope } from './envelope/seal.ts';
export { decodeExtensions } from './wire/extensions.ts';
export { FrameDecoder } from './wire/frame-decoder.ts';
export { checkPreface, encodeFrame, type Frame } from './wire/frame.ts';
export { flagBits, HeaderView, writeHeader } from './wire/header.ts';
export { decodeRecords, encodeRecords, padmeLength } from './wire/records.ts';
export { checkFreshness } from './replay/freshness.ts';
export type { JobPart } from './replay/leaves.ts';
export { headerOfStream } from './replay/stored-state.ts';
export { StreamRate } from './replay/stream-rate.ts';
export { routedPeriods, tokenOfPattern } from './topics/tags.ts';
export type { ReceiverContext, SenderContext } from './hpke/context.ts';
export { deriveKeyPair } from './hpke/kem.ts';
export type { PreSharedKey } from './hpke/key-schedule.ts';
export { openBase, sealBase, type SealedBase } from './hpke/one-shot.ts';
export { setupReceiver, setupSender, type SenderOptions, type SenderSetup } from './hpke/setup.ts';
