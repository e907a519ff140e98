import { randomBytes } from 'node:crypto';
import {
  decodeHeader,
  deriveHedgeSecret,
  keyAlgorithms,
  keyId,
  openEnvelope,
  patternKinds,
  ReplayGuard,
  StreamSealer,
  suites,
  type CryptoProvider,
  type Message,
  type Receiver,
  type SenderKey,
} from '@tridcomm/core';
import { nobleProvider } from '@tridcomm/core/noble';
import { nodeProvider } from '@tridcomm/core/node';
import { alternate, median, medianRatio, type Work } from './measure.ts';
import { replayRows } from './replay.ts';
import type { Row } from './report.ts';

const payloadBytes = 256;
const batchCount = 100;
const random = (lengthBytes: number): Uint8Array => new Uint8Array(randomBytes(lengthBytes));

/**
 * The record layer against its own primitives, measured in the same rounds.
 *
 * A sum of primitives is one AEAD, one SHA-256 pass and one signature or verification over the same bytes, each measured alone.
 */
export function runRecord(): Row[] {
  return [...recordRows(nodeProvider), ...nobleRows(), ...headerRows(), ...replayRows()];
}

function recordRows(provider: CryptoProvider): Row[] {
  const bench = new RecordBench(provider);
  const us = alternate(
    {
      seal: (times) => repeat(times, () => bench.seal(bench.batch)),
      open: bench.opener(bench.batch),
      sealSingle: (times) => repeat(times, () => bench.seal(bench.single)),
      openSingle: bench.opener(bench.single),
      sealPrimitives: (times) => repeat(times, () => bench.sealPrimitives()),
      openPrimitives: (times) => repeat(times, () => bench.openPrimitives()),
    },
    // Short rounds, many of them: the envelopes of a round stay in the cache as those of a live receiver do.
    61,
    12,
  );
  const name = provider.name;
  const perMessage = us.seal.map((value) => value / batchCount);
  const perMessageOpen = us.open.map((value) => value / batchCount);
  return [
    { name: `${name}: seal ${batchCount} × ${payloadBytes} B`, value: median(us.seal), unit: 'µs' },
    { name: `${name}: open ${batchCount} × ${payloadBytes} B`, value: median(us.open), unit: 'µs' },
    { name: `${name}: seal 1 × ${payloadBytes} B`, value: median(us.sealSingle), unit: 'µs' },
    { name: `${name}: open 1 × ${payloadBytes} B`, value: median(us.openSingle), unit: 'µs' },
    { name: `${name}: seal ÷ its primitives`, value: medianRatio(us.seal, us.sealPrimitives), unit: '×', atMost: 2 },
    { name: `${name}: open ÷ its primitives`, value: medianRatio(us.open, us.openPrimitives), unit: '×', atMost: 1.3 },
    {
      name: `${name}: seal, message in the batch ÷ single`,
      value: medianRatio(perMessage, us.sealSingle),
      unit: '×',
      atMost: 1 / 30,
    },
    {
      name: `${name}: open, message in the batch ÷ single`,
      value: medianRatio(perMessageOpen, us.openSingle),
      unit: '×',
      atMost: 1 / 30,
    },
  ];
}

/** The same batch in pure JavaScript: what a runtime without native cryptography pays. */
function nobleRows(): Row[] {
  const bench = new RecordBench(nobleProvider, suites.x25519ChaCha20Poly1305Ed25519);
  const us = alternate(
    { seal: (times) => repeat(times, () => bench.seal(bench.batch)), open: bench.opener(bench.batch) },
    5,
    60,
  );
  return [
    { name: `noble: seal ${batchCount} × ${payloadBytes} B`, value: median(us.seal), unit: 'µs' },
    { name: `noble: open ${batchCount} × ${payloadBytes} B`, value: median(us.open), unit: 'µs' },
  ];
}

/** What reading a header leaves on the heap. */
function headerRows(): Row[] {
  const bench = new RecordBench(nodeProvider);
  const envelope = bench.seal(bench.batch);
  const decodes = 1_000_000;
  let checksum = 0;
  const read = (times: number) => {
    for (let i = 0; i < times; i++) {
      const header = decodeHeader(envelope);
      checksum += header.seq + header.count + header.epoch + header.timestampMs;
    }
  };
  read(decodes);
  globalThis.gc?.();
  const before = process.memoryUsage();
  read(decodes);
  const after = process.memoryUsage();
  const us = alternate({ read }, 9, 30);
  if (checksum === 0) throw new Error('nothing was read');
  return [
    { name: 'header: decode and read four fields', value: median(us.read) * 1000, unit: 'ns' },
    {
      name: `header: heap delta over ${decodes.toLocaleString('en')} decodes`,
      value: Math.max(0, after.heapUsed - before.heapUsed) / decodes,
      unit: 'B a decode',
    },
    {
      name: 'header: bytes copied, as buffers outside the heap',
      value: Math.max(0, after.arrayBuffers - before.arrayBuffers) / decodes,
      unit: 'B a decode',
    },
  ];
}

