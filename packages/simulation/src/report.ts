import type { RunResult } from './run-result.ts';

/** Sums of many runs; can be sent between threads. */
export interface Totals {
  runs: number;
  readonly settings: Record<string, number>;
  /** Of the run that had the fewest. */
  leastMessages: number;
  leastFaults: number;
  messages: number;
  envelopes: number;
  deliveries: number;
  gapNumbers: number;
  staleEvents: number;
  forkEvents: number;
  simulatedMs: number;
  /** Of all traces, in whatever order they came: the same seeds give the same on every machine. */
  traces: number;
  readonly faults: Record<string, number>;
  readonly deeds: Record<string, number>;
  readonly refusals: Record<string, number>;
}

export function noTotals(): Totals {
  return {
    runs: 0,
    settings: {},
    leastMessages: Infinity,
    leastFaults: Infinity,
    messages: 0,
    envelopes: 0,
    deliveries: 0,
    gapNumbers: 0,
    staleEvents: 0,
    forkEvents: 0,
    simulatedMs: 0,
    traces: 0,
    faults: {},
    deeds: {},
    refusals: {},
  };
}

/** Adds a run. */
export function addRun(totals: Totals, result: RunResult): void {
  totals.runs++;
  addTo(totals.settings, [[result.setting, 1]]);
  totals.leastMessages = Math.min(totals.leastMessages, result.messages);
  totals.leastFaults = Math.min(totals.leastFaults, result.faults.total);
  addNumbers(totals, { ...result, traces: parseInt(result.traceHash.slice(0, 12), 16) });
  addTo(totals.faults, result.faults.counts);
  addTo(totals.deeds, result.deeds.counts);
  addTo(totals.refusals, result.refusals.counts);
}

/** Adds the sums of other runs. */
export function addTotals(totals: Totals, other: Totals): void {
  totals.runs += other.runs;
  addTo(totals.settings, Object.entries(other.settings));
  totals.leastMessages = Math.min(totals.leastMessages, other.leastMessages);
  totals.leastFaults = Math.min(totals.leastFaults, other.leastFaults);
  addNumbers(totals, other);
  addTo(totals.faults, Object.entries(other.faults));
  addTo(totals.deeds, Object.entries(other.deeds));
  addTo(totals.refusals, Object.entries(other.refusals));
}

/** Several lines for people. */
export function describeTotals(totals: Totals): string {
  const { runs, messages, envelopes, deliveries, gapNumbers, staleEvents, forkEvents, simulatedMs } = totals;
  const hours = (simulatedMs / 3_600_000).toFixed(1);
  return [
    `runs        ${list({ ...totals.settings })}; ${hours} simulated hours; traces ${totals.traces.toString(16)}`,
    `messages    ${count(messages)} in ${count(envelopes)} envelopes, ${count(deliveries)} deliveries`,
    `reported    ${count(gapNumbers)} numbers missing, stale ${count(staleEvents)} times, ${count(forkEvents)} forks`,
    `faults      ${list(totals.faults)}`,
    `done        ${list(totals.deeds)}`,
    `refused     ${list(totals.refusals)}`,
    `            ${(messages / runs).toFixed(0)} messages and ${(sumOf(totals.faults) / runs).toFixed(0)} faults in a run, on average; at least ${totals.leastMessages} and ${totals.leastFaults}`,
  ].join('\n');
}

function addNumbers(
  totals: Totals,
  other: Pick<
    Totals,
    'messages' | 'envelopes' | 'deliveries' | 'gapNumbers' | 'staleEvents' | 'forkEvents' | 'simulatedMs' | 'traces'
  >,
): void {
  totals.messages += other.messages;
  totals.envelopes += other.envelopes;
  totals.deliveries += other.deliveries;
  totals.gapNumbers += other.gapNumbers;
  totals.staleEvents += other.staleEvents;
  totals.forkEvents += other.forkEvents;
  totals.simulatedMs += other.simulatedMs;
  totals.traces = (totals.traces + other.traces) % 2 ** 48;
}

function addTo(sums: Record<string, number>, counts: Iterable<readonly [string, number]>): void {
  for (const [name, times] of counts) if (times > 0) sums[name] = (sums[name] ?? 0) + times;
}

function list(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return entries.map(([name, times]) => `${name} ${count(times)}`).join(', ');
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, times) => sum + times, 0);
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
