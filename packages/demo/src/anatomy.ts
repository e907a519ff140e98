import { parseEnvelope, suites } from '@tridcomm/core';
import { toHex } from './story.ts';

/** Prints an envelope field by field, as it lies before a relay that holds no key. */
export function printAnatomy(bytes: Uint8Array): void {
  const { header, extensions, body, signature } = parseEnvelope(bytes);
  const at = (from: number, to: number) => toHex(header.bytes.subarray(from, to));
  const bodyAt = 96 + header.extensionsLengthBytes + header.keyinfoLengthBytes;
  const chain = extensions.value(topicChain);
  const isAes = header.suite === suites.x25519Aes256GcmEd25519;
  const rows: readonly (readonly [number, string, string])[] = [
    [0, 'magic, version', `${at(0, 3)}  TD, version ${header.bytes[2]}`],
    [3, 'pattern, kind', `${at(3, 4)}  PUB/SUB data`],
    [4, 'suite', `${at(4, 6)}  X25519, ${isAes ? 'AES-256-GCM' : 'ChaCha20-Poly1305'}, Ed25519`],
    [6, 'flags', `${at(6, 8)}  ${header.flags === 0 ? 'single' : 'batch'}`],
    [8, 'topic tag', `${toHex(header.topicTag)}  stands for the topic on this day`],
    [24, 'epoch', `${header.epoch}`],
    [28, 'count', `${header.count} records, the first of them the topic`],
    [32, 'sender id', `${toHex(header.senderId)}  the first half of the key id`],
    [48, 'stream id', toHex(header.streamId)],
    [56, 'seq', `${header.seq}`],
    [64, 'timestamp', `${header.timestampMs}  ${new Date(header.timestampMs).toISOString()}`],
    [72, 'salt', toHex(header.salt)],
    [
      88,
      'lengths',
      `extensions ${header.extensionsLengthBytes}, keyinfo ${header.keyinfoLengthBytes}, body ${body.length}`,
    ],
    [96, 'extensions', `head number; tags of ${chain === undefined ? 0 : chain.length / 16} beginnings of the topic`],
    [bodyAt, 'body', `${toHex(body.subarray(0, 16))}…  ${body.length} bytes, sealed`],
    [bodyAt + body.length, 'signature', `${toHex(signature.subarray(0, 16))}…  64 bytes`],
  ];
  for (const [offset, field, value] of rows)
    console.log(`  ${String(offset).padStart(6)}  ${field.padEnd(15)} ${value}`);
}

/** Extension 9. */
const topicChain = 9;
