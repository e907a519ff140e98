import { describe, expect, it } from 'vitest';
import { TridcommError } from '@tridcomm/core';
import { concat, writeU32 } from '../../src/bytes/bytes.ts';
import { frameTypes, type FrameType } from '../../src/codepoints/frame-types.gen.ts';
import { limits } from '../../src/codepoints/limits.gen.ts';
import type { CryptoProvider } from '../../src/crypto/provider.ts';
import { decodeBody } from '../../src/keys/body.ts';
import { LinkEngine } from '../../src/link/engine.ts';
import { peerOf } from '../../src/link/forms.ts';
import type { LinkMessage } from '../../src/link/messages.ts';
import type { LinkOptions } from '../../src/link/options.ts';
import { encodeFrame } from '../../src/wire/frame.ts';
import { codeOf, filled, provider } from '../keys/support.ts';
import { End, ends, exchange, meet, modes, noise, openLink, optionsOf, tls } from './support.ts';

const ping: LinkMessage = { type: 'ping', answers: false, token: 1, timeMs: 2 };
const frameOf = (type: number, body: Uint8Array, channel = 0) =>
  encodeFrame(type, channel, body, limits.frameHardCapBytes);
const pingFrame = frameOf(frameTypes.ping, filled(16, 0));
const headOf = (type: number, lengthBytes: number, flags = 0) => {
  const head = Uint8Array.of(type, flags, 0, 0, 0, 0, 0, 0);
  writeU32(head, 4, lengthBytes);
  return head;
};

/** What an end of an open link in T sent: the code of its close; undefined where it sent none. */
function closeIn(sent: Uint8Array): { code?: string | undefined; retry_ms?: number | undefined } | undefined {
  if (sent.length === 0) return undefined;
  expect(sent[0]).toBe(frameTypes.close);
  expect(sent).toHaveLength(8 + sent[7]!);
  return decodeBody('Close', sent.subarray(8));
}

