/** Cases that run steps one after the other, and say what came of each. */
import type { Group } from './cases.ts';
import type { Json, Members } from './json.ts';

/** One step, and what comes of it. */
export interface RunStep {
  readonly in: Members;
  readonly result: Json;
}

/** Adds a case that names its requirements; `over`: members of the input in place of the usual ones. */
export type AddCited<S extends RunStep = RunStep> = (
  id: string,
  comment: string,
  steps: readonly S[],
  spec: string[],
  flags?: string[],
  over?: Members,
) => void;

/** Adds a case; without `spec` and `flags` those of its group. */
export type AddRun<S extends RunStep = RunStep> = (
  id: string,
  comment: string,
  steps: readonly S[],
  spec?: string[],
  flags?: string[],
  over?: Members,
) => void;

/** What adds runs to a group. @param make - the input of a run */
export function runsOf<S extends RunStep>(
  group: Group,
  make: (steps: readonly S[], over: Members) => Members,
  usualSpec: string[],
  usualFlags: string[],
): AddRun<S> {
  return (id, comment, steps, spec = usualSpec, flags = usualFlags, over = {}) => {
    const results = steps.map(({ result }) => result);
    group.valid(id, { comment, in: make(steps, over), out: { results }, spec, flags });
  };
}

/** The same where each case names its requirements. */
export function citedRunsOf<S extends RunStep>(
  group: Group,
  make: (steps: readonly S[], over: Members) => Members,
): AddCited<S> {
  return runsOf(group, make, [], []);
}
