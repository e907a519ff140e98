import { readFileSync } from 'node:fs';
import { isFsError } from './fs-error.ts';

/**
 * When a process started, in the kernel's ticks since the boot: its number may be given to another one later.
 *
 * @returns empty where the system does not tell; undefined for a process that is no more, or only waits to be reaped
 */
export function processStart(pid: number): string | undefined {
  const line = contentOf(`/proc/${pid}/stat`);
  // The name in brackets may hold spaces and brackets. Behind it stand the state and, 19 fields on, the start.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  if (line !== '') return fields[0] === 'Z' || fields[0] === 'X' ? undefined : (fields[19] ?? '');
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Somebody else's process is there all the same.
    if (!isFsError(error, 'EPERM')) return undefined;
  }
  return '';
}

/** Tells the boots of a machine apart, as ticks start anew with each; empty where the system does not tell. */
export function bootId(): string {
  return contentOf('/proc/sys/kernel/random/boot_id').trim();
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
