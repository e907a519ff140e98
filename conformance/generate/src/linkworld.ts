/** Two nodes that meet: the end of the link under test, and a peer that may lie. What the vectors of links share. */
import { ALICE_KEY, delegation, ISSUER, named, principalFields, ROOT, STATUS } from './authority.ts';
import { frameJson } from './check-links.ts';
import type { Json, Members } from './json.ts';
import { cat, hex, seeded, zeros, type Bytes } from './twin/bytes.ts';
import { sign } from './twin/ed25519.ts';
import { encodeFrame, type Frame } from './twin/frame.ts';
import { H } from './twin/hash.ts';
import {
  authBody,
  authFrame,
  helloFrame,
  linkSignInput,
  MODE,
  PREFACE,
  record,
  recordsAfter,
  recordsOf,
  SIDE,
  transcript,
} from './twin/link.ts';
import { Handshake, type Cipher, type KeyBend, type Side } from './twin/noise.ts';
import {
  authorityFields,
  encodeBody,
  firstAuthority,
  principalRecord,
  ROLE,
  type DelegationSpec,
  type Fields,
  type KeyPair,
  type SignedObject,
} from './twin/objects.ts';
import { NOW } from './world.ts';

/** A small authority, as it stands in every case. */
export const DELEGATIONS: readonly DelegationSpec[] = [
  delegation(ISSUER, ROLE.issuer),
  delegation(STATUS, ROLE.status),
];
export const AUTHORITY: { authorityId: Bytes; object: SignedObject } = firstAuthority(
  authorityFields(1, 1, [ROOT], DELEGATIONS),
  [ROOT],
);
const issued = (subject: KeyPair, serial: number | bigint, more: Fields): Bytes =>
  principalRecord(AUTHORITY.authorityId, subject, ISSUER, principalFields(serial, more)).bytes;

export const HOST = 'broker.example';
export const BROKER_KEY: KeyPair = named('broker');
export const clientRecord = (more: Fields = {}, serial: number | bigint = 1): Bytes => issued(ALICE_KEY, serial, more);
export const brokerRecord = (more: Fields = {}, serial: number | bigint = 1): Bytes =>
  issued(BROKER_KEY, serial, { name: HOST, roles: 2, ...more });

export interface Party {
  key: KeyPair;
  /** its principal record */
  record: Bytes;
  name: string;
  roles: number;
  /** its authority records, from serial 1 on */
  chain: Bytes[];
  held: Bytes[];
  suites: number[];
  nonce: Bytes;
  frameCap: number;
  credit: bigint;
  staticSecret: Bytes;
  ephemeral: Bytes;
}
const CHAIN: Bytes[] = [AUTHORITY.object.bytes];
export const CLIENT: Party = {
  key: ALICE_KEY,
  record: clientRecord(),
  name: 'alice',
  roles: 1,
  chain: CHAIN,
  held: [],
  suites: [1, 2],
  nonce: seeded('nonce of the initiator', 32),
  frameCap: 1_048_584,
  credit: 4_194_304n,
  staticSecret: seeded('static of the initiator', 32),
  ephemeral: seeded('ephemeral of the initiator', 32),
};
export const BROKER: Party = {
  key: BROKER_KEY,
  record: brokerRecord(),
  name: HOST,
  roles: 2,
  chain: CHAIN,
  held: [],
  suites: [1, 2],
  nonce: seeded('nonce of the responder', 32),
  frameCap: 16_777_216,
  credit: 0n,
  staticSecret: seeded('static of the responder', 32),
  ephemeral: seeded('ephemeral of the responder', 32),
};
const EXPORTER: Bytes = seeded('tls exporter', 32);

