/** Chapter 05: one end of a link, driven by what its peer sends. */
import { cat, hex, number, same, u16, u8, unhex, zeros, type Bytes } from './bytes.ts';
import { sign } from './ed25519.ts';
import { decodePreface, encodeFrame, FRAME_TYPES, GREASE_TYPES, type Frame } from './frame.ts';
import { H } from './hash.ts';
import { checkHeader, decodeMessage, LEAST_CAP, MOST_CAP, TYPE } from './messages.ts';
import { Handshake, type Cipher, type Side } from './noise.ts';
import { encodeBody, keyPair, labelled, sigin, type Fields, type KeyPair, type Value } from './objects.ts';
import { refuse, Refusal } from './refusal.ts';
import { ED25519, rawKeyId } from './schedule.ts';
import { checkRevoked, decodeBody, Trust, verifyOnce } from './trust.ts';

export const MODE = { T: 1, N: 2 } as const;
export const PREFACE: Bytes = unhex('54444301');
const SKEW = 30_000n;
const RECORD_BYTES = 65_519;
const AUTH_BYTES = 49_152;
const OPENING_CAP = 1_048_576;

// ---- Makers

export function helloFrame(body: Bytes): Bytes {
  return encodeFrame({ type: TYPE.hello, channel: 0, body });
}
export function authFrame(body: Bytes): Bytes {
  return encodeFrame({ type: TYPE.auth, channel: 0, body });
}

/** transcript32; the arguments are bodies. */
export function transcript(initiatorHello: Bytes, responderHello: Bytes): Bytes {
  return labelled('link', PREFACE, helloFrame(initiatorHello), PREFACE, helloFrame(responderHello));
}

export const SIDE: Readonly<Record<Side, number>> = { initiator: 1, responder: 2 };

/** What an auth signs. In T `bound` is H(exporter32 ‖ transcript32), in N the h32 of Noise. */
export function linkSignInput(mode: number, side: number, keyId: Bytes, bound: Bytes, record: Bytes): Bytes {
  return sigin(mode === MODE.T ? 'hop-t' : 'hop-n', keyId, bound, u8(side), record);
}

export function authBody(record: Bytes, signature: Bytes, authorityRecords: readonly Bytes[]): Bytes {
  return encodeBody('Auth', {
    principal_record: record,
    signature64: signature,
    authority_records: [...authorityRecords],
  });
}

/** link.9: those after `serial`, in order, as many as fit into an auth. */
export function recordsAfter(chain: readonly Bytes[], serial: bigint, record: Bytes): Bytes[] {
  const out: Bytes[] = [];
  for (const next of chain.slice(Number(serial > BigInt(chain.length) ? chain.length : serial))) {
    if (authBody(record, zeros(64), [...out, next]).length > AUTH_BYTES) break;
    out.push(next);
  }
  return out;
}

/** link.16 for one frame: records of its own, each as full as may be. */
export function recordsOf(cipher: Cipher, plaintext: Bytes): Bytes {
  const parts: Bytes[] = [];
  for (let at = 0; at < plaintext.length; at += RECORD_BYTES)
    parts.push(record(cipher.seal(zeros(0), plaintext.slice(at, at + RECORD_BYTES))));
  return cat(...parts);
}
/** `u16 length ‖ …` */
export function record(sealed: Bytes): Bytes {
  return cat(u16(sealed.length), sealed);
}

/** link.12: the version that both speak at most. */
const lower = (a: bigint, b: bigint): bigint => (a < b ? a : b);

// ---- One end

export interface LinkConfig {
  side: Side;
  mode: number;
  authorityId: Bytes;
  now: bigint;
  seed: Bytes;
  principalRecord: Bytes;
  authorityRecords: Bytes[];
  held: Bytes[];
  suites: number[];
  nonce: Bytes;
  frameCap: number;
  credit: bigint;
  staticSecret: Bytes;
  ephemeral: Bytes;
  exporter: Bytes;
  certificates: string[];
  name: string;
  send: Frame[];
}

export interface Peer {
  keyId: Bytes;
  name: string;
  roles: number;
}

const bodyOfObject = (object: Bytes): Bytes => object.slice(44, 44 + Number(number(object.slice(40, 44))));
const numberOf = (v: Value | undefined): bigint => (v ?? 0n) as bigint;
const bytesOf = (v: Value | undefined): Bytes => (v ?? zeros(0)) as Bytes;
const listOf = (v: Value | undefined): Value[] => (v ?? []) as Value[];
const failed = (why: string): never => refuse('E_HANDSHAKE', why);

