import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Seconds of CPU that a process has used, in steps of 10 ms on most machines; undefined where the system does not say. */
export function cpuSeconds(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  return ticksIn(stat) / ticksPerSecond();
}

/** User and system ticks in a line of /proc/PID/stat, whose second field, the name, may hold anything. */
export function ticksIn(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** Bytes of a process that are in memory; undefined where the system does not say. */
export function residentBytes(pid: number): number | undefined {
  const status = read(`/proc/${pid}/status`);
  const kib = status === undefined ? undefined : /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}

/** How many files a process may have open. */
export function mostOpenFiles(): number {
  const limits = read('/proc/self/limits');
  const found = limits === undefined ? undefined : /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
  return found === 'unlimited' ? Infinity : Number(found ?? 1_024);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function ticksPerSecond(): number {
  knownTicks ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return knownTicks;
}

let knownTicks: number | undefined;
