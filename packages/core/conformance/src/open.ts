import {
  beginOpen,
  keyAlgorithms,
  keyId,
  openEnvelope,
  openJob,
  parseEnvelope,
  ReplayGuard,
  TridcommError,
  type CryptoProvider,
  type KeySource,
  type Opened,
  type Receiver,
  type SenderKey,
} from '@tridcomm/core';
import { aadHeaderOf, deriveStreamSecret, envelopeId } from '@tridcomm/core/internal';
import { showRecords } from './codec.ts';
import { readKeySource } from './seal.ts';
import { toHex, type Input, type Operation, type Value } from './values.ts';

/** The operations of feature `open`. */
export function openOperations(provider: CryptoProvider): Record<string, Operation> {
  return {
    'envelope.open': (input) => openOne(readReceiver(provider, input.object('receiver')), input),
    'receiver.run': (input) => {
      const receiver = readReceiver(provider, input.object('receiver'));
      return { results: input.objects('steps').map((step) => orError(() => openOne(receiver, step))) };
    },
    'envelope.derive': (input) => derive(provider, input),
  };
}

/** What an operation gives, or its refusal as a value: for steps, which go on. */
export function orError(operation: () => Value): Value {
  try {
    return operation();
  } catch (error) {
    if (!(error instanceof TridcommError)) throw error;
    return { error: error.code };
  }
}

function openOne(receiver: Receiver, input: Input): Value {
  const nowMs = input.decimal('now');
  const opened = input.has('job')
    ? openJob(receiver, input.bytes('job'), nowMs)
    : openEnvelope(receiver, input.bytes('envelope'), nowMs);
  return showOpened(opened);
}

function showOpened(opened: Opened | undefined): Value {
  if (opened === undefined) return { delivered: false };
  const { id32, records, leaf } = opened;
  const shown = { verdict: 'new', id: toHex(id32), records: showRecords(records) };
  return leaf === undefined ? shown : { ...shown, leaf };
}

function readReceiver(provider: CryptoProvider, input: Input): Receiver {
  const topics = new Map<string, Map<number, KeySource>>();
  for (const source of input.objects('sources')) {
    const tag = source.text('topicTag');
    const epochs = topics.get(tag) ?? new Map<number, KeySource>();
    topics.set(tag, epochs);
    if (source.flag('open')) epochs.set(source.integer('epoch'), readKeySource(source, source.integer('suite')));
  }
  const senders = readSenders(provider, input.objects('senders'), 'mayWrite');
  return {
    provider,
    replay: readGuard(input),
    findTopic: (tag) => {
      const epochs = topics.get(toHex(tag));
      return epochs && { keySource: (epoch) => epochs.get(epoch) };
    },
    findSender: (senderId) => senders.get(toHex(senderId)),
    mayWrite: (sender) => (sender as RatedSender).may,
  };
}

/** A sender, and whether it has the right that an operation asks of it. */
export interface RatedSender extends SenderKey {
  readonly may: boolean;
}

/** Senders by their id in hex. */
export function readSenders(
  provider: CryptoProvider,
  inputs: readonly Input[],
  right: 'mayWrite' | 'mayRespond' | 'mayRoute',
): Map<string, RatedSender> {
  return new Map(
    inputs.map((input) => {
      const publicKey32 = input.bytes('publicKey');
      const keyId32 = idOf(provider, publicKey32);
      return [toHex(keyId32.subarray(0, 16)), { publicKey32, keyId32, may: input.flag(right) }];
    }),
  );
}

/** All whom a requester knows, by their sender id in hex: these keys have a right, and its responders are known besides. */
export function readKeys(
  provider: CryptoProvider,
  input: Input,
  publicKeys: readonly Uint8Array[],
): Map<string, RatedSender> {
  const known = input.objects('responders').map((one) => ({ publicKey32: one.bytes('publicKey'), may: false }));
  const named = publicKeys.map((publicKey32) => ({ publicKey32, may: true }));
  return new Map(
    [...known, ...named].map(({ publicKey32, may }) => {
      const keyId32 = idOf(provider, publicKey32);
      return [toHex(keyId32.subarray(0, 16)), { publicKey32, keyId32, may }];
    }),
  );
}

/** Whether the view of the group is fresh: given, and true where it is not. */
export function checkFresh(input: Input): void {
  if (input.has('fresh') && !input.flag('fresh')) throw new TridcommError('E_STALE');
}

/** The freshness rule of a receiver. */
export function readFreshness(input: Input): { stored: boolean; maxAgeMs: number; skewMs: number } {
  return {
    stored: input.flag('stored'),
    maxAgeMs: input.decimal('maxAgeMs', 120_000),
    skewMs: input.decimal('skewMs', 30_000),
  };
}

/** The replay state of a receiver. */
export function readGuard(input: Input): ReplayGuard {
  return new ReplayGuard({
    hashKey16: new Uint8Array(16),
    life: { kind: 'volatile', bootMs: input.decimal('bootMs', 0) },
    freshness: readFreshness(input),
    window: input.integer('window', 1024),
  });
}

/** The id that a key's bytes give, also where they are of a key that must not be used: the opener has to refuse those. */
function idOf(provider: CryptoProvider, publicKey32: Uint8Array): Uint8Array {
  try {
    return keyId(provider, keyAlgorithms.ed25519, publicKey32);
  } catch {
    return provider.sha256(new TextEncoder().encode('tdc1 keyid\0'), Uint8Array.of(0, 1, 0, 32), publicKey32);
  }
}

/** Every intermediate value of an opening, without replay state and without freshness. */
function derive(provider: CryptoProvider, input: Input): Value {
  const bytes = input.bytes('envelope');
  const source = input.object('source');
  const keySource = readKeySource(source, source.integer('suite'));
  const publicKey32 = input.bytes('senderPublicKey');
  const sender: SenderKey = { publicKey32, keyId32: keyId(provider, keyAlgorithms.ed25519, publicKey32) };
  const pending = beginOpen(
    {
      provider,
      replay: new ReplayGuard({
        hashKey16: new Uint8Array(16),
        life: { kind: 'volatile', bootMs: 0 },
        freshness: { stored: true },
      }),
      findTopic: () => ({ keySource: () => keySource }),
      findSender: () => sender,
      mayWrite: () => true,
    },
    bytes,
    0,
  )!;
  const parts = pending.verified(provider.ed25519Verify(publicKey32, pending.signInput, pending.signature));
  const { protectedHeader, extensions, header } = parseEnvelope(bytes);
  const { sourceSecret32, groupContext32 } = keySource;
  const streamSecret = deriveStreamSecret(provider, sourceSecret32, groupContext32, sender.keyId32, header.streamId);
  const first = parts[0]!;
  return {
    protectedHeader: toHex(protectedHeader),
    aadHeader: toHex(aadHeaderOf(protectedHeader, extensions)),
    streamSecret: toHex(streamSecret),
    key: toHex(first.key32),
    // Leaf 0 has the nonce of the envelope.
    nonce: toHex(first.nonce12),
    aads: parts.map(({ aad }) => toHex(aad)),
    plaintexts: parts.map((part) => {
      const plaintext = provider.aeadOpen(part.algorithm, part.key32, part.nonce12, part.aad, part.sealed);
      if (plaintext === undefined) throw new TridcommError('E_AEAD');
      return toHex(plaintext);
    }),
    signInput: toHex(pending.signInput),
    id: toHex(envelopeId(provider, pending.signInput)),
  };
}
