import { expect, it } from 'vitest';
import { ReplayGuard } from '@tridcomm/core';
import { codeOf, headerOf, idOf, streamOf } from '../replay/steps.ts';

it('replay.1 tells 5,000 streams of one group apart, of which some share all the hash bits that the index keeps', () => {
  const count = 5_000;
  const guard = new ReplayGuard({
    hashKey16: new Uint8Array(16).fill(3),
    life: { kind: 'volatile', bootMs: 0 },
    streamCap: count,
  });
  const offer = (n: number) =>
    codeOf(() => {
      const streamId = new Uint8Array(8);
      new DataView(streamId.buffer).setInt32(0, Math.imul(n, 0x9e3779b1));
      new DataView(streamId.buffer).setInt32(4, Math.imul(n, 0x85ebca77));
      const header = headerOf({ stream: { ...streamOf(0), streamId }, seq: 1, timestampMs: 100_000 });
      if (guard.lookUp(header) === 'compare') guard.compare(header, idOf(n));
      guard.commit(header, idOf(n));
      return 'new';
    });
  const answers = () => new Set(Array.from({ length: count }, (_, n) => offer(n)));
  expect(answers()).toEqual(new Set(['new']));
  expect(answers()).toEqual(new Set(['E_REPLAY']));
  expect(guard.streamCount).toBe(count);
});
