import { concat } from '../bytes/bytes.ts';
import { readVarint, varintLength, writeVarint, type Cursor } from '../bytes/varint.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { messages } from '../codepoints/messages.gen.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import { decodeUtf8, encodeUtf8, utf8Length } from '../topics/utf8.ts';

/*
 * Bodies of signed objects and link messages: protobuf in the one form that chapter 07 leaves. The schema is that of the registry of messages.
 */

/** Name of a message of the registry. */
export type MessageName = keyof typeof messages;

/** One field of a message. */
type FieldOf<M extends MessageName> = (typeof messages)[M][number];

type ElementOf<F> = F extends { readonly type: 'message'; readonly message: infer N extends MessageName }
  ? Body<N>
  : F extends { readonly type: 'bytes' }
    ? Uint8Array
    : F extends { readonly type: 'string' }
      ? string
      : F extends { readonly type: 'bool' }
        ? boolean
        : number;

type ValueOf<F> = F extends { readonly repeated: true } ? readonly ElementOf<F>[] : ElementOf<F>;

/** The fields of a message by the names of `spec/v1/proto`. What is not written is not there. */
export type Body<M extends MessageName> = {
  readonly [F in FieldOf<M> as F extends { readonly required: true } ? F['name'] : never]: ValueOf<F>;
} & {
  readonly [F in FieldOf<M> as F extends { readonly required: true } ? never : F['name']]?: ValueOf<F> | undefined;
};

/** A field of the schema without what TypeScript knows of the single one. */
interface Field {
  readonly number: number;
  readonly name: string;
  readonly type: 'uint32' | 'uint64' | 'bool' | 'bytes' | 'string' | 'message';
  readonly message?: MessageName;
  readonly required?: true;
  readonly repeated?: true;
  readonly maxCount?: number;
  readonly maxBytes?: number;
  readonly bytes?: number;
  readonly values?: readonly number[];
  readonly mask?: number;
}

type Scalar = number | boolean | string | Uint8Array | Fields;
type Fields = { [name: string]: Scalar | readonly Scalar[] | undefined };

/** A message that is being read: one for each level. */
interface Level {
  readonly message: MessageName;
  readonly end: number;
  readonly fields: Fields;
  /** Number of the field read last, and how often it stood. */
  number: number;
  wireType: number;
  count: number;
}

/**
 * Reads a body.
 *
 * It goes over the bytes once, from the front, and keeps nothing of a size that the bytes only claim.
 *
 * @param bytes - the message, exactly; bytes that come out are views of it
 * @throws TridcommError `E_ENCODING`, `E_LIMIT`, whichever failure stands first
 * @spec principals.2, principals.3, principals.4, principals.5, principals.6, principals.7
 */
export function decodeBody<M extends MessageName>(message: M, bytes: Uint8Array): Body<M> {
  const cursor: Cursor = { bytes, offset: 0 };
  const outermost = enter(message, bytes.length);
  const levels = [outermost];
  for (;;) {
    const level = levels.at(-1)!;
    if (cursor.offset === level.end) {
      checkComplete(level);
      levels.pop();
      if (levels.length === 0) return outermost.fields as Body<M>;
      continue;
    }
    const inner = readField(cursor, level);
    if (inner === undefined) continue;
    if (levels.length === limits.bodyDepth) throw refusal('messages inside messages too deep');
    levels.push(inner);
  }
}

