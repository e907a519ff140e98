import { randomBytes } from 'node:crypto';
import { ReplayGuard } from '@tridcomm/core';
import { median } from './measure.ts';
import type { Row } from './report.ts';

const streams = 1_000_000;

/** Memory and time of the replay state with a million streams of as many senders. */
export function streamTableRows(): Row[] {
  const guard = new ReplayGuard({ hashKey16: randomBytes(16), life: { kind: 'volatile', bootMs: 0, skewMs: 0 } });
  const header = new Uint8Array(96);
  const view = new DataView(header.buffer);
  const id32 = new Uint8Array(32);
  const point = (stream: number, seq: number) => {
    // The fields of a real header: tag, sender and stream as hashes spread them.
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
  const lookUps = 500_000;
  const samplesNs: number[] = [];
  for (let round = 0; round < 9; round++) {
    let fresh = 0;
    const started = performance.now();
    for (let i = 0; i < lookUps; i++) {
      point((Math.imul(i, 2_654_435_761) >>> 0) % streams, 2);
      if (guard.lookUp(header) === 'new') fresh++;
    }
    samplesNs.push(((performance.now() - started) * 1e6) / lookUps);
    if (fresh !== lookUps) throw new Error(`${fresh} of ${lookUps} look-ups found a known stream`);
  }
  return [
    { name: 'replay: look-up among 1,000,000 streams', value: median(samplesNs), unit: 'ns', atMost: 100 },
    {
      name: 'replay: memory of an idle stream at 1,000,000',
      value: guard.byteLength / guard.streamCount,
      unit: 'B',
      atMost: 45,
    },
  ];
}
