import { equalBytes, readU64 } from '../bytes/bytes.ts';
import type { ErrorCode } from '../codepoints/errors.gen.ts';
import { extensions as numbers } from '../codepoints/extensions.gen.ts';
import { isEd25519SignatureForm } from '../crypto/ed25519-rule.ts';
import type { PendingOpen } from '../envelope/open.ts';
import type { EnvelopeView, JobView } from '../wire/envelope.ts';
import type { Group } from './group.ts';
import type { Holdings } from './holdings.ts';
import type { OpenEpoch } from './open-epoch.ts';

/**
 * Steps 12 to 14 with the provider at hand; what a valid signature says of heads is learnt.
 *
 * @param group - the one that the envelope travels in
 * @throws TridcommError as the steps do
 * @spec principals.32
 */
export function openSealed(
  holdings: Holdings,
  group: Group,
  pending: PendingOpen,
  view: EnvelopeView | JobView,
  nowMs: number,
): void {
  const { provider } = holdings;
  const parts = pending.verified(verifySealed(holdings, group, pending, view, nowMs));
  pending.decrypted(
    parts.map((part) => provider.aeadOpen(part.algorithm, part.key32, part.nonce12, part.aad, part.sealed)),
  );
}

/** Whether the signature verifies; what a valid one says of heads is learnt. @spec principals.32 */
export function verifySealed(
  holdings: Holdings,
  group: Group,
  { publicKey32, signInput, signature }: Pick<PendingOpen, 'publicKey32' | 'signInput' | 'signature'>,
  view: EnvelopeView | JobView,
  nowMs: number,
): boolean {
  const verify = (): boolean => holdings.provider.ed25519Verify(publicKey32, signInput, signature);
  // A whole envelope comes once, and its signature with it.
  const isValid =
    'leaf' in view ? holdings.knownSignatures.isValid(publicKey32, signInput, signature, verify) : verify();
  if (isValid && isEd25519SignatureForm(signature)) learnHead(holdings, group, view, nowMs);
  return isValid;
}

/** What a durable member stores between steps 14 and 15. @spec replay.22, replay.24 */
export function storeAhead(
  pending: Pick<PendingOpen, 'pendingWrites' | 'stored'>,
  { replayStore }: Pick<OpenEpoch, 'replayStore'>,
  { header }: EnvelopeView | JobView,
): void {
  for (let writes = pending.pendingWrites(); writes !== undefined; writes = pending.pendingWrites()) {
    replayStore?.write(header, writes);
    const displaced = pending.stored(writes);
    if (displaced !== undefined) replayStore?.forget(header, displaced);
  }
}

/** Whether the sender of an envelope says that it had a newer view of the group than we have. */
function isBehind({ view }: Group, { extensions }: EnvelopeView | JobView): boolean {
  const value = extensions.value(numbers.headSeq);
  return value !== undefined && readU64(value, 0) > (view?.head.headSeq ?? 0);
}

/**
 * Whether what step 9 refused may pass: who sent it had a newer view than we have, or is named by ours, and its record is on its way. Nobody vouches
 * for what a header says: at worst we wait for nothing.
 */
export function mayBeAllowedLater(code: ErrorCode, group: Group, view: EnvelopeView | JobView): boolean {
  if (code !== 'E_POLICY' && code !== 'E_SENDER') return false;
  if (isBehind(group, view)) return true;
  const { senderId } = view.header;
  const isSender = (keyId32: Uint8Array): boolean => equalBytes(keyId32.subarray(0, senderId.length), senderId);
  return code === 'E_SENDER' && group.view?.writers.keyIds.some(isSender) === true;
}

function learnHead({ trust, knownHeads }: Holdings, group: Group, view: EnvelopeView | JobView, nowMs: number): void {
  if (!isBehind(group, view)) return;
  const { header, extensions } = view;
  const headSeq = readU64(extensions.value(numbers.headSeq)!, 0);
  knownHeads.claim(group.id, trust.principalBySenderId(header.senderId)!.key.keyId32, headSeq, nowMs);
}