/** Reads one field; where it is a message, reads only up to its content, and returns the level that reads that. */
function readField(cursor: Cursor, level: Level): Level | undefined {
  const { end } = level;
  const tag = readVarint(cursor, end);
  const wireType = tag % 8;
  const number = (tag - wireType) / 8;
  if ((wireType !== varintType && wireType !== bytesType) || number === 0 || number > maxFieldNumber) {
    throw refusal(`tag ${tag}`);
  }
  if (number < level.number) throw refusal(`field ${number} behind field ${level.number}`);
  const again = number === level.number;
  const field = schemas[level.message].get(number);
  if (field === undefined) {
    if (number < firstIgnoredNumber) throw refusal(`field ${number} is not known`);
  } else if (wireType !== wireTypeOf(field)) {
    throw refusal(`${field.name} of wire type ${wireType}`);
  }
  // Numbers that repeat are packed, so what has wire type 0 is singular, known or not.
  const singular = field === undefined ? wireType === varintType : field.repeated !== true || isPacked(field);
  if (again && (singular || wireType !== level.wireType)) throw refusal(`field ${number} stands twice`);
  level.number = number;
  level.wireType = wireType;
  level.count = again ? level.count + 1 : 1;
  if (field !== undefined && !singular) checkLimit(field.name, level.count, field.maxCount!);
  if (wireType === varintType) {
    const value = readVarint(cursor, end);
    if (value === 0) throw refusal(`field ${number} with its default value`);
    if (field !== undefined) level.fields[field.name] = checkNumber(field, value);
    return undefined;
  }
  const length = readVarint(cursor, end);
  if (length > end - cursor.offset) throw refusal(`field ${number} ends behind its message`);
  const start = cursor.offset;
  const stop = start + length;
  if (field === undefined) {
    cursor.offset = stop;
    return undefined;
  }
  checkFieldLength(field, length);
  if (field.type === 'message') {
    const inner = enter(field.message!, stop);
    put(level, field, inner.fields);
    return inner;
  }
  if (isPacked(field)) {
    level.fields[field.name] = readPacked(cursor, field, stop);
    return undefined;
  }
  cursor.offset = stop;
  put(level, field, readContent(field, cursor.bytes.subarray(start, stop)));
  return undefined;
}

function enter(message: MessageName, end: number): Level {
  return { message, end, fields: {}, number: 0, wireType: 0, count: 0 };
}

/** A field that is written is there, as its default value is never written. */
function checkComplete({ message, fields }: Level): void {
  for (const { name, required } of schemas[message].values()) {
    if (required === true && fields[name] === undefined) throw refusal(`${message} without ${name}`);
  }
}

function put({ fields }: Level, { name, repeated }: Field, value: Scalar): void {
  if (repeated !== true) fields[name] = value;
  else if (fields[name] === undefined) fields[name] = [value];
  else (fields[name] as Scalar[]).push(value);
}

/** What the schema says of a length, before anything of the content is looked at. */
function checkFieldLength(field: Field, length: number): void {
  if (length === 0 && field.type !== 'message' && (field.repeated !== true || isPacked(field))) {
    throw refusal(`${field.name} with its default value`);
  }
  if (field.maxBytes !== undefined) checkLimit(`${field.name} bytes`, length, field.maxBytes);
  if (field.bytes !== undefined && length !== field.bytes) {
    throw refusal(`${field.name} of ${length} bytes, not ${field.bytes}`);
  }
}

function readContent(field: Field, content: Uint8Array): string | Uint8Array {
  if (field.type === 'bytes') return content;
  const text = decodeUtf8(content);
  if (text === undefined) throw refusal(`${field.name} is not valid UTF-8`);
  return text;
}

function readPacked(cursor: Cursor, field: Field, stop: number): number[] {
  const elements: number[] = [];
  while (cursor.offset < stop) {
    checkLimit(field.name, elements.length + 1, field.maxCount!);
    elements.push(checkNumber(field, readVarint(cursor, stop)) as number);
  }
  return elements;
}

/** A number, or the bool that it stands for, within the bounds of the schema. */
function checkNumber(field: Field, value: number): number | boolean {
  const { name, type, values, mask } = field;
  if (type === 'bool') {
    if (value > 1) throw refusal(`${name} ${value}`);
    return value === 1;
  }
  if (type === 'uint32' && value > maxUint32) throw refusal(`${name} ${value}`);
  if (values?.includes(value) === false || (mask !== undefined && (value & ~mask) !== 0)) {
    throw refusal(`${name} ${value} is not defined`);
  }
  return value;
}

/**
 * Writes a body in its one form; the caller's.
 *
 * A field that is absent or has its default value is left out.
 *
 * @throws TridcommError `E_USAGE` without a required field, and for values that the schema does not allow; `E_LIMIT` above its limits
 * @spec principals.1
 */
export function encodeBody<M extends MessageName>(message: M, fields: Body<M>): Uint8Array {
  return writeMessage(message, fields as Fields);
}

/** The schema ends this recursion: its messages stand in each other three deep. */
function writeMessage(message: MessageName, fields: Fields): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const field of schemas[message].values()) {
    const before = parts.length;
    writeField(parts, field, fields[field.name]);
    if (field.required === true && parts.length === before) throw misuse(`${message} without ${field.name}`);
  }
  return concat(...parts);
}

