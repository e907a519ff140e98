import { concat, readU16, readU32 } from '../../src/bytes/bytes.ts';
import { frameTypes } from '../../src/codepoints/frame-types.gen.ts';
import { limits } from '../../src/codepoints/limits.gen.ts';
import { linkModes } from '../../src/codepoints/link-modes.gen.ts';
import { aeadOfSuite } from '../../src/crypto/suite.ts';
import type { SigningKey } from '../../src/keys/signing-key.ts';
import { certificateNameOf } from '../../src/link/auth.ts';
import { LinkEngine } from '../../src/link/engine.ts';
import { peerOf, type LinkSide } from '../../src/link/forms.ts';
import type { LinkMessage } from '../../src/link/messages.ts';
import { decodeHello, encodeAuth, encodeHello, type Auth, type Hello } from '../../src/link/opening-bodies.ts';
import type { LinkOptions } from '../../src/link/options.ts';
import { linkSignInput, tlsContextOf, transcriptOf } from '../../src/link/transcript.ts';
import { NoiseHandshake, type NoiseSession } from '../../src/noise/handshake.ts';
import { encodeFrame, encodePreface } from '../../src/wire/frame.ts';
import { codeOf, filled, now, provider, World } from '../keys/support.ts';
import { keyPairOf, withEphemeral } from '../noise/support.ts';

export const tls = linkModes.tls;
export const noise = linkModes.noise;
export const modes = [
  { mode: tls, modeName: 'T' },
  { mode: noise, modeName: 'N' },
] as const;
const sides: readonly LinkSide[] = ['initiator', 'responder'];
/** Both modes at both ends. */
export const ends = modes.flatMap((mode) => sides.map((side) => ({ ...mode, side })));

export const world = new World();
export const brokerName = 'broker.example';
export const exporter32 = filled(32, 0xe0);
const recordOf = {
  initiator: world.principal({ name: 'alice' }),
  responder: world.principal({ name: brokerName, roles: 2 }, { key: world.bob }),
};
export const keyOfSide: Readonly<Record<LinkSide, SigningKey>> = { initiator: world.alice, responder: world.bob };

/** Distinct bytes, the same in every run. */
function countingRandom(): (length: number) => Uint8Array {
  let count = 0;
  return (length) => filled(length, ++count);
}

/** What an honest end brings. */
export function optionsOf(side: LinkSide, mode: number, change: Partial<LinkOptions> = {}): LinkOptions {
  return {
    provider,
    random: countingRandom(),
    now: () => now,
    side,
    mode,
    key: keyOfSide[side],
    principalRecord: recordOf[side],
    trust: world.trust(),
    authorityRecords: (afterSerial) => (afterSerial < 1 ? [world.first] : []),
    ...(side === 'initiator' && { expectedName: brokerName }),
    ...(mode === tls && {
      tls: { exporter32, certificateNames: [certificateNameOf(keyOfSide[peerOf(side)].keyId32)] },
    }),
    ...change,
  };
}

/** An engine, what it sent that nobody took yet, and the messages that it gave. */
export class End {
  readonly engine: LinkEngine;
  readonly side: LinkSide;
  readonly messages: LinkMessage[] = [];
  sent: Uint8Array[] = [];

  constructor(side: LinkSide, mode: number, change: Partial<LinkOptions> = {}) {
    this.side = side;
    this.engine = new LinkEngine(optionsOf(side, mode, change), (chunks) => this.sent.push(...chunks));
    this.engine.start();
  }

  /** All bytes that went out since the last call. */
  takeSent(): Uint8Array {
    const bytes = concat(...this.sent);
    this.sent = [];
    return bytes;
  }

  receive(bytes: Uint8Array): void {
    this.engine.receive(bytes, (message) => void this.messages.push(message));
  }

  /** The code that the engine ends with; `ok` where it goes on. */
  codeOf(bytes: Uint8Array): string {
    return codeOf(() => this.receive(bytes));
  }
}

