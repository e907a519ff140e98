import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NoiseHandshake, type NoiseRole } from '../../src/noise/handshake.ts';
import { codeOf, flipped, lowOrder, providers, toHex, utf8 } from '../crypto/support.ts';
import { aeads, cases, keyPairOf, newEnd, newSessions, payloads, prologue, refusalOf, run } from './support.ts';

const none: Uint8Array = new Uint8Array(0);
const roleOf = (i: number): NoiseRole => (i % 2 === 0 ? 'initiator' : 'responder');
const readerOf = (i: number): NoiseRole => roleOf(i + 1);

describe.each(cases)('Noise handshake of $name with $aead', ({ provider, aead }) => {
  const end = (role: NoiseRole, varied: Parameters<typeof newEnd>[2] = {}) =>
    newEnd(provider, role, { aead, ...varied });
  const { messages } = run(end('initiator'), end('responder'));

  /** The reader of message `i`, in front of it; all keys are fixed, so the messages above are what it waits for. */
  const waitingFor = (i: number) => {
    const reader = end(readerOf(i));
    for (const [before, message] of messages.slice(0, i).entries()) {
      if (roleOf(before) === readerOf(i)) reader.writeMessage(() => payloads[before]!);
      else reader.readMessage(message);
    }
    return reader;
  };

  /** Nothing can be done any more, with anything. */
  const expectOver = (handshake: NoiseHandshake) => {
    expect(codeOf(() => handshake.writeMessage(() => none))).toBe('E_CLOSED');
    for (const message of messages) expect(codeOf(() => handshake.readMessage(message))).toBe('E_CLOSED');
    expect(codeOf(() => handshake.split())).toBe('E_CLOSED');
  };

  it('gives both ends the keys of the other, one hash and two ciphers', () => {
    const [initiator, responder] = [end('initiator'), end('responder')];
    const known = () => [initiator.remoteStaticKey32, responder.remoteStaticKey32];
    const [first, second] = [keyPairOf(provider, 1).publicKey, keyPairOf(provider, 2).publicKey];
    expect(known()).toEqual([undefined, undefined]);
    responder.readMessage(initiator.writeMessage(() => payloads[0]));
    expect(known()).toEqual([undefined, undefined]);
    initiator.readMessage(responder.writeMessage(() => payloads[1]));
    expect(known()).toEqual([second, undefined]);
    responder.readMessage(initiator.writeMessage(() => payloads[2]));
    expect(known()).toEqual([second, first]);
    const sessions = [initiator.split(), responder.split()] as const;
    expect(known()).toEqual([second, first]);
    expect(sessions[0].handshakeHash32).toEqual(sessions[1].handshakeHash32);
    for (const [from, to] of [sessions, sessions.toReversed()]) {
      for (const payload of payloads) expect(to!.receive.decrypt(from!.send.encrypt(payload))).toEqual(payload);
    }
    expect(toHex(sessions[0].send.encrypt(payloads[0]))).not.toBe(toHex(sessions[1].send.encrypt(payloads[0])));
  });

  it('adds 32, 96 and 64 bytes to the payloads', () => {
    expect(messages.map((message, i) => message.length - payloads[i]!.length)).toEqual([32, 96, 64]);
    // That of message 1 is in the clear, the others are not.
    const holds = messages.map((message, i) => toHex(message).includes(toHex(payloads[i]!)));
    expect(holds).toEqual([true, false, false]);
  });

  it('gives the writer of a payload and its reader the hash after the keys and before the payload', () => {
    const ends = { initiator: end('initiator'), responder: end('responder') };
    const name = new Uint8Array(32);
    name.set(utf8(`Noise_XX_25519_${aead === 'aes-256-gcm' ? 'AESGCM' : 'ChaChaPoly'}_SHA256`));
    let hash: Uint8Array = provider.sha256(name, prologue);
    // What each message has of public keys, sealed or not: the hash takes them one by one.
    const keys = [[32], [32, 48], [48]];
    for (const [i, lengths] of keys.entries()) {
      let seen = none;
      const message = ends[roleOf(i)].writeMessage((h32) => {
        seen = new Uint8Array(h32);
        h32.fill(0xee);
        return payloads[i]!;
      });
      let offset = 0;
      for (const length of lengths) hash = provider.sha256(hash, message.subarray(offset, (offset += length)));
      expect(toHex(seen)).toBe(toHex(hash));
      const { h32, payload } = ends[readerOf(i)].readMessage(message);
      expect(toHex(h32)).toBe(toHex(hash));
      expect(payload).toEqual(payloads[i]);
      // Both were given out for good: what their owner writes over them does not reach the handshake.
      h32.fill(0xee);
      payload.fill(0xee);
      hash = provider.sha256(hash, message.subarray(offset));
    }
    expect(toHex(ends.initiator.split().handshakeHash32)).toBe(toHex(hash));
    expect(toHex(ends.responder.split().handshakeHash32)).toBe(toHex(hash));
  });

  it('takes a payload made from the hash, as a signature is', () => {
    const ends = { initiator: end('initiator'), responder: end('responder') };
    const sign = (h32: Uint8Array) => provider.hmacSha256(utf8('key'), h32);
    for (const i of [0, 1, 2]) {
      const { h32, payload } = ends[readerOf(i)].readMessage(ends[roleOf(i)].writeMessage(sign));
      expect(payload).toEqual(sign(h32));
    }
  });

  it.each([1, 2, 3])('refuses message %i cut anywhere, and is over then', (number) => {
    const i = number - 1;
    const message = messages[i]!;
    const overhead = [32, 96, 64][i]!;
    for (let length = 0; length < message.length; length++) {
      // A shorter message 1 has a shorter payload in the clear, and nobody can tell before message 2.
      if (i === 0 && length >= overhead) continue;
      const reader = waitingFor(i);
      const expected = length < overhead ? 'E_HANDSHAKE/E_LENGTH' : 'E_HANDSHAKE/E_AEAD';
      expect(refusalOf(() => reader.readMessage(message.subarray(0, length)))).toBe(expected);
      expect(codeOf(() => reader.readMessage(message))).toBe('E_CLOSED');
    }
  });

  it.each([2, 3])('refuses message %i with bits changed or bytes more, and is over then', (number) => {
    const i = number - 1;
    const message = messages[i]!;
    const damaged: Uint8Array[] = [Uint8Array.of(...message, 0), new Uint8Array(message.length)];
    for (let bit = 0; bit < 8 * message.length; bit += 7) damaged.push(flipped(message, bit));
    // X25519 does not see bit 255, but the hash does.
    damaged.push(flipped(message, 255));
    for (const bytes of damaged) {
      const reader = waitingFor(i);
      expect(refusalOf(() => reader.readMessage(bytes))).toMatch(/^E_HANDSHAKE\/E_(AEAD|KEY)$/);
      expect(codeOf(() => reader.readMessage(message))).toBe('E_CLOSED');
    }
  });

  it('finds out at message 2 what was changed in message 1', () => {
    const [message = none] = messages;
    const damaged = [Uint8Array.of(...message, 0), message.subarray(0, -1), flipped(message, 255)];
    for (let bit = 0; bit < 8 * message.length; bit += 7) damaged.push(flipped(message, bit));
    for (const bytes of damaged) {
      const responder = end('responder');
      expect(responder.readMessage(bytes).payload).toEqual(bytes.slice(32));
      const answer = responder.writeMessage(() => payloads[1]);
      const initiator = waitingFor(1);
      expect(refusalOf(() => initiator.readMessage(answer))).toBe('E_HANDSHAKE/E_AEAD');
      expect(initiator.remoteStaticKey32).toBeUndefined();
      expectOver(initiator);
    }
  });

  it('refuses the messages in another order', () => {
    for (const [i, other] of [
      [1, 0],
      [1, 2],
      [2, 0],
      [2, 1],
    ] as const) {
      const reader = waitingFor(i);
      expect(refusalOf(() => reader.readMessage(messages[other]!))).toMatch(/^E_HANDSHAKE\/E_(AEAD|LENGTH)$/);
      expectOver(reader);
    }
    // Whatever is long enough passes for a message 1; the answer shows that there is no initiator behind it.
    for (const other of [1, 2]) {
      const responder = end('responder');
      responder.readMessage(messages[other]!);
      const answer = responder.writeMessage(() => payloads[1]);
      expect(refusalOf(() => waitingFor(1).readMessage(answer))).toBe('E_HANDSHAKE/E_AEAD');
    }
  });

  it('refuses messages above 65,535 bytes before it looks at them, and writes none', () => {
    for (const i of [0, 1, 2]) {
      const reader = waitingFor(i);
      const long = new Uint8Array(65_536).fill(9);
      expect(refusalOf(() => reader.readMessage(long))).toBe('E_HANDSHAKE/E_LENGTH');
      expectOver(reader);
    }
    const ends = { initiator: end('initiator'), responder: end('responder') };
    for (const [i, overhead] of [32, 96, 64].entries()) {
      const payload = new Uint8Array(65_535 - overhead).fill(i);
      const message = ends[roleOf(i)].writeMessage(() => payload);
      expect(message).toHaveLength(65_535);
      expect(ends[readerOf(i)].readMessage(message).payload).toEqual(payload);
    }
    for (const [i, overhead] of [32, 96, 64].entries()) {
      // Who writes message i is who reads the one before it.
      const writer = i === 0 ? end('initiator') : waitingFor(i - 1);
      if (i > 0) writer.readMessage(messages[i - 1]!);
      expect(codeOf(() => writer.writeMessage(() => new Uint8Array(65_536 - overhead)))).toBe('E_LIMIT');
      expectOver(writer);
    }
  });

  it('refuses another prologue, another AEAD and another key at message 2', () => {
    const otherAead = aeads.find((other) => other !== aead)!;
    const { secretKey } = keyPairOf(provider, 2);
    const others = [
      { prologue: none },
      { prologue: flipped(prologue, 0) },
      { prologue: Uint8Array.of(...prologue, 0) },
      { aead: otherAead },
      { staticKey: { secretKey, publicKey: keyPairOf(provider, 3).publicKey } },
    ];
    for (const varied of others) {
      const responder = end('responder', varied);
      expect(responder.readMessage(messages[0]!).payload).toEqual(payloads[0]);
      const answer = responder.writeMessage(() => payloads[1]);
      const initiator = waitingFor(1);
      expect(refusalOf(() => initiator.readMessage(answer))).toBe('E_HANDSHAKE/E_AEAD');
      expect(initiator.remoteStaticKey32).toBeUndefined();
      expectOver(initiator);
    }
  });

  it('refuses an initiator whose keys do not belong together, at message 3', () => {
    const { secretKey } = keyPairOf(provider, 1);
    const initiator = end('initiator', { staticKey: { secretKey, publicKey: keyPairOf(provider, 3).publicKey } });
    const responder = end('responder');
    responder.readMessage(initiator.writeMessage(() => none));
    initiator.readMessage(responder.writeMessage(() => none));
    const last = initiator.writeMessage(() => none);
    expect(refusalOf(() => responder.readMessage(last))).toBe('E_HANDSHAKE/E_AEAD');
    expect(responder.remoteStaticKey32).toBeUndefined();
    expectOver(responder);
  });

  it('refuses its own messages and records, and those of another end in its role', () => {
    const long = new Uint8Array(200).fill(9);
    const initiator = end('initiator');
    const own = initiator.writeMessage(() => long);
    expect(refusalOf(() => initiator.readMessage(own))).toBe('E_HANDSHAKE/E_AEAD');
    const others = end('initiator', { ephemeralOf: 30 }).writeMessage(() => long);
    expect(refusalOf(() => waitingFor(1).readMessage(others))).toBe('E_HANDSHAKE/E_AEAD');
    expect(refusalOf(() => waitingFor(2).readMessage(messages[1]!))).toBe('E_HANDSHAKE/E_AEAD');
    const sessions = newSessions(provider, aead);
    for (const { send, receive } of [sessions.initiator, sessions.responder]) {
      const record = send.encrypt(payloads[0]);
      expect(codeOf(() => receive.decrypt(record))).toBe('E_AEAD');
    }
  });

  it('refuses messages of another session of the same ends', () => {
    const responder = end('responder', { ephemeralOf: 40 });
    responder.readMessage(messages[0]!);
    responder.writeMessage(() => payloads[1]);
    expect(refusalOf(() => responder.readMessage(messages[2]!))).toBe('E_HANDSHAKE/E_AEAD');
    const initiator = end('initiator', { ephemeralOf: 41 });
    initiator.writeMessage(() => payloads[0]);
    expect(refusalOf(() => initiator.readMessage(messages[1]!))).toBe('E_HANDSHAKE/E_AEAD');
  });

  it('suites.5 refuses ephemeral and static keys of small order, with either top bit', () => {
    for (const publicKey of lowOrder.flatMap((u) => [u, flipped(u, 255)])) {
      // Message 1 brings a key that the responder computes with in message 2 only.
      const responder = end('responder');
      responder.readMessage(Uint8Array.of(...publicKey, ...payloads[0]));
      const asked: Uint8Array[] = [];
      const payloadOf = (h32: Uint8Array) => (asked.push(h32), payloads[1]);
      expect(refusalOf(() => responder.writeMessage(payloadOf))).toBe('E_HANDSHAKE/E_KEY');
      expect(asked).toEqual([]);
      expectOver(responder);

      const ofEphemeral = waitingFor(1);
      const withKey = new Uint8Array(messages[1]!);
      withKey.set(publicKey);
      expect(refusalOf(() => ofEphemeral.readMessage(withKey))).toBe('E_HANDSHAKE/E_KEY');
      expectOver(ofEphemeral);

      const badResponder = end('responder', { staticKey: { ...keyPairOf(provider, 2), publicKey } });
      badResponder.readMessage(messages[0]!);
      const answer = badResponder.writeMessage(() => payloads[1]);
      const initiator = waitingFor(1);
      expect(refusalOf(() => initiator.readMessage(answer))).toBe('E_HANDSHAKE/E_KEY');
      expect(initiator.remoteStaticKey32).toBeUndefined();

      const badInitiator = end('initiator', { staticKey: { ...keyPairOf(provider, 1), publicKey } });
      badInitiator.writeMessage(() => payloads[0]);
      badInitiator.readMessage(messages[1]!);
      const last = badInitiator.writeMessage(() => payloads[2]);
      const reader = waitingFor(2);
      expect(refusalOf(() => reader.readMessage(last))).toBe('E_HANDSHAKE/E_KEY');
      expect(reader.remoteStaticKey32).toBeUndefined();
      expectOver(reader);
    }
  });

  it('refuses calls out of turn without losing its place', () => {
    const ends = { initiator: end('initiator'), responder: end('responder') };
    for (const i of [0, 1, 2]) {
      const [writer, reader] = [ends[roleOf(i)], ends[readerOf(i)]];
      for (const message of [...messages, none]) expect(codeOf(() => writer.readMessage(message))).toBe('E_USAGE');
      expect(codeOf(() => reader.writeMessage(() => none))).toBe('E_USAGE');
      for (const one of [writer, reader]) expect(codeOf(() => one.split())).toBe('E_USAGE');
      reader.readMessage(writer.writeMessage(() => payloads[i]!));
    }
    for (const one of [ends.initiator, ends.responder]) {
      expect(codeOf(() => one.writeMessage(() => none))).toBe('E_USAGE');
      expect(codeOf(() => one.readMessage(messages[2]!))).toBe('E_USAGE');
    }
    const [sent, received] = [ends.initiator.split().send, ends.responder.split().receive];
    expect(received.decrypt(sent.encrypt(payloads[0]))).toEqual(payloads[0]);
    for (const one of [ends.initiator, ends.responder]) expectOver(one);
  });

  it('passes on what the maker of a payload throws, and is over then', () => {
    for (const i of [0, 1, 2]) {
      const writer = i === 0 ? end('initiator') : waitingFor(i - 1);
      if (i > 0) writer.readMessage(messages[i - 1]!);
      const own = new Error('no signature');
      const failing = () => {
        throw own;
      };
      expect(() => writer.writeMessage(failing)).toThrow(own);
      expectOver(writer);
    }
  });

  it('refuses calls from inside the maker of a payload, and writes nothing where it was erased there', () => {
    const initiator = end('initiator');
    const inside: unknown[] = [];
    const message = initiator.writeMessage(() => {
      inside.push(codeOf(() => initiator.writeMessage(() => none)));
      inside.push(codeOf(() => initiator.readMessage(messages[1]!)));
      inside.push(codeOf(() => initiator.split()));
      return payloads[0];
    });
    expect(inside).toEqual(['E_USAGE', 'E_USAGE', 'E_USAGE']);
    expect(message).toEqual(messages[0]);

    const responder = waitingFor(0);
    responder.readMessage(message);
    const erasing = () => {
      responder.erase();
      return payloads[1];
    };
    expect(codeOf(() => responder.writeMessage(erasing))).toBe('E_CLOSED');
    expectOver(responder);
  });

  it('takes nothing once it is erased, wherever it stood', () => {
    for (const i of [0, 1, 2]) {
      const reader = waitingFor(i);
      reader.erase();
      expectOver(reader);
      reader.erase();
      expectOver(reader);
    }
    const [initiator, responder] = [end('initiator'), waitingFor(2)];
    responder.readMessage(messages[2]!);
    for (const one of [initiator, responder]) {
      one.erase();
      expectOver(one);
    }
  });

  it('overwrites every secret that it was given by the provider, but for the two keys of the session', () => {
    const secrets: Uint8Array[] = [];
    const kept = <T extends Uint8Array>(secret: T): T => (secrets.push(secret), secret);
    const listening = {
      ...provider,
      hmacSha256: (...args: Parameters<typeof provider.hmacSha256>) => kept(provider.hmacSha256(...args)),
      x25519: (...args: Parameters<typeof provider.x25519>) => kept(provider.x25519(...args)),
      generateKeyPair: () => {
        const pair = provider.generateKeyPair('x25519');
        kept(pair.secretKey);
        return pair;
      },
    };
    const left = () => secrets.filter((secret) => secret.some((byte) => byte !== 0)).length;
    const other = (role: NoiseRole, staticKey: number) =>
      new NoiseHandshake({ provider: listening, aead, role, prologue, staticKey: keyPairOf(provider, staticKey) });

    // The end under test keeps to the listening provider; its peer does not, so all that is heard is of one end.
    for (const role of ['initiator', 'responder'] as const) {
      secrets.length = 0;
      const own = other(role, 5);
      const peer = end(role === 'initiator' ? 'responder' : 'initiator');
      const sessions = role === 'initiator' ? run(own, peer) : run(peer, own);
      // 3 shared secrets, an ephemeral, and 3 outputs of each of 4 derivations.
      expect(secrets).toHaveLength(16);
      expect(left()).toBe(2);
      const { send, receive } = sessions[role];
      send.erase();
      expect(left()).toBe(1);
      receive.erase();
      expect(left()).toBe(0);

      secrets.length = 0;
      const refused = other(role, 5);
      if (role === 'initiator') {
        const first = refused.writeMessage(() => none);
        const answering = end('responder');
        answering.readMessage(first);
        const answer = answering.writeMessage(() => none);
        expect(codeOf(() => refused.readMessage(flipped(answer, 8 * answer.length - 1)))).toBe('E_HANDSHAKE');
      } else {
        refused.readMessage(messages[0]!);
        refused.writeMessage(() => none);
        expect(left()).toBeGreaterThan(0);
        refused.erase();
      }
      expect(secrets.length).toBeGreaterThan(0);
      expect(left()).toBe(0);
    }
  });

  it('leaves the arrays of its caller as they are', () => {
    const staticKey = keyPairOf(provider, 2);
    const given = [staticKey.secretKey, staticKey.publicKey, prologue, ...payloads, ...messages];
    const before = given.map(toHex);
    const responder = end('responder', { staticKey });
    responder.readMessage(messages[0]!);
    expect(responder.writeMessage(() => payloads[1])).toEqual(messages[1]);
    responder.readMessage(messages[2]!);
    responder.split();
    expect(given.map(toHex)).toEqual(before);
    // And keeps nothing of a message that its owner writes over, nor of the prologue.
    const reused = new Uint8Array(messages[0]!);
    const seen = new Uint8Array(prologue);
    const careful = end('responder', { staticKey, prologue: seen });
    seen.fill(0);
    careful.readMessage(reused);
    reused.fill(0);
    expect(careful.writeMessage(() => payloads[1])).toEqual(messages[1]);
  });

  it('refuses static keys that are not of 32 bytes', () => {
    const { secretKey, publicKey } = keyPairOf(provider, 1);
    for (const length of [0, 31, 33]) {
      const bad = new Uint8Array(length).fill(9);
      expect(codeOf(() => end('initiator', { staticKey: { secretKey: bad, publicKey } }))).toBe('E_USAGE');
      expect(codeOf(() => end('initiator', { staticKey: { secretKey, publicKey: bad } }))).toBe('E_USAGE');
    }
  });

  it('draws a fresh ephemeral for each handshake, and only when it writes', () => {
    const drawn: string[] = [];
    const listening = {
      ...provider,
      generateKeyPair: (...args: Parameters<typeof provider.generateKeyPair>) => {
        drawn.push(...args);
        return provider.generateKeyPair(...args);
      },
    };
    const options = { provider: listening, aead, prologue, staticKey: keyPairOf(provider, 1) };
    const fresh = () => new NoiseHandshake({ ...options, role: 'initiator' }).writeMessage(() => none);
    const responder = new NoiseHandshake({ ...options, role: 'responder' });
    responder.readMessage(messages[0]!);
    expect(drawn).toEqual([]);
    expect(toHex(fresh())).not.toBe(toHex(fresh()));
    responder.writeMessage(() => none);
    expect(drawn).toEqual(['x25519', 'x25519', 'x25519']);
  });
});