describe.each(modes)('an open link in $modeName', ({ mode }) => {
  it('link.19 link.20 ends with a close, after which nothing goes out or in', () => {
    const { initiator, responder } = openLink(mode);
    responder.engine.close(new TridcommError('E_LIMIT'), 3000);
    expect(responder.engine.state).toBe('closed');
    initiator.receive(responder.takeSent());
    expect(initiator.messages).toEqual([{ type: 'close', code: 'E_LIMIT', retryMs: 3000 }]);
    for (const { engine } of [initiator, responder]) {
      expect(engine.state).toBe('closed');
      expect(codeOf(() => engine.send(ping))).toBe('E_CLOSED');
      expect(codeOf(() => engine.start())).toBe('E_CLOSED');
      expect(codeOf(() => engine.receive(pingFrame, () => undefined))).toBe('E_CLOSED');
      engine.close();
      engine.end();
    }
    expect([initiator.takeSent().length, responder.takeSent().length]).toEqual([0, 0]);
  });

  it.each([
    [undefined, undefined],
    ['E_REVOKED', 'E_REFUSED'],
    ['E_EXPIRED', 'E_REFUSED'],
    ['E_ENCODING', 'E_ENCODING'],
  ] as const)('errors.3 closes for %s with the code %s', (code, outward) => {
    const { initiator, responder } = openLink(mode);
    initiator.engine.close(code && new TridcommError(code));
    responder.receive(initiator.takeSent());
    expect(responder.messages).toEqual([{ type: 'close', code: outward, retryMs: 0 }]);
  });

  it('sends no close for what is for nobody else', () => {
    const { initiator } = openLink(mode);
    initiator.engine.close(new TridcommError('E_INTERNAL'));
    expect([initiator.engine.state, initiator.takeSent().length]).toEqual(['closed', 0]);
  });

  it('a close that is sent as a message ends the link too', () => {
    const { initiator, responder } = openLink(mode);
    initiator.engine.send({ type: 'close', code: undefined, retryMs: 9 });
    expect(initiator.engine.state).toBe('closed');
    responder.receive(initiator.takeSent());
    expect(responder.messages).toEqual([{ type: 'close', code: undefined, retryMs: 9 }]);
  });

  it('a close that cannot be is refused, and the link goes on', () => {
    const { initiator } = openLink(mode);
    expect(codeOf(() => initiator.engine.close(undefined, -1))).toBe('E_USAGE');
    expect(initiator.engine.state).toBe('open');
  });

  it('messages.10 a message that may not be is refused, and the link goes on', () => {
    const { initiator, responder } = openLink(mode, { responder: { frameCapBytes: limits.storedBytes } });
    const bundle = (length: number): LinkMessage => ({ type: 'bundle', bundle: filled(length, 1) });
    expect(codeOf(() => initiator.engine.send(bundle(limits.storedBytes + 1)))).toBe('E_LIMIT');
    expect(codeOf(() => initiator.engine.send({ type: 'ack', number: 1 }))).toBe('E_USAGE');
    expect(initiator.takeSent()).toHaveLength(0);
    initiator.engine.send(bundle(limits.storedBytes));
    exchange(initiator, responder);
    expect(responder.messages.map(({ type }) => type)).toEqual(['bundle']);
  });

  it('carries every message, and large ones', () => {
    const { initiator, responder } = openLink(mode);
    const match = { matchKind: 2, level: 3, match16: filled(16, 5) };
    const asked: LinkMessage[] = [
      { type: 'sub', sub: 1, match, from: 7 },
      { type: 'watch', keeps: true, addresses: [filled(16, 1)] },
      { type: 'credit', bytes: 1_000_000 },
      { type: 'envelope', durability: 2, envelope: filled(limits.envelopeBytes, 3) },
      { type: 'bundle', bundle: filled(3_000_000, 3) },
      { type: 'unsub', sub: 1 },
      ping,
    ];
    const answered: LinkMessage[] = [
      { type: 'reject', about: 'numbered', number: 1, code: 'E_REFUSED', retryMs: 1 },
      { type: 'ack', number: 2 },
      { type: 'stored', sub: 1, position: 8, envelope: filled(limits.envelopeBytes, 4) },
      { type: 'object', address16: filled(16, 1), object: filled(limits.keyBlockBytes, 4) },
      { ...ping, answers: true },
    ];
    for (const message of asked) initiator.engine.send(message);
    for (const message of answered) responder.engine.send(message);
    exchange(initiator, responder, (bytes) => [bytes.subarray(0, 70_001), bytes.subarray(70_001)]);
    // Not `toEqual`, which takes its time with large arrays.
    expect(digests(responder.messages)).toEqual(digests(asked));
    expect(digests(initiator.messages)).toEqual(digests(answered));
  });

  it('framing.13 frames come one byte at a time', () => {
    const { initiator, responder } = openLink(mode);
    initiator.engine.send({ type: 'envelope', durability: 1, envelope: filled(300, 1) });
    initiator.engine.send({ type: 'unsub', sub: 4 });
    const bytes = initiator.takeSent();
    for (let at = 0; at < bytes.length; at++) responder.receive(bytes.subarray(at, at + 1));
    expect(responder.messages.map(({ type }) => type)).toEqual(['envelope', 'unsub']);
  });

  it('link.21 a stream that ends without a close is cut', () => {
    const { initiator } = openLink(mode);
    expect(codeOf(() => initiator.engine.end())).toBe('E_TRANSPORT');
    expect([initiator.engine.state, initiator.takeSent().length]).toEqual(['closed', 0]);
    initiator.engine.end();
  });

  it('framing.12 a stream that ends inside a frame is E_LENGTH, at every byte', () => {
    for (let cut = 1; ; cut++) {
      const { initiator, responder } = openLink(mode);
      initiator.engine.send({ type: 'unsub', sub: 1 });
      const bytes = initiator.takeSent();
      if (cut === bytes.length) return;
      responder.receive(bytes.subarray(0, cut));
      expect([cut, codeOf(() => responder.engine.end())]).toEqual([cut, 'E_LENGTH']);
    }
  });

  it('what a receiver of messages throws ends the link with it', () => {
    const { initiator, responder } = openLink(mode);
    initiator.engine.send(ping);
    initiator.engine.send(ping);
    const bytes = initiator.takeSent();
    let calls = 0;
    const take = () =>
      responder.engine.receive(bytes, () => {
        calls++;
        throw new TridcommError('E_POLICY');
      });
    expect([codeOf(take), calls, responder.engine.state]).toEqual(['E_POLICY', 1, 'closed']);
    initiator.receive(responder.takeSent());
    expect(initiator.messages).toEqual([{ type: 'close', code: 'E_REFUSED', retryMs: 0 }]);
  });

  it('another error of a receiver ends the link without a word', () => {
    const { initiator, responder } = openLink(mode);
    initiator.engine.send(ping);
    const bytes = initiator.takeSent();
    const oops = new Error('oops');
    const take = () =>
      responder.engine.receive(bytes, () => {
        throw oops;
      });
    expect(take).toThrow(oops);
    expect([responder.engine.state, responder.takeSent().length]).toEqual(['closed', 0]);
  });

  it('a receiver may send and close inside of a message', () => {
    const { initiator, responder } = openLink(mode);
    for (const token of [1, 2, 3]) initiator.engine.send({ ...ping, token });
    const bytes = initiator.takeSent();
    const seen: LinkMessage[] = [];
    responder.engine.receive(bytes, (message) => {
      seen.push(message);
      responder.engine.send({ type: 'ack', number: seen.length });
      if (seen.length === 2) responder.engine.close();
    });
    expect(seen).toHaveLength(2);
    initiator.receive(responder.takeSent());
    expect(initiator.messages.map(({ type }) => type)).toEqual(['ack', 'ack', 'close']);
  });

  it('link.20 what follows a close in one piece is not taken', () => {
    const { initiator, responder } = openLink(mode);
    initiator.engine.send(ping);
    const before = initiator.takeSent();
    initiator.engine.close();
    const close = initiator.takeSent();
    responder.receive(concat(before, close, before));
    expect(responder.messages.map(({ type }) => type)).toEqual(['ping', 'close']);
    expect([responder.engine.state, responder.takeSent().length]).toEqual(['closed', 0]);
  });
});

