import { inspect } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { LocalNetwork } from '../../src/local/index.ts';
import { nodeProvider } from '../../src/node/index.ts';
import type { CryptoProvider } from '../../src/crypto/provider.ts';

/*
 * What a relay held, sent and logged, searched for everything that it must not know: payloads, topic names, and every key that
 * any party used, as bytes, hex, base64 and base64url (model.1, principals.23, errors.5, topics.11).
 */

/** A provider that remembers every secret that passes through it. */
function spying(): { provider: CryptoProvider; secrets: Map<string, Uint8Array> } {
  const secrets = new Map<string, Uint8Array>();
  const note = (key: Uint8Array) => {
    // A key of zeros is HKDF's empty salt.
    if (key.length === 32 && key.some((byte) => byte !== 0)) secrets.set(Buffer.from(key).toString('hex'), key.slice());
  };
  const provider: CryptoProvider = {
    ...nodeProvider,
    name: 'spy',
    generateKeyPair(algorithm) {
      const pair = nodeProvider.generateKeyPair(algorithm);
      note(pair.secretKey);
      return pair;
    },
    hmacSha256(key, ...parts) {
      note(key);
      return nodeProvider.hmacSha256(key, ...parts);
    },
    aeadSeal(algorithm, key32, nonce12, aad, plaintext) {
      note(key32);
      return nodeProvider.aeadSeal(algorithm, key32, nonce12, aad, plaintext);
    },
    ed25519Sign(seed32, message) {
      note(seed32);
      return nodeProvider.ed25519Sign(seed32, message);
    },
    x25519(secretKey32, publicKey32) {
      note(secretKey32);
      return nodeProvider.x25519(secretKey32, publicKey32);
    },
  };
  return { provider, secrets };
}

const encodings = ['latin1', 'hex', 'base64', 'base64url'] as const;

/** The forms in which a secret may stand somewhere; base64 at each of the three ways it can fall on the groups. */
function formsOf(secret: Uint8Array): string[] {
  const bytes = Buffer.from(secret);
  return encodings.flatMap((encoding) => {
    if (encoding === 'latin1' || encoding === 'hex') return [bytes.toString(encoding)];
    // Whole groups only: what stands before and after decides the characters at the edges.
    return [0, 1, 2].map((skip) => {
      const inner = bytes.subarray(skip);
      return inner.subarray(0, inner.length - (inner.length % 3)).toString(encoding);
    });
  });
}

/** Which secrets stand in a text whose characters are bytes. */
function found(haystack: string, secrets: Iterable<readonly [string, Uint8Array]>): string[] {
  const lower = haystack.toLowerCase();
  return Array.from(secrets)
    .filter(([, secret]) =>
      formsOf(secret).some((form, i) => (i === 1 ? lower.includes(form) : haystack.includes(form))),
    )
    .map(([name]) => name);
}

const text = new TextEncoder();
const payloads = ['two coffees, please', 'kaffee für zwei'];
const topics = ['espresso-orders/new-branch', 'espresso-orders/old-branch'];

describe('model.1: what a relay holds, sends and logs', () => {
  let haystack = '';
  let secrets = new Map<string, Uint8Array>();

  beforeAll(async () => {
    const spy = spying();
    let now = 1_800_000_000_000;
    const network = await LocalNetwork.create({ provider: spy.provider, now: () => now });
    const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((name) => network.join(name));
    network.allow('espresso-orders/**', { write: [alice!, carol!], read: [bob!, carol!] });
    const sent: string[] = [];
    const atBob = bob!.subscribe('espresso-orders/**');
    const step = () => {
      for (const topic of topics) sent.push(String(alice!.publish(topic, ...payloads).epoch));
      now += 1_000;
    };
    step();
    network.rotate('espresso-orders/**');
    step();
    network.revoke(carol!);
    step();
    expect(() => carol!.publish(topics[0]!, payloads[0]!)).toThrow();
    now += 30_000;
    network.tick();
    expect(atBob.received().map((message) => message.text())).toHaveLength(12);
    expect(new Set(sent).size).toBeGreaterThan(1);

    // All that came to the relay came by its log; what it retains and sends is of that.
    const parts = network.relay.events.flatMap((event) => [
      ...('bytes' in event ? [Buffer.from(event.bytes).toString('latin1')] : []),
      inspect(event, { depth: 6, maxArrayLength: null, maxStringLength: null }),
      JSON.stringify(event),
    ]);
    expect(parts.length).toBeGreaterThan(20);
    haystack = parts.join('\n');
    secrets = spy.secrets;
  });

  it('has no payload and no topic name or segment in it', () => {
    const words = [...payloads, ...topics, 'espresso-orders', 'new-branch', 'old-branch'];
    expect(
      found(
        haystack,
        words.map((word) => [word, text.encode(word)] as const),
      ),
    ).toEqual([]);
  });

  it('has no key in it that anybody used', () => {
    expect(secrets.size).toBeGreaterThan(100);
    expect(found(haystack, secrets)).toEqual([]);
  });

  it('would show a leak that is planted in it, in every form', () => {
    const [name, secret] = secrets.entries().next().value!;
    const planted = [...encodings, 'HEX'].map((encoding) =>
      encoding === 'HEX'
        ? Buffer.from(secret).toString('hex').toUpperCase()
        : Buffer.from(secret).toString(encoding as 'hex'),
    );
    for (const leak of planted) {
      expect(found(`${haystack}\nkey=${leak};`, secrets)).toEqual([name]);
      const word = [['topic', text.encode(topics[0]!)] as const];
      expect(found(`${haystack}${Buffer.from(`x/${topics[0]!}`).toString('base64')}`, word)).toEqual(['topic']);
    }
  });

  it('is searched as the relay keeps it: what it retains is among what it was given', async () => {
    const network = await LocalNetwork.create({ provider: nodeProvider });
    const alice = network.join('alice');
    network.allow('a', { write: [alice], read: [alice] });
    const given = network.relay.events
      .flatMap((event) => (event.type === 'bundle' ? [Buffer.from(event.bytes).toString('latin1')] : []))
      .join('');
    const { addressOf } = await import('../../src/keys/address.ts');
    const address16 = addressOf(nodeProvider, network.authority.authorityId32, 4, new Uint8Array(0));
    const retained = network.relay.relay.retained(address16);
    expect(retained).toHaveLength(1);
    expect(given).toContain(Buffer.from(retained[0]!).toString('latin1'));
  });
});
