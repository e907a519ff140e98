import { checkWidth, copyOf, readU32, readU64, writeU16, writeU32, writeU64 } from '../bytes/bytes.ts';
import { errorTable, type ErrorCode } from '../codepoints/errors.gen.ts';
import { frameTypes, type FrameType } from '../codepoints/frame-types.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { matchKinds } from '../codepoints/match-kinds.gen.ts';
import { checkLimit, outwardCode, TridcommError } from '../errors.ts';
import type { TopicMatch } from '../keys/access-list.ts';
import { decodeBody, encodeBody } from '../keys/body.ts';
import { frameHeaderBytes } from '../wire/frame.ts';
import { checkChannel, checkSize, checkType, hasChannel, type LinkSide } from './forms.ts';

/** What the frames of an open link say. Numbers of the wire's u64 are at most 2^53−1. */
export type LinkMessage =
  /** A refusal of a numbered frame, of a sub by its channel, or of a watch by its place among all watches. */
  | {
      readonly type: 'reject';
      readonly about: 'numbered' | 'sub' | 'watch';
      readonly number: number;
      readonly code: ErrorCode;
      /** 0 where nothing is said of another try. */
      readonly retryMs: number;
    }
  /** `durability` is one of the registry of durabilities; 0 from a responder. */
  | { readonly type: 'envelope'; readonly durability: number; readonly envelope: Uint8Array }
  | { readonly type: 'stored'; readonly sub: number; readonly position: number; readonly envelope: Uint8Array }
  | { readonly type: 'object'; readonly address16: Uint8Array; readonly object: Uint8Array }
  | { readonly type: 'bundle'; readonly bundle: Uint8Array }
  /** `keeps`: whether newer objects are sent as they come, too. */
  | { readonly type: 'watch'; readonly keeps: boolean; readonly addresses: readonly Uint8Array[] }
  /** `from`: 0 for what comes from now on, else a position of the log. */
  | { readonly type: 'sub'; readonly sub: number; readonly match: TopicMatch; readonly from: number }
  | { readonly type: 'unsub'; readonly sub: number }
  | { readonly type: 'credit'; readonly bytes: number }
  | { readonly type: 'ack'; readonly number: number }
  /** `capacity`: units that the link takes at a time. */
  | { readonly type: 'work'; readonly work: number; readonly match16: Uint8Array; readonly capacity: number }
  /** A leaf of a Merkle batch, to be done by one. */
  | { readonly type: 'job'; readonly work: number; readonly lease: number; readonly job: Uint8Array }
  /** An envelope, to be done by one. */
  | { readonly type: 'leased'; readonly work: number; readonly lease: number; readonly envelope: Uint8Array }
  /** `isDone`: false where the unit is given back. */
  | { readonly type: 'settle'; readonly work: number; readonly lease: number; readonly isDone: boolean }
  | { readonly type: 'ping'; readonly answers: boolean; readonly token: number; readonly timeMs: number }
  /** `code`: undefined for an orderly end. */
  | { readonly type: 'close'; readonly code: ErrorCode | undefined; readonly retryMs: number };

/**
 * Reads what a frame of an open link says.
 *
 * @param from - who sent it
 * @param body - exactly; bytes that come out are views of it
 * @throws TridcommError `E_LIMIT`, `E_ENCODING`, `E_LENGTH`
 * @spec messages.2, messages.3, messages.4, messages.5, messages.6, messages.7, messages.8
 */
export function decodeMessage(from: LinkSide, type: FrameType, channel: number, body: Uint8Array): LinkMessage {
  checkSize(type, body.length);
  checkType(from, type);
  checkChannel(from, type, channel);
  return readers[type]!(channel, body);
}

