import { ascii, checkWidth, concat } from '../bytes/bytes.ts';
import { labels } from '../codepoints/labels.gen.ts';
import { linkModes } from '../codepoints/link-modes.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { signInputOf } from '../keys/sign-input.ts';
import { encodePreface } from '../wire/frame.ts';
import type { LinkSide } from './forms.ts';

/** Label of the TLS exporter whose 32 bytes, without a context, a link in T is bound to: RFC 9266. */
export const tlsExporterLabel = 'EXPORTER-Channel-Binding';

/**
 * What both ends have said before anybody signed: prefaces and hellos; 32 bytes, the caller's.
 *
 * @param initiatorHello - the whole frame, with its 8 bytes, as is the other
 */
export function transcriptOf(
  provider: CryptoProvider,
  initiatorHello: Uint8Array,
  responderHello: Uint8Array,
): Uint8Array {
  const preface = encodePreface();
  return provider.sha256(transcriptPrefix, preface, initiatorHello, preface, responderHello);
}

/**
 * What ties an auth in T to one TLS connection and its hellos; 32 bytes, the caller's.
 *
 * @throws TridcommError `E_USAGE` for bytes of another width
 */
export function tlsContextOf(provider: CryptoProvider, exporter32: Uint8Array, transcript32: Uint8Array): Uint8Array {
  checkWidth('TLS exporter', exporter32, 32);
  checkWidth('transcript', transcript32, 32);
  return provider.sha256(concat(exporter32, transcript32));
}

/**
 * What an auth signs; the caller's.
 *
 * @param mode - one of the registry of link modes
 * @param side - the signer's: an auth that comes back does not verify
 * @param context32 - {@link tlsContextOf} in T, `h32` of the handshake in N
 * @param principalRecord - the signer's, as sent
 * @throws TridcommError `E_USAGE` for ids of a wrong width
 * @spec link.9
 */
export function linkSignInput(
  provider: CryptoProvider,
  mode: number,
  side: LinkSide,
  keyId32: Uint8Array,
  context32: Uint8Array,
  principalRecord: Uint8Array,
): Uint8Array {
  const label = mode === linkModes.tls ? labels.hopTls : labels.hopNoise;
  const header = Uint8Array.of(side === 'initiator' ? 1 : 2);
  return signInputOf(provider, label, keyId32, context32, header, principalRecord);
}

const transcriptPrefix = ascii(`${labels.linkTranscript}\0`);
