import { describe, expect, it } from 'vitest';
import { concat, writeU32 } from '../../src/bytes/bytes.ts';
import { frameTypes } from '../../src/codepoints/frame-types.gen.ts';
import { limits } from '../../src/codepoints/limits.gen.ts';
import { nobleProvider } from '../../src/crypto/noble.ts';
import type { CryptoProvider, KeyPair } from '../../src/crypto/provider.ts';
import { encodeBody } from '../../src/keys/body.ts';
import { peerOf } from '../../src/link/forms.ts';
import { decodeHello, type Hello } from '../../src/link/opening-bodies.ts';
import { encodeFrame, encodePreface } from '../../src/wire/frame.ts';
import { codeOf, filled, provider, times } from '../keys/support.ts';
import {
  brokerName,
  End,
  ends,
  exchange,
  helloFrameIn,
  keyOfSide,
  meet,
  modes,
  noise,
  openLink,
  piecesOf,
  tls,
  whole,
  world,
  type RawChange,
} from './support.ts';

describe.each(modes)('an opening in $modeName', ({ mode }) => {
  it.each([
    { cut: whole, name: 'whole' },
    ...[1, 2, 3, 7, 64, 1000].map((length) => ({ cut: piecesOf(length), name: `in pieces of ${length}` })),
  ])('framing.13 opens both ends, bytes $name', ({ cut }) => {
    const { initiator, responder } = openLink(mode, {}, cut);
    expect([initiator.engine.state, responder.engine.state]).toEqual(['open', 'open']);
    expect(initiator.engine.peer).toMatchObject({ name: brokerName, key: { keyId32: keyOfSide.responder.keyId32 } });
    expect(responder.engine.peer).toMatchObject({ name: 'alice', key: { keyId32: keyOfSide.initiator.keyId32 } });
    initiator.engine.send({ type: 'envelope', durability: 1, envelope: Uint8Array.of(1, 2, 3) });
    responder.engine.send({ type: 'ack', number: 1 });
    exchange(initiator, responder, cut);
    expect(responder.messages).toEqual([{ type: 'envelope', durability: 1, envelope: Uint8Array.of(1, 2, 3) }]);
    expect(initiator.messages).toEqual([{ type: 'ack', number: 1 }]);
  });

  it('works with the other provider', () => {
    const { initiator, responder } = openLink(mode, { responder: { provider: nobleProvider } });
    expect([initiator.engine.state, responder.engine.state]).toEqual(['open', 'open']);
  });

  it('says what each end takes', () => {
    const { initiator, responder } = openLink(mode, {
      initiator: { frameCapBytes: 2_000_000, creditBytes: 77 },
      responder: { frameCapBytes: 3_000_000 },
    });
    expect(initiator.engine).toMatchObject({ peerFrameCapBytes: 3_000_000, peerCreditBytes: 0 });
    expect(responder.engine).toMatchObject({ peerFrameCapBytes: 2_000_000, peerCreditBytes: 77 });
  });

  it('link.2 has a fresh nonce in each hello', () => {
    const random = (() => {
      let n = 0;
      return (length: number) => filled(length, ++n);
    })();
    const nonces = [1, 2].flatMap(() => {
      const [one, other] = [new End('initiator', mode, { random }), new End('responder', mode, { random })];
      const first = one.takeSent();
      other.receive(first);
      return [first, other.takeSent()].map(
        (sent) => decodeHello('responder', 0, helloFrameIn(sent).subarray(8)).nonce32,
      );
    });
    expect(nonces).toEqual([1, 2, 3, 4].map((n) => filled(32, n)));
  });

  it('a responder that is not asked says nothing', () => {
    const end = new End('responder', mode);
    expect(end.takeSent()).toHaveLength(0);
    end.receive(encodePreface());
    expect(end.takeSent()).toHaveLength(0);
  });

  it('link.6 ends with E_HANDSHAKE where the stream ends, at every byte', () => {
    for (const side of ['initiator', 'responder'] as const) {
      const flights = flightsOf(mode, side);
      const length = flights.reduce((sum, flight) => sum + flight.length, 0);
      for (let cut = 0; cut < length; cut++) {
        const end = new End(side, mode);
        let left = cut;
        for (const flight of flights) {
          end.receive(flight.subarray(0, left));
          left = Math.max(0, left - flight.length);
        }
        end.takeSent();
        expect([end.engine.state, codeOf(() => end.engine.end())]).toEqual(['opening', 'E_HANDSHAKE']);
        expect([end.engine.state, end.takeSent().length]).toEqual(['closed', 0]);
        expect(codeOf(() => end.engine.end())).toBe('ok');
      }
    }
  });

  it('opens with nobody who changes a bit, wherever it is', () => {
    for (const side of ['initiator', 'responder'] as const) {
      const flights = flightsOf(mode, side);
      for (const [n, flight] of flights.entries()) {
        // Every byte of what is not signed, and some of the records behind it.
        for (let at = 0; at < flight.length; at += at < 150 ? 1 : 7) {
          const end = new End(side, mode);
          const changed = flights.map((bytes) => bytes.slice());
          changed[n]![at]! ^= 1 << (at % 8);
          let code = 'ok';
          for (const bytes of changed) {
            // The flights fit what this end says, as nothing is random here.
            if (code === 'ok') code = end.codeOf(bytes);
          }
          expect(end.engine.state).not.toBe('open');
          // A length that grew lets the end wait for more.
          if (code === 'ok') expect(end.engine.state).toBe('opening');
          else expect([end.engine.state, end.codeOf(flight)]).toEqual(['closed', 'E_CLOSED']);
        }
      }
    }
  });
});

