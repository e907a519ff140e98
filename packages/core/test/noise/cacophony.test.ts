/**
 * Noise against the vectors of cacophony: the two sets of our protocols as restated below, and those of
 * `noise-cacophony-subset.json` (mcginty/snow `tests/vectors/cacophony.txt`, 8ac60f5), which lies outside this repository in the
 * folder named by `TRIDCOMM_EXTERNAL_VECTORS`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CryptoProvider } from '../../src/crypto/provider.ts';
import { providers } from '../crypto/support.ts';
import { isOurs, runSet, type VectorSet } from './vectors.ts';

/** Noise_XX_25519_ChaChaPoly_SHA256, with the first record of either direction. */
const chaChaPoly: VectorSet = {
  protocol_name: 'Noise_XX_25519_ChaChaPoly_SHA256',
  init_prologue: '4a6f686e2047616c74',
  init_static: 'e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1',
  init_ephemeral: '893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a',
  resp_prologue: '4a6f686e2047616c74',
  resp_static: '4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893',
  resp_ephemeral: 'bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b',
  handshake_hash: 'c8e5f64e846193be2a834104c2a009868d6c9f3bd3c186299888b488b2f1f58e',
  messages: [
    {
      payload: '4c756477696720766f6e204d69736573',
      ciphertext: 'ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79444c756477696720766f6e204d69736573',
    },
    {
      payload: '4d757272617920526f746862617264',
      ciphertext:
        '95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f14480884381cbad1f276e038c48378ffce2b65285e08d6b68aaa3629a5a8639392490e5b9bd5269c2f1e4f488ed8831161f19b7815528f8982ffe09be9b5c412f8a0db50f8814c7194e83f23dbd8d162c9326ad',
    },
    {
      payload: '462e20412e20486179656b',
      ciphertext:
        'c7195ffacac1307ff99046f219750fc47693e23c3cb08b89c2af808b444850a80ae475b9df0f169ae80a89be0865b57f58c9fea0d4ec82a286427402f113e4b6ae769a1d95941d49b25030',
    },
    {
      payload: '4361726c204d656e676572',
      ciphertext: '96763ed773f8e47bb3712f0e29b3060ffc956ffc146cee53d5e1df',
    },
    {
      payload: '4a65616e2d426170746973746520536179',
      ciphertext: '3e40f15f6f3a46ae446b253bf8b1d9ffb6ed9b174d272328ff91a7e2e5c79c07f5',
    },
  ],
};

/** Noise_XX_25519_AESGCM_SHA256, with the first record of either direction. */
const aesGcm: VectorSet = {
  protocol_name: 'Noise_XX_25519_AESGCM_SHA256',
  init_prologue: '4a6f686e2047616c74',
  init_static: 'e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1',
  init_ephemeral: '893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a',
  resp_prologue: '4a6f686e2047616c74',
  resp_static: '4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893',
  resp_ephemeral: 'bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b',
  handshake_hash: '1b7aefb1125762aa21a252890d00af54519638b76437444538f9a52f21e2e0dc',
  messages: [
    {
      payload: '4c756477696720766f6e204d69736573',
      ciphertext: 'ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79444c756477696720766f6e204d69736573',
    },
    {
      payload: '4d757272617920526f746862617264',
      ciphertext:
        '95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843757117acceb05bd7a45733bc22015c97a9d0cbaf41b80446d5988ff5127235d76b79eade70f473d6a4ef521fdcbeda5340d01e028ba793fc059f2724a83af05f12dda0448a7621a926b379a92477fd',
    },
    {
      payload: '462e20412e20486179656b',
      ciphertext:
        'c90f1cf77eba4e50edb038991565e36c9758943a989229b6051244dc4fbecb6946744b401af2ee1a5881b65fbb87fd07cb6a328ececc9ce6ce84c399dc332d4fd521fa4bb7f467ce909395',
    },
    {
      payload: '4361726c204d656e676572',
      ciphertext: 'bc3fa77f6aca3e8466d7dc6bea10013e88a6a29add5132b461806c',
    },
    {
      payload: '4a65616e2d426170746973746520536179',
      ciphertext: '250b01074cdfe0df2ecf8ccbf1737b15a2ddb5b52fd9a396604e9c793cee3b3bb9',
    },
  ],
};

describe.each(providers)('Noise of $name', (provider) => {
  it.each([chaChaPoly, aesGcm])('computes $protocol_name of cacophony', (set) => runSet(provider, set));
});

const folder = process.env['TRIDCOMM_EXTERNAL_VECTORS'];
if (folder === undefined) console.log('SKIP external vectors: TRIDCOMM_EXTERNAL_VECTORS is not set');

it.skipIf(folder === undefined)('computes every set of cacophony that is ours, by all providers', () => {
  const text = readFileSync(join(folder ?? '', 'noise-cacophony-subset.json'), 'utf8');
  const { vectors } = JSON.parse(text) as { vectors: VectorSet[] };
  expect(vectors).toHaveLength(6);
  for (const provider of providers) expect(runOurs(provider, vectors)).toEqual({ ours: 2, messages: 12 });
});

/** Runs the sets that are ours; prints and gives the tally. */
function runOurs(provider: CryptoProvider, sets: readonly VectorSet[]) {
  const tally = { ours: 0, messages: 0 };
  const others: string[] = [];
  for (const set of sets) {
    if (!isOurs(set)) {
      others.push(set.protocol_name);
      continue;
    }
    runSet(provider, set);
    tally.ours += 1;
    tally.messages += set.messages.length;
  }
  const counts = `${tally.ours} sets ours, ${others.length} not ours (${others.join(' ')})`;
  console.log(`Noise, ${provider.name}: ${counts}, ${tally.messages} messages`);
  return tally;
}
