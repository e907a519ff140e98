/*
 * @tridcomm/broker/testing: a disk that a seed decides, for tests of what is built on the store.
 */
export {
  SimulatedDisk,
  type DiskCounts,
  type DiskFault,
  type DiskOperation,
  type SimulatedDiskOptions,
} from './disk.ts';