/** How a frame is read whose size, sender and channel are right: one for each type that an open link has. */
const readers: { readonly [T in FrameType]?: (channel: number, body: Uint8Array) => LinkMessage } = {
  [frameTypes.envelope]: (channel, body) => ({ type: 'envelope', durability: channel, envelope: body }),
  [frameTypes.stored]: (channel, body) => {
    checkLonger('stored', body, 8);
    return { type: 'stored', sub: channel, position: readNumber('position', body, 0), envelope: body.subarray(8) };
  },
  [frameTypes.object]: (_channel, body) => {
    checkLonger('object', body, 16);
    return { type: 'object', address16: body.subarray(0, 16), object: body.subarray(16) };
  },
  [frameTypes.bundle]: (_channel, body) => ({ type: 'bundle', bundle: body }),
  [frameTypes.watch]: (channel, body) => ({ type: 'watch', keeps: channel === 1, addresses: readAddresses(body) }),
  [frameTypes.sub]: (channel, body) => {
    checkLength('sub', body, subBytes);
    return { type: 'sub', sub: channel, match: readMatch(body), from: readNumber('from', body, 18) };
  },
  [frameTypes.unsub]: (channel, body) => {
    checkLength('unsub', body, 0);
    return { type: 'unsub', sub: channel };
  },
  [frameTypes.credit]: (_channel, body) => {
    checkLength('credit', body, 8);
    return { type: 'credit', bytes: readNumber('credit', body, 0) };
  },
  [frameTypes.ack]: (_channel, body) => {
    checkLength('ack', body, 8);
    return { type: 'ack', number: readNumber('number', body, 0) };
  },
  [frameTypes.work]: (channel, body) => {
    checkLength('work', body, workBytes);
    return { type: 'work', work: channel, match16: copyOf(body, 0, 16), capacity: readU32(body, 16) };
  },
  [frameTypes.job]: (channel, body) => {
    checkLonger('job', body, 8);
    return { type: 'job', work: channel, lease: readNumber('lease', body, 0), job: body.subarray(8) };
  },
  [frameTypes.leased]: (channel, body) => {
    checkLonger('leased', body, 8);
    return { type: 'leased', work: channel, lease: readNumber('lease', body, 0), envelope: body.subarray(8) };
  },
  [frameTypes.settle]: (channel, body) => {
    checkLength('settle', body, settleBytes);
    const lease = readNumber('lease', body, 0);
    const outcome = body[8]!;
    if (outcome !== outcomes.done && outcome !== outcomes.givenBack) {
      throw new TridcommError('E_ENCODING', `outcome ${outcome}`);
    }
    return { type: 'settle', work: channel, lease, isDone: outcome === outcomes.done };
  },
  [frameTypes.ping]: (channel, body) => {
    checkLength('ping', body, 16);
    const [token, timeMs] = [readNumber('token', body, 0), readNumber('time', body, 8)];
    return { type: 'ping', answers: channel === 1, token, timeMs };
  },
  [frameTypes.reject]: (_channel, body) => readReject(body),
  [frameTypes.close]: (_channel, body) => readClose(body),
};

/**
 * Writes the frame of a message.
 *
 * @param from - who sends it
 * @param capBytes - what the receiver announced
 * @returns the frame in one piece or two: where there is a second one, it is the envelope, job, object or bundle itself
 * @throws TridcommError `E_LIMIT` for a size or number above its limit, `E_USAGE` for what else must not be written
 * @spec messages.1, messages.9, messages.10
 */
