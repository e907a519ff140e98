/*
 * @tridcomm/client-node: connect to a broker, publish and subscribe, and keep an identity. What an application may import.
 */
export { TridcommError, type ErrorCode, type ErrorKind, type NumberRange } from '@tridcomm/core';
export { CarrierFeed } from './carriers/carrier-feed.ts';
export type { ForeignCarrier } from './carriers/foreign-carrier.ts';
export { overMqtt } from './carriers/mqtt.ts';
export type { MqttClientLike } from './carriers/mqtt-types.ts';
export { overNats } from './carriers/nats.ts';
export type { NatsConnectionLike } from './carriers/nats-types.ts';
export { connect } from './client/connect.ts';
export { overStream, type StreamTarget } from './links/over-stream.ts';
export { TridcommClient, type ClientEventMap } from './client/client.ts';
export { enrol, type Enrolled, type EnrolOptions } from './client/enrol.ts';
export { MessageBatch, TridcommMessage, type Sender, type Verdict } from './client/message.ts';
export type { ConnectOptions, PublishOptions, SubscribeOptions } from './client/options.ts';
export type { Reply } from './client/pending-request.ts';
export { QuestionAnswers, type QuestionContext, type QuestionHandler } from './client/question-answers.ts';
export { ReplyForwarding } from './client/reply-forwarding.ts';
export type { AskOptions, DealOptions, JobInput, News, PushOptions, RequestOptions } from './client/request-options.ts';
export { RequestRefused } from './client/request-refused.ts';
export { UnacknowledgedError, type Durability, type Receipt } from './client/publish-outcome.ts';
export { SchemaError } from './client/schema.ts';
export { StatusEvent, type ClientStatus } from './client/status.ts';
export { Subscription } from './client/subscription.ts';
export { SurveyReplies, type SurveyReply } from './client/survey-replies.ts';
export type { Forwarder, RouteContext, RouteHandler, RouteOptions } from './client/route-options.ts';
export { TopicRoute } from './client/topic-route.ts';
export { TopicWork } from './client/topic-work.ts';
export type {
  JobContext,
  JobHandler,
  RequestContext,
  RequestHandler,
  RespondOptions,
  WorkOptions,
} from './client/work-options.ts';
export {
  ConflictError,
  RetentionError,
  type Begun,
  type EffectKey,
  type EffectRun,
  type EffectStore,
  type EffectWork,
} from './effects/effect-store.ts';
export type { EffectOptions } from './effects/effect-options.ts';
export { FileEffectStore } from './effects/file-effect-store.ts';
export type { EffectMap } from './effects/effect-map.ts';
export { MemoryEffectStore } from './effects/memory-effect-store.ts';
export type { TlsFiles } from './links/dial.ts';
export { BrokerLink } from './links/broker-link.ts';
export type { LinkTarget } from './links/link.ts';
export { FileStore } from './store/file-store.ts';
export { StoreError } from './store/fs-error.ts';
export { AdminClient, AdminRefusal } from './authority/admin-client.ts';
export type { AdminScope } from './authority/admin-protocol.ts';
export { AdminServer } from './authority/admin-server.ts';
export type { BundleSink, FeedStatus } from './authority/broker-feed.ts';
export type { Clock } from './authority/clock.ts';
export type { RestoreSource } from './authority/restore-sources.ts';
export { AuthorityService } from './authority/service.ts';
export type {
  Connections,
  DurableServiceOptions,
  ServiceEvent,
  ServiceOptions,
  ServiceStatus,
} from './authority/service-options.ts';
export { ServicePrincipal } from './authority/service-principal.ts';
export { readSignRequest, type SignRequest } from './authority/sign-request.ts';
export type { StateSecret } from './authority/state-secret.ts';
