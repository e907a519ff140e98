import { TridcommError, type ErrorCode } from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';
import {
  decodeAuth,
  decodeHello,
  decodeMessage,
  encodeAuth,
  encodeHello,
  encodeMessage,
  frameTypes,
  type LinkMessage,
  type LinkSide,
} from '@tridcomm/core/link';
import { toHex, type Input, type Operation, type Value } from './values.ts';

/** The operations of feature `messages`. */
export const messageOperations: Record<string, Operation> = {
  'message.decode': (input) => {
    const [from, type, channel] = [readSide(input, 'from'), input.integer('type'), input.integer('channel')];
    const body = input.bytes('body');
    if (type === frameTypes.hello) return showHello(from, channel, body);
    if (type === frameTypes.auth) return showAuth(from, channel, body);
    return showMessage(decodeMessage(from, type as FrameType, channel, body));
  },
  'message.encode': (input) => {
    const type = input.integer('type');
    if (type === frameTypes.hello) return { channel: 0, body: toHex(encodeHello(readHello(input))) };
    if (type === frameTypes.auth) return { channel: 0, body: toHex(encodeAuth(readAuth(input))) };
    const message = readMessage(type, input);
    return showFrame(encodeMessage(senders[message.type], message, limits.frameHardCapBytes));
  },
};

export type FrameType = (typeof frameTypes)[keyof typeof frameTypes];

export function readSide(input: Input, name: string): LinkSide {
  const side = input.text(name);
  if (side !== 'initiator' && side !== 'responder') throw new TridcommError('E_USAGE', `side ${side}`);
  return side;
}

/** A frame without its type. */
export function showFrame(chunks: readonly Uint8Array[]): { channel: number; body: string } {
  const bytes = Buffer.concat(chunks);
  return { channel: bytes.readUInt16BE(2), body: toHex(bytes.subarray(8)) };
}

/** Who sends a message, where only one side does. */
const senders: Readonly<Record<LinkMessage['type'], LinkSide>> = {
  reject: 'responder',
  envelope: 'initiator',
  stored: 'responder',
  object: 'responder',
  bundle: 'initiator',
  watch: 'initiator',
  sub: 'initiator',
  unsub: 'initiator',
  credit: 'initiator',
  ack: 'responder',
  work: 'initiator',
  job: 'responder',
  leased: 'responder',
  settle: 'initiator',
  ping: 'initiator',
  close: 'initiator',
};

function showHello(from: LinkSide, channel: number, body: Uint8Array): Value {
  const hello = decodeHello(from, channel, body);
  return {
    versions: hello.versions,
    mode: hello.mode,
    suites: hello.suites,
    nonce: toHex(hello.nonce32),
    authorityId: toHex(hello.authorityId32),
    authoritySerial: String(hello.authoritySerial),
    frameCap: hello.frameCapBytes,
    credit: String(hello.creditBytes),
  };
}

function readHello(input: Input): Parameters<typeof encodeHello>[0] {
  return {
    versions: input.integers('versions'),
    mode: input.integer('mode'),
    suites: input.integers('suites'),
    nonce32: input.bytes('nonce'),
    authorityId32: input.bytes('authorityId'),
    authoritySerial: input.decimal('authoritySerial'),
    frameCapBytes: input.integer('frameCap'),
    creditBytes: input.decimal('credit'),
  };
}

function showAuth(from: LinkSide, channel: number, body: Uint8Array): Value {
  const { principalRecord, signature64, authorityRecords } = decodeAuth(from, channel, body);
  return {
    principalRecord: toHex(principalRecord),
    signature: toHex(signature64),
    authorityRecords: authorityRecords.map(toHex),
  };
}

function readAuth(input: Input): Parameters<typeof encodeAuth>[0] {
  return {
    principalRecord: input.bytes('principalRecord'),
    signature64: input.bytes('signature'),
    authorityRecords: input.bytesList('authorityRecords'),
  };
}