it('Noise of one provider talks to that of the other, and both write the same bytes', () => {
  const [one, other] = [providers[0]!, providers[1]!];
  const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });
  fc.assert(
    fc.property(
      fc.constantFrom(...aeads),
      bytes(0, 200),
      fc.array(bytes(0, 300), { minLength: 3, maxLength: 3 }),
      fc.array(bytes(0, 300), { minLength: 1, maxLength: 4 }),
      (aead, anyPrologue, anyPayloads, records) => {
        const written = [
          [one, other],
          [other, one],
        ].map(([initiators, responders]) => {
          const varied = { aead, prologue: anyPrologue };
          const ends = {
            initiator: newEnd(initiators!, 'initiator', varied),
            responder: newEnd(responders!, 'responder', varied),
          };
          const handshake = anyPayloads.map((payload, i) => {
            const message = ends[roleOf(i)].writeMessage(() => payload);
            expect(ends[readerOf(i)].readMessage(message).payload).toEqual(payload);
            return toHex(message);
          });
          const sessions = [ends.initiator.split(), ends.responder.split()] as const;
          const sent = records.map((record, i) => {
            const [from, to] = i % 2 === 0 ? sessions : [sessions[1], sessions[0]];
            const sealed = from.send.encrypt(record);
            expect(to.receive.decrypt(sealed)).toEqual(record);
            return toHex(sealed);
          });
          return [...handshake, ...sent, ...sessions.map(({ handshakeHash32 }) => toHex(handshakeHash32))];
        });
        expect(written[1]).toEqual(written[0]);
      },
    ),
    { numRuns: 25 },
  );
});
