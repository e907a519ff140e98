import { readU16, writeU16 } from '../bytes/bytes.ts';
import { frameTypes } from '../codepoints/frame-types.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { linkModes } from '../codepoints/link-modes.gen.ts';
import type { CryptoProvider, KeyPair } from '../crypto/provider.ts';
import { aeadOfSuite } from '../crypto/suite.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import type { PrincipalRecord } from '../keys/principal-record.ts';
import { NoiseHandshake, type NoiseSession } from '../noise/handshake.ts';
import { checkPreface, decodeFrameHeader, encodeFrame, encodePreface, frameHeaderBytes } from '../wire/frame.ts';
import { checkAuth, makeAuth, type Chosen } from './auth.ts';
import { checkChannel, checkSize, peerOf, type LinkSide } from './forms.ts';
import { checkChoice, choose, makeHello, offeredSuites } from './negotiation.ts';
import { checkFrameCap, decodeAuth, decodeHello, type Auth, type Hello } from './opening-bodies.ts';
import type { LinkSetup } from './options.ts';
import { tlsContextOf, transcriptOf } from './transcript.ts';

/** What comes next of the peer. */
type Step = 'preface' | 'hello' | 'auth' | 'noise1' | 'noise2' | 'noise3';

/** What the peer sends, in order: nothing else is taken, and after the last of it the link is open. @spec link.6 */
const sequences: Readonly<Record<number, Readonly<Record<LinkSide, readonly Step[]>>>> = {
  [linkModes.tls]: { initiator: ['preface', 'hello', 'auth'], responder: ['preface', 'hello', 'auth'] },
  [linkModes.noise]: {
    initiator: ['preface', 'hello', 'noise2'],
    responder: ['preface', 'hello', 'noise1', 'noise3'],
  },
};

/** Bytes of each that say how many follow. */
const headBytes: Readonly<Record<Step, number>> = {
  preface: 4,
  hello: frameHeaderBytes,
  auth: frameHeaderBytes,
  noise1: 2,
  noise2: 2,
  noise3: 2,
};

/** Keys and tags of a message of Noise: its least length, beside which there is room for an auth in the second and third. */
const noiseOverheadBytes = { noise1: 32, noise2: 96, noise3: 64 } as const;

/** What of the peer's hello counts later: numbers, so that nothing of its bytes is kept. */
type Terms = Pick<Hello, 'authoritySerial' | 'frameCapBytes' | 'creditBytes'>;

/** What an opening comes to. */
export interface Opened {
  readonly peer: PrincipalRecord;
  readonly terms: Terms;
  /** In N. */
  readonly session: NoiseSession | undefined;
}

/**
 * The opening of a link, up to the last message of the peer.
 *
 * It holds one unfinished message of the peer and the two hellos, and does what a signature or a key costs only after the form of
 * everything that stands before is right.
 *
 * @spec link.7, link.8
 */
export class Opening {
  readonly #setup: LinkSetup;
  readonly #send: (chunks: readonly Uint8Array[]) => void;
  readonly #sequence: readonly Step[];
  #at = 0;
  /** The message that is coming in: its head, then all of it. */
  #piece: Uint8Array;
  #filled = 0;
  #isHead = true;
  #ownHello: Uint8Array = none;
  /** Of the newest authority record that was held when the own hello went out; 0 where none was. */
  #ownSerial = 0;
  #peerHelloFrame: Uint8Array = none;
  #terms: Terms | undefined;
  #chosen: Chosen | undefined;
  /** N: drawn for this link. */
  #staticKey: KeyPair | undefined;
  /** N, initiator: sent before the handshake can begin, which takes it over then. */
  #ephemeralKey: KeyPair | undefined;
  #noise: NoiseHandshake | undefined;
  #opened: Opened | undefined;

  /** @param send - gets what goes out, which is not changed afterwards */
  constructor(setup: LinkSetup, send: (chunks: readonly Uint8Array[]) => void) {
    this.#setup = setup;
    this.#send = send;
    this.#sequence = sequences[setup.mode]![setup.side];
    this.#piece = new Uint8Array(headBytes.preface);
  }

