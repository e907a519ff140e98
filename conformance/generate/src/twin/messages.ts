/** Chapter 04: bodies of frames, and what their receiver asks of them. */
import { cat, number, u32, u64, u8, zeros, type Bytes } from './bytes.ts';
import type { Side } from './noise.ts';
import { encodeBody, type Fields, type Value } from './objects.ts';
import { refuse } from './refusal.ts';
import { decodeBody } from './trust.ts';

export const TYPE = {
  hello: 0x01,
  auth: 0x02,
  reject: 0x03,
  envelope: 0x10,
  job: 0x13,
  stored: 0x14,
  leased: 0x15,
  object: 0x20,
  bundle: 0x21,
  watch: 0x22,
  sub: 0x30,
  unsub: 0x31,
  credit: 0x32,
  ack: 0x33,
  work: 0x36,
  settle: 0x37,
  ping: 0x3e,
  close: 0x3f,
} as const;

const NAME: ReadonlyMap<number, keyof typeof TYPE> = new Map(
  Object.entries(TYPE).map(([name, type]) => [type, name as keyof typeof TYPE]),
);

/** The table "Sizes". */
const LARGEST: Readonly<Record<keyof typeof TYPE, number>> = {
  hello: 1_024,
  auth: 49_152,
  reject: 4_096,
  envelope: 1_048_576,
  job: 1_048_584,
  stored: 1_048_584,
  leased: 1_048_584,
  object: 8_388_624,
  bundle: 16_777_216,
  watch: 4_096,
  sub: 4_096,
  unsub: 4_096,
  credit: 4_096,
  ack: 4_096,
  work: 4_096,
  settle: 4_096,
  ping: 4_096,
  close: 4_096,
};
const FROM_RESPONDER_ONLY: readonly string[] = ['reject', 'job', 'stored', 'leased', 'object', 'ack'];
const FROM_INITIATOR_ONLY: readonly string[] = ['bundle', 'watch', 'sub', 'unsub', 'credit', 'work', 'settle'];
const NUMBERED: readonly string[] = ['job', 'stored', 'leased', 'sub', 'unsub', 'work', 'settle'];

/** registries/errors.json */
export const CODES: ReadonlySet<string> = new Set(
  (
    'LENGTH LIMIT ENCODING VERSION SUITE EXT EPOCH SENDER POLICY EXPIRED FUTURE REPLAY TOO_OLD FORK REPLAY_STATE KEY SIG PROOF ' +
    'COMMIT AEAD REFUSED STALE REVOKED BINDING HANDSHAKE CLOSED TRANSPORT USAGE INTERNAL'
  )
    .split(' ')
    .map((name) => `E_${name}`),
);

export const MOST_CAP = 16_777_216;
export const LEAST_CAP = 1_048_584;

export type Message =
  | { name: 'hello'; fields: Fields }
  | { name: 'auth'; fields: Fields }
  | { name: 'reject'; about: bigint; number: bigint; code: string; retry: bigint }
  | { name: 'envelope'; durability: number; envelope: Bytes }
  | { name: 'job'; work: number; lease: bigint; job: Bytes }
  | { name: 'stored'; sub: number; position: bigint; envelope: Bytes }
  | { name: 'leased'; work: number; lease: bigint; envelope: Bytes }
  | { name: 'object'; address: Bytes; object: Bytes }
  | { name: 'bundle'; bundle: Bytes }
  | { name: 'watch'; keeps: boolean; addresses: Bytes[] }
  | { name: 'sub'; sub: number; matchKind: number; level: number; match: Bytes; from: bigint }
  | { name: 'unsub'; sub: number }
  | { name: 'credit'; bytes: bigint }
  | { name: 'ack'; number: bigint }
  | { name: 'work'; work: number; match: Bytes; capacity: number }
  | { name: 'settle'; work: number; lease: bigint; outcome: number }
  | { name: 'ping'; answers: boolean; token: bigint; time: bigint }
  | { name: 'close'; code: string; retry: bigint };

/** Header: messages.9 by type, then messages.7. */
export function checkHeader(from: Side, type: number, length: number): keyof typeof TYPE {
  const name = NAME.get(type);
  if (name === undefined) return refuse('E_ENCODING', 'messages.7: not of this chapter');
  if (length > LARGEST[name]) refuse('E_LIMIT', 'messages.9');
  if ((from === 'initiator' ? FROM_RESPONDER_ONLY : FROM_INITIATOR_ONLY).includes(name))
    refuse('E_ENCODING', 'messages.7: of the other side');
  return name;
}

function checkChannel(from: Side, name: keyof typeof TYPE, channel: number): void {
  const [least, most] = NUMBERED.includes(name)
    ? [1, 0xffff]
    : name === 'watch' || name === 'ping'
      ? [0, 1]
      : name === 'envelope' && from === 'initiator'
        ? [0, 3]
        : [0, 0];
  if (channel < least || channel > most) refuse('E_ENCODING', 'messages.4: channel');
}