type Cut = (bytes: Uint8Array) => readonly Uint8Array[];
export const whole: Cut = (bytes) => [bytes];
export const piecesOf =
  (length: number): Cut =>
  (bytes) =>
    Array.from({ length: Math.ceil(bytes.length / length) }, (_, i) => bytes.subarray(i * length, (i + 1) * length));

/** Lets two ends talk until both have nothing more to say. */
export function exchange(one: End, other: End, cut: Cut = whole): void {
  for (let isQuiet = false; !isQuiet;) {
    isQuiet = true;
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      const bytes = from.takeSent();
      if (bytes.length > 0) isQuiet = false;
      for (const piece of cut(bytes)) to.receive(piece);
    }
  }
}

/** Two engines that have opened a link. */
export function openLink(
  mode: number,
  change: Partial<Record<LinkSide, Partial<LinkOptions>>> = {},
  cut?: Cut,
): Record<LinkSide, End> {
  const initiator = new End('initiator', mode, change.initiator);
  const responder = new End('responder', mode, change.responder);
  exchange(initiator, responder, cut);
  return { initiator, responder };
}

/** What a peer made by hand does otherwise than an honest one. */
export interface RawChange {
  readonly preface?: Uint8Array;
  readonly hello?: Partial<Hello>;
  /** The whole frame, in place of the one that follows from `hello`. */
  readonly helloFrame?: Uint8Array;
  readonly auth?: Partial<Auth>;
  /** In place of the body that follows from `auth`. */
  readonly authBody?: Uint8Array;
  /** T: the frame, in place of the one that has the body. */
  readonly authFrame?: Uint8Array;
  readonly key?: SigningKey;
  /** The side that is signed. */
  readonly signedSide?: LinkSide;
  /** The mode whose label is signed. */
  readonly signedMode?: number;
  /** What is signed, for what should be. */
  readonly context?: (context32: Uint8Array) => Uint8Array;
  /** N: of the handshake. */
  readonly noise?: { readonly suite?: number; readonly prologue?: (transcript32: Uint8Array) => Uint8Array };
  /** N: changes a message of Noise. */
  readonly message?: (message: Uint8Array) => Uint8Array;
  /** Bytes right behind the last message of the opening. */
  readonly behind?: Uint8Array;
}

/** What a link with a peer made by hand came to. */
export interface RawResult {
  readonly end: End;
  readonly code: string;
  /** N: the peer's side of the records. */
  readonly session: NoiseSession | undefined;
  /** Bytes of the engine before and after it met the peer's auth. */
  readonly sentBefore: Uint8Array;
  readonly sentAfter: Uint8Array;
}

/** Opens a link of an engine with a peer made by hand. */
export function meet(side: LinkSide, mode: number, raw: RawChange = {}, change: Partial<LinkOptions> = {}): RawResult {
  const end = new End(side, mode, change);
  return mode === tls ? meetTls(end, raw) : meetNoise(end, raw);
}

function helloOf(side: LinkSide, mode: number, change: Partial<Hello>): Uint8Array {
  const chosenOrOffered = side === 'initiator' ? [1, 2] : [2];
  const body = encodeHello({
    versions: [1],
    mode,
    suites: mode === noise ? chosenOrOffered : [],
    nonce32: filled(32, 0x77),
    authorityId32: world.authorityId32,
    authoritySerial: 1,
    frameCapBytes: limits.storedBytes,
    creditBytes: 1000,
    ...change,
  });
  return encodeFrame(frameTypes.hello, 0, body);
}

/** The hello frame behind the preface. */
export function helloFrameIn(sent: Uint8Array): Uint8Array {
  return sent.subarray(4, 12 + readU32(sent, 8));
}

function authBodyOf(side: LinkSide, mode: number, raw: RawChange, context32: Uint8Array): Uint8Array {
  const key = raw.key ?? keyOfSide[side];
  const principalRecord = raw.auth?.principalRecord ?? recordOf[side];
  const signed = linkSignInput(
    provider,
    raw.signedMode ?? mode,
    raw.signedSide ?? side,
    key.keyId32,
    raw.context?.(context32) ?? context32,
    principalRecord,
  );
  return (
    raw.authBody ?? encodeAuth({ principalRecord, signature64: key.sign(signed), authorityRecords: [], ...raw.auth })
  );
}