function writeField(parts: Uint8Array[], field: Field, value: Scalar | readonly Scalar[] | undefined): void {
  if (value === undefined || value === 0 || value === false || value === '') return;
  const tag = varint(field.number * 8 + wireTypeOf(field));
  if (field.repeated !== true) {
    const content = contentOf(field, value as Scalar);
    if (content.length > 0) parts.push(tag, ...lengthOf(field, content), content);
    return;
  }
  const elements = value as readonly Scalar[];
  checkLimit(field.name, elements.length, field.maxCount!);
  const contents = elements.map((element) => contentOf(field, element));
  if (!isPacked(field)) for (const content of contents) parts.push(tag, varint(content.length), content);
  else if (contents.length > 0) {
    const packed = concat(...contents);
    parts.push(tag, varint(packed.length), packed);
  }
}

function lengthOf(field: Field, content: Uint8Array): Uint8Array[] {
  return wireTypeOf(field) === varintType ? [] : [varint(content.length)];
}

/** The bytes of one value, without tag and length. */
function contentOf(field: Field, value: Scalar): Uint8Array {
  const { name, type, values, mask } = field;
  if (type === 'message') return writeMessage(field.message!, value as Fields);
  if (type === 'bytes') {
    const bytes = value as Uint8Array;
    if (field.maxBytes !== undefined) checkLimit(`${name} bytes`, bytes.length, field.maxBytes);
    if (field.bytes !== undefined && bytes.length !== field.bytes) {
      throw misuse(`${name} of ${bytes.length} bytes, not ${field.bytes}`);
    }
    return bytes;
  }
  if (type === 'string') {
    const length = utf8Length(value as string);
    if (length < 0) throw misuse(`${name} with a lone surrogate`);
    checkLimit(`${name} bytes`, length, field.maxBytes!);
    return encodeUtf8(value as string);
  }
  if (type === 'bool') return varint(1);
  const number = value as number;
  checkLimit(name, number, type === 'uint32' ? maxUint32 : limits.safeInteger);
  if (!(Number.isInteger(number) && number >= 0)) throw misuse(`${name} ${number}`);
  if (values?.includes(number) === false || (mask !== undefined && (number & ~mask) !== 0)) {
    throw misuse(`${name} ${number} is not defined`);
  }
  return varint(number);
}

function varint(value: number): Uint8Array {
  const bytes = new Uint8Array(varintLength(value));
  writeVarint(bytes, 0, value);
  return bytes;
}

/** Numbers that repeat stand in one field. */
function isPacked({ type, repeated }: Field): boolean {
  return repeated === true && (type === 'uint32' || type === 'uint64' || type === 'bool');
}

function wireTypeOf(field: Field): number {
  const inLine = field.type === 'uint32' || field.type === 'uint64' || field.type === 'bool';
  return inLine && !isPacked(field) ? varintType : bytesType;
}

function refusal(detail: string): TridcommError {
  return new TridcommError('E_ENCODING', detail);
}

function misuse(detail: string): TridcommError {
  return new TridcommError('E_USAGE', detail);
}

const varintType = 0;
const bytesType = 2;
const maxFieldNumber = 536_870_911;
/** What a later version may add below this changes what the record means; from here on it does not. */
const firstIgnoredNumber = 1024;
const maxUint32 = 0xffff_ffff;

/** Fields of each message by number, ascending as the registry has them. */
const schemas: Readonly<Record<MessageName, ReadonlyMap<number, Field>>> = {
  Key: byNumber('Key'),
  Delegation: byNumber('Delegation'),
  AuthorityRecord: byNumber('AuthorityRecord'),
  PrincipalRecord: byNumber('PrincipalRecord'),
  KeyRecord: byNumber('KeyRecord'),
  Policy: byNumber('Policy'),
  GroupEntry: byNumber('GroupEntry'),
  GroupRecord: byNumber('GroupRecord'),
  PoolRecord: byNumber('PoolRecord'),
  GroupPrivate: byNumber('GroupPrivate'),
  RouteSecret: byNumber('RouteSecret'),
  Hello: byNumber('Hello'),
  Auth: byNumber('Auth'),
  Reject: byNumber('Reject'),
  Close: byNumber('Close'),
};

function byNumber(message: MessageName): ReadonlyMap<number, Field> {
  return new Map(messages[message].map((field: Field) => [field.number, field]));
}
