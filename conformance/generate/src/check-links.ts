/** The twin's answers to the operations of chapters 04 and 05. */
import { arr, int, obj, str, type Json, type Members } from './json.ts';
import { hex, unhex, zeros, type Bytes } from './twin/bytes.ts';
import type { Frame } from './twin/frame.ts';
import { H } from './twin/hash.ts';
import { LinkEnd, linkSignInput, MODE, transcript, type LinkConfig } from './twin/link.ts';
import { decodeMessage, type Message } from './twin/messages.ts';
import { NOISE_AEADS, runNoise, type Side } from './twin/noise.ts';
import type { Fields, Value } from './twin/objects.ts';

const bytes = (value: Json | undefined): Bytes => unhex(str(value));
const big = (value: Json | undefined): bigint => BigInt(str(value));
const orEmpty = (value: Json | undefined): Bytes => (value === undefined ? zeros(0) : bytes(value));
const side = (value: Json | undefined): Side => (str(value) === 'initiator' ? 'initiator' : 'responder');

const bytesOf = (v: Value | undefined): Bytes => (v ?? zeros(0)) as Bytes;
const numberOf = (v: Value | undefined): bigint => (v ?? 0n) as bigint;
const listOf = (v: Value | undefined): Value[] => (v ?? []) as Value[];

export function helloJson(f: Fields): Members {
  return {
    versions: listOf(f['versions']).map(Number),
    mode: Number(numberOf(f['mode'])),
    suites: listOf(f['suites']).map(Number),
    nonce: hex(bytesOf(f['nonce32'])),
    authorityId: hex(bytesOf(f['authority_id32'])),
    authoritySerial: numberOf(f['authority_serial']).toString(),
    frameCap: Number(numberOf(f['frame_cap'])),
    credit: numberOf(f['credit']).toString(),
  };
}
export function authJson(f: Fields): Members {
  return {
    principalRecord: hex(bytesOf(f['principal_record'])),
    signature: hex(bytesOf(f['signature64'])),
    authorityRecords: listOf(f['authority_records']).map((r) => hex(bytesOf(r))),
  };
}

function messageJson(m: Message): Members {
  switch (m.name) {
    case 'hello':
      return helloJson(m.fields);
    case 'auth':
      return authJson(m.fields);
    case 'reject':
      return { about: Number(m.about), number: m.number.toString(), code: m.code, retryMs: Number(m.retry) };
    case 'envelope':
      return { durability: m.durability, envelope: hex(m.envelope) };
    case 'stored':
      return { sub: m.sub, position: m.position.toString(), envelope: hex(m.envelope) };
    case 'job':
      return { work: m.work, lease: m.lease.toString(), job: hex(m.job) };
    case 'leased':
      return { work: m.work, lease: m.lease.toString(), envelope: hex(m.envelope) };
    case 'object':
      return { address: hex(m.address), object: hex(m.object) };
    case 'bundle':
      return { bundle: hex(m.bundle) };
    case 'watch':
      return { keeps: m.keeps, addresses: m.addresses.map(hex) };
    case 'sub':
      return { sub: m.sub, matchKind: m.matchKind, level: m.level, match: hex(m.match), from: m.from.toString() };
    case 'unsub':
      return { sub: m.sub };
    case 'credit':
      return { bytes: m.bytes.toString() };
    case 'ack':
      return { number: m.number.toString() };
    case 'work':
      return { work: m.work, match: hex(m.match), capacity: m.capacity };
    case 'settle':
      return { work: m.work, lease: m.lease.toString(), outcome: m.outcome };
    case 'ping':
      return { answers: m.answers, token: m.token.toString(), timeMs: m.time.toString() };
    case 'close':
    default:
      return { code: m.code, retryMs: Number(m.retry) };
  }
}

export function frameJson(f: Frame): Members {
  return { type: f.type, channel: f.channel, body: hex(f.body) };
}

function configOf(j: Members): LinkConfig {
  return {
    side: side(j['side']),
    mode: int(j['mode']),
    authorityId: bytes(j['authorityId']),
    now: big(j['now']),
    seed: bytes(j['seed']),
    principalRecord: bytes(j['principalRecord']),
    authorityRecords: arr(j['authorityRecords']).map(bytes),
    held: arr(j['held']).map(bytes),
    suites: arr(j['suites']).map(int),
    nonce: bytes(j['nonce']),
    frameCap: int(j['frameCap']),
    credit: big(j['credit']),
    staticSecret: orEmpty(j['static']),
    ephemeral: orEmpty(j['ephemeral']),
    exporter: orEmpty(j['exporter']),
    certificates: arr(j['certificates'] ?? []).map(str),
    name: j['name'] === undefined ? '' : str(j['name']),
    send: arr(j['send']).map((f) => {
      const m = obj(f);
      return { type: int(m['type']), channel: int(m['channel']), body: bytes(m['body']) };
    }),
  };
}

function linkRun(j: Members): Members {
  const end = new LinkEnd(configOf(j));
  const sent = [end.start(), ...arr(j['receive']).map((piece) => end.receive(bytes(piece)))];
  if (j['ends'] === true) end.end();
  const out: Members = { sent: sent.map(hex), state: end.state };
  if (end.peer !== undefined) out['peer'] = { keyId: hex(end.peer.keyId), name: end.peer.name, roles: end.peer.roles };
  out['frames'] = end.frames.map(frameJson);
  return out;
}

export function answerLinks(op: string, j: Members): Members | undefined {
  switch (op) {
    case 'message.decode':
      return messageJson(decodeMessage(side(j['from']), int(j['type']), int(j['channel']), bytes(j['body'])));
    case 'noise.run': {
      const run = runNoise(
        NOISE_AEADS[str(j['aead'])] ?? 0,
        bytes(j['prologue']),
        {
          initiatorStatic: bytes(j['initiatorStatic']),
          initiatorEphemeral: bytes(j['initiatorEphemeral']),
          responderStatic: bytes(j['responderStatic']),
          responderEphemeral: bytes(j['responderEphemeral']),
        },
        arr(j['payloads']).map(bytes),
      );
      return {
        messages: run.messages.map(hex),
        hashes: run.hashes.map(hex),
        handshakeHash: hex(run.handshakeHash),
        initiatorKey: hex(run.initiatorKey),
        responderKey: hex(run.responderKey),
      };
    }
    case 'link.transcript':
      return { transcript: hex(transcript(bytes(j['initiatorHello']), bytes(j['responderHello']))) };
    case 'link.signInput': {
      const mode = int(j['mode']);
      const bound = mode === MODE.T ? H(bytes(j['exporter']), bytes(j['transcript'])) : bytes(j['handshakeHash']);
      return {
        signInput: hex(linkSignInput(mode, int(j['side']), bytes(j['keyId']), bound, bytes(j['principalRecord']))),
      };
    }
    case 'link.run':
      return linkRun(j);
    default:
      return undefined;
  }
}