export function encodeMessage(from: LinkSide, message: LinkMessage, capBytes: number): readonly Uint8Array[] {
  switch (message.type) {
    case 'envelope':
      return frame(from, frameTypes.envelope, message.durability, capBytes, 0, message.envelope);
    case 'stored':
      return after(from, frameTypes.stored, message.sub, capBytes, message.position, message.envelope);
    case 'leased':
      return after(from, frameTypes.leased, message.work, capBytes, message.lease, message.envelope);
    case 'job':
      return after(from, frameTypes.job, message.work, capBytes, message.lease, message.job);
    case 'work': {
      const { work, match16, capacity } = message;
      checkWidth('match', match16, 16);
      checkLimit('capacity', capacity, 0xffffffff);
      if (!(Number.isInteger(capacity) && capacity >= 0)) throw new TridcommError('E_USAGE', `capacity ${capacity}`);
      const chunks = frame(from, frameTypes.work, work, capBytes, workBytes);
      chunks[0]!.set(match16, frameHeaderBytes);
      writeU32(chunks[0]!, frameHeaderBytes + 16, capacity);
      return chunks;
    }
    case 'settle': {
      const chunks = frame(from, frameTypes.settle, message.work, capBytes, settleBytes);
      putNumber('lease', chunks[0]!, 0, message.lease);
      chunks[0]![frameHeaderBytes + 8] = message.isDone ? outcomes.done : outcomes.givenBack;
      return chunks;
    }
    case 'object': {
      checkWidth('address', message.address16, 16);
      checkNotEmpty('object', message.object);
      const chunks = frame(from, frameTypes.object, 0, capBytes, 16, message.object);
      chunks[0]!.set(message.address16, frameHeaderBytes);
      return chunks;
    }
    case 'bundle':
      return frame(from, frameTypes.bundle, 0, capBytes, 0, message.bundle);
    case 'watch': {
      const { addresses } = message;
      checkLimit('addresses', addresses.length, limits.watchAddresses);
      if (addresses.length === 0) throw new TridcommError('E_USAGE', 'watch of no address');
      const chunks = frame(from, frameTypes.watch, message.keeps ? 1 : 0, capBytes, addresses.length * 16);
      for (const [i, address16] of addresses.entries()) {
        checkWidth('address', address16, 16);
        chunks[0]!.set(address16, frameHeaderBytes + i * 16);
      }
      return chunks;
    }
    case 'sub': {
      const { matchKind, level, match16 } = message.match;
      checkLimit('level', level, mostLevel);
      if (!isMatch(matchKind, level)) throw new TridcommError('E_USAGE', `match kind ${matchKind}, level ${level}`);
      checkWidth('match', match16, 16);
      const chunks = frame(from, frameTypes.sub, message.sub, capBytes, subBytes);
      const head = chunks[0]!;
      head[frameHeaderBytes] = matchKind;
      head[frameHeaderBytes + 1] = level;
      head.set(match16, frameHeaderBytes + 2);
      putNumber('from', head, 18, message.from);
      return chunks;
    }
    case 'unsub':
      return frame(from, frameTypes.unsub, message.sub, capBytes, 0);
    case 'credit':
      return numbered(from, frameTypes.credit, 0, capBytes, message.bytes);
    case 'ack':
      return numbered(from, frameTypes.ack, 0, capBytes, message.number);
    case 'ping':
      return numbered(from, frameTypes.ping, message.answers ? 1 : 0, capBytes, message.token, message.timeMs);
    case 'reject': {
      const { about, number, code, retryMs } = message;
      const fields = { about: abouts.indexOf(about) + 1, number, code: wireCode(code), retry_ms: retryMs };
      return frameOf(from, frameTypes.reject, capBytes, encodeBody('Reject', fields));
    }
    case 'close':
      break;
  }
  const code = message.code === undefined ? undefined : wireCode(message.code);
  return frameOf(from, frameTypes.close, capBytes, encodeBody('Close', { code, retry_ms: message.retryMs }));
}

/**
 * A frame without its body, which is copied nowhere: header and the first `fieldBytes` bytes, still 0, then the rest as it is.
 */
function frame(
  from: LinkSide,
  type: FrameType,
  channel: number,
  capBytes: number,
  fieldBytes: number,
  rest?: Uint8Array,
): Uint8Array[] {
  checkLimit('channel', channel, 0xffff);
  if (!Number.isInteger(channel) || !hasChannel(from, type, channel)) {
    throw new TridcommError('E_USAGE', `frame type ${type} on channel ${channel} from the ${from}`);
  }
  const lengthBytes = fieldBytes + (rest?.length ?? 0);
  checkSize(type, lengthBytes);
  checkLimit('frame body bytes', lengthBytes, capBytes);
  const head = new Uint8Array(frameHeaderBytes + fieldBytes);
  head[0] = type;
  writeU16(head, 2, channel);
  writeU32(head, 4, lengthBytes);
  return rest === undefined ? [head] : [head, rest];
}

/** A number, and an envelope or a job after it. */
function after(
  from: LinkSide,
  type: FrameType,
  channel: number,
  capBytes: number,
  number: number,
  rest: Uint8Array,
): Uint8Array[] {
  if (rest.length === 0) throw new TridcommError('E_USAGE', `frame type ${type} with nothing in it`);
  const chunks = frame(from, type, channel, capBytes, 8, rest);
  putNumber('number', chunks[0]!, 0, number);
  return chunks;
}

