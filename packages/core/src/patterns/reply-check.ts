import { checkEd25519PublicKey, isEd25519SignatureForm } from '../crypto/ed25519-rule.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { signInput } from '../envelope/identity.ts';
import type { PendingOpen, SenderKey } from '../envelope/open.ts';
import { TridcommError } from '../errors.ts';
import type { EnvelopeView } from '../wire/envelope.ts';
import type { Extensions } from '../wire/extensions.ts';
import type { HeaderView } from '../wire/header.ts';
import type { RouterPool } from './router.ts';
import { refusal } from './refusal.ts';
import { checkReplyForm, replyContext } from './replies.ts';

/** What a router asks of the front behind it, of the replies that it is to forward. */
export interface ReplyChecker {
  readonly provider: CryptoProvider;
  /** The pool record of an epoch of the crew; undefined where none is held. */
  pool(epoch: number): Pick<RouterPool, 'suite' | 'poolHash32'> | undefined;
  /** Throws `E_STALE` where the view of the front is not fresh, and the front does not take that. */
  checkView(nowMs: number): void;
  /** As of a `Receiver`. */
  findSender(senderId16: Uint8Array, nowMs: number): SenderKey | undefined;
  /** Whether the writers of the view of the front let this sender respond. */
  mayRespond(sender: SenderKey, header: HeaderView, extensions: Extensions): boolean;
}

/**
 * What a router asks of a reply before it forwards it: that it is one, of who may respond, to a stream of some dealer. What is in it is sealed for that
 * one, who alone knows whether it answers anything.
 *
 * @param verify - whether an Ed25519 engine accepts a signature
 * @throws TridcommError the refusal
 * @spec patterns.43
 */
export function checkReplyToForward(
  checker: ReplyChecker,
  view: EnvelopeView,
  nowMs: number,
  verify: (signed: Pick<PendingOpen, 'publicKey32' | 'signInput' | 'signature'>) => boolean,
): void {
  const { provider } = checker;
  const { header, extensions, protectedHeader, keyinfo, body, signature } = view;
  checkReplyForm(view, true);
  const pool = checker.pool(header.epoch);
  if (pool === undefined) throw refusal('E_EPOCH', `no pool record of epoch ${header.epoch}`);
  checker.checkView(nowMs);
  if (header.suite !== pool.suite) {
    throw refusal('E_SUITE', `suite ${header.suite}, the pool record has ${pool.suite}`);
  }
  const sender = checker.findSender(header.senderId, nowMs);
  if (sender === undefined) throw refusal('E_SENDER', 'reply of somebody unknown');
  if (!checker.mayRespond(sender, header, extensions)) throw refusal('E_POLICY', 'reply of who may not respond');
  const { publicKey32, keyId32 } = sender;
  checkEd25519PublicKey(publicKey32);
  const bind32 = replyContext(provider, keyinfo, pool.poolHash32);
  const toVerify = signInput(provider, keyId32, bind32, protectedHeader, keyinfo, body);
  if (isEd25519SignatureForm(signature) && verify({ publicKey32, signInput: toVerify, signature })) return;
  throw new TridcommError('E_SIG');
}
