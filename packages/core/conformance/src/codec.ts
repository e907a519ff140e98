import {
  parseEnvelope,
  parseJob,
  SplitBatch,
  TridcommError,
  type CryptoProvider,
  type Extensions,
  type HeaderView,
  type Message,
} from '@tridcomm/core';
import {
  checkPreface,
  decodeRecords,
  encodeFrame,
  encodeRecords,
  FrameDecoder,
  limits,
  MerkleTree,
  padmeLength,
  readVarint,
  varintLength,
  verifyMerklePath,
  writeHeader,
  writeVarint,
  type Frame,
} from '@tridcomm/core/internal';
import { toHex, type Input, type Operation, type Value } from './values.ts';

/** The operations of feature `codec`. */
export function codecOperations(provider: CryptoProvider): Record<string, Operation> {
  return {
    'varint.encode': (input) => {
      const value = input.decimal('value');
      const bytes = new Uint8Array(varintLength(value));
      writeVarint(bytes, 0, value);
      return { bytes: toHex(bytes) };
    },
    'varint.decode': (input) => {
      const bytes = input.bytes('bytes');
      const cursor = { bytes, offset: 0 };
      const value = readVarint(cursor, bytes.length);
      if (cursor.offset !== bytes.length) throw new TridcommError('E_ENCODING', 'bytes after the varint');
      return { value: String(value) };
    },
    'preface.decode': (input) => {
      checkPreface(input.bytes('bytes'));
      return { version: 1 };
    },
    'frame.encode': (input) => {
      return { bytes: toHex(encodeFrame(input.integer('type'), input.integer('channel'), input.bytes('body'))) };
    },
    'frame.decode': (input) => {
      const decoder = new FrameDecoder(input.integer('cap', limits.frameCapBytes));
      const frames: Frame[] = [];
      for (const chunk of input.bytesList('chunks')) frames.push(...decoder.push(chunk));
      decoder.end();
      return { frames: frames.map(({ type, channel, body }) => ({ type, channel, body: toHex(body) })) };
    },
    'frame.closed': (input) => {
      const decoder = new FrameDecoder(input.integer('cap', limits.frameCapBytes));
      let refused = false;
      for (const chunk of input.bytesList('chunks')) {
        try {
          Array.from(decoder.push(chunk));
        } catch (error) {
          if (refused) throw error;
          refused = true;
        }
      }
      return {};
    },
    'header.encode': (input) => {
      const fields = input.object('header');
      const bytes = new Uint8Array(96);
      writeHeader(bytes, {
        patternKind: fields.integer('patternKind'),
        suite: fields.integer('suite'),
        flags: fields.integer('flags'),
        topicTag: fields.bytes('topicTag'),
        epoch: fields.integer('epoch'),
        count: fields.integer('count'),
        senderId: fields.bytes('senderId'),
        streamId: fields.bytes('streamId'),
        seq: fields.decimal('seq'),
        timestampMs: fields.decimal('timestamp'),
        salt: fields.bytes('salt'),
        extensionsLengthBytes: fields.integer('extLen'),
        keyinfoLengthBytes: fields.integer('keyinfoLen'),
        bodyLengthBytes: fields.integer('bodyLen'),
      });
      return { bytes: toHex(bytes) };
    },
    'envelope.parse': (input) => {
      const { header, extensions, keyinfo, body, signature } = parseEnvelope(input.bytes('bytes'));
      return {
        header: showHeader(header),
        extensions: showExtensions(extensions),
        keyinfo: toHex(keyinfo),
        body: toHex(body),
        signature: toHex(signature),
      };
    },
    'job.parse': (input) => {
      const { header, extensions, keyinfo, leaf, sealed, path, signature } = parseJob(input.bytes('bytes'));
      return {
        header: showHeader(header),
        extensions: showExtensions(extensions),
        keyinfo: toHex(keyinfo),
        leaf,
        ciphertext: toHex(sealed),
        path: Array.from({ length: path.length / 32 }, (_, i) => toHex(path.subarray(32 * i, 32 * i + 32))),
        signature: toHex(signature),
      };
    },
    'records.encode': (input) => {
      const messages = readMessages(input);
      const padded = input.flag('padded');
      return { bytes: toHex(encodeRecords(messages, 0, messages.length, input.decimal('timestamp'), padded)) };
    },
    'records.decode': (input) => {
      const { bytes, count } = { bytes: input.bytes('bytes'), count: input.integer('count') };
      return { records: showRecords(decodeRecords(bytes, count, input.decimal('timestamp'), input.flag('padded'))) };
    },
    padme: (input) => ({ padded: padmeLength(input.integer('length')) }),
    'merkle.root': (input) => ({ root: toHex(new MerkleTree(provider, input.bytesList('leaves')).root) }),
    'merkle.path': (input) => ({
      path: new MerkleTree(provider, input.bytesList('leaves')).path(input.integer('leaf')).map(toHex),
    }),
    'merkle.verify': (input) => {
      const path = new Uint8Array(Buffer.concat(input.bytesList('path')));
      const [leaf, count] = [input.integer('leaf'), input.integer('leafCount')];
      if (!verifyMerklePath(provider, input.bytes('leafHash'), leaf, count, path, input.bytes('root'))) {
        throw new TridcommError('E_PROOF');
      }
      return {};
    },
    'envelope.split': (input) => {
      const batch = new SplitBatch(provider, parseEnvelope(input.bytes('envelope')));
      return { job: toHex(batch.job(input.integer('leaf'))) };
    },
  };
}

/** The `records` member of an input. */
export function readMessages(input: Input): Message[] {
  return input
    .objects('records')
    .map((record) => ({ timestampMs: record.decimal('timestamp'), payload: record.bytes('payload') }));
}

export function showRecords(records: Iterable<Message>): Value {
  return [...records].map(({ timestampMs, payload }) => ({ timestamp: String(timestampMs), payload: toHex(payload) }));
}

function showHeader(header: HeaderView): Value {
  return {
    patternKind: header.patternKind,
    suite: header.suite,
    flags: header.flags,
    topicTag: toHex(header.topicTag),
    epoch: header.epoch,
    count: header.count,
    senderId: toHex(header.senderId),
    streamId: toHex(header.streamId),
    seq: String(header.seq),
    timestamp: String(header.timestampMs),
    salt: toHex(header.salt),
    extLen: header.extensionsLengthBytes,
    keyinfoLen: header.keyinfoLengthBytes,
    bodyLen: header.bodyLengthBytes,
  };
}

function showExtensions(extensions: Extensions): Value {
  return extensions.all.map(({ number, critical, value }) => ({ number, critical, value: toHex(value) }));
}
