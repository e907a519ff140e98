import type { CryptoProvider, KeyPair } from '../crypto/provider.ts';
import { requireAead } from '../crypto/suite.ts';
import type { KeySource } from '../envelope/key-source.ts';
import { TridcommError } from '../errors.ts';
import type { ReceiverContext, SenderContext } from '../hpke/context.ts';
import { setupReceiver } from '../hpke/setup.ts';

/**
 * The receiver's end of an HPKE setup that an envelope carries.
 *
 * @throws TridcommError `E_AEAD` for an `enc` that gives no shared secret; `E_USAGE` for a suite that is not known
 */
export function receiverContext(
  provider: CryptoProvider,
  suite: number,
  enc32: Uint8Array,
  keyPair: KeyPair,
  info: Uint8Array,
): ReceiverContext {
  try {
    return setupReceiver(provider, requireAead(suite), enc32, keyPair, info);
  } catch (cause) {
    if (!(cause instanceof TridcommError && cause.code === 'E_KEY')) throw cause;
    throw new TridcommError('E_AEAD', 'enc without a shared secret', { cause });
  }
}

/** The key source that both ends export from a setup: H(info) is its context and its binding. */
export function exportedSource(
  provider: CryptoProvider,
  suite: number,
  info: Uint8Array,
  context: SenderContext | ReceiverContext,
  label: Uint8Array,
): KeySource {
  const bind32 = provider.sha256(info);
  return { suite, sourceSecret32: context.export(label, 32), groupContext32: bind32, bind32 };
}