function meetTls(end: End, raw: RawChange): RawResult {
  const side = peerOf(end.side);
  const hello = raw.helloFrame ?? helloOf(side, tls, raw.hello ?? {});
  const preface = raw.preface ?? encodePreface();
  const authOf = (transcript32: Uint8Array) => {
    const context32 = tlsContextOf(provider, exporter32, transcript32);
    return raw.authFrame ?? encodeFrame(frameTypes.auth, 0, authBodyOf(side, tls, raw, context32));
  };
  const behind = raw.behind ?? new Uint8Array(0);
  let sentBefore: Uint8Array;
  let code = 'ok';
  if (side === 'initiator') {
    code = end.codeOf(concat(preface, hello));
    sentBefore = end.takeSent();
    if (code === 'ok')
      code = end.codeOf(concat(authOf(transcriptOf(provider, hello, helloFrameIn(sentBefore))), behind));
  } else {
    sentBefore = end.takeSent();
    const auth = authOf(transcriptOf(provider, helloFrameIn(sentBefore), hello));
    code = end.codeOf(concat(preface, hello, auth, behind));
  }
  return { end, code, session: undefined, sentBefore, sentAfter: end.takeSent() };
}

function meetNoise(end: End, raw: RawChange): RawResult {
  const side = peerOf(end.side);
  const hello = raw.helloFrame ?? helloOf(side, noise, raw.hello ?? {});
  const preface = raw.preface ?? encodePreface();
  const ephemeral = filled(32, 0x31);
  const handshakeOf = (transcript32: Uint8Array, suite: number) =>
    new NoiseHandshake({
      provider: withEphemeral(provider, ephemeral),
      aead: aeadOfSuite(raw.noise?.suite ?? suite)!,
      role: side,
      prologue: raw.noise?.prologue?.(transcript32) ?? transcript32,
      staticKey: keyPairOf(provider, 0x32),
    });
  const record = (message: Uint8Array) => concat(Uint8Array.of(message.length >> 8, message.length), message);
  const change = raw.message ?? ((message: Uint8Array) => message);
  const behind = raw.behind ?? new Uint8Array(0);
  const payload = (h32: Uint8Array) => authBodyOf(side, noise, raw, h32);
  if (side === 'initiator') {
    const first = record(provider.publicKey('x25519', ephemeral));
    let code = end.codeOf(concat(preface, hello, first));
    const sentBefore = end.takeSent();
    if (code !== 'ok') return { end, code, session: undefined, sentBefore, sentAfter: new Uint8Array(0) };
    const peerHello = helloFrameIn(sentBefore);
    const { suites } = decodeHello('responder', 0, peerHello.subarray(8));
    const handshake = handshakeOf(transcriptOf(provider, hello, peerHello), suites[0]!);
    handshake.writeMessage(() => new Uint8Array(0));
    handshake.readMessage(sentBefore.subarray(4 + peerHello.length + 2));
    const third = record(change(handshake.writeMessage(payload)));
    const session = handshake.split();
    code = end.codeOf(concat(third, behind));
    return { end, code, session, sentBefore, sentAfter: end.takeSent() };
  }
  const sentBefore = end.takeSent();
  const peerHello = helloFrameIn(sentBefore);
  const handshake = handshakeOf(transcriptOf(provider, peerHello, hello), 2);
  handshake.readMessage(sentBefore.subarray(4 + peerHello.length + 2));
  const second = record(change(handshake.writeMessage(payload)));
  const code = end.codeOf(concat(preface, hello, second, behind));
  const sentAfter = end.takeSent();
  let session: NoiseSession | undefined;
  if (code === 'ok' && sentAfter.length > 0) {
    handshake.readMessage(sentAfter.subarray(2, 2 + readU16(sentAfter, 0)));
    session = handshake.split();
  }
  return { end, code, session, sentBefore, sentAfter };
}