/** A provider whose key pairs are all the same, so that two openings are the same to the byte. */
function fixed(value: number): CryptoProvider {
  const secretKey = filled(32, value);
  const publicKey = provider.publicKey('x25519', secretKey);
  return { ...provider, generateKeyPair: () => ({ secretKey: secretKey.slice(), publicKey }) };
}

/** What the peer of a side says while a link is opened, flight by flight. */
function flightsOf(mode: number, side: 'initiator' | 'responder'): Uint8Array[] {
  const initiator = new End('initiator', mode, { provider: fixed(1) });
  const responder = new End('responder', mode, { provider: fixed(2) });
  const first = initiator.takeSent();
  responder.receive(first);
  const second = responder.takeSent();
  initiator.receive(second);
  const third = initiator.takeSent();
  return side === 'responder' ? [first, third] : [second];
}

describe.each(ends)('the $side in $modeName', ({ mode, side }) => {
  const run = (change: RawChange, options = {}) => {
    const { end, code, sentAfter, sentBefore } = meet(side, mode, change, options);
    // link.23
    if (code !== 'ok') expect([end.engine.state, sentAfter.length, end.engine.peer]).toEqual(['closed', 0, undefined]);
    return { code, end, sentBefore };
  };

  it('opens a link with a peer made by hand', () => {
    const { code, end } = run({});
    expect([code, end.engine.state]).toEqual(['ok', 'open']);
    expect(end.engine.peer!.key.keyId32).toEqual(keyOfSide[peerOf(side)].keyId32);
  });

  it.each([
    ['54444302', 'E_VERSION'],
    ['54444300', 'E_VERSION'],
    ['55444301', 'E_ENCODING'],
    ['47455420', 'E_ENCODING'],
    ['16030100', 'E_ENCODING'],
  ])('framing.2 framing.3 refuses the preface %s with %s', (preface, code) => {
    expect(run({ preface: new Uint8Array(Buffer.from(preface, 'hex')) }).code).toBe(code);
  });

  const offers: [string, Partial<Hello>, string][] = [
    ['another authority', { authorityId32: filled(32, 1) }, 'E_HANDSHAKE'],
    ['the other mode', { mode: mode === tls ? noise : tls, suites: mode === tls ? [1] : [] }, 'E_HANDSHAKE'],
    ['version 2', { versions: [2] }, 'E_HANDSHAKE'],
    ['version 0', { versions: [0] }, 'E_HANDSHAKE'],
    ['a GREASE version alone', { versions: [0x0a0a] }, 'E_HANDSHAKE'],
  ];
  const asInitiator: [string, Partial<Hello>, string][] = [
    ['versions 1 and 2', { versions: [1, 2] }, 'E_HANDSHAKE'],
    ...(mode === tls
      ? ([['a suite', { suites: [1] }, 'E_HANDSHAKE']] as [string, Partial<Hello>, string][])
      : ([
          ['no suite', { suites: [] }, 'E_HANDSHAKE'],
          ['two suites', { suites: [1, 2] }, 'E_HANDSHAKE'],
          ['a suite that was not offered', { suites: [3] }, 'E_HANDSHAKE'],
        ] as [string, Partial<Hello>, string][])),
  ];
  const asResponder: [string, Partial<Hello>, string][] = [
    ['versions 0, 1 and GREASE', { versions: [0, 1, 0x0a0a] }, 'ok'],
    ...(mode === tls
      ? []
      : ([
          ['no suite', { suites: [] }, 'E_HANDSHAKE'],
          ['suites that nobody knows', { suites: [3, 0x0a0a] }, 'E_HANDSHAKE'],
          ['suite 1 alone', { suites: [1] }, 'ok'],
          ['suites among others', { suites: [0, 1, 3, 0x1a1a] }, 'ok'],
        ] as [string, Partial<Hello>, string][])),
  ];
  it.each([...offers, ...(side === 'initiator' ? asInitiator : asResponder)])(
    'link.3 link.4 link.5 link.23 a hello with %s',
    (_name, hello, code) => {
      const ran = run({ hello });
      expect(ran.code).toBe(code);
      if (code !== 'ok' && side === 'responder') expect(ran.sentBefore).toHaveLength(0);
    },
  );

  const fields = {
    versions: [1],
    mode,
    suites: mode === noise ? [2] : [],
    nonce32: filled(32, 1),
    authority_id32: world.authorityId32,
    frame_cap: limits.storedBytes,
  };
  const frameOf = (body: Uint8Array, channel = 0) => encodeFrame(frameTypes.hello, channel, body);
  it.each<[string, Uint8Array, string]>([
    ['channel 1', frameOf(encodeBody('Hello', fields), 1), 'E_ENCODING'],
    ['no byte', frameOf(new Uint8Array(0)), 'E_ENCODING'],
    ['a byte too many', frameOf(concat(encodeBody('Hello', fields), Uint8Array.of(1))), 'E_ENCODING'],
    ['versions that descend', frameOf(encodeBody('Hello', { ...fields, versions: [2, 1] })), 'E_ENCODING'],
    ['suites that descend', frameOf(encodeBody('Hello', { ...fields, suites: [2, 1] })), 'E_ENCODING'],
    ['a small frame cap', frameOf(encodeBody('Hello', { ...fields, frame_cap: 1_048_583 })), 'E_LIMIT'],
    ['a large frame cap', frameOf(encodeBody('Hello', { ...fields, frame_cap: 16_777_217 })), 'E_LIMIT'],
    ['1,025 bytes', frameOf(filled(1025, 0)), 'E_LIMIT'],
    ['flags', frameOf(encodeBody('Hello', fields)).map((byte, i) => (i === 1 ? 1 : byte)), 'E_ENCODING'],
  ])('link.7 refuses a hello with %s', (_name, helloFrame, code) => {
    const { provider: counting, uses } = countUses();
    const end = new End(side, mode, { provider: counting });
    const before = uses();
    end.takeSent();
    expect(end.codeOf(concat(encodePreface(), helloFrame))).toBe(code);
    expect([uses() - before, end.takeSent().length, end.engine.state]).toEqual([0, 0, 'closed']);
  });

  /** Headers of frames that do not come first. */
  const others = Object.values(frameTypes).filter((type) => type !== frameTypes.hello);
  it.each([...others, 0x0a, 0xfa].map((type) => [type]))('link.6 refuses frame type %i in place of a hello', (type) => {
    const end = new End(side, mode);
    end.takeSent();
    expect(end.codeOf(concat(encodePreface(), Uint8Array.of(type, 0, 0, 0, 0, 0, 0, 9)))).toBe('E_HANDSHAKE');
    expect(end.takeSent()).toHaveLength(0);
  });

  it.each([0x00, 0x04, 0x50, 0xff])('framing.11 refuses frame type %i, which there is not', (type) => {
    const end = new End(side, mode);
    expect(end.codeOf(concat(encodePreface(), Uint8Array.of(type, 0, 0, 0, 0, 0, 0, 9)))).toBe('E_ENCODING');
  });

  it('framing.7 refuses a frame above the first cap, whatever it is', () => {
    const end = new End(side, mode);
    const head = Uint8Array.of(frameTypes.bundle, 0, 0, 0, 0, 0, 0, 0);
    writeU32(head, 4, 1_048_577);
    expect(end.codeOf(concat(encodePreface(), head))).toBe('E_LIMIT');
  });

  it('link.1 sends nothing before it is open', () => {
    const end = new End(side, mode);
    end.takeSent();
    expect(codeOf(() => end.engine.send({ type: 'ping', answers: false, token: 1, timeMs: 1 }))).toBe('E_USAGE');
    expect(end.engine.state).toBe('opening');
    end.engine.close();
    expect([end.engine.state, end.takeSent().length]).toEqual(['closed', 0]);
    expect(codeOf(() => end.engine.send({ type: 'ping', answers: false, token: 1, timeMs: 1 }))).toBe('E_CLOSED');
  });

  it('takes the frames that follow the last message of the opening in one piece', () => {
    const ping = Uint8Array.of(frameTypes.ping, 0, 0, 0, 0, 0, 0, 16, ...filled(16, 0));
    if (mode === noise) {
      const flights = flightsOf(mode, side);
      // Opened by two engines: what they say is known, so a record that follows can be made by one that says the same.
      const twin = new End(peerOf(side), mode, { provider: fixed(side === 'initiator' ? 2 : 1) });
      const end = new End(side, mode, { provider: fixed(side === 'initiator' ? 1 : 2) });
      exchange(side === 'initiator' ? end : twin, side === 'initiator' ? twin : end);
      twin.engine.send({ type: 'ping', answers: false, token: 0, timeMs: 0 });
      const record = twin.takeSent();
      const again = new End(side, mode, { provider: fixed(side === 'initiator' ? 1 : 2) });
      for (const flight of flights.slice(0, -1)) again.receive(flight);
      again.receive(concat(flights.at(-1)!, record));
      expect(again.messages).toEqual([{ type: 'ping', answers: false, token: 0, timeMs: 0 }]);
      return;
    }
    const { end } = run({ behind: concat(ping, ping) });
    expect(end.messages).toEqual(times(2, { type: 'ping', answers: false, token: 0, timeMs: 0 }));
  });

  it('leaves no secret behind, opened or refused', () => {
    const drawn: KeyPair[] = [];
    const watched: CryptoProvider = {
      ...provider,
      generateKeyPair: (algorithm) => {
        const pair = provider.generateKeyPair(algorithm);
        drawn.push(pair);
        return pair;
      },
    };
    const isErased = () => drawn.every(({ secretKey }) => secretKey.every((byte) => byte === 0));
    run({}, { provider: watched });
    expect([drawn.length, isErased()]).toEqual([mode === noise ? 2 : 0, true]);
    run({ hello: { versions: [2] } }, { provider: watched });
    run({ auth: { signature64: filled(64, 1) } }, { provider: watched });
    const end = new End(side, mode, { provider: watched });
    end.engine.close();
    expect(isErased()).toBe(true);
  });
});