/** What the peer does otherwise than it should. */
export interface Lie {
  preface?: Bytes;
  /** fields of its hello in place of the right ones */
  hello?: Fields;
  /** its hello, and its frame */
  helloBody?: (right: Bytes) => Bytes;
  helloFrame?: (right: Bytes) => Bytes;
  /** the hello of the end under test as the peer got it, and its own as the end under test does not get it */
  sawHello?: (right: Bytes) => Bytes;
  meantHello?: (right: Bytes) => Bytes;
  /** in its auth */
  record?: Bytes;
  /** what stands in what is signed, in place of the record of the auth */
  signedRecord?: Bytes;
  signer?: KeyPair;
  signedKeyId?: Bytes;
  signedMode?: number;
  signedSide?: number;
  bound?: (right: Bytes) => Bytes;
  input?: (right: Bytes) => Bytes;
  signature?: (right: Bytes) => Bytes;
  chain?: Bytes[];
  auth?: (right: Bytes) => Bytes;
  authFrame?: (right: Bytes) => Bytes;
  exporter?: Bytes;
  /** N */
  keys?: KeyBend;
  staticSecret?: Bytes;
  suite?: number;
  noise1?: (right: Bytes) => Bytes;
  noise?: (right: Bytes) => Bytes;
  /** `u16 length ‖ …` of its last message */
  noiseRecord?: (right: Bytes) => Bytes;
}

export interface Setup {
  mode: number;
  side: Side;
  own?: Partial<Party>;
  peer?: Partial<Party>;
  lie?: Lie;
  send?: Frame[];
  now?: bigint;
  name?: string;
  certificates?: string[];
  exporter?: Bytes;
  authorityId?: Bytes;
  /** members of the input in place of the right ones */
  input?: Members;
}

/** What the peer writes on an open link: in T bytes as they are, in N a record. */
export type Pack = (plaintext: Bytes) => Bytes;

export interface Met {
  input: Members;
  mode: number;
  sent0: Bytes;
  /** of the peer: its first flight, and that of an initiator after the answer */
  flights: Bytes[];
  /** what the end under test writes when so much has come */
  answers: { after: number; out: Bytes }[];
  peerJson: Members;
  pack: Pack;
  /** of the peer's direction, in N */
  cipher: Cipher | undefined;
  /** of the direction of the end under test, in N, where it has sent nothing yet but `send` */
  back: Cipher | undefined;
  transcript: Bytes;
}

function helloOf(p: Party, mode: number, side: Side, authorityId: Bytes, suites: number[]): Fields {
  return {
    versions: [1],
    mode,
    suites: mode === MODE.N ? (side === 'initiator' ? [...suites].sort((a, b) => a - b) : suites) : [],
    nonce32: p.nonce,
    authority_id32: authorityId,
    authority_serial: BigInt(p.chain.length),
    frame_cap: p.frameCap,
    credit: p.credit,
  };
}
const other = (side: Side): Side => (side === 'initiator' ? 'responder' : 'initiator');
const keep = (right: Bytes): Bytes => right;

