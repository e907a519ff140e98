import { defaultVectorsDir, loadVectors } from '../load-vectors.ts';
import { Recorder } from '../recorder.ts';
import type { Run } from '../report.ts';
import { Runner } from '../runner.ts';
import type { Case } from '../vector-file.ts';
import { adapterOptions } from './vectors.ts';
import type { TestedCommand } from './vectors.ts';

/**
 * Runs three cases, with all lines checked against the schema: enough to see that an adapter is wired up.
 *
 * @throws {@link CannotRun} if the adapter doesn't work at all
 */
export async function runSmoke(options: TestedCommand): Promise<Run> {
  const vectors = await loadVectors(options.vectorsDir ?? defaultVectorsDir());
  const recorder = new Recorder(false);
  const runner = new Runner(await adapterOptions(options, vectors, true), recorder);
  const { name, version, language, url, features } = await runner.identity();
  const cases = pickThree(
    vectors.cases.filter(({ group, test }) => features.includes(group.feature) && test.withdrawn === undefined),
  );
  await runner.run(cases);
  await runner.bye();
  return {
    implementation: { name, version, language, ...(url === undefined ? {} : { url }), features },
    vectorsVersion: vectors.vectorsVersion,
    strictErrors: false,
    results: recorder.results(cases),
  };
}

// Decoders come first in any implementation, so the codec is the place to start.
function pickThree(cases: readonly Case[]): Case[] {
  const codec = cases.filter(({ group }) => group.op.endsWith('.decode'));
  const valid = codec.find(({ test }) => test.result === 'valid');
  const invalid = codec.find(({ test }) => test.result === 'invalid');
  const other = cases.find(({ file }) => file !== valid?.file && file !== invalid?.file);
  return [valid, invalid, other].filter((vector) => vector !== undefined);
}
