/**
 * The 914 Ed25519 cases of C2SP/CCTV (`ed25519/ed25519vectors.json`, 1e3d286), which lie outside this repository in the
 * folder named by `TRIDCOMM_EXTERNAL_VECTORS`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { CryptoProvider } from '../../src/crypto/provider.ts';
import { codeOf, hex, providers, utf8 } from './support.ts';

interface Case {
  readonly number: number;
  readonly key: string;
  readonly sig: string;
  readonly msg: string;
}

const folder = process.env['TRIDCOMM_EXTERNAL_VECTORS'];
if (folder === undefined) console.log('SKIP external vectors: TRIDCOMM_EXTERNAL_VECTORS is not set');

it.skipIf(folder === undefined)(
  'suites.6, suites.7, suites.8 accept the same 43 of the 914 CCTV cases by all providers',
  () => {
    const cases = JSON.parse(readFileSync(join(folder ?? '', 'cctv-ed25519.json'), 'utf8')) as Case[];
    expect(cases).toHaveLength(914);
    const sets = providers.map((provider) => accepted(provider, cases));
    for (const set of sets) {
      expect(set).toHaveLength(43);
      expect(set).toEqual(sets[0]);
    }
  },
);

/** Numbers of the cases that a provider accepts, in order; prints the tally. */
function accepted(provider: CryptoProvider, cases: readonly Case[]): number[] {
  const numbers: number[] = [];
  for (const { number, key, sig, msg } of cases) {
    let verdict = false;
    const code = codeOf(() => (verdict = provider.ed25519Verify(hex(key), utf8(msg), hex(sig))));
    expect([undefined, 'E_KEY']).toContain(code);
    if (verdict) numbers.push(number);
  }
  const tally = `${cases.length} cases, ${numbers.length} accepted, ${cases.length - numbers.length} refused`;
  console.log(`CCTV Ed25519, ${provider.name}, Node ${process.versions.node}: ${tally}`);
  return numbers;
}
