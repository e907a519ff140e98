import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeBody, encodeFrame } from '@tridcomm/core/internal';
import { certificateNameOf, frameTypes, LinkEngine, linkModes } from '@tridcomm/core/link';
import { nodeProvider } from '@tridcomm/core/node';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { random } from '../../src/client/random.ts';
import type { ByteStream } from '../../src/links/byte-stream.ts';
import { dial } from '../../src/links/dial.ts';
import { openLink, type LinkHandlers, type MemberOfLink } from '../../src/links/link.ts';
import { identityOf } from '../../src/store/identity-store.ts';
import { FileStore } from '../../src/store/file-store.ts';
import { until, World } from '../world.ts';

vi.mock(import('../../src/links/dial.ts'), async (original) => {
  const { dial: real } = await original();
  return { dial: vi.fn(real) };
});
const dialed = vi.mocked(dial);

let world: World;
let directory: string;
const closing: (() => void)[] = [];
beforeEach(async () => {
  world = await World.create();
  directory = mkdtempSync(join(tmpdir(), 'tdc-'));
});
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await world.close();
  rmSync(directory, { recursive: true });
});

async function serve(take: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    closing.push(() => socket.destroy());
    take(socket);
  });
  closing.push(() => server.close());
  const path = join(directory, 's');
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  return `unix:${path}`;
}

function memberOf(fields: Partial<MemberOfLink> = {}): MemberOfLink {
  const { directory: own, record } = world.member('alice');
  const store = FileStore.open(own);
  const { key } = identityOf(store, nodeProvider, random);
  store.close();
  return {
    provider: nodeProvider,
    random,
    now: Date.now,
    key,
    principalRecord: record,
    trust: world.trust(),
    authorityRecords: () => [],
    ...fields,
  };
}

const handlers: LinkHandlers = { onOpen: () => {}, onMessage: () => {}, onDrain: () => {}, onEnd: () => {} };

test('a connection whose link cannot begin is ended', async () => {
  let isClosed = false;
  const address = await serve((socket) => socket.resume().on('close', () => (isClosed = true)));
  await expect(openLink({ address }, memberOf({ creditBytes: -1 }), handlers)).rejects.toMatchObject({
    code: 'E_USAGE',
  });
  await until(() => isClosed);
});

test('a close in one chunk with what opens the link settles the opening', async () => {
  const address = await serve(() => {});
  const member = memberOf();
  const exporter32 = new Uint8Array(32).fill(1);
  const namesOf = (keyId32: Uint8Array) => ({ exporter32, certificateNames: [certificateNameOf(keyId32)] });
  let toMember!: (chunk: Uint8Array) => void;
  let isEnded = false;
  const engine = new LinkEngine(world.broker.linkOptions(linkModes.tls, namesOf(member.key.keyId32)), (chunks) => {
    // Over TLS frames lie bare, so a broker need not wait for the link to be open.
    const close = encodeFrame(frameTypes.close, 0, encodeBody('Close', { code: 'E_LIMIT', retry_ms: 0 }));
    toMember(Buffer.concat([...chunks, close]));
  });
  dialed.mockImplementationOnce(async (_address, _tls, to) => {
    toMember = (chunk) => to.onData(chunk);
    const stream = {
      isFull: false,
      write: (chunks: readonly Uint8Array[]) => {
        const bytes = Uint8Array.from(Buffer.concat(chunks));
        queueMicrotask(() => {
          if (!isEnded) engine.receive(bytes, () => {});
        });
      },
      end: () => (isEnded = true),
      destroy: () => (isEnded = true),
    } as unknown as ByteStream;
    return Promise.resolve({ stream, mode: linkModes.tls, tls: namesOf(world.brokerKeyId32) });
  });
  const onOpen = vi.fn();
  const opening = openLink({ address, brokerName: 'broker' }, member, { ...handlers, onOpen });
  await expect(opening).rejects.toMatchObject({ code: 'E_LIMIT' });
  expect(onOpen).not.toHaveBeenCalled();
  expect(isEnded).toBe(true);
});