/** Composes what both write. Where the lie of the peer ends the link, only what it says counts. */
export function meet(s: Setup): Met {
  const lie = s.lie ?? {};
  const authorityId = s.authorityId ?? AUTHORITY.authorityId;
  const [mine, theirs] = s.side === 'initiator' ? [CLIENT, BROKER] : [BROKER, CLIENT];
  const own: Party = { ...mine, ...s.own };
  const peer: Party = { ...theirs, ...s.peer };
  const exporter = s.exporter ?? EXPORTER;
  const initiator = s.side === 'initiator' ? own : peer;
  const responder = s.side === 'initiator' ? peer : own;
  const offered =
    (s.side === 'responder' ? (lie.hello?.['suites'] as number[] | undefined) : undefined) ?? initiator.suites;
  const chosen = responder.suites.find((x) => offered.includes(x)) ?? 1;
  const right = (side: Side): Fields =>
    side === 'initiator'
      ? helloOf(initiator, s.mode, side, authorityId, initiator.suites)
      : helloOf(responder, s.mode, side, authorityId, [chosen]);

  const ownHello = encodeBody('Hello', right(s.side));
  const truePeerHello = encodeBody('Hello', { ...right(other(s.side)), ...lie.hello });
  const peerHello = (lie.helloBody ?? keep)(truePeerHello);
  const order = (mineBody: Bytes, theirsBody: Bytes): [Bytes, Bytes] =>
    s.side === 'initiator' ? [mineBody, theirsBody] : [theirsBody, mineBody];
  const script = transcript(...order(ownHello, peerHello));
  const peerScript = transcript(...order((lie.sawHello ?? keep)(ownHello), (lie.meantHello ?? keep)(peerHello)));
  const peerOpening = cat(lie.preface ?? PREFACE, (lie.helloFrame ?? keep)(helloFrame(peerHello)));
  const ownOpening = cat(PREFACE, helloFrame(ownHello));

  const serialOf = (hello: Fields): bigint => BigInt((hello['authority_serial'] ?? 0n) as bigint | number);
  const ownAuth = (bound: Bytes): Bytes => {
    const input = linkSignInput(s.mode, SIDE[s.side], own.key.keyId, bound, own.record);
    const heard = { ...right(other(s.side)), ...lie.hello };
    return authBody(own.record, sign(own.key.seed, input), recordsAfter(own.chain, serialOf(heard), own.record));
  };
  const peerAuth = (bound: Bytes): Bytes => {
    const rec = lie.record ?? peer.record;
    const signer = lie.signer ?? peer.key;
    const input = (lie.input ?? keep)(
      linkSignInput(
        lie.signedMode ?? s.mode,
        lie.signedSide ?? SIDE[other(s.side)],
        lie.signedKeyId ?? peer.key.keyId,
        (lie.bound ?? keep)(bound),
        lie.signedRecord ?? rec,
      ),
    );
    const signature = (lie.signature ?? keep)(sign(signer.seed, input));
    const chain = lie.chain ?? recordsAfter(peer.chain, serialOf(right(s.side)), rec);
    return (lie.auth ?? keep)(authBody(rec, signature, chain));
  };

  const frames = (s.send ?? []).map(encodeFrame);
  let flights: Bytes[];
  let sent0 = zeros(0);
  let outs: Bytes[];
  let cipher: Cipher | undefined;
  let back: Cipher | undefined;
  if (s.mode === MODE.T) {
    const auth = (lie.authFrame ?? keep)(authFrame(peerAuth(H(lie.exporter ?? exporter, peerScript))));
    const answer = authFrame(ownAuth(H(exporter, script)));
    if (s.side === 'initiator') {
      sent0 = ownOpening;
      flights = [cat(peerOpening, auth)];
      outs = [cat(answer, ...frames)];
    } else {
      flights = [peerOpening, auth];
      outs = [cat(ownOpening, answer), cat(...frames)];
    }
  } else {
    const suite = lie.suite ?? chosen;
    const ends = {
      own: new Handshake(s.side, chosen, script, own.staticSecret, own.ephemeral),
      peer: new Handshake(
        other(s.side),
        suite,
        peerScript,
        lie.staticSecret ?? peer.staticSecret,
        peer.ephemeral,
        lie.keys,
      ),
    };
    const [i, r] = s.side === 'initiator' ? [ends.own, ends.peer] : [ends.peer, ends.own];
    const lastRecord = (message: Bytes): Bytes => (lie.noiseRecord ?? keep)(record((lie.noise ?? keep)(message)));
    const first = i.write(() => zeros(0));
    r.read(first);
    if (s.side === 'initiator') {
      sent0 = cat(ownOpening, record(first));
      const second = r.write(peerAuth);
      flights = [cat(peerOpening, lastRecord(second))];
      outs = [];
      if (opens(() => i.read(second))) {
        const third = i.write(ownAuth);
        r.read(third);
        outs = [record(third)];
      }
    } else {
      flights = [cat(peerOpening, record((lie.noise1 ?? keep)(first)))];
      const second = r.write(ownAuth);
      outs = [cat(ownOpening, record(second))];
      if (opens(() => i.read(second))) {
        const third = i.write(peerAuth);
        if (opens(() => r.read(third))) outs.push(zeros(0));
        flights.push(lastRecord(third));
      }
    }
    const split = ends.peer.split();
    cipher = split[other(s.side)];
    back = ends.own.split()[s.side];
    const sealing = back;
    const last = outs.pop();
    if (last !== undefined) outs.push(cat(last, ...frames.map((f) => recordsOf(sealing, f))));
  }

  let after = 0;
  const answers = outs.map((out, n) => {
    after += (flights[n] ?? zeros(0)).length;
    return { after, out };
  });
  const input: Members = {
    side: s.side,
    mode: s.mode,
    authorityId: hex(authorityId),
    now: (s.now ?? NOW).toString(),
    seed: hex(own.key.seed),
    principalRecord: hex(own.record),
    authorityRecords: own.chain.map(hex),
    held: own.held.map(hex),
    suites: s.mode === MODE.N ? own.suites : [],
    nonce: hex(own.nonce),
    frameCap: own.frameCap,
    credit: own.credit.toString(),
    ...(s.mode === MODE.N
      ? { static: hex(own.staticSecret), ephemeral: hex(own.ephemeral) }
      : { exporter: hex(exporter), certificates: s.certificates ?? [`tdc:${hex(peer.key.keyId)}`] }),
    ...(s.side === 'initiator' ? { name: s.name ?? HOST } : {}),
    ...s.input,
  };
  return {
    input,
    mode: s.mode,
    sent0,
    flights,
    answers,
    peerJson: { keyId: hex(peer.key.keyId), name: peer.name, roles: peer.roles },
    pack: (plaintext) => (cipher === undefined ? plaintext : recordsOf(cipher, plaintext)),
    cipher,
    back,
    transcript: script,
  };
}

