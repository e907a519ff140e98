/** Unit tests of all packages, run on their sources: no build is needed. The last reporter prints the line that CI counts. */
import { defineConfig } from 'vitest/config';

const conditions = ['@tridcomm/source', 'module', 'node', 'development|production'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['packages/*/test/**/*.test.ts', 'conformance/*/test/**/*.test.ts'],
          testTimeout: 30_000,
        },
      },
    ],
    reporters: ['default', ['junit', { outputFile: 'reports/junit.xml' }], './packages/tools/src/ci-reporter.mjs'],
  },
});
