import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseEnvelope, patternKinds, suites, TridcommError, type EnvelopeView } from '@tridcomm/core';
import { extensions, flagBits, hexOf } from '@tridcomm/core/internal';
import { FileStore } from '../store/file-store.ts';
import { readInput, sentenceOf, strong, UsageError, write, type CliIo } from './cli-io.ts';
import { openWith, type OpenedEnvelope } from './open-with.ts';

/** `tridcomm inspect`: takes an envelope apart, with the keys of an identity or without any. */
export async function inspect(args: readonly string[], io: CliIo): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { identity: { type: 'string' }, payload: { type: 'boolean' }, json: { type: 'boolean' } },
  });
  const [file, ...others] = positionals;
  if (file === undefined || others.length > 0) throw new UsageError('one file is taken, or - for standard input');
  const bytes = bytesOf(await readInput(io, file));
  const view = viewOf(bytes, file === '-' ? 'standard input' : file);
  const store = values.identity === undefined ? undefined : FileStore.look(resolve(io.cwd, values.identity));
  const opened = store && openWith(store, bytes);
  const found = describe(view, bytes, opened, values.payload === true);
  await write(io, values.json === true ? `${JSON.stringify(found)}\n` : textOf(io, found));
  // Who has keys and cannot open it wants to know that from the exit code.
  return opened?.refusal === undefined ? 0 : 1;
}

/** Hex is taken for what it stands for. */
function bytesOf(read: Buffer): Uint8Array {
  const text = read.toString('latin1').replaceAll(/\s/g, '');
  const isHex = text.length > 0 && text.length % 2 === 0 && /^[0-9a-fA-F]+$/.test(text);
  return new Uint8Array(isHex ? Buffer.from(text, 'hex') : read);
}

function viewOf(bytes: Uint8Array, place: string): EnvelopeView {
  try {
    return parseEnvelope(bytes);
  } catch (error) {
    if (!(error instanceof TridcommError)) throw error;
    throw new TridcommError(error.code, `${place} holds no envelope: ${sentenceOf(error)}`, { cause: error });
  }
}

/** What is said of an envelope, part by part. */
type Found = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

function describe(
  view: EnvelopeView,
  bytes: Uint8Array,
  opened: OpenedEnvelope | undefined,
  showsPayload: boolean,
): Found {
  const { header, extensions: area, keyinfo, body } = view;
  const extensionFields = area.all.map(({ number, critical, value }) => [
    nameOf(extensions, number),
    { bytes: value.length, critical, value: hexOf(value) },
  ]);
  return {
    envelope: { bytes: bytes.length, isSignedAndSealed: true },
    header: {
      bytes: 96,
      pattern: nameOfKind(header.patternKind),
      suite: nameOf(suites, header.suite),
      flags: Object.entries(flagBits).flatMap(([name, bit]) => ((header.flags & bit) === 0 ? [] : [name])),
      topicTag: hexOf(header.topicTag),
      epoch: header.epoch,
      records: header.count,
      senderId: hexOf(header.senderId),
      streamId: hexOf(header.streamId),
      number: header.seq,
      time: new Date(header.timestampMs).toISOString(),
      salt: hexOf(header.salt),
    },
    extensions: { bytes: header.extensionsLengthBytes, ...Object.fromEntries(extensionFields) },
    keyinfo: { bytes: keyinfo.length },
    body: { bytes: body.length, plaintextBytes: body.length - 16 },
    signature: { bytes: 64 },
    ...(opened !== undefined && { withKeys: withKeys(opened, showsPayload) }),
  };
}

function withKeys(
  { refusal, sender, group, id32, messages }: OpenedEnvelope,
  showsPayload: boolean,
): Readonly<Record<string, unknown>> {
  return {
    ...(sender !== undefined && { sender: sender.name, keyId: hexOf(sender.key.keyId32) }),
    ...(group !== undefined && { group }),
    ...(id32 !== undefined && { id: hexOf(id32.subarray(0, 16)) }),
    ...(refusal !== undefined && { refusal }),
    ...(messages !== undefined && {
      opens: true,
      payloadBytes: messages.map(({ length }) => length),
      ...(showsPayload && { payloads: messages.map((payload) => Buffer.from(payload).toString('utf8')) }),
    }),
  };
}

function textOf(io: CliIo, found: Found): string {
  const { envelope, ...parts } = found;
  const lines = [strong(io, `envelope of ${String(envelope!['bytes'])} bytes: signed and sealed`)];
  for (const [part, { bytes, ...fields }] of Object.entries(parts)) {
    lines.push(strong(io, typeof bytes === 'number' ? `${part}, ${bytes} bytes` : part));
    for (const [name, value] of Object.entries(fields)) {
      const about = meanings[name.split(' ')[0]!];
      lines.push(`  ${name.padEnd(14)} ${valueText(value)}${about === undefined ? '' : `  ${about}`}`);
    }
  }
  if (parts['withKeys'] === undefined)
    lines.push('Whether the signature holds, and what is inside, needs keys: --identity DIR');
  return `${lines.join('\n')}\n`;
}

/** What a field is, for people. */
const meanings: Readonly<Record<string, string | undefined>> = {
  topicTag: 'stands for the topic; which one that is only the group can tell',
  epoch: 'which of the keys of the group',
  records: 'messages inside; with a topicChain the first of them is the topic',
  senderId: 'begins the key id of who signed',
  streamId: 'one life of the sender’s process',
  number: 'of this envelope in its stream; no receiver takes one twice',
  time: 'when it was sealed, by the sender’s clock',
  salt: 'gives each envelope a key of its own',
  headSeq: 'the newest word of the authority that the sender knew',
  topicChain: 'by this a subscription to many topics finds it',
  plaintextBytes: 'what is sealed, without the 16 bytes that prove it whole',
};

function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ');
  if (typeof value !== 'object' || value === null) return String(value);
  const { bytes, critical, value: hex } = value as { bytes: number; critical: boolean; value: string };
  return `${hex} (${bytes} bytes${critical ? ', critical' : ''})`;
}

function nameOf(table: Readonly<Record<string, number>>, code: number): string {
  const name = Object.entries(table).find(([, value]) => value === code)?.[0];
  return name === undefined ? String(code) : `${name} (${code})`;
}

function nameOfKind(code: number): string {
  for (const [pattern, kinds] of Object.entries(patternKinds)) {
    const kind = Object.entries(kinds).find(([, value]) => value === code)?.[0];
    if (kind !== undefined) return `${pattern} ${kind} (0x${code.toString(16)})`;
  }
  return `0x${code.toString(16)}`;
}