/** A provider that counts what costs: signatures, keys, secrets. */
function countUses(): { provider: CryptoProvider; uses: () => number } {
  let count = 0;
  const counted =
    <A extends unknown[], T>(work: (...input: A) => T) =>
    (...input: A): T => {
      count++;
      return work(...input);
    };
  return {
    provider: {
      ...provider,
      generateKeyPair: counted((...input) => provider.generateKeyPair(...input)),
      ed25519Sign: counted((...input) => provider.ed25519Sign(...input)),
      ed25519Verify: counted((...input) => provider.ed25519Verify(...input)),
      x25519: counted((...input) => provider.x25519(...input)),
    },
    uses: () => count,
  };
}

describe('in N', () => {
  const opening = (side: 'initiator' | 'responder', record: Uint8Array) => {
    const flights = flightsOf(noise, side);
    const end = new End(side, noise, { provider: fixed(side === 'initiator' ? 1 : 2) });
    if (side === 'initiator') return end.codeOf(concat(headOf(flights[0]!), record));
    end.receive(flights[0]!);
    return end.codeOf(record);
  };
  /** Preface and hello. */
  const headOf = (flight: Uint8Array) => flight.subarray(0, 4 + helloFrameIn(flight).length);

  it.each([0, 1, 31, 33, 96, 0xffff])('message 1 of %i bytes is E_HANDSHAKE, from its length on', (length) => {
    const [first] = flightsOf(noise, 'responder');
    const end = new End('responder', noise);
    end.receive(headOf(first!));
    expect(end.codeOf(Uint8Array.of(length >> 8, length))).toBe('E_HANDSHAKE');
    expect(end.takeSent()).toHaveLength(0);
  });

  it.each([
    ['initiator', 95, 'E_HANDSHAKE'],
    ['initiator', 96, 'ok'],
    ['initiator', 96 + 49_152, 'ok'],
    ['initiator', 97 + 49_152, 'E_LIMIT'],
    ['responder', 63, 'E_HANDSHAKE'],
    ['responder', 64, 'ok'],
    ['responder', 64 + 49_152, 'ok'],
    ['responder', 65 + 49_152, 'E_LIMIT'],
    ['responder', 0xffff, 'E_LIMIT'],
  ] as const)('link.8 the last message to the %s of %i bytes: %s, from its length on', (side, length, code) => {
    expect(opening(side, Uint8Array.of(length >> 8, length))).toBe(code);
  });

  it.each(['initiator', 'responder'] as const)(
    'bytes that are no message of Noise are E_HANDSHAKE to the %s',
    (side) => {
      expect(opening(side, concat(Uint8Array.of(0, 200), filled(200, 3)))).toBe('E_HANDSHAKE');
    },
  );

  it('I09 a frame in plaintext is no record', () => {
    const ping = Uint8Array.of(frameTypes.ping, 0, 0, 0, 0, 0, 0, 16, ...filled(16, 0));
    expect(opening('responder', concat(ping, filled(0x3e00, 0)))).toBe('E_HANDSHAKE');
    const { initiator, responder } = openLink(noise);
    expect(initiator.codeOf(concat(ping, filled(0x3e00, 0)))).toBe('E_AEAD');
    expect(responder.engine.state).toBe('open');
  });

  it('an ephemeral key of small order is E_HANDSHAKE, and answered by nothing', () => {
    const [first] = flightsOf(noise, 'responder');
    const end = new End('responder', noise);
    expect(end.codeOf(concat(headOf(first!), Uint8Array.of(0, 32), filled(32, 0)))).toBe('E_HANDSHAKE');
    expect(end.takeSent()).toHaveLength(0);
  });

  it('I04 an offer that is cut on its way is E_HANDSHAKE', () => {
    const [initiator, responder] = [new End('initiator', noise), new End('responder', noise)];
    const offer = initiator.takeSent();
    const hello = decodeHello('initiator', 0, helloFrameIn(offer).subarray(8));
    expect(hello.suites).toEqual([1, 2]);
    const body = encodeBody('Hello', {
      versions: hello.versions,
      mode: hello.mode,
      suites: [1],
      nonce32: hello.nonce32,
      authority_id32: hello.authorityId32,
      authority_serial: hello.authoritySerial,
      frame_cap: hello.frameCapBytes,
      credit: hello.creditBytes,
    });
    const rest = offer.subarray(headOf(offer).length);
    responder.receive(concat(encodePreface(), encodeFrame(frameTypes.hello, 0, body), rest));
    expect(initiator.codeOf(responder.takeSent())).toBe('E_HANDSHAKE');
  });

  it.each([
    [[1], [1, 2], 1],
    [[2, 1], [1], 1],
    [[2, 1], [2, 1], 2],
    [[2, 1], [1, 2], 1],
    [undefined, undefined, 2],
  ] as const)('link.3 of an offer %o a responder with %o chooses %i', (offered, known, chosen) => {
    const initiator = new End('initiator', noise, offered && { suites: offered });
    const responder = new End('responder', noise, known && { suites: known });
    responder.receive(initiator.takeSent());
    const answer = responder.takeSent();
    expect(decodeHello('responder', 0, helloFrameIn(answer).subarray(8)).suites).toEqual([chosen]);
    initiator.receive(answer);
    responder.receive(initiator.takeSent());
    expect([initiator.engine.state, responder.engine.state]).toEqual(['open', 'open']);
  });
});