function opens(act: () => unknown): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

/** The input of a run in which `pieces` come. */
export function runInput(m: Met, pieces: readonly Bytes[], send: readonly Frame[] = [], ends = false): Members {
  const input: Members = { ...m.input, receive: pieces.map(hex), send: send.map(frameJson) };
  if (ends) input['ends'] = true;
  return input;
}

export interface Ending {
  /** default: open when all of the opening has come */
  state?: 'opening' | 'open' | 'closed';
  frames?: Frame[];
  peer?: Members;
}

/** What a run answers in which `pieces` come: each answer with the piece that completes what it answers. */
export function runOutput(m: Met, pieces: readonly Bytes[], ending: Ending = {}): Members {
  const sent: string[] = [hex(m.sent0)];
  let came = 0;
  for (const piece of pieces) {
    const before = came;
    came += piece.length;
    sent.push(hex(cat(...m.answers.filter((a) => a.after > before && a.after <= came).map((a) => a.out))));
  }
  const whole = Math.max(...m.answers.map((a) => a.after), 0);
  const open = m.answers.length > 0 && came >= whole;
  const state: Json = ending.state ?? (open ? 'open' : 'opening');
  const out: Members = { sent, state };
  if (state !== 'opening') out['peer'] = ending.peer ?? m.peerJson;
  out['frames'] = (ending.frames ?? []).map(frameJson);
  return out;
}

/** A hello that differs from the right one of that side in the fields of `more`. */
export function helloBody(mode: number, side: Side, more: Fields = {}): Bytes {
  const party = side === 'initiator' ? CLIENT : BROKER;
  const suites = side === 'initiator' ? party.suites : [1];
  return encodeBody('Hello', { ...helloOf(party, mode, side, AUTHORITY.authorityId, suites), ...more });
}

/** The bytes in pieces of `size`. */
export function inPieces(bytes: Bytes, size: number): Bytes[] {
  const out: Bytes[] = [];
  for (let at = 0; at < bytes.length; at += size) out.push(bytes.slice(at, at + size));
  return out;
}
