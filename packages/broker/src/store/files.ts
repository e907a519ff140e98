/**
 * One file of a log. All offsets and lengths in bytes.
 *
 * What a method rejects with has the `code` and the `syscall` of a Node system error; it is the cause of the error that the log
 * reports.
 */
export interface LogFile {
  size(): Promise<number>;
  /** `length` bytes from an offset on; fewer at the end of the file. The caller's. */
  read(offset: number, length: number): Promise<Buffer>;
  /** Writes all of the bytes, which do not change meanwhile, or rejects; then any part of them may have been written. */
  write(bytes: Uint8Array, offset: number): Promise<void>;
  /** What was written so far, and the size that it needs, outlives a power cut when this resolves (`fdatasync`). */
  datasync(): Promise<void>;
  /** The same for every property of the file (`fsync`). */
  sync(): Promise<void>;
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * What a log asks of a file system: the files of one folder, by plain names. A test gives it a disk that fails.
 *
 * {@link nodeFiles} is the real one.
 */
export interface LogFiles {
  /**
   * Makes the folder where there is none, and keeps other processes out of it.
   *
   * @returns what lets them in again
   * @throws TridcommError `E_USAGE` where another one is in it, or where others than the owner may enter the folder
   */
  lock(): Promise<() => Promise<void>>;
  list(): Promise<string[]>;
  /** `create` makes a file that must not be there; `write` is for reading too. */
  open(name: string, mode: 'read' | 'write' | 'create'): Promise<LogFile>;
  remove(name: string): Promise<void>;
  /** Which files there are outlives a power cut when this resolves. */
  syncDirectory(): Promise<void>;
}
