/** What a run of the fuzzer tells. */
import { toHex } from './seeds.mjs';

/** @typedef {import('./main.mjs').TargetReport} TargetReport */

/** @param {TargetReport} report @returns {string} one line, and some for each crash */
export function describe({ target, inputs, seconds, edges, corpus, slowest, heapGrowth, crashes }) {
  const figures = [
    `${inputs} inputs`,
    `${Math.round(inputs / Math.max(seconds, 0.001))}/s`,
    `edges ${edges.covered}/${edges.total}`,
    `corpus ${corpus.seeds}+${corpus.found}`,
    `slowest ${slowest.ms.toFixed(2)} ms of ${slowest.input.length} bytes`,
    `heap ${heapGrowth < 0 ? '-' : '+'}${Math.round(Math.abs(heapGrowth) / 1024)} KiB`,
    `${crashes.length} crashes`,
  ];
  return [`${target.padEnd(10)} ${figures.join(', ')}`, ...crashes.map((crash) => describeCrash(target, crash))].join(
    '\n',
  );
}

/** @param {string} target @param {import('./engine.mjs').Crash} crash */
function describeCrash(target, { why, input, stack, times }) {
  const where = stack.split('\n').slice(0, 6).join('\n    ');
  const replay = `node packages/tools/src/fuzz/main.mjs --target ${target} --replay ${toHex(input)}`;
  return `  CRASH ${why} (${times}×)\n    ${where}\n  input ${toHex(input)}\n  again with: ${replay}`;
}

/** @param {readonly TargetReport[]} reports */
export function totals(reports) {
  const inputs = reports.reduce((sum, report) => sum + report.inputs, 0);
  const crashes = reports.reduce((sum, report) => sum + report.crashes.length, 0);
  const targets = reports.map((report) => ({
    ...report,
    slowest: { ms: report.slowest.ms, input: toHex(report.slowest.input) },
    crashes: report.crashes.map((crash) => ({ ...crash, input: toHex(crash.input) })),
  }));
  return {
    crashes,
    text: `${reports.length} targets, ${inputs} inputs, ${crashes} crashes`,
    json: { inputs, crashes, targets },
  };
}