type Stage = 'preface' | 'hello' | 'noise 1' | 'auth' | 'open' | 'closed';

export class LinkEnd {
  readonly frames: Frame[] = [];
  peer: Peer | undefined;
  private readonly c: LinkConfig;
  private readonly me: KeyPair;
  private readonly trust: Trust;
  private revokedHash = '';
  private readonly revoked: Map<string, Map<string, bigint>> = new Map();
  private stage: Stage = 'preface';
  private incoming: Bytes = zeros(0);
  private plaintext: Bytes = zeros(0);
  private outgoing: Bytes[] = [];
  private ownHello: Bytes = zeros(0);
  private transcript: Bytes = zeros(0);
  private peerSerial = 0n;
  private noise: Handshake | undefined;
  private receiving: Cipher | undefined;

  constructor(config: LinkConfig) {
    this.c = config;
    if (config.frameCap > MOST_CAP) refuse('E_USAGE', 'framing.8');
    if (config.frameCap < LEAST_CAP) refuse('E_USAGE', 'messages.11');
    this.me = keyPair(config.seed);
    this.trust = new Trust(config.authorityId, SKEW);
    for (const r of config.authorityRecords) this.trust.object(1, config.now, r);
    for (const o of config.held) this.hold(o);
  }

  private hold(object: Bytes): void {
    const magic = Buffer.from(object.slice(0, 4)).toString('latin1');
    if (magic === 'TDHD') {
      this.trust.takeHead(this.c.now, object);
      this.revokedHash = hex(object.slice(136, 168));
    } else if (magic === 'TDRV') {
      const entries = checkRevoked(object).map((e): [string, bigint] => [hex(e.keyId), e.minSerial]);
      this.revoked.set(hex(H(object)), new Map(entries));
    } else this.trust.object(2, this.c.now, object);
  }

  get state(): 'opening' | 'open' | 'closed' {
    return this.stage === 'open' || this.stage === 'closed' ? this.stage : 'opening';
  }
  private get other(): Side {
    return this.c.side === 'initiator' ? 'responder' : 'initiator';
  }

  private hello(suites: number[]): Bytes {
    return encodeBody('Hello', {
      versions: [1],
      mode: this.c.mode,
      suites,
      nonce32: this.c.nonce,
      authority_id32: this.c.authorityId,
      authority_serial: BigInt(this.c.authorityRecords.length),
      frame_cap: this.c.frameCap,
      credit: this.c.credit,
    });
  }

  private write(...parts: Bytes[]): void {
    this.outgoing.push(...parts);
  }
  private written(): Bytes {
    const out = cat(...this.outgoing);
    this.outgoing = [];
    return out;
  }

  /** What goes out before anything is received. */
  start(): Bytes {
    if (this.c.side === 'responder') return zeros(0);
    this.ownHello = this.hello(this.c.mode === MODE.N ? [...this.c.suites].sort((a, b) => a - b) : []);
    this.write(PREFACE, helloFrame(this.ownHello));
    // The prologue is not known yet, and message 1 does not depend on it.
    if (this.c.mode === MODE.N) this.write(record(this.start1(1, zeros(0)).write(() => zeros(0))));
    return this.written();
  }
  private start1(suite: number, prologue: Bytes): Handshake {
    return new Handshake(this.c.side, suite, prologue, this.c.staticSecret, this.c.ephemeral);
  }

  receive(piece: Bytes): Bytes {
    if (this.stage === 'closed') refuse('E_CLOSED', 'input after an end');
    this.incoming = cat(this.incoming, piece);
    while (this.state !== 'closed' && this.step());
    return this.written();
  }

  /** The stream ends. */
  end(): void {
    if (this.stage === 'closed') return;
    if (this.stage !== 'open') failed('link.6: a connection that ends');
    if (this.incoming.length + this.plaintext.length > 0) refuse('E_LENGTH', 'framing.12');
    refuse('E_TRANSPORT', 'link.21');
  }

  private take(n: number): Bytes | undefined {
    if (this.incoming.length < n) return undefined;
    const out = this.incoming.slice(0, n);
    this.incoming = this.incoming.slice(n);
    return out;
  }

