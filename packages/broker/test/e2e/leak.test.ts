import { afterEach, beforeEach, expect, test } from 'vitest';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs';
import { connect as connectTcp, createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { Scene, until, type BrokerProcess } from './scene.ts';

/*
 * Topics and payloads that nobody else could have written, sent through a broker in a process of its own; then everything that the broker
 * holds, writes and sends is searched for them. Each place holds something else that the same search has to find.
 */

let scene: Scene;
const servers: Server[] = [];

beforeEach(async () => {
  scene = await Scene.create();
});

afterEach(async () => {
  await scene.close();
  for (const server of servers.splice(0)) server.close();
});

test(
  'errors.5: no topic and no payload is in the memory, the log, the messages, the metrics or on the wire of a broker',
  { timeout: 120_000 },
  async () => {
    const secrets = {
      'topic, first segment': canary(),
      'topic, last segment': canary(),
      'payload, live': canary(),
      'payload, stored': canary(),
    };
    const [first, last, live, stored] = Object.values(secrets) as [string, string, string, string];
    const [alice, bob] = [await scene.member('alice'), await scene.member('bob')];
    scene.group(`${first}/**`, { write: [alice], read: [bob] });
    const planted = { plain: canary(), hex: canary(), base64: canary() };
    const metricsPort = await freePort();
    const folder = join(scene.folder, 'store');
    const broker = await scene.brokerProcess(
      {
        listeners: [
          { type: 'tls', host: '127.0.0.1', port: 0 },
          { type: 'noise', host: '127.0.0.1', port: 0 },
        ],
        store: { type: 'disk', folder },
        metrics: { port: metricsPort },
      },
      {
        PLANTED: planted.plain,
        PLANTED_HEX: Buffer.from(planted.hex).toString('hex'),
        PLANTED_BASE64: Buffer.from(`x${planted.base64}`).toString('base64'),
      },
    );
    scene.lead();
    await until('the broker has the word of the authority', () =>
      broker.lines().some(({ type }) => type === 'bundleTaken'),
    );

    const topic = `${first}/new/${last}`;
    const wires: Record<string, Wire> = {};
    for (const [scheme, listener] of [
      ['tls', 'tls-2'],
      ['noise', 'noise-3'],
    ] as const) {
      const wire = await Wire.to(broker.ports[listener]!);
      wires[scheme] = wire;
      const address = `${scheme}://127.0.0.1:${wire.port}`;
      const [publisher, reader] = [await scene.connect(alice, address), await scene.connect(bob, address)];
      const got: string[] = [];
      const onBatch = (batch: Iterable<{ text(): string }>) => void got.push(...Array.from(batch, (one) => one.text()));
      reader.subscribe(`${first}/**`, { onBatch });
      await reader.ready();
      for (let i = 0; i < 50; i++) {
        await publisher.publish(topic, [`${live} ${i}`, `${live}${live}`]);
        await publisher.publish(topic, `${stored} ${i}`, { durability: 'disk' });
      }
      await until('everything came', () => got.length === 150);
      reader.subscribe(`${first}/**`, { from: 1, onBatch });
      await until('everything came again out of the log', () => got.length >= 300);
      if (scheme === 'noise') {
        // A refusal, so that there is something to say about it.
        const grant = { keyId32: alice.keyId32, action: 'publish', pattern: `${first}/**` } as const;
        scene.service.perform((authority, nowMs) => authority.withdraw(grant, nowMs));
        await scene.service.rest();
        await expect(publisher.publish(topic, live)).rejects.toThrow(/E_POLICY|E_REFUSED/);
      }
      await Promise.all([publisher.close(), reader.close()]);
      await wire.send(Buffer.from(`TDC?${planted.plain}`));
    }

    const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    expect(metrics).toMatch(/tridcomm_broker_envelopes_stored_total 200$/m);
    const places: Record<string, readonly Buffer[] | undefined> = {
      memory: memoryOf(broker),
      messages: [Buffer.from(broker.stderr)],
      metrics: [Buffer.from(metrics)],
      'wire of tls': [wires['tls']!.bytes()],
      'wire of noise': [wires['noise']!.bytes()],
    };
    await broker.kill();
    writeFileSync(join(folder, 'planted'), Buffer.from(planted.plain, 'utf16le'));
    places['log'] = filesIn(folder);

    // That which has to be found.
    const keyId = Buffer.from(alice.keyId32);
    expect(found(places['messages']!, keyId)).toEqual(['hex']);
    expect(found(places['metrics']!, Buffer.from('tridcomm_broker_links'))).toEqual(['utf8']);
    expect(found(places['log'], Buffer.from(planted.plain))).toEqual(['utf16']);
    expect(found(places['log'], keyId)).toContain('utf8');
    for (const wire of ['wire of tls', 'wire of noise']) {
      expect(found(places[wire]!, Buffer.from(planted.plain))).toEqual(['utf8']);
    }
    if (places['memory'] !== undefined) {
      expect(found(places['memory'], Buffer.from(planted.plain))).toContain('utf8');
      expect(found(places['memory'], Buffer.from(planted.hex))).toContain('hex');
      expect(found(places['memory'], Buffer.from(planted.base64))).toContain('base64');
    }
    // That which must not be.
    const leaks: string[] = [];
    for (const [place, bytes] of Object.entries(places)) {
      const size = bytes?.reduce((sum, { length }) => sum + length, 0);
      console.log(`searched: ${place}, ${size ?? 'no'} bytes`);
      for (const [what, text] of Object.entries(secrets)) {
        for (const encoding of found(bytes ?? [], Buffer.from(text))) leaks.push(`${what} in ${place} as ${encoding}`);
      }
    }
    expect(leaks).toEqual([]);
  },
);

/** The encodings in which something is found. */
function found(places: readonly Buffer[], bytes: Buffer): string[] {
  return encodings
    .filter(([, encode]) => encode(bytes).some((needle) => places.some((place) => place.includes(needle))))
    .map(([name]) => name);
}

const encodings: readonly (readonly [string, (bytes: Buffer) => readonly Buffer[]])[] = [
  ['utf8', (bytes) => [bytes]],
  ['utf16', (bytes) => [Buffer.from(bytes.toString('latin1'), 'utf16le')]],
  ['hex', (bytes) => [Buffer.from(bytes.toString('hex')), Buffer.from(bytes.toString('hex').toUpperCase())]],
  ['base64', base64Of],
];

/** Bytes as they look in base64 behind 0, 1 or 2 others: without the characters in which their neighbours have a part. */
function base64Of(bytes: Buffer): Buffer[] {
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const whole = text.slice(before === 0 ? 0 : before + 1, Math.floor(((before + bytes.length) * 4) / 3));
    return [whole, whole.replaceAll('+', '-').replaceAll('/', '_')].map((one) => Buffer.from(one));
  });
}

