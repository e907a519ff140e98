/**
 * The run can't be done or can't be trusted: wrong usage, damaged vectors, an adapter that doesn't start. Exit status 2,
 * as opposed to 1, which says that the implementation under test fails a case.
 */
export class CannotRun extends Error {
  override name = 'CannotRun';
}