class RecordBench {
  readonly batch: readonly Message[];
  readonly single: readonly Message[];
  readonly #provider: CryptoProvider;
  readonly #sealer: StreamSealer;
  readonly #receiver: Receiver;
  readonly #keyPair: ReturnType<CryptoProvider['generateKeyPair']>;
  readonly #nowMs = Date.now();
  readonly #bulk = random(batchCount * (payloadBytes + 4));
  readonly #key32 = random(32);
  readonly #nonce12 = random(12);
  readonly #aad = random(128);
  readonly #sigin = random(146);
  /** As many as a round opens: a receiver's ciphertexts are not in the cache before they come, so neither are these. */
  readonly #sealed: readonly Uint8Array[];
  #opened = 0;
  readonly #signature: Uint8Array;
  readonly #aead: 'aes-256-gcm' | 'chacha20-poly1305';

  constructor(provider: CryptoProvider, suite: number = suites.x25519Aes256GcmEd25519) {
    this.#provider = provider;
    this.#aead = suite === suites.x25519Aes256GcmEd25519 ? 'aes-256-gcm' : 'chacha20-poly1305';
    const message = () => ({ timestampMs: this.#nowMs, payload: random(payloadBytes) });
    this.batch = Array.from({ length: batchCount }, message);
    this.single = [message()];
    this.#keyPair = provider.generateKeyPair('ed25519');
    const { publicKey } = this.#keyPair;
    const sender: SenderKey = { publicKey32: publicKey, keyId32: keyId(provider, keyAlgorithms.ed25519, publicKey) };
    const keySource = { suite, sourceSecret32: random(32), groupContext32: random(32), bind32: random(32) };
    this.#sealer = new StreamSealer({
      provider,
      random,
      keySource,
      senderKeyId32: sender.keyId32,
      hedgeSecret32: deriveHedgeSecret(provider, random(32)),
      patternKind: patternKinds.pubSub.data,
      topicTag16: random(16),
      epoch: 1,
    });
    this.#receiver = {
      provider,
      replay: new ReplayGuard({ hashKey16: random(16), life: { kind: 'volatile', bootMs: 0 } }),
      findTopic: () => ({ keySource: () => keySource }),
      findSender: () => sender,
      mayWrite: () => true,
    };
    this.#sealed = Array.from({ length: 64 }, () => {
      return provider.aeadSeal(this.#aead, this.#key32, this.#nonce12, this.#aad, random(this.#bulk.length));
    });
    this.#signature = provider.ed25519Sign(this.#keyPair.secretKey, this.#sigin);
  }

  seal(messages: readonly Message[]): Uint8Array {
    const form = messages.length === 1 ? 'single' : 'batch';
    const unsigned = this.#sealer.seal({ form, messages, timestampMs: this.#nowMs });
    return unsigned.finish(this.#provider.ed25519Sign(this.#keyPair.secretKey, unsigned.signInput));
  }

  /** Opens envelopes that it seals outside the time that is taken, since each may be opened only once. */
  opener(messages: readonly Message[]): Work {
    const pool: Uint8Array[] = [];
    const open = (times: number) => {
      for (let i = 0; i < times; i++) {
        const opened = openEnvelope(this.#receiver, pool.pop()!, this.#nowMs);
        if (opened?.records.count !== messages.length) throw new Error('not opened');
      }
    };
    return Object.assign(open, {
      prepare: (times: number) => {
        for (let i = 0; i < times; i++) pool.push(this.seal(messages));
        pool.reverse();
      },
    });
  }

  sealPrimitives(): void {
    this.#provider.aeadSeal(this.#aead, this.#key32, this.#nonce12, this.#aad, this.#bulk);
    this.#provider.sha256(this.#bulk);
    this.#provider.ed25519Sign(this.#keyPair.secretKey, this.#sigin);
  }

  openPrimitives(): void {
    const sealed = this.#sealed[this.#opened++ % this.#sealed.length]!;
    this.#provider.sha256(sealed);
    this.#provider.aeadOpen(this.#aead, this.#key32, this.#nonce12, this.#aad, sealed);
    this.#provider.ed25519Verify(this.#keyPair.publicKey, this.#sigin, this.#signature);
  }
}

function repeat(times: number, work: () => void): void {
  for (let i = 0; i < times; i++) work();
}
