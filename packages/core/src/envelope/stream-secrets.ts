import { equalBytes } from '../bytes/bytes.ts';
import { deriveStreamSecret } from '../crypto/key-schedule.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { KeySource } from './key-source.ts';

interface KnownSecret {
  readonly senderKeyId32: Uint8Array;
  readonly streamId8: Uint8Array;
  readonly secret32: Uint8Array;
}

/**
 * The secret of a stream, derived once while its envelopes follow each other.
 *
 * Called under a valid signature only, so strangers cannot push secrets out.
 *
 * @param keySource - the same object for the same source; what is known goes with it
 * @returns 32 bytes, not to be changed
 * @spec suites.13
 */
export function streamSecret(
  provider: CryptoProvider,
  keySource: KeySource,
  senderKeyId32: Uint8Array,
  streamId8: Uint8Array,
): Uint8Array {
  let secrets = known.get(keySource);
  if (secrets === undefined) known.set(keySource, (secrets = []));
  // Stream ids are random, so a few of their bits spread the streams that are in use at a time.
  const place = streamId8[0]! % places;
  const held = secrets[place];
  if (held !== undefined && equalBytes(held.streamId8, streamId8) && equalBytes(held.senderKeyId32, senderKeyId32)) {
    return held.secret32;
  }
  const { sourceSecret32, groupContext32 } = keySource;
  const secret32 = deriveStreamSecret(provider, sourceSecret32, groupContext32, senderKeyId32, streamId8);
  secrets[place] = { senderKeyId32: new Uint8Array(senderKeyId32), streamId8: new Uint8Array(streamId8), secret32 };
  return secret32;
}

/** Overwrites what is remembered of a source: its epoch is closed. */
export function forgetStreamSecrets(keySource: KeySource): void {
  for (const held of known.get(keySource) ?? []) held?.secret32.fill(0);
  known.delete(keySource);
}

const places = 64;

/** A memory of results, not a state: without it everything comes out the same, later. */
const known = new WeakMap<KeySource, (KnownSecret | undefined)[]>();