function digests(messages: readonly LinkMessage[]): unknown[] {
  return messages.map((message) =>
    Object.fromEntries(
      Object.entries(message).map(([name, value]) => [
        name,
        value instanceof Uint8Array ? Buffer.from(provider.sha256(value)).toString('hex') : (value as unknown),
      ]),
    ),
  );
}

describe.each(ends.filter(({ mode }) => mode === tls))('frames to the $side', ({ side }) => {
  const from = peerOf(side);
  const run = (bytes: Uint8Array, options: Partial<LinkOptions> = {}) => {
    const { end } = meet(side, tls, {}, options);
    const code = end.codeOf(bytes);
    return { end, code, close: closeIn(end.takeSent()) };
  };

  it.each<[string, Uint8Array, string]>([
    ['hello', headOf(frameTypes.hello, 50), 'E_ENCODING'],
    ['auth', headOf(frameTypes.auth, 50), 'E_ENCODING'],
    ['pair', headOf(frameTypes.pair, 50), 'E_ENCODING'],
    ['proof', headOf(frameTypes.proof, 0), 'E_ENCODING'],
    ['a type that there is not', headOf(0x40, 0), 'E_ENCODING'],
    ['flags', headOf(frameTypes.ping, 16, 1), 'E_ENCODING'],
    ['what only this side sends', headOf(from === 'initiator' ? frameTypes.ack : frameTypes.credit, 8), 'E_ENCODING'],
    ['a ping on channel 2', frameOf(frameTypes.ping, filled(16, 0), 2), 'E_ENCODING'],
    ['a short ping', frameOf(frameTypes.ping, filled(15, 0)), 'E_LENGTH'],
    ['a late clock', frameOf(frameTypes.ping, filled(16, 1)), 'E_LIMIT'],
  ])('messages.7 %s end the link, and the peer is told', (_name, bytes, code) => {
    const { end, code: met, close } = run(concat(pingFrame, bytes));
    expect([met, close?.code, end.engine.state]).toEqual([code, code, 'closed']);
    // What came before was handed over.
    expect(end.messages.map(({ type }) => type)).toEqual(['ping']);
    expect(end.codeOf(pingFrame)).toBe('E_CLOSED');
  });

  const sizes: [FrameType, number, boolean][] = [
    [frameTypes.hello, 1024, true],
    [frameTypes.auth, 49_152, true],
    [frameTypes.envelope, 1_048_576, true],
    [frameTypes.stored, 1_048_584, from === 'responder'],
    [frameTypes.object, 8_388_624, from === 'responder'],
    [frameTypes.bundle, 16_777_216, from === 'initiator'],
    [frameTypes.reject, 4096, from === 'responder'],
    [frameTypes.watch, 4096, from === 'initiator'],
    [frameTypes.sub, 4096, from === 'initiator'],
    [frameTypes.unsub, 4096, from === 'initiator'],
    [frameTypes.credit, 4096, from === 'initiator'],
    [frameTypes.ack, 4096, from === 'responder'],
    [frameTypes.ping, 4096, true],
    [frameTypes.close, 4096, true],
  ];
  it.each(sizes)('messages.9 type %i has at most %i bytes, as its header shows', (type, mostBytes, isSent) => {
    const options = { frameCapBytes: limits.frameHardCapBytes };
    const { code, close } = run(headOf(type, mostBytes + 1), options);
    expect([code, close?.code]).toEqual(['E_LIMIT', 'E_LIMIT']);
    const isOfOpening = type === frameTypes.hello || type === frameTypes.auth;
    expect(run(headOf(type, mostBytes), options).code).toBe(isSent && !isOfOpening ? 'ok' : 'E_ENCODING');
  });

  it('messages.9 keeps to the cap that was announced', () => {
    const type = from === 'initiator' ? frameTypes.bundle : frameTypes.object;
    const options = { frameCapBytes: limits.storedBytes };
    expect(run(headOf(type, limits.storedBytes), options).code).toBe('ok');
    expect(run(headOf(type, limits.storedBytes + 1), options).code).toBe('E_LIMIT');
  });

  it('framing.10 drops GREASE frames', () => {
    const { end, code } = run(concat(frameOf(0x0a, filled(9, 1)), pingFrame, headOf(0xfa, 5), filled(5, 1), pingFrame));
    expect([code, end.engine.state, end.messages.length]).toEqual(['ok', 'open', 2]);
  });

  it('E05 a control frame inside an envelope is data', () => {
    const close = frameOf(frameTypes.close, new Uint8Array(0));
    const { end } = run(frameOf(frameTypes.envelope, close));
    expect(end.messages).toEqual([{ type: 'envelope', durability: 0, envelope: close }]);
    expect(end.engine.state).toBe('open');
  });

  it('bodies are views of the piece in which they come whole', () => {
    const piece = concat(pingFrame, frameOf(frameTypes.envelope, filled(100, 1)));
    const { end } = run(piece);
    const [, message] = end.messages;
    expect((message as { envelope: Uint8Array }).envelope.buffer).toBe(piece.buffer);
  });
});