const SAFE: bigint = (1n << 53n) - 1n;
function u64At(body: Bytes, at: number): bigint {
  const value = number(body.slice(at, at + 8));
  if (value > SAFE) refuse('E_LIMIT', 'messages.5');
  return value;
}
const exactly = (body: Bytes, length: number): void => {
  if (body.length !== length) refuse('E_LENGTH', 'messages.3');
};
const more = (body: Bytes, than: number): void => {
  if (body.length <= than) refuse('E_LENGTH', 'messages.3');
};
const ascend = (v: Value | undefined): void => {
  const list = (v ?? []) as bigint[];
  if (list.some((x, i) => i > 0 && x <= (list[i - 1] ?? x))) refuse('E_ENCODING', 'messages.4: order');
};
const numberOf = (v: Value | undefined): bigint => (v ?? 0n) as bigint;
const codeOf = (v: Value | undefined): string => {
  if (v === undefined) return '';
  const code = Buffer.from(v as Bytes).toString('utf8');
  return CODES.has(code) ? code : 'E_REFUSED';
};

/** messages.2 to messages.7, and messages.9 by type. */
export function decodeMessage(from: Side, type: number, channel: number, body: Bytes): Message {
  const name = checkHeader(from, type, body.length);
  checkChannel(from, name, channel);
  switch (name) {
    case 'hello': {
      const fields = decodeBody('Hello', body);
      ascend(fields['versions']);
      ascend(fields['suites']);
      return { name, fields };
    }
    case 'auth':
      return { name, fields: decodeBody('Auth', body) };
    case 'reject': {
      const f = decodeBody('Reject', body);
      return {
        name,
        about: numberOf(f['about']),
        number: numberOf(f['number']),
        code: codeOf(f['code']),
        retry: numberOf(f['retry_ms']),
      };
    }
    case 'envelope':
      return { name, durability: channel, envelope: body };
    case 'stored':
      more(body, 8);
      return { name, sub: channel, position: u64At(body, 0), envelope: body.slice(8) };
    case 'job':
      more(body, 8);
      return { name, work: channel, lease: u64At(body, 0), job: body.slice(8) };
    case 'leased':
      more(body, 8);
      return { name, work: channel, lease: u64At(body, 0), envelope: body.slice(8) };
    case 'object':
      more(body, 16);
      return { name, address: body.slice(0, 16), object: body.slice(16) };
    case 'bundle':
      return { name, bundle: body };
    case 'watch': {
      if (body.length === 0 || body.length % 16 !== 0) refuse('E_LENGTH', 'messages.3');
      const addresses = Array.from({ length: body.length / 16 }, (_, i) => body.slice(16 * i, 16 * i + 16));
      return { name, keeps: channel === 1, addresses };
    }
    case 'sub': {
      exactly(body, 26);
      const [matchKind = 0, level = 0] = body;
      if (matchKind !== 1 && matchKind !== 2) refuse('E_ENCODING', 'messages.4: match_kind');
      if (level > 7 || (matchKind === 1 && level !== 0)) refuse('E_ENCODING', 'messages.4: level');
      return { name, sub: channel, matchKind, level, match: body.slice(2, 18), from: u64At(body, 18) };
    }
    case 'unsub':
      exactly(body, 0);
      return { name, sub: channel };
    case 'credit':
      exactly(body, 8);
      return { name, bytes: u64At(body, 0) };
    case 'ack':
      exactly(body, 8);
      return { name, number: u64At(body, 0) };
    case 'work':
      exactly(body, 20);
      return { name, work: channel, match: body.slice(0, 16), capacity: Number(number(body.slice(16))) };
    case 'settle': {
      exactly(body, 9);
      const lease = u64At(body, 0);
      const outcome = body[8] ?? 0;
      if (outcome !== 1 && outcome !== 2) refuse('E_ENCODING', 'messages.4: outcome');
      return { name, work: channel, lease, outcome };
    }
    case 'ping':
      exactly(body, 16);
      return { name, answers: channel === 1, token: u64At(body, 0), time: u64At(body, 8) };
    case 'close':
    default: {
      const f = decodeBody('Close', body);
      return { name, code: codeOf(f['code']), retry: numberOf(f['retry_ms']) };
    }
  }
}

// ---- Makers; they write what they are asked to

export interface SubFields {
  matchKind: number;
  level: number;
  match: Bytes;
  from: bigint;
}
export const bodyOf = {
  reject: (about: number, n: number | bigint, code: string, retry = 0): Bytes =>
    encodeBody('Reject', { about, number: n, code, retry_ms: retry }),
  stored: (position: number | bigint, envelope: Bytes): Bytes => cat(u64(position), envelope),
  /** also of a job frame */
  leased: (lease: number | bigint, unit: Bytes): Bytes => cat(u64(lease), unit),
  work: (match: Bytes, capacity: number): Bytes => cat(match, u32(capacity)),
  settle: (lease: number | bigint, outcome: number): Bytes => cat(u64(lease), u8(outcome)),
  object: (address: Bytes, object: Bytes): Bytes => cat(address, object),
  watch: (addresses: readonly Bytes[]): Bytes => cat(...addresses),
  sub: (s: SubFields): Bytes => cat(u8(s.matchKind), u8(s.level), s.match, u64(s.from)),
  unsub: (): Bytes => zeros(0),
  credit: (bytes: number | bigint): Bytes => u64(bytes),
  ack: (n: number | bigint): Bytes => u64(n),
  ping: (token: number | bigint, time: number | bigint): Bytes => cat(u64(token), u64(time)),
  close: (code = '', retry = 0): Bytes => encodeBody('Close', { code, retry_ms: retry }),
};
