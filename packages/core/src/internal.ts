/*
 * What sibling packages and the conformance adapter use beyond the public names. Outside semantic versioning.
 */
export { extensions } from './codepoints/extensions.gen.ts';
export { limits } from './codepoints/limits.gen.ts';
export { readVarint, varintLength, writeVarint } from './bytes/varint.ts';
export { hexOf } from './client/hex.ts';
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
export { NoiseHandshake } from './noise/handshake.ts';
export { openBase, sealBase, type SealedBase } from './hpke/one-shot.ts';
export { setupReceiver, setupSender, type SenderOptions, type SenderSetup } from './hpke/setup.ts';
export { coverOf, stepNodeKeys } from './keys/complete-subtree.ts';
export { makeEnrolment, type EnrolmentFields } from './keys/enrolment.ts';
export { encodeGroupPrivate } from './keys/group-private.ts';
export { keyBlockFlags, parseBlock, type KeyBlockHeader, type ParsedBlock } from './keys/key-block-format.ts';
export {
  makeListBlock,
  makePskBlock,
  makeSubtreeBlock,
  partialBlock,
  type CoverNode,
  type MadeBlock,
} from './keys/key-block.ts';
export { MemberKeys, type GroupSettings, type MemberKeysOptions } from './keys/member-keys.ts';
export { PrekeyStore } from './keys/prekeys.ts';
export { publicKeyOf, type PublicKey } from './keys/public-key.ts';
export { signingKeyOf, type SigningKey } from './keys/signing-key.ts';
export { messages } from './codepoints/messages.gen.ts';
export { objectKinds } from './codepoints/object-kinds.gen.ts';
export { AccessList, encodeAccessList, type AccessEntry } from './keys/access-list.ts';
export { addressOf } from './keys/address.ts';
export { decodeBody, encodeBody, type Body, type MessageName } from './keys/body.ts';
export { decodeBundle, encodeBundle, type AddressedObject } from './keys/bundle.ts';
export { checkPolicySource, compileGroup } from './keys/compile-policy.ts';
export { encodeHead, headHashOf } from './keys/head.ts';
export { encodeRevocationList, RevocationList } from './keys/revocation-list.ts';
export { encodeObject, parseObject } from './keys/signed-object.ts';
export { treeHead } from './keys/tree-head.ts';
export { Trust, type Taken } from './keys/trust.ts';
export type { Carrier } from './client/carrier.ts';
export { Client } from './client/client.ts';
export type { Delivery } from './client/events.ts';
export { Identity } from './client/identity.ts';
export { RevocationLists } from './client/revocation-lists.ts';
export { Authority } from './authority/authority.ts';
export type { GrantFields, RestoreSources } from './authority/options.ts';
export type { CarrierReceiver } from './client/carrier.ts';
export type { Subscription } from './client/client.ts';
export type { ClientEvent } from './client/events.ts';
export type { NumberRange } from './client/gaps.ts';
export { MemoryStore } from './client/store.ts';
export type { TopicMatch } from './keys/access-list.ts';
export { Relay } from './relay/relay.ts';
export { isForOne, unitsOf } from './relay/units.ts';
export { WorkQueues, type Dropped, type WorkQueuesOptions } from './relay/work-queues.ts';
export { Taker, type Takes, type Unit, Work as QueuedWork } from './relay/work.ts';
export { RelayState, type EdgePrincipal, type JudgedBundle, type RelayStateOptions } from './relay/relay-state.ts';
export { examine, readAuthorityRecord, type Evidence } from './authority/evidence.ts';
export { readSnapshot, type AuthorityMemory } from './authority/snapshot.ts';
export { principalRoles } from './codepoints/principal-roles.gen.ts';
export { purposes } from './codepoints/purposes.gen.ts';
export { decodeGroupRecord } from './keys/group-record.ts';
export { decodePrincipalRecord } from './keys/principal-record.ts';
export { beginParsed, finishOpen } from './envelope/open.ts';
export type { LateKeySource } from './envelope/key-source.ts';
export { checkDerivedKey, derivePoolKeyPair, poolKeyPairOf } from './keys/pool-key.ts';
export { decodePoolRecord, encodePoolRecordBody, type PoolRecord, type PoolRecordFields } from './keys/pool-record.ts';
export { Crew, type CrewOptions, type PoolEpoch } from './patterns/crew.ts';
export { beginForward, forwardedOf, forwardInput, isForward, type ForwardReceiver } from './patterns/forwards.ts';
export { PoolSealer, type PoolInput, type PoolSealerOptions } from './patterns/pool-sealer.ts';
export { PoolSetups } from './patterns/pool-setups.ts';
export {
  decodePoolKeyinfo,
  openPoolStream,
  setupPoolStream,
  type PoolKeyinfo,
  type PoolSetup,
  type PoolTerms,
} from './patterns/pool-stream.ts';
export {
  replyCode,
  replyContext,
  replyInput,
  replyKeyinfo,
  replyStatus,
  type ReplyRecord,
} from './patterns/replies.ts';
export { Requester, type AskedStream, type RequesterOptions, type TakenReplies } from './patterns/requester.ts';
export {
  openSurveyReply,
  setupSurveyReply,
  type SurveyQuestion,
  type SurveySetup,
  type SurveyTerms,
} from './patterns/survey.ts';
export { SurveyAsker, type OwnSurvey, type SurveyAskerOptions } from './patterns/survey-asker.ts';
export { checkReplyToForward, type ReplyChecker } from './patterns/reply-check.ts';
export { Router, type RouterOptions, type RouterPool } from './patterns/router.ts';
export { deriveRoutingKey, openRouting, routingEpochOf, sealRouting, type RoutingPlace } from './envelope/routing.ts';
export { workOf, type RecordName, type Work, type WorkRecord } from './patterns/work.ts';
export { tagAnswers, tagInbox, type AnswerTags } from './topics/tags.ts';
