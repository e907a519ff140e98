/**
 * HPKE against the vectors of RFC 9180: appendix A.2 as restated below, and the Base and PSK sets of `rfc9180-base-psk.json`
 * (cloudflare/circl `hpke/testdata/vectors_rfc9180_5f503c5.json.gz`, 33d33c7), which lies outside this repository in the
 * folder named by `TRIDCOMM_EXTERNAL_VECTORS`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CryptoProvider } from '../../src/crypto/provider.ts';
import { providers } from '../crypto/support.ts';
import { isOurs, runSet, type VectorSet } from './vectors.ts';

/** RFC 9180 appendix A.2.1, mode Base: the first two encryptions. */
const a21: VectorSet = {
  mode: 0,
  kem_id: 32,
  kdf_id: 1,
  aead_id: 3,
  info: '4f6465206f6e2061204772656369616e2055726e',
  ikmR: '1ac01f181fdf9f352797655161c58b75c656a6cc2716dcb66372da835542e1df',
  ikmE: '909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b',
  skRm: '8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb',
  pkRm: '4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a',
  enc: '1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a',
  shared_secret: '0bbe78490412b4bbea4812666f7916932b828bba79942424abb65244930d69a7',
  key: 'ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91',
  base_nonce: '5c4d98150661b848853b547f',
  exporter_secret: 'a3b010d4994890e2c6968a36f64470d3c824c8f5029942feb11e7a74b2921922',
  encryptions: [
    {
      aad: '436f756e742d30',
      pt: '4265617574792069732074727574682c20747275746820626561757479',
      ct: '1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28',
      nonce: '5c4d98150661b848853b547f',
    },
    {
      aad: '436f756e742d31',
      pt: '4265617574792069732074727574682c20747275746820626561757479',
      ct: '6b53c051e4199c518de79594e1c4ab18b96f081549d45ce015be002090bb119e85285337cc95ba5f59992dc98c',
      nonce: '5c4d98150661b848853b547e',
    },
  ],
  exports: [
    {
      exporter_context: '',
      L: 32,
      exported_value: '4bbd6243b8bb54cec311fac9df81841b6fd61f56538a775e7c80a9f40160606e',
    },
    {
      exporter_context: '00',
      L: 32,
      exported_value: '8c1df14732580e5501b00f82b10a1647b40713191b7c1240ac80e2b68808ba69',
    },
    {
      exporter_context: '54657374436f6e74657874',
      L: 32,
      exported_value: '5acb09211139c43b3090489a9da433e8a30ee7188ba8b0a9a1ccf0c229283e53',
    },
  ],
};

/** RFC 9180 appendix A.2.2, mode PSK: the first two encryptions. */
const a22: VectorSet = {
  mode: 1,
  kem_id: 32,
  kdf_id: 1,
  aead_id: 3,
  info: '4f6465206f6e2061204772656369616e2055726e',
  ikmR: '26b923eade72941c8a85b09986cdfa3f1296852261adedc52d58d2930269812b',
  ikmE: '35706a0b09fb26fb45c39c2f5079c709c7cf98e43afa973f14d88ece7e29c2e3',
  skRm: '77d114e0212be51cb1d76fa99dd41cfd4d0166b08caa09074430a6c59ef17879',
  pkRm: '13640af826b722fc04feaa4de2f28fbd5ecc03623b317834e7ff4120dbe73062',
  enc: '2261299c3f40a9afc133b969a97f05e95be2c514e54f3de26cbe5644ac735b04',
  psk: '0247fd33b913760fa1fa51e1892d9f307fbe65eb171e8132c2af18555a738b82',
  psk_id: '456e6e796e20447572696e206172616e204d6f726961',
  shared_secret: '4be079c5e77779d0215b3f689595d59e3e9b0455d55662d1f3666ec606e50ea7',
  key: '600d2fdb0313a7e5c86a9ce9221cd95bed069862421744cfb4ab9d7203a9c019',
  base_nonce: '112e0465562045b7368653e7',
  exporter_secret: '73b506dc8b6b4269027f80b0362def5cbb57ee50eed0c2873dac9181f453c5ac',
  encryptions: [
    {
      aad: '436f756e742d30',
      pt: '4265617574792069732074727574682c20747275746820626561757479',
      ct: '4a177f9c0d6f15cfdf533fb65bf84aecdc6ab16b8b85b4cf65a370e07fc1d78d28fb073214525276f4a89608ff',
      nonce: '112e0465562045b7368653e7',
    },
    {
      aad: '436f756e742d31',
      pt: '4265617574792069732074727574682c20747275746820626561757479',
      ct: '5c3cabae2f0b3e124d8d864c116fd8f20f3f56fda988c3573b40b09997fd6c769e77c8eda6cda4f947f5b704a8',
      nonce: '112e0465562045b7368653e6',
    },
  ],
  exports: [
    {
      exporter_context: '',
      L: 32,
      exported_value: '813c1bfc516c99076ae0f466671f0ba5ff244a41699f7b2417e4c59d46d39f40',
    },
    {
      exporter_context: '00',
      L: 32,
      exported_value: '2745cf3d5bb65c333658732954ee7af49eb895ce77f8022873a62a13c94cb4e1',
    },
    {
      exporter_context: '54657374436f6e74657874',
      L: 32,
      exported_value: 'ad40e3ae14f21c99bfdebc20ae14ab86f4ca2dc9a4799d200f43a25f99fa78ae',
    },
  ],
};

describe.each(providers)('HPKE of $name', (provider) => {
  it('computes RFC 9180 A.2.1, mode Base', () => runSet(provider, a21));
  it('computes RFC 9180 A.2.2, mode PSK', () => runSet(provider, a22));
});

const folder = process.env['TRIDCOMM_EXTERNAL_VECTORS'];
if (folder === undefined) console.log('SKIP external vectors: TRIDCOMM_EXTERNAL_VECTORS is not set');

it.skipIf(folder === undefined)('computes every Base and PSK set of RFC 9180 that is ours, by all providers', () => {
  const sets = JSON.parse(readFileSync(join(folder ?? '', 'rfc9180-base-psk.json'), 'utf8')) as VectorSet[];
  expect(sets).toHaveLength(32);
  for (const provider of providers) {
    expect(runOurs(provider, sets)).toEqual({ ours: 4, encryptions: 20, exports: 12 });
  }
});

/** Runs the sets that are ours; prints and gives the tally. */
function runOurs(provider: CryptoProvider, sets: readonly VectorSet[]) {
  const tally = { ours: 0, encryptions: 0, exports: 0 };
  const others: string[] = [];
  for (const set of sets) {
    if (!isOurs(set)) {
      others.push([set.kem_id, set.kdf_id, set.aead_id, set.mode].join('/'));
      continue;
    }
    runSet(provider, set);
    tally.ours += 1;
    tally.encryptions += set.encryptions.length;
    tally.exports += set.exports.length;
  }
  const { ours, encryptions, exports } = tally;
  const counts = `${ours} sets ours, ${others.length} not ours (${others.join(' ')})`;
  console.log(`RFC 9180, ${provider.name}: ${counts}, ${encryptions} encryptions, ${exports} exports`);
  return tally;
}
