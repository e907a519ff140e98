import { it } from 'vitest';
import { StreamHash } from '../../src/replay/stream-hash.ts';
import { headerOf, streamOf } from '../replay/steps.ts';
it('x', () => {
  for (const kind of ['seq', 'seqHigh', 'random']) for (const fill of [3, 0, 77]) {
  const key = fill === 77 ? crypto.getRandomValues(new Uint8Array(16)) : new Uint8Array(16).fill(fill);
  const h = new StreamHash(key);
  const N = 5000;
  for (const field of ['stream','group'] as const) {
  const outs: number[] = [];
  for (let n = 0; n < N; n++) {
    const streamId = kind === 'random' ? crypto.getRandomValues(new Uint8Array(8)) : new Uint8Array(8);
    if (kind !== 'random') new DataView(streamId.buffer).setUint32(kind === 'seq' ? 4 : 0, n);
    const hd = headerOf({ stream: { ...streamOf(0), streamId }, seq: 1, timestampMs: 1 });
    if (field === 'group') { if (kind==='random') hd.set(streamId, 32); else new DataView(hd.buffer).setUint32(32 + (kind==='seq'?12:0), n); }
    h.update(hd, true);
    outs.push(h[field] >>> 0);
  }
  const row = [8, 13, 16].map((s) => {
    const hi = new Set(outs.map((o) => o >>> s)).size, lo = new Set(outs.map((o) => (o << s) >>> 0)).size;
    const M = 2 ** (32 - s);
    return `top${32 - s} ${N - hi} low${32 - s} ${N - lo} expected ${(N - M * (1 - (1 - 1 / M) ** N)).toFixed(1)}`;
  });
  console.log(kind, fill, field, row.join(' | '));
  }}
});