  /** One element of the stream; false where it is not there yet. */
  private step(): boolean {
    switch (this.stage) {
      case 'preface': {
        const preface = this.take(4);
        if (preface === undefined) return false;
        decodePreface(preface);
        this.stage = 'hello';
        return true;
      }
      case 'hello': {
        const body = this.openingFrame(TYPE.hello);
        if (body === undefined) return false;
        this.takeHello(body);
        return true;
      }
      case 'noise 1': {
        const message = this.openingRecord((length) => length === 32);
        if (message === undefined) return false;
        this.noise?.read(message);
        this.write(PREFACE, helloFrame(this.ownHello), record(this.writeNoise()));
        this.stage = 'auth';
        return true;
      }
      case 'auth':
        return this.c.mode === MODE.T ? this.authT() : this.authN();
      case 'open':
        if (this.receiving === undefined) {
          const frame = this.openFrame(this.incoming);
          if (frame === undefined) return false;
          this.incoming = this.incoming.slice(frame.length);
          return true;
        }
        return this.openRecord(this.receiving);
      case 'closed':
      default:
        return false;
    }
  }

  /** link.6, link.7 */
  private openingFrame(expected: number): Bytes | undefined {
    if (this.incoming.length < 8) return undefined;
    const type = this.incoming[0] ?? 0;
    const length = Number(number(this.incoming.slice(4, 8)));
    if (length > OPENING_CAP) refuse('E_LIMIT', 'framing.7');
    if (this.incoming[1] !== 0) refuse('E_ENCODING', 'framing.9');
    if (!FRAME_TYPES.includes(type) && !GREASE_TYPES.includes(type)) refuse('E_ENCODING', 'framing.11');
    if (type !== expected) failed('link.6');
    checkHeader(this.other, type, length);
    if (number(this.incoming.slice(2, 4)) !== 0n) refuse('E_ENCODING', 'messages.4: channel');
    return this.take(8 + length)?.slice(8);
  }

  private openingRecord(fits: (length: number) => boolean): Bytes | undefined {
    if (this.incoming.length < 2) return undefined;
    const length = Number(number(this.incoming.slice(0, 2)));
    if (!fits(length)) failed('length of a message of Noise');
    return this.take(2 + length)?.slice(2);
  }

  private takeHello(body: Bytes): void {
    const message = decodeMessage(this.other, TYPE.hello, 0, body);
    const f = message.name === 'hello' ? message.fields : {};
    const cap = numberOf(f['frame_cap']);
    if (cap < BigInt(LEAST_CAP) || cap > BigInt(MOST_CAP)) refuse('E_LIMIT', 'messages.11');
    if (numberOf(f['mode']) !== BigInt(this.c.mode)) failed('mode');
    if (!same(bytesOf(f['authority_id32']), this.c.authorityId)) failed('authority');
    const versions = listOf(f['versions']);
    const offered = listOf(f['suites']).map(Number);
    this.peerSerial = numberOf(f['authority_serial']);
    if (this.c.side === 'responder') {
      if (!versions.includes(1n)) failed('link.3: version');
      const chosen = this.c.mode === MODE.N ? this.c.suites.find((s) => offered.includes(s)) : undefined;
      if (this.c.mode === MODE.N && chosen === undefined) failed('link.3: suite');
      this.ownHello = this.hello(chosen === undefined ? [] : [chosen]);
      this.transcript = transcript(body, this.ownHello);
      if (chosen === undefined) {
        this.write(PREFACE, helloFrame(this.ownHello), authFrame(this.ownAuth(this.boundT())));
        this.stage = 'auth';
      } else {
        this.noise = this.start1(chosen, this.transcript);
        this.stage = 'noise 1';
      }
      return;
    }
    if (versions.length !== 1 || versions[0] !== 1n) failed('link.5: version');
    this.transcript = transcript(this.ownHello, body);
    this.stage = 'auth';
    if (this.c.mode === MODE.T) {
      if (offered.length > 0) failed('link.5: suites in T');
      return;
    }
    const [suite = 0, ...others] = offered;
    if (others.length > 0 || !this.c.suites.includes(suite)) failed('link.5: suite');
    this.noise = this.start1(suite, this.transcript);
    this.noise.write(() => zeros(0));
  }

  private boundT(): Bytes {
    return H(this.c.exporter, this.transcript);
  }

  private ownAuth(bound: Bytes): Bytes {
    const input = linkSignInput(this.c.mode, SIDE[this.c.side], this.me.keyId, bound, this.c.principalRecord);
    const records = recordsAfter(this.c.authorityRecords, this.peerSerial, this.c.principalRecord);
    return authBody(this.c.principalRecord, sign(this.c.seed, input), records);
  }
  private writeNoise(): Bytes {
    return this.noise?.write((hash) => this.ownAuth(hash)) ?? zeros(0);
  }

  private authT(): boolean {
    const body = this.openingFrame(TYPE.auth);
    if (body === undefined) return false;
    this.takeAuth(body, this.boundT());
    if (this.c.side === 'initiator') this.write(authFrame(this.ownAuth(this.boundT())));
    this.write(...this.c.send.map(encodeFrame));
    this.stage = 'open';
    return true;
  }

