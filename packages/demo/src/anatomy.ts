import type { EnvelopeView } from '@tridcomm/core';
import { line } from './story.ts';

/** Prints an envelope field by field, as it lies before a broker that holds no key. */
export function printAnatomy(view: EnvelopeView, topic: string): void {
  const { header, body, signature } = view;
  const at = (from: number, to: number) => toHex(header.bytes.subarray(from, to));
  const rows: readonly (readonly [string, string, string])[] = [
    ['0', 'magic, version', `${at(0, 3)}  TD, version ${header.bytes[2]}`],
    ['3', 'pattern, kind', `${at(3, 4)}  PUB/SUB data`],
    ['4', 'suite', `${at(4, 6)}  X25519, AES-256-GCM, Ed25519`],
    ['6', 'flags', `${at(6, 8)}  ${header.count === 1 ? 'single' : 'batch'}`],
    ['8', 'topic tag', `${toHex(header.topicTag)}  blinded; the name "${topic}" is not in it`],
    ['24', 'epoch', `${header.epoch}`],
    ['28', 'count', `${header.count} records`],
    ['32', 'sender id', `${toHex(header.senderId)}  a pseudonym`],
    ['48', 'stream id', toHex(header.streamId)],
    ['56', 'seq', `${header.seq}`],
    ['64', 'timestamp', `${header.timestampMs}  ${new Date(header.timestampMs).toISOString()}`],
    ['72', 'salt', toHex(header.salt)],
    [
      '88',
      'lengths',
      `extensions ${header.extensionsLengthBytes}, keyinfo ${header.keyinfoLengthBytes}, body ${body.length}`,
    ],
    ['96', 'body', `${toHex(body.subarray(0, 16))}…  ${body.length} bytes nobody without the key can read`],
    [`${96 + body.length}`, 'signature', `${toHex(signature.subarray(0, 16))}…  64 bytes`],
  ];
  for (const [offset, field, value] of rows) line(`${offset.padStart(6)}  ${field.padEnd(15)} ${value}`);
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
