import { deriveHedgeSecret, keyId, TridcommError, type CryptoProvider } from '@tridcomm/core';
import {
  commitRecordKey,
  decodeExtensions,
  deriveRecordKey,
  deriveSalt,
  deriveStreamSecret,
  envelopeId,
  expandLabel,
  extensions,
  HeaderView,
  flagBits,
  signInput,
} from '@tridcomm/core/internal';
import { toHex, type Operation } from './values.ts';

/** The operations of features `schedule`, `ed25519` and `x25519`. */
export function cryptoOperations(provider: CryptoProvider): Record<string, Operation> {
  return {
    'key.id': (input) => {
      const id = keyId(provider, input.integer('alg'), input.bytes('publicKey'));
      return { keyId: toHex(id), senderId: toHex(id.subarray(0, 16)) };
    },
    xp: (input) => {
      const [secret, context] = [input.bytes('secret'), input.bytes('context')];
      return { output: toHex(expandLabel(provider, secret, input.text('label'), context, input.integer('length'))) };
    },
    hedge: (input) => ({
      hedgeSecret: toHex(deriveHedgeSecret(provider, input.bytes('processRandom'), input.bytes('localSecret'))),
    }),
    salt: (input) => {
      const saltHeader = zeroForSalt(input.bytes('protectedHeader'));
      const [secret, random, bind] = [input.bytes('hedgeSecret'), input.bytes('random'), input.bytes('bind')];
      return { salt: toHex(deriveSalt(provider, secret, random, saltHeader, bind, input.bytesList('plaintexts'))) };
    },
    'record.key': (input) => {
      const streamSecret = deriveStreamSecret(
        provider,
        input.bytes('sourceSecret'),
        input.bytes('groupCtx'),
        input.bytes('senderKeyId'),
        input.bytes('streamId'),
      );
      const recordKey = deriveRecordKey(provider, streamSecret, input.bytes('salt'));
      return {
        streamSecret: toHex(streamSecret),
        key: toHex(recordKey.key32),
        nonce: toHex(recordKey.nonce12),
        recordCommit: toHex(commitRecordKey(provider, recordKey)),
      };
    },
    sigin: (input) => {
      const [keyId32, bind, header] = [input.bytes('signerKeyId'), input.bytes('bind'), input.bytes('protectedHeader')];
      const signed = signInput(provider, keyId32, bind, header, input.bytes('keyinfo'), input.bytes('body'));
      return { signInput: toHex(signed), id: toHex(envelopeId(provider, signed)) };
    },
    'ed25519.verify': (input) => {
      const [publicKey, message] = [input.bytes('publicKey'), input.bytes('message')];
      if (!provider.ed25519Verify(publicKey, message, input.bytes('signature'))) throw new TridcommError('E_SIG');
      return {};
    },
    'ed25519.sign': (input) => {
      const seed = input.bytes('seed');
      return {
        publicKey: toHex(provider.publicKey('ed25519', seed)),
        signature: toHex(provider.ed25519Sign(seed, input.bytes('message'))),
      };
    },
    x25519: (input) => ({ shared: toHex(provider.x25519(input.bytes('secret'), input.bytes('publicKey'))) }),
  };
}

/** PHS of a protected header, which the sealer never has to make: there the four fields are not filled in yet. */
function zeroForSalt(protectedHeader: Uint8Array): Uint8Array {
  const header = new HeaderView(protectedHeader);
  header.salt.fill(0);
  const merkle = (header.flags & flagBits.merkle) !== 0;
  const parsed = decodeExtensions(protectedHeader.subarray(96), { merkle, seq: header.seq });
  parsed.merkle?.root32.fill(0);
  parsed.value(extensions.recordCommit)?.fill(0);
  parsed.value(extensions.routing)?.fill(0, 4);
  return protectedHeader;
}
