/** Vitest reporter of the closing line `N passed, N failed, N skipped`, which CI reads. */

/** @import { Reporter, TestModule } from 'vitest/node' */

/** @implements {Reporter} */
export default class CiReporter {
  /**
   * @param {ReadonlyArray<TestModule>} modules
   * @param {ReadonlyArray<unknown>} unhandled errors outside any test; each counts as a failure
   */
  onTestRunEnd(modules, unhandled) {
    const count = { passed: 0, failed: unhandled.length, skipped: 0 };
    for (const module of modules) {
      count.failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        count[state === 'pending' ? 'skipped' : state]++;
      }
    }
    const line = `${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`;
    process.once('exit', () => console.log(line)); // other reporters still write their files and say so
  }
}
