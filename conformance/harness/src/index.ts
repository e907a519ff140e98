export { CannotRun } from './cannot-run.ts';
export { runVectors } from './modes/vectors.ts';
export type { TestedCommand, VectorsOptions } from './modes/vectors.ts';
export { buildReport } from './report.ts';
export type { Implementation, Report, ReportedResult, Run } from './report.ts';
export type { CaseResult, ResultKind, Summary } from './result.ts';
export type { Case, Members, Value, VectorFile, VectorGroup, VectorNote, VectorTest } from './vector-file.ts';
