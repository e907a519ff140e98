import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { countText, claim, heading, line, sizeText } from '../story.ts';
import { searchBytes, searchFolder } from './broker-disk.ts';
import { fileTopic, pattern, type Site } from './site.ts';

/** Part 1: who is who. */
export function introduce(site: Site, startedMs: number): void {
  heading('1  Five processes, and TLS between them');
  line(`An authority, a broker with its log on disk, and three members started in ${seconds(startedMs)} s.`);
  line(`    authority  id ${site.authorityId}`);
  line(`    broker     ${site.address}, process ${site.broker.pid}`);
  for (const { name, keyId } of [site.alice, site.bob, site.carol]) line(`    ${name.padEnd(9)}  key id ${keyId}`);
  line(
    `The authority lets alice and carol write, and bob and carol read, what is on ${pattern}. The broker has no key.`,
  );
}

/** Part 2: what the receiver got, who signed, what the broker has. */
export async function deliver(site: Site, path: string, name: string): Promise<void> {
  const { alice, bob, broker } = site;
  heading(`2  alice sends ${name}, and bob gets it`);
  await bob.process.call('subscribe', 'file', fileTopic, 1);
  const startedMs = performance.now();
  const sent = await alice.process.call('sendFile', fileTopic, path);
  const got = await bob.process.call('received', 'file', sent.messages, 30_000);
  line(
    `Cut into ${countText(sent.messages, 'message')} of up to 16 KiB, each acknowledged when it is on the broker's disk: ` +
      `${seconds(startedMs)} s.`,
  );
  line(`    alice sent  ${sizeText(sent.bytes)}, SHA-256 ${sent.sha256}`);
  claim(
    got.sha256 === sent.sha256 && got.bytes === sent.bytes && got.messages === sent.messages,
    `    bob got     ${sizeText(got.bytes)}, SHA-256 ${got.sha256}`,
  );
  const signed = got.senders.get(`alice ${alice.keyId}`) ?? 0;
  claim(
    got.senders.size === 1 && signed === sent.messages,
    `    who signed  alice, with the key above: ${signed} of ${countText(sent.messages, 'message')}`,
  );
  const secrets = [Buffer.from('orders/'), ...piecesOf(path)];
  const disk = searchFolder(broker.storeFolder, secrets);
  const said = searchBytes(Buffer.from(broker.text), secrets);
  claim(
    disk.found === 0 && said === 0 && disk.bytes > sent.bytes,
    `The broker stored ${sizeText(disk.bytes)} and wrote ${sizeText(broker.text.length)} of log lines: neither the topic nor ` +
      `what was looked for of the file, ${countText(secrets.length - 1, 'piece')}, is in there.`,
  );
}

/** Pieces of a file that are long enough not to be found by chance: of each message the beginning, or of a large file some. */
function piecesOf(path: string): Buffer[] {
  const { size } = statSync(path);
  const step = Math.max(16 * 1024, Math.ceil(size / mostPieces));
  const file = openSync(path, 'r');
  try {
    const pieces: Buffer[] = [];
    for (let at = 0; at < size; at += step) {
      const piece = Buffer.alloc(32);
      const length = readSync(file, piece, 0, piece.length, at);
      if (length >= leastPieceBytes) pieces.push(piece.subarray(0, length));
    }
    return pieces;
  } finally {
    closeSync(file);
  }
}

/** Since a time, as people read it. */
export function seconds(sinceMs: number): string {
  return ((performance.now() - sinceMs) / 1000).toFixed(1);
}

const mostPieces = 64;
const leastPieceBytes = 8;