/** All that a process can write to, of what it has in memory; undefined where that cannot be read here. */
function memoryOf({ child }: BrokerProcess): Buffer[] | undefined {
  if (process.platform !== 'linux') {
    console.log('SKIP the memory of the broker: it is read through /proc, which only Linux has');
    return undefined;
  }
  let file: number;
  try {
    file = openSync(`/proc/${child.pid}/mem`, 'r');
  } catch (error) {
    console.log(`SKIP the memory of the broker: this system does not let a parent read it (${String(error)})`);
    return undefined;
  }
  try {
    const maps = readFileSync(`/proc/${child.pid}/maps`, 'utf8').trimEnd().split('\n');
    const regions = maps.flatMap((line) => {
      const [, from, to, mode] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line)!;
      // A mapping of device memory, or what only the kernel has, is not to be read.
      return mode!.startsWith('rw') ? [regionOf(file, BigInt(`0x${from}`), BigInt(`0x${to}`))] : [];
    });
    return regions.filter(({ length }) => length > 0);
  } finally {
    closeSync(file);
  }
}

/** @returns what can be read of it, up to the first page that cannot */
function regionOf(file: number, from: bigint, to: bigint): Buffer {
  const region = Buffer.alloc(Number(to - from));
  let at = 0;
  while (at < region.length) {
    try {
      const count = readSync(file, region, at, Math.min(region.length - at, 16 * 1024 * 1024), from + BigInt(at));
      if (count === 0) break;
      at += count;
    } catch {
      break;
    }
  }
  return region.subarray(0, at);
}

function filesIn(folder: string): Buffer[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path));
}

/** A wire to a port: a proxy that keeps what goes by. */
class Wire {
  readonly #chunks: Buffer[] = [];
  readonly #server: Server;

  private constructor(port: number) {
    this.#server = createServer((near) => {
      const far = connectTcp(port, '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        from.on('data', (chunk: Buffer) => {
          this.#chunks.push(chunk);
          to.write(chunk);
        });
        from.on('error', () => to.destroy());
        from.on('close', () => to.destroy());
        from.on('end', () => to.end());
      }
    });
    servers.push(this.#server);
  }

  static async to(port: number): Promise<Wire> {
    const wire = new Wire(port);
    await new Promise<void>((resolve) => wire.#server.listen(0, '127.0.0.1', resolve));
    return wire;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** Sends bytes that are no link, and waits for the end. */
  async send(bytes: Buffer): Promise<void> {
    const socket = connectTcp(this.port, '127.0.0.1', () => socket.write(bytes));
    socket.on('error', () => undefined);
    socket.resume();
    await new Promise((resolve) => socket.once('close', resolve));
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A word that is nowhere else. */
function canary(): string {
  return `canary-${randomBytes(12).toString('hex')}-q`;
}