  private authN(): boolean {
    const least = this.c.side === 'initiator' ? 96 : 64;
    const message = this.openingRecord((length) => {
      if (length > least + AUTH_BYTES) refuse('E_LIMIT', 'messages.9: auth');
      return length >= least;
    });
    if (message === undefined || this.noise === undefined) return false;
    const { hash, payload } = this.noise.read(message);
    this.takeAuth(payload, hash);
    if (this.c.side === 'initiator') this.write(record(this.writeNoise()));
    const ciphers = this.noise.split();
    this.receiving = ciphers[this.other];
    for (const frame of this.c.send) this.write(recordsOf(ciphers[this.c.side], encodeFrame(frame)));
    this.stage = 'open';
    return true;
  }

  /** link.10 */
  private takeAuth(body: Bytes, bound: Bytes): void {
    const auth = decodeBody('Auth', body);
    for (const r of listOf(auth['authority_records'])) this.trust.object(1, this.c.now, bytesOf(r));
    const object = bytesOf(auth['principal_record']);
    this.trust.object(2, this.c.now, object);
    const principal = decodeBody('PrincipalRecord', bodyOfObject(object));
    const key = principal['key'] as Fields;
    const publicKey = bytesOf(key['public_key']);
    const keyId = rawKeyId(ED25519, publicKey);
    const least = this.revoked.get(this.revokedHash)?.get(hex(keyId));
    if (least !== undefined && least > numberOf(principal['serial'])) refuse('E_REVOKED', 'link.10');
    if (this.c.mode === MODE.T) {
      const names = this.c.certificates.filter((n) => n.startsWith('tdc:'));
      if (names.length !== 1 || names[0] !== `tdc:${hex(keyId)}`) refuse('E_BINDING', 'link.15');
    }
    try {
      const input = linkSignInput(this.c.mode, SIDE[this.other], keyId, bound, object);
      verifyOnce(publicKey, input, bytesOf(auth['signature64']));
    } catch (error) {
      if (error instanceof Refusal) refuse(this.c.mode === MODE.T ? 'E_BINDING' : 'E_HANDSHAKE', 'link.10: signature');
      throw error;
    }
    const roles = Number(numberOf(principal['roles']));
    const name = Buffer.from(bytesOf(principal['name'])).toString('utf8');
    if (this.c.side === 'initiator' && ((roles & 2) === 0 || name !== this.c.name)) failed('link.11');
    const own = numberOf(decodeBody('PrincipalRecord', bodyOfObject(this.c.principalRecord))['max_version']);
    if (lower(numberOf(principal['max_version']), own) !== 1n) failed('link.12');
    if (this.c.side === 'responder' && same(keyId, this.me.keyId)) failed('link.13');
    this.peer = { keyId, name, roles };
  }

  /** The first frame of `bytes`, taken or dropped; undefined where it is not whole. */
  private openFrame(bytes: Bytes): { length: number } | undefined {
    if (bytes.length < 8) return undefined;
    const type = bytes[0] ?? 0;
    const channel = Number(number(bytes.slice(2, 4)));
    const length = Number(number(bytes.slice(4, 8)));
    if (length > this.c.frameCap) refuse('E_LIMIT', 'messages.9: frame_cap');
    if (bytes[1] !== 0) refuse('E_ENCODING', 'framing.9');
    const grease = GREASE_TYPES.includes(type);
    if (!grease) {
      checkHeader(this.other, type, length);
      if (type === TYPE.hello || type === TYPE.auth) refuse('E_ENCODING', 'messages.7: not on an open link');
    }
    if (bytes.length < 8 + length) return undefined;
    if (!grease) {
      const body = bytes.slice(8, 8 + length);
      decodeMessage(this.other, type, channel, body);
      this.frames.push({ type, channel, body });
      if (type === TYPE.close) this.stage = 'closed';
    }
    return { length: 8 + length };
  }

  private openRecord(cipher: Cipher): boolean {
    if (this.incoming.length < 2) return false;
    const length = Number(number(this.incoming.slice(0, 2)));
    if (length < 17) refuse('E_LENGTH', 'link.17');
    const sealed = this.take(2 + length)?.slice(2);
    if (sealed === undefined) return false;
    this.plaintext = cat(this.plaintext, cipher.open(zeros(0), sealed));
    while (this.state === 'open') {
      const frame = this.openFrame(this.plaintext);
      if (frame === undefined) break;
      this.plaintext = this.plaintext.slice(frame.length);
    }
    return true;
  }
}