  /** Sends what an initiator says unasked. */
  start(): void {
    const { provider, mode } = this.#setup;
    this.#makeHello(offeredSuites(this.#setup));
    const parts = [encodePreface(), this.#ownHello];
    if (mode === linkModes.noise) {
      this.#staticKey = provider.generateKeyPair('x25519');
      this.#ephemeralKey = provider.generateKeyPair('x25519');
      parts.push(noiseRecord(this.#ephemeralKey.publicKey));
    }
    this.#send(parts);
  }

  /** What the opening came to; undefined until then. */
  get opened(): Opened | undefined {
    return this.#opened;
  }

  /**
   * Takes bytes of the peer up to the last that belongs to the opening.
   *
   * @returns how many it took
   * @throws TridcommError for the first refusal
   */
  take(chunk: Uint8Array): number {
    let offset = 0;
    while (this.#opened === undefined) {
      const taken = Math.min(this.#piece.length - this.#filled, chunk.length - offset);
      this.#piece.set(chunk.subarray(offset, offset + taken), this.#filled);
      this.#filled += taken;
      offset += taken;
      if (this.#filled < this.#piece.length) break;
      this.#advance(this.#sequence[this.#at]!);
    }
    return offset;
  }

  /** Overwrites every secret: the end. */
  erase(): void {
    this.#noise?.erase();
    this.#staticKey?.secretKey.fill(0);
    this.#ephemeralKey?.secretKey.fill(0);
  }

  /** Makes room for what follows a head, or does what a whole message asks for. */
  #advance(step: Step): void {
    const piece = this.#piece;
    if (this.#isHead) {
      const restBytes = restOf(step, piece, peerOf(this.#setup.side));
      this.#isHead = false;
      if (restBytes > 0) {
        this.#piece = new Uint8Array(piece.length + restBytes);
        this.#piece.set(piece);
        return;
      }
    }
    this.#finish(step, piece);
    this.#at += 1;
    const next = this.#sequence[this.#at];
    if (next === undefined) return;
    this.#piece = new Uint8Array(headBytes[next]);
    this.#filled = 0;
    this.#isHead = true;
  }

  #finish(step: Step, piece: Uint8Array): void {
    switch (step) {
      case 'preface':
        return;
      case 'hello':
        this.#takeHello(piece);
        return;
      case 'auth':
        this.#takeTlsAuth(piece);
        return;
      case 'noise1':
        this.#answerNoise(piece.subarray(2));
        return;
      case 'noise2':
        this.#endNoise(piece.subarray(2));
        return;
      case 'noise3':
        this.#takeNoiseAuth(piece.subarray(2));
    }
  }

  #takeHello(frame: Uint8Array): void {
    const { mode, side, provider } = this.#setup;
    const hello = decodeHello(peerOf(side), channelOf(frame), frame.subarray(frameHeaderBytes));
    checkFrameCap(hello);
    const { authoritySerial, frameCapBytes, creditBytes } = hello;
    this.#terms = { authoritySerial, frameCapBytes, creditBytes };
    this.#peerHelloFrame = frame;
    if (side === 'initiator') {
      this.#chosen = checkChoice(this.#setup, hello);
      if (mode === linkModes.noise) this.#beginNoise();
      return;
    }
    this.#chosen = choose(this.#setup, hello);
    const { suite } = this.#chosen;
    this.#makeHello(suite === undefined ? [] : [suite]);
    if (mode === linkModes.noise) this.#staticKey = provider.generateKeyPair('x25519');
    else this.#sendTlsAuth();
  }

  #makeHello(suites: readonly number[]): void {
    this.#ownSerial = this.#setup.trust.authorityRecord?.serial ?? 0;
    this.#ownHello = makeHello(this.#setup, suites, this.#ownSerial);
  }

  /** The responder's goes out with its hello, the initiator's when the responder's is in order. */
  #sendTlsAuth(): void {
    const { side } = this.#setup;
    const body = makeAuth(this.#setup, this.#tlsContext(), this.#terms!.authoritySerial);
    const frame = encodeFrame(frameTypes.auth, 0, body);
    this.#send(side === 'responder' ? [encodePreface(), this.#ownHello, frame] : [frame]);
  }

  #takeTlsAuth(frame: Uint8Array): void {
    const { side } = this.#setup;
    const auth = decodeAuth(peerOf(side), channelOf(frame), frame.subarray(frameHeaderBytes));
    const peer = this.#check(auth, this.#tlsContext());
    if (side === 'initiator') this.#sendTlsAuth();
    this.#opened = { peer, terms: this.#terms!, session: undefined };
  }

  /** As an initiator: message 1, which has gone out, is written for the handshake's own account. */
  #beginNoise(): void {
    const ephemeralKey = this.#ephemeralKey!;
    this.#noise = this.#newNoise(withKeyPair(this.#setup.provider, ephemeralKey));
    this.#noise.writeMessage(() => none);
  }

  #answerNoise(message: Uint8Array): void {
    const noise = this.#newNoise(this.#setup.provider);
    this.#noise = noise;
    noise.readMessage(message);
    const answer = noise.writeMessage((h32) => makeAuth(this.#setup, h32, this.#terms!.authoritySerial));
    this.#send([encodePreface(), this.#ownHello, noiseRecord(answer)]);
    // All that the handshake needs of these is in its state by now, and it may stand still for a while.
    this.#staticKey!.secretKey.fill(0);
    this.#staticKey = undefined;
    this.#ownHello = none;
    this.#peerHelloFrame = none;
  }

  #endNoise(message: Uint8Array): void {
    const noise = this.#noise!;
    const peer = this.#readNoiseAuth(noise, message);
    const answer = noise.writeMessage((h32) => makeAuth(this.#setup, h32, this.#terms!.authoritySerial));
    this.#send([noiseRecord(answer)]);
    this.#opened = { peer, terms: this.#terms!, session: noise.split() };
  }

  #takeNoiseAuth(message: Uint8Array): void {
    const noise = this.#noise!;
    const peer = this.#readNoiseAuth(noise, message);
    this.#opened = { peer, terms: this.#terms!, session: noise.split() };
  }

  #readNoiseAuth(noise: NoiseHandshake, message: Uint8Array): PrincipalRecord {
    const { payload, h32 } = noise.readMessage(message);
    return this.#check(decodeAuth(peerOf(this.#setup.side), 0, payload), h32);
  }

  #check(auth: Auth, context32: Uint8Array): PrincipalRecord {
    return checkAuth(this.#setup, auth, { ...this.#chosen!, context32, ownSerial: this.#ownSerial });
  }

  #newNoise(provider: CryptoProvider): NoiseHandshake {
    return new NoiseHandshake({
      provider,
      aead: aeadOfSuite(this.#chosen!.suite!)!,
      role: this.#setup.side,
      prologue: this.#transcript(),
      staticKey: this.#staticKey!,
    });
  }

  #tlsContext(): Uint8Array {
    return tlsContextOf(this.#setup.provider, this.#setup.tls!.exporter32, this.#transcript());
  }

  #transcript(): Uint8Array {
    const { provider, side } = this.#setup;
    return side === 'initiator'
      ? transcriptOf(provider, this.#ownHello, this.#peerHelloFrame)
      : transcriptOf(provider, this.#peerHelloFrame, this.#ownHello);
  }
}

/**
 * Bytes that follow a head. The cap of frames is what chapter 02 begins with, as no other one counts before the link is open.
 *
 * @param from - the peer
 * @throws TridcommError where the head is refused: as chapters 02 and 04 say, or `E_HANDSHAKE` for what does not come next
 * @spec link.6, link.7, messages.9
 */
function restOf(step: Step, head: Uint8Array, from: LinkSide): number {
  if (step === 'preface') {
    checkPreface(head);
    return 0;
  }
  if (step === 'hello' || step === 'auth') {
    const { type, channel, lengthBytes } = decodeFrameHeader(head, 0, limits.frameCapBytes);
    if (type !== frameTypes[step]) throw new TridcommError('E_HANDSHAKE', `frame type ${type} instead of ${step}`);
    checkSize(type, lengthBytes);
    checkChannel(from, type, channel);
    return lengthBytes;
  }
  const lengthBytes = readU16(head, 0);
  const overheadBytes = noiseOverheadBytes[step];
  if (lengthBytes < overheadBytes || (step === 'noise1' && lengthBytes > overheadBytes)) {
    throw new TridcommError('E_HANDSHAKE', `message of Noise of ${lengthBytes} bytes, at least ${overheadBytes}`);
  }
  checkLimit('auth bytes', lengthBytes - overheadBytes, limits.authBytes);
  return lengthBytes;
}

/** Where {@link decodeFrameHeader} has passed. */
function channelOf(frame: Uint8Array): number {
  return readU16(frame, 2);
}

function noiseRecord(message: Uint8Array): Uint8Array {
  const record = new Uint8Array(2 + message.length);
  writeU16(record, 0, message.length);
  record.set(message, 2);
  return record;
}

/** A provider whose next key pair is this one. */
function withKeyPair(provider: CryptoProvider, keyPair: KeyPair): CryptoProvider {
  return {
    name: provider.name,
    sha256: (...parts) => provider.sha256(...parts),
    hmacSha256: (key, ...parts) => provider.hmacSha256(key, ...parts),
    aeadSeal: (...input) => provider.aeadSeal(...input),
    aeadOpen: (...input) => provider.aeadOpen(...input),
    generateKeyPair: () => keyPair,
    publicKey: (...input) => provider.publicKey(...input),
    ed25519Sign: (...input) => provider.ed25519Sign(...input),
    ed25519Verify: (...input) => provider.ed25519Verify(...input),
    x25519: (...input) => provider.x25519(...input),
  };
}

const none: Uint8Array = new Uint8Array(0);
