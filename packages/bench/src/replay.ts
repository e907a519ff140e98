import { randomBytes } from 'node:crypto';
import { ReplayGuard } from '@tridcomm/core';
import { alternate, median } from './measure.ts';
import type { Row } from './report.ts';

const streams = 1_000_000;
const inUse = 1_000;

/** Memory and time of the replay state with a million streams of as many senders. */
export function replayRows(): Row[] {
  const guard = new ReplayGuard({
    hashKey16: randomBytes(16),
    life: { kind: 'volatile', bootMs: 0 },
    freshness: { skewMs: 0 },
  });
  const header = new Uint8Array(96);
  const view = new DataView(header.buffer);
  const id32 = new Uint8Array(32);
  const point = (stream: number, seq: number) => {
    // The fields of a real header: tag and sender as hashes spread them.
    view.setUint32(8, Math.imul(stream, 0x9e3779b1));
    view.setUint32(32, Math.imul(stream, 0x85ebca6b));
    view.setUint32(48, stream);
    view.setUint32(60, seq);
    view.setUint32(68, 1);
  };
  for (let stream = 0; stream < streams; stream++) {
    point(stream, 1);
    guard.commit(header, id32);
  }
  const headers = Array.from({ length: inUse }, (_, i) => {
    point(i * (streams / inUse), 2);
    return header.slice();
  });
  const lookUpInUse = (times: number) => {
    for (let i = 0; i < times; i++) {
      if (guard.lookUp(headers[i % inUse]!) !== 'new') throw new Error('a number that was never used is not new');
    }
  };
  const lookUpCold = (times: number) => {
    for (let i = 0; i < times; i++) {
      point((Math.imul(i, 2_654_435_761) >>> 0) % streams, 2);
      if (guard.lookUp(header) !== 'new') throw new Error('a number that was never used is not new');
    }
  };
  const us = alternate({ inUse: lookUpInUse, cold: lookUpCold }, 31, 15);
  return [
    {
      name: 'replay: look-up, 1,000,000 streams held, 1,000 in use',
      value: median(us.inUse) * 1000,
      unit: 'ns',
      atMost: 100,
    },
    { name: 'replay: look-up, 1,000,000 held, each time another', value: median(us.cold) * 1000, unit: 'ns' },
    {
      name: 'replay: memory of an idle stream at 1,000,000',
      value: guard.byteLength / guard.streamCount,
      unit: 'B',
      atMost: 45,
    },
  ];
}