function showMessage(message: LinkMessage): Value {
  switch (message.type) {
    case 'reject': {
      const { about, number, code, retryMs } = message;
      return { about: abouts.indexOf(about) + 1, number: String(number), code, retryMs };
    }
    case 'envelope':
      return { durability: message.durability, envelope: toHex(message.envelope) };
    case 'stored':
      return { sub: message.sub, position: String(message.position), envelope: toHex(message.envelope) };
    case 'object':
      return { address: toHex(message.address16), object: toHex(message.object) };
    case 'bundle':
      return { bundle: toHex(message.bundle) };
    case 'watch':
      return { keeps: message.keeps, addresses: message.addresses.map(toHex) };
    case 'sub': {
      const { matchKind, level, match16 } = message.match;
      return { sub: message.sub, matchKind, level, match: toHex(match16), from: String(message.from) };
    }
    case 'unsub':
      return { sub: message.sub };
    case 'credit':
      return { bytes: String(message.bytes) };
    case 'ack':
      return { number: String(message.number) };
    case 'work':
      return { work: message.work, match: toHex(message.match16), capacity: message.capacity };
    case 'job':
      return { work: message.work, lease: String(message.lease), job: toHex(message.job) };
    case 'leased':
      return { work: message.work, lease: String(message.lease), envelope: toHex(message.envelope) };
    case 'settle':
      return { work: message.work, lease: String(message.lease), outcome: message.isDone ? 1 : 2 };
    case 'ping':
      return { answers: message.answers, token: String(message.token), timeMs: String(message.timeMs) };
    case 'close':
      break;
  }
  return { code: message.code ?? '', retryMs: message.retryMs };
}

function readMessage(type: number, input: Input): LinkMessage {
  switch (type) {
    case frameTypes.reject:
      return {
        type: 'reject',
        // A number that is none of them is for the encoder to refuse.
        about: abouts[input.integer('about') - 1] ?? ('' as 'sub'),
        number: input.decimal('number'),
        code: input.text('code') as ErrorCode,
        retryMs: input.integer('retryMs'),
      };
    case frameTypes.envelope:
      return { type: 'envelope', durability: input.integer('durability'), envelope: input.bytes('envelope') };
    case frameTypes.stored: {
      const [sub, position] = [input.integer('sub'), input.decimal('position')];
      return { type: 'stored', sub, position, envelope: input.bytes('envelope') };
    }
    case frameTypes.object:
      return { type: 'object', address16: input.bytes('address'), object: input.bytes('object') };
    case frameTypes.bundle:
      return { type: 'bundle', bundle: input.bytes('bundle') };
    case frameTypes.watch:
      return { type: 'watch', keeps: input.flag('keeps'), addresses: input.bytesList('addresses') };
    case frameTypes.sub: {
      const match = {
        matchKind: input.integer('matchKind'),
        level: input.integer('level'),
        match16: input.bytes('match'),
      };
      return { type: 'sub', sub: input.integer('sub'), match, from: input.decimal('from') };
    }
    case frameTypes.unsub:
      return { type: 'unsub', sub: input.integer('sub') };
    case frameTypes.work: {
      const [work, capacity] = [input.integer('work'), input.integer('capacity')];
      return { type: 'work', work, match16: input.bytes('match'), capacity };
    }
    case frameTypes.job:
      return { type: 'job', work: input.integer('work'), lease: input.decimal('lease'), job: input.bytes('job') };
    case frameTypes.leased: {
      const [work, lease] = [input.integer('work'), input.decimal('lease')];
      return { type: 'leased', work, lease, envelope: input.bytes('envelope') };
    }
    case frameTypes.settle: {
      const outcome = input.integer('outcome');
      if (outcome !== 1 && outcome !== 2) throw new TridcommError('E_USAGE', `outcome ${outcome}`);
      return { type: 'settle', work: input.integer('work'), lease: input.decimal('lease'), isDone: outcome === 1 };
    }
    case frameTypes.credit:
      return { type: 'credit', bytes: input.decimal('bytes') };
    case frameTypes.ack:
      return { type: 'ack', number: input.decimal('number') };
    case frameTypes.ping: {
      const [answers, token, timeMs] = [input.flag('answers'), input.decimal('token'), input.decimal('timeMs')];
      return { type: 'ping', answers, token, timeMs };
    }
    case frameTypes.close: {
      const code = input.text('code');
      return { type: 'close', code: code === '' ? undefined : (code as ErrorCode), retryMs: input.integer('retryMs') };
    }
    default:
      throw new TridcommError('E_USAGE', `frame type ${type}`);
  }
}

const abouts = ['numbered', 'sub', 'watch'] as const;