describe('in T', () => {
  it.each([
    ['initiator', frameTypes.hello],
    ['initiator', frameTypes.envelope],
    ['responder', frameTypes.hello],
    ['responder', frameTypes.sub],
    ['responder', 0x1a],
  ] as const)('link.6 refuses another frame than an auth: to the %s, type %i', (side, type) => {
    const flights = flightsOf(tls, side);
    const end = new End(side, tls);
    const head = flights[0]!.subarray(0, 4 + helloFrameIn(flights[0]!).length);
    end.receive(head);
    end.takeSent();
    expect(end.codeOf(Uint8Array.of(type, 0, 0, 0, 0, 0, 0, 1))).toBe('E_HANDSHAKE');
    expect(end.takeSent()).toHaveLength(0);
  });

  it.each(['initiator', 'responder'] as const)('link.8 refuses a large auth to the %s on its header', (side) => {
    const flights = flightsOf(tls, side);
    const end = new End(side, tls);
    end.receive(flights[0]!.subarray(0, 4 + helloFrameIn(flights[0]!).length));
    expect(end.codeOf(Uint8Array.of(frameTypes.auth, 0, 0, 0, 0, 0, 0xc0, 1))).toBe('E_LIMIT');
  });

  it('a responder ignores suites of an offer', () => {
    expect(meet('responder', tls, { hello: { suites: [1, 0x0a0a] } }).code).toBe('ok');
  });
});