it('in T, a body goes out as it is', () => {
  const { initiator } = openLink(tls);
  const envelope = filled(1000, 1);
  initiator.engine.send({ type: 'envelope', durability: 0, envelope });
  expect(initiator.sent[1]).toBe(envelope);
});

it('in N, a record that does not open ends the link, and the peer is told nothing of why', () => {
  const { initiator, responder } = openLink(noise);
  initiator.engine.send(ping);
  const bytes = initiator.takeSent();
  bytes[5]! ^= 1;
  expect(responder.codeOf(bytes)).toBe('E_AEAD');
  initiator.receive(responder.takeSent());
  expect(initiator.messages).toEqual([{ type: 'close', code: 'E_REFUSED', retryMs: 0 }]);
});

it.each([0, 16])('in N, a record of %i bytes ends the link with E_LENGTH', (length) => {
  const { responder } = openLink(noise);
  expect(responder.codeOf(Uint8Array.of(0, length))).toBe('E_LENGTH');
});

describe.each(ends)('options of the $side in $modeName', ({ mode, side }) => {
  const make = (change: object) => () => new LinkEngine({ ...optionsOf(side, mode), ...change }, () => undefined);
  const other = optionsOf(peerOf(side), mode);

  it.each<[string, object]>([
    ['mode 3', { mode: 3 }],
    ['the other mode', { mode: mode === tls ? noise : tls }],
    ['a small frame cap', { frameCapBytes: limits.storedBytes - 1 }],
    ['a large frame cap', { frameCapBytes: limits.frameHardCapBytes + 1 }],
    ['half a frame cap', { frameCapBytes: limits.storedBytes + 0.5 }],
    ['credit below 0', { creditBytes: -1 }],
    ['a record that is none', { principalRecord: filled(50, 1) }],
    ['the record of another', { principalRecord: other.principalRecord }],
    side === 'initiator' ? ['no name', { expectedName: undefined }] : ['a name', { expectedName: 'x' }],
    ...(mode === noise
      ? ([
          ['no suite', { suites: [] }],
          ['an unknown suite', { suites: [3] }],
          ['a suite twice', { suites: [1, 1] }],
        ] as [string, object][])
      : ([['a short exporter', { tls: { exporter32: filled(31, 1), certificateNames: [] } }]] as [string, object][])),
  ])('link.1 are not %s', (_name, change) => {
    expect(codeOf(make(change))).toBe('E_USAGE');
    expect(codeOf(make({}))).toBe('ok');
  });

  it('an engine is started once, and an initiator before it receives', () => {
    const end = new End(side, mode);
    expect(codeOf(() => end.engine.start())).toBe('E_USAGE');
    const engine = new LinkEngine(optionsOf(side, mode), () => undefined);
    const code = codeOf(() => engine.receive(new Uint8Array(1), () => undefined));
    expect(code).toBe(side === 'initiator' ? 'E_USAGE' : 'ok');
    expect(engine.state).toBe('opening');
  });
});

describe("an open link in 'N'", () => {
  it.each([
    ['a close of its own', ({ engine }: End) => engine.close()],
    ['a cut', ({ engine }: End) => void codeOf(() => engine.end())],
    ['a record that does not open', (end: End) => void end.codeOf(concat(Uint8Array.of(0, 17), filled(17, 1)))],
  ])('leaves no key behind after %s', (_how, ends) => {
    const keys = new Set<Uint8Array>();
    const watched: CryptoProvider = {
      ...provider,
      aeadSeal(algorithm, key32, ...rest) {
        keys.add(key32);
        return provider.aeadSeal(algorithm, key32, ...rest);
      },
      aeadOpen(algorithm, key32, ...rest) {
        keys.add(key32);
        return provider.aeadOpen(algorithm, key32, ...rest);
      },
    };
    const { initiator, responder } = openLink(noise, { initiator: { provider: watched } });
    // Those of the handshake are gone by now.
    keys.clear();
    for (const end of [initiator, responder]) end.engine.send(ping);
    exchange(initiator, responder);
    const isErased = () => [...keys].every((key32) => key32.every((byte) => byte === 0));
    expect([keys.size, isErased()]).toEqual([2, false]);
    ends(initiator);
    expect(isErased()).toBe(true);
  });
});
