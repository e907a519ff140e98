import type { AdapterOptions } from '../adapter.ts';
import { applyKnownFailing, readKnownFailing } from '../known-failing.ts';
import { loadLineCheck } from '../line-check.ts';
import { defaultVectorsDir, loadVectors } from '../load-vectors.ts';
import type { Vectors } from '../load-vectors.ts';
import { protocolVersion } from '../protocol.ts';
import { Recorder } from '../recorder.ts';
import type { Run } from '../report.ts';
import { Runner } from '../runner.ts';
import { select } from '../select.ts';
import type { Case } from '../vector-file.ts';

/** The adapter under test, and how long it may take. */
export interface TestedCommand {
  readonly command: readonly [string, ...string[]];
  readonly vectorsDir?: string;
  readonly timeoutMs: number;
}

/** Options of the mode `vectors`. */
export interface VectorsOptions extends TestedCommand {
  readonly strictErrors: boolean;
  readonly validate: boolean;
  readonly run: readonly string[];
  readonly skip: readonly string[];
  readonly knownFailing?: string;
  /** Replaces the name that the adapter gives. */
  readonly name?: string;
}

/**
 * Runs the vectors against an adapter.
 *
 * @throws {@link CannotRun} if the adapter doesn't work at all, the vectors are damaged, or a pattern matches nothing
 */
export async function runVectors(options: VectorsOptions): Promise<Run> {
  const vectors = await loadVectors(options.vectorsDir ?? defaultVectorsDir());
  const { selected, skipped } = select(vectors.cases, options.run, options.skip);
  const known = options.knownFailing === undefined ? [] : await readKnownFailing(options.knownFailing, selected);
  const recorder = new Recorder(options.strictErrors);
  for (const { case: vector, reason } of skipped) recorder.skip(vector, reason);
  const runner = new Runner(await adapterOptions(options, vectors, options.validate), recorder);
  const identity = await runner.identity();
  const broken = await runner.run(offered(selected, identity.features, recorder));
  await runner.bye();
  const results = recorder.results(vectors.cases).map((result) => applyKnownFailing(result, known));
  const { name, version, language, url, features } = identity;
  return {
    implementation: { name: options.name ?? name, version, language, ...(url === undefined ? {} : { url }), features },
    vectorsVersion: vectors.vectorsVersion,
    strictErrors: options.strictErrors,
    results,
    ...(broken === undefined ? {} : { broken }),
  };
}

/** Gives what a runner needs to start the adapter. */
export async function adapterOptions(
  { command, timeoutMs }: TestedCommand,
  { vectorsVersion, specVersion }: Vectors,
  validate: boolean,
): Promise<AdapterOptions> {
  return {
    command,
    timeoutMs,
    hello: { cmd: 'hello', protocol: protocolVersion, vectors: vectorsVersion, spec: [specVersion] },
    ...(validate ? { check: await loadLineCheck() } : {}),
  };
}

function offered(cases: readonly Case[], features: readonly string[], recorder: Recorder): Case[] {
  return cases.filter((vector) => {
    const { feature } = vector.group;
    if (features.includes(feature)) return true;
    recorder.skip(vector, `feature ${feature} not offered`);
    return false;
  });
}
