/*
 * @tridcomm/broker: what an application that runs a broker may import.
 */
export { createBroker, type Broker, type BrokerAddress, type BrokerConfig, type BrokerSurroundings } from './broker.ts';
export { configKeys, parseConfig, readConfigFile, type BrokerFile } from './config.ts';
export type { DocumentedKey } from './config-rules.ts';
export type { Counters } from './engine/counters.ts';
export type { BrokerEvent } from './engine/events.ts';
export { EventLog, type LineSink } from './event-log.ts';
export type { BrokerIdentity } from './identity.ts';
export { DamagedError, type EnvelopeLog, type StoredEnvelope } from './store/envelope-log.ts';
export type { LogFile, LogFiles } from './store/files.ts';
export { MemoryLog, type MemoryLogOptions } from './store/memory-log.ts';
export { nodeFiles } from './store/node-files.ts';
export type { Retention } from './store/retention.ts';
export { SegmentLog, type Recovery, type SegmentLogOptions } from './store/segment-log.ts';
