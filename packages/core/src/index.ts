/*
 * @tridcomm/core: sealed, signed, replay-safe messages, without I/O, clocks or timers. What an application may import.
 */
export { TridcommError, outwardCode, type ErrorCode, type ErrorKind } from './errors.ts';
export { keyAlgorithms } from './codepoints/key-algorithms.gen.ts';
export { patternKinds } from './codepoints/patterns.gen.ts';
export { suites } from './codepoints/suites.gen.ts';
export type { AeadAlgorithm, CryptoProvider, KeyAlgorithm, KeyPair, RandomSource } from './crypto/provider.ts';
export { keyId } from './crypto/key-id.ts';
export { deriveHedgeSecret } from './crypto/key-schedule.ts';
export type { KeySource } from './envelope/key-source.ts';
export type { RoutingEpoch, RoutingInput } from './envelope/routing.ts';
export type { SealInput, StreamOptions, UnsignedEnvelope } from './envelope/seal.ts';
export { StreamSealer } from './envelope/stream-sealer.ts';
export {
  beginOpen,
  beginOpenJob,
  openEnvelope,
  openJob,
  type Opened,
  type PendingOpen,
  type Receiver,
  type SealedPart,
  type SenderKey,
  type TopicKeys,
} from './envelope/open.ts';
export { SplitBatch } from './envelope/split.ts';
export { decodeHeader, parseEnvelope, parseJob, type EnvelopeView, type JobView } from './wire/envelope.ts';
export type { ExtensionInput, Extensions } from './wire/extensions.ts';
export type { HeaderView } from './wire/header.ts';
export type { Message, Records } from './wire/records.ts';
export type { FreshnessRule } from './replay/freshness.ts';
export { EvidencePool } from './replay/evidence.ts';
export { ReplayGuard } from './replay/guard.ts';
export { LeafBudget } from './replay/leaves.ts';
export type { DurableLife, ReplayGuardOptions, VolatileLife } from './replay/guard-options.ts';
export type { GroupName, ReplayWrites, StoredEviction, StoredFloor, StreamName } from './replay/stored-state.ts';
export { matchesTopic, parsePattern, parseTopic, type Topic, type TopicPattern } from './topics/grammar.ts';
export { deriveRouteKey, tagPeriod, tagTopic, type TopicTag } from './topics/tags.ts';
export { actions } from './codepoints/actions.gen.ts';
export { addressTypes } from './codepoints/address-types.gen.ts';
export { keyBlockKinds } from './codepoints/key-block-kinds.gen.ts';
export { signingKeyOf, type SigningKey } from './keys/signing-key.ts';
export { publicKeyOf, type PublicKey } from './keys/public-key.ts';
export { addressOf } from './keys/address.ts';
export { decodeBundle } from './keys/bundle.ts';
export type { TopicMatch } from './keys/access-list.ts';
export { readProposal, type ReadProposal, type RecordProposal } from './keys/principal-proposal.ts';
export type { PrincipalRecord } from './keys/principal-record.ts';
export { Trust, type Taken, type TrustOptions } from './keys/trust.ts';
export type {
  Carrier,
  CarrierReceiver,
  Lease,
  LogReceiver,
  WorkCarrier,
  WorkForm,
  WorkOutcome,
  WorkReceiver,
} from './client/carrier.ts';
export { Client, type ClientOptions, type Published, type Subscription } from './client/client.ts';
export type { ClientEvent, Delivery } from './client/events.ts';
export type { HeardSubscription } from './client/heard-replies.ts';
export type { DealFields, JobFields, Requested, RequestFields } from './client/pool-asking.ts';
export type { HeardHandler, HeardReply, RoutedDelivery, RouteHandler } from './client/route-delivery.ts';
export type { Reply, ReplyHandler, SurveyEnd, SurveyHandlers, SurveyReply } from './client/reply.ts';
export type { Asked, SurveyFields } from './client/surveying.ts';
export type { WorkDelivery, WorkHandler, WorkReply } from './client/work-delivery.ts';
export type { WorkSubscription } from './client/work-routes.ts';
export { isOfUnit, refusedOutcome } from './client/working.ts';
export type { SurveyQuestion } from './patterns/survey.ts';
export type { RecordName, Work } from './patterns/work.ts';
export type { NumberRange } from './client/gaps.ts';
export { Identity } from './client/identity.ts';
export { PublishError } from './client/publish-error.ts';
export { MemoryStore, type ClientStore } from './client/store.ts';
export { Authority } from './authority/authority.ts';
export type {
  AuthorityOptions,
  GrantFields,
  GrantName,
  GroupFailure,
  GroupFields,
  PrincipalFields,
  RestoreSources,
  WaitingMember,
} from './authority/options.ts';
export { Relay, type RelayEvent, type RelayLink, type RelayOptions } from './relay/relay.ts';
