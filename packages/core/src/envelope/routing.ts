import { checkWidth, concat, readU32, writeU32, writeU64 } from '../bytes/bytes.ts';
import { labels } from '../codepoints/labels.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { expandLabel, type RecordKey } from '../crypto/key-schedule.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { requireAead } from '../crypto/suite.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import { tagBytes } from '../wire/envelope.ts';

/*
 * extension 12 = u32 epoch of the front ‖ AEAD(routing_key32, routing_nonce12, aad = "", routing data)
 */

/** The epoch of a front that routing data are sealed under. */
export interface RoutingEpoch {
  /** Of its block. */
  readonly suite: number;
  readonly epochSecret32: Uint8Array;
  readonly groupContext32: Uint8Array;
}

/**
 * The one envelope that routing data belong to: no two have the same number in a stream. Where a clone of the sender's machine makes two, their salts
 * differ with the routing data, so no nonce comes twice under one key for other data.
 */
export interface RoutingPlace {
  readonly senderKeyId32: Uint8Array;
  readonly streamId8: Uint8Array;
  readonly seq: number;
  readonly salt16: Uint8Array;
}

/** What routers are told of an envelope of messages. */
export interface RoutingInput {
  /** At most 1,024 bytes; not changed, not kept. */
  readonly data: Uint8Array;
  /** The one of the front for which a message of the sender would be sealed. */
  readonly epoch: RoutingEpoch & { readonly number: number };
}

/**
 * Key and nonce of the routing data of one envelope.
 *
 * @throws TridcommError `E_USAGE` for arguments of wrong lengths
 */
export function deriveRoutingKey(
  provider: CryptoProvider,
  { epochSecret32, groupContext32 }: Omit<RoutingEpoch, 'suite'>,
  { senderKeyId32, streamId8, seq, salt16 }: RoutingPlace,
): RecordKey {
  checkWidth('group context', groupContext32, 32);
  checkWidth('key id', senderKeyId32, 32);
  checkWidth('stream id', streamId8, 8);
  checkWidth('salt', salt16, 16);
  const number = new Uint8Array(8);
  writeU64(number, 0, seq);
  const context = concat(groupContext32, senderKeyId32, streamId8, number, salt16);
  const bytes = expandLabel(provider, epochSecret32, labels.poolRouting, context, 44);
  return { key32: bytes.subarray(0, 32), nonce12: bytes.subarray(32) };
}

/**
 * The value of extension 12 while its ciphertext is still zero, as the salt is derived from it; the caller's.
 *
 * @throws TridcommError `E_LIMIT` for more than 1,024 bytes
 * @spec suites.10, patterns.36
 */
export function blankRouting({ data, epoch }: RoutingInput): Uint8Array {
  checkRouting(data);
  const value = new Uint8Array(4 + data.length + tagBytes);
  writeU32(value, 0, epoch.number);
  return value;
}

/**
 * The value of extension 12; the caller's.
 *
 * @throws TridcommError `E_LIMIT` for more than 1,024 bytes; `E_USAGE` for arguments that cannot be
 * @spec patterns.36
 */
export function sealRouting(provider: CryptoProvider, input: RoutingInput, place: RoutingPlace): Uint8Array {
  const value = blankRouting(input);
  const { epoch, data } = input;
  const { key32, nonce12 } = deriveRoutingKey(provider, epoch, place);
  const sealed = provider.aeadSeal(requireAead(epoch.suite), key32, nonce12, none, data);
  key32.fill(0);
  checkWidth('sealed routing data', sealed, data.length + tagBytes);
  value.set(sealed, 4);
  return value;
}

/** @throws TridcommError `E_LIMIT` @spec patterns.36 */
export function checkRouting({ length }: Uint8Array): void {
  checkLimit('routing data', length, limits.routingDataBytes);
}

/** The epoch of the front that extension 12 names; of a value that passed step 5. */
export function routingEpochOf(value: Uint8Array): number {
  return readU32(value, 0);
}

/**
 * The routing data of extension 12; the caller's.
 *
 * @throws TridcommError `E_AEAD`
 * @spec patterns.38
 */
export function openRouting(
  provider: CryptoProvider,
  epoch: RoutingEpoch,
  place: RoutingPlace,
  value: Uint8Array,
): Uint8Array {
  // What is too short for a tag opens under no key.
  if (value.length < 4 + tagBytes) throw new TridcommError('E_AEAD', `routing data of ${value.length} bytes`);
  const { key32, nonce12 } = deriveRoutingKey(provider, epoch, place);
  const data = provider.aeadOpen(requireAead(epoch.suite), key32, nonce12, none, value.subarray(4));
  key32.fill(0);
  if (data === undefined) throw new TridcommError('E_AEAD', 'routing data');
  return data;
}

const none = new Uint8Array(0);