function frameOf(from: LinkSide, type: FrameType, capBytes: number, body: Uint8Array): Uint8Array[] {
  const chunks = frame(from, type, 0, capBytes, body.length);
  chunks[0]!.set(body, frameHeaderBytes);
  return chunks;
}

/** A frame that is one or two numbers. */
function numbered(
  from: LinkSide,
  type: FrameType,
  channel: number,
  capBytes: number,
  ...numbers: readonly number[]
): Uint8Array[] {
  const chunks = frame(from, type, channel, capBytes, numbers.length * 8);
  for (const [i, number] of numbers.entries()) putNumber('number', chunks[0]!, i * 8, number);
  return chunks;
}

/** @param offset - in the body, which `head` has after 8 bytes */
function putNumber(what: string, head: Uint8Array, offset: number, value: number): void {
  checkLimit(what, value, limits.safeInteger);
  if (!(Number.isInteger(value) && value >= 0)) throw new TridcommError('E_USAGE', `${what} ${value}`);
  writeU64(head, frameHeaderBytes + offset, value);
}

/** @spec messages.5 */
function readNumber(what: string, body: Uint8Array, offset: number): number {
  const value = readU64(body, offset);
  checkLimit(what, value, limits.safeInteger);
  return value;
}

/** @spec messages.3 */
function checkLength(what: string, body: Uint8Array, lengthBytes: number): void {
  if (body.length !== lengthBytes) {
    throw new TridcommError('E_LENGTH', `${what} of ${body.length} bytes, not ${lengthBytes}`);
  }
}

/** @spec messages.3 */
function checkLonger(what: string, body: Uint8Array, fieldBytes: number): void {
  if (body.length <= fieldBytes) throw new TridcommError('E_LENGTH', `${what} of ${body.length} bytes`);
}

function checkNotEmpty(what: string, bytes: Uint8Array): void {
  if (bytes.length === 0) throw new TridcommError('E_USAGE', `${what} with nothing in it`);
}

/** @spec messages.3 */
function readAddresses(body: Uint8Array): Uint8Array[] {
  const count = body.length / 16;
  if (!Number.isInteger(count) || count === 0 || count > limits.watchAddresses) {
    throw new TridcommError('E_LENGTH', `watch of ${body.length} bytes`);
  }
  return Array.from({ length: count }, (_, i) => body.subarray(i * 16, i * 16 + 16));
}

/** @spec messages.4 */
function readMatch(body: Uint8Array): TopicMatch {
  const [matchKind, level] = [body[0]!, body[1]!];
  if (!isMatch(matchKind, level)) throw new TridcommError('E_ENCODING', `match kind ${matchKind}, level ${level}`);
  return { matchKind, level, match16: copyOf(body, 2, 18) };
}

function isMatch(matchKind: number, level: number): boolean {
  if (matchKind === matchKinds.exact) return level === 0;
  return matchKind === matchKinds.prefix && Number.isInteger(level) && level >= 0 && level <= mostLevel;
}

function readReject(body: Uint8Array): LinkMessage {
  const { about, number, code, retry_ms = 0 } = decodeBody('Reject', body);
  return { type: 'reject', about: abouts[about - 1]!, number, code: knownCode(code), retryMs: retry_ms };
}

function readClose(body: Uint8Array): LinkMessage {
  const { code, retry_ms = 0 } = decodeBody('Close', body);
  return { type: 'close', code: code === undefined ? undefined : knownCode(code), retryMs: retry_ms };
}

/** @spec messages.6 */
function knownCode(code: string): ErrorCode {
  const isKnown = Object.hasOwn(errorTable, code) && outwardCode(code as ErrorCode) === code;
  return isKnown ? (code as ErrorCode) : 'E_REFUSED';
}

/** @spec errors.3 */
function wireCode(code: ErrorCode): ErrorCode {
  const outward = Object.hasOwn(errorTable, code) ? outwardCode(code) : undefined;
  if (outward === undefined) throw new TridcommError('E_USAGE', `${code} is for nobody else`);
  return outward;
}

const abouts = ['numbered', 'sub', 'watch'] as const;
const subBytes = 26;
const workBytes = 20;
const settleBytes = 9;
/** What becomes of a lease, as the wire says it. */
const outcomes = { done: 1, givenBack: 2 } as const;
const mostLevel = 7;
