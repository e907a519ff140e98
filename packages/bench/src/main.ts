import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArguments } from './args.ts';
import { runGroups } from './groups.ts';
import { runRecord } from './record.ts';
import { goalsOf, tableOf, type Row } from './report.ts';
import { runDurable } from './suites/durable.ts';
import { runHandshake } from './suites/handshake.ts';
import { runIdle } from './suites/idle.ts';
import { runLatency } from './suites/latency.ts';
import { runPipeline } from './suites/pipeline.ts';
import { runPubsub } from './suites/pubsub.ts';
import { runReqrep } from './suites/reqrep.ts';
import type { Suite } from './suites/suite.ts';
import { plotOf } from './svg.ts';

const suites: Readonly<Record<string, Suite>> = {
  record: runRecord,
  groups: runGroups,
  pubsub: runPubsub,
  durable: runDurable,
  handshake: runHandshake,
  latency: runLatency,
  reqrep: runReqrep,
  pipeline: runPipeline,
  idle: runIdle,
};

async function main(args: readonly string[]): Promise<number> {
  const names = Object.keys(suites);
  let asked: ReturnType<typeof parseArguments>;
  try {
    asked = parseArguments(args, names);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
  if (asked.help) {
    process.stdout.write(help(names));
    return 0;
  }
  const versions = new Set<string>();
  const note = (line: string) => {
    if (asked.json || versions.has(line)) return;
    versions.add(line);
    process.stderr.write(`· ${line}\n`);
  };
  const rows: Row[] = [];
  for (const name of new Set(asked.names)) rows.push(...(await suites[name]!({ quick: asked.quick, note })));
  const title = `Node ${process.version}, ${availableParallelism()} cores${asked.quick ? ', quick' : ''}`;
  if (asked.json)
    process.stdout.write(`${JSON.stringify({ node: process.version, notes: [...versions], rows }, undefined, 2)}\n`);
  else {
    process.stdout.write(
      `\n${title}: medians of alternating rounds; ratios are taken round by round. ${processes}\n\n`,
    );
    process.stdout.write(`${tableOf(rows)}\n`);
    if (rows.some((row) => row.goal !== undefined)) process.stdout.write(`\nGoals\n\n${goalsOf(rows)}\n`);
  }
  if (asked.svg !== undefined) writeFileSync(asked.svg, plotOf(title, rows));
  return 0;
}

function help(names: readonly string[]): string {
  return `usage: npm run bench [-- NAME…] [--quick] [--json] [--svg FILE]      names: ${names.join(', ')}

  --quick     fewer and shorter rounds: some minutes for all
  --json      figures as JSON
  --svg FILE  a plot besides
`;
}

const processes =
  'Publisher or asker, each subscriber or worker, and broker are processes of their own on one machine, over TCP of loopback; the authority of TriDComm is in the process of the bench.';

process.exitCode = await main(process.argv.slice(2));
