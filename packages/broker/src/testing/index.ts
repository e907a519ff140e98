/*
 * @tridcomm/broker/testing: a disk that a seed decides, and a broker that is given its connections, for tests of what is built on them.
 */
export type { BrokerEvent } from '../engine/events.ts';
export type { LinkOrigin } from '../listeners/link-driver.ts';
export { SegmentLog, type SegmentLogOptions } from '../store/segment-log.ts';
export type { EnvelopeLog } from '../store/envelope-log.ts';
export { BrokerProcess, type BrokerProcessOptions } from './broker-process.ts';
export {
  SimulatedDisk,
  type DiskCounts,
  type DiskFault,
  type DiskOperation,
  type SimulatedDiskOptions,
} from './disk.ts';
