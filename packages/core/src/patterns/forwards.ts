import { patternKinds } from '../codepoints/patterns.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { KeySource } from '../envelope/key-source.ts';
import { beginParsed, type Opened, type PendingOpen, type SenderKey } from '../envelope/open.ts';
import type { SealInput } from '../envelope/seal.ts';
import { TridcommError } from '../errors.ts';
import type { ReplayState } from '../replay/sourced-replay.ts';
import type { EnvelopeView, JobView } from '../wire/envelope.ts';
import type { Extensions } from '../wire/extensions.ts';
import { flagBits, headerBytes, type HeaderView } from '../wire/header.ts';
import type { Records } from '../wire/records.ts';
import { refusal } from './refusal.ts';
import { answerExtensions, checkAnswerExtensions, type AnswerFields } from './replies.ts';

/** What is in a forward: messages under an inbox tag, replies under an answer tag. */
export type Forwarded = 'message' | 'reply';

/** An epoch of a front that forwards are taken in. */
export interface ForwardEpoch {
  readonly keySource: KeySource;
  /** The state of chapter 10. */
  readonly replay: ReplayState;
}

/** What who takes forwards asks of the front behind it. */
export interface ForwardReceiver {
  readonly provider: CryptoProvider;
  /** Step 8: undefined for an epoch whose block is not held. Throws the refusal of groups.26. */
  epoch(number: number, view: EnvelopeView | JobView, nowMs: number): ForwardEpoch | undefined;
  /** Step 8: throws `E_STALE` where the view of the front is not fresh, and the front does not take that. */
  checkView(nowMs: number): void;
  /** Step 9, as of a `Receiver`. */
  findSender(senderId16: Uint8Array, nowMs: number): SenderKey | undefined;
  /** Step 9: whether the writers of the view of the front let this sender route. */
  mayRoute(sender: SenderKey, header: HeaderView, extensions: Extensions): boolean;
}

/** Whether an envelope says that it is a forward. */
export function isForward({ header }: EnvelopeView | JobView): boolean {
  return header.patternKind === patternKinds.routerDealer.forward;
}

/**
 * Steps 8 to 11 for what came under an inbox tag, or for a forward under an answer tag; the others are those of any envelope.
 *
 * @throws TridcommError the refusal
 * @spec patterns.40, groups.26, principals.30
 */
export function beginForward(
  receiver: ForwardReceiver,
  carries: Forwarded,
  view: EnvelopeView | JobView,
  nowMs: number,
): PendingOpen {
  checkForwardForm(view);
  const { epoch: number } = view.header;
  const epoch = receiver.epoch(number, view, nowMs);
  if (epoch === undefined) throw refusal('E_EPOCH', `epoch ${number} of the front`);
  receiver.checkView(nowMs);
  return beginParsed(
    {
      provider: receiver.provider,
      replay: epoch.replay,
      findTopic: () => ({ keySource: () => epoch.keySource }),
      findSender: (senderId16, atMs) => receiver.findSender(senderId16, atMs),
      mayWrite: (sender, header, extensions) => receiver.mayRoute(sender, header, extensions),
      checkRecords: (_view, records) => checkForwarded(records, carries),
    },
    view,
    nowMs,
  )!;
}

/** The envelopes in a forward that passed every check, each to be taken as one that came by itself; views. @spec patterns.41 */
export function forwardedOf({ records }: Opened): Uint8Array[] {
  return Array.from(records, ({ payload }) => payload);
}

/**
 * What to seal for a forward: a whole batch.
 *
 * @param envelopes - 1 or more, of one kind; they stay as they are, byte for byte
 * @param fields - the inbox or answer chain among them
 * @throws TridcommError `E_USAGE` for what is no message, or no reply
 * @spec patterns.39
 */
export function forwardInput(
  envelopes: readonly Uint8Array[],
  carries: Forwarded,
  fields: AnswerFields & { readonly timestampMs: number },
): SealInput {
  if (!envelopes.every((envelope) => beginsAs(envelope, carries))) {
    throw new TridcommError('E_USAGE', `a forward of anything but a ${carries}`);
  }
  const { timestampMs } = fields;
  const messages = envelopes.map((payload) => ({ timestampMs, payload }));
  return { form: 'batch', messages, timestampMs, extensions: answerExtensions(fields) };
}

/** @spec patterns.40 */
function checkForwardForm(view: EnvelopeView | JobView): void {
  const { flags } = view.header;
  const isBatch = (flags & (flagBits.batch | flagBits.merkle)) === flagBits.batch;
  if (!isForward(view) || !isBatch) throw refusal('E_ENCODING', 'no forward, or not as a whole batch');
  if (view.keyinfo.length > 0) throw refusal('E_ENCODING', 'forward with keyinfo');
  checkAnswerExtensions(view);
}

/** @spec patterns.40 */
function checkForwarded(records: Records, carries: Forwarded): void {
  for (const { payload } of records) {
    if (!beginsAs(payload, carries)) throw new TridcommError('E_ENCODING', `forward of anything but a ${carries}`);
  }
}

/** Whether bytes begin with the header of such an envelope: what else is wrong with it is of that one alone. */
function beginsAs(bytes: Uint8Array, carries: Forwarded): boolean {
  const isHeader = bytes.length >= headerBytes && bytes[0] === 0x54 && bytes[1] === 0x44 && bytes[2] === 1;
  return isHeader && bytes[3] === patternKinds.routerDealer[carries];
}
