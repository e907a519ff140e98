import { TridcommError } from '../errors.ts';

/**
 * The carrier refused a later envelope of several: what came before it went out, and must not be published once more.
 *
 * `code` is that of the refusal; `E_CLOSED` where the carrier threw something else. `cause` is what it threw.
 */
export class PublishError extends TridcommError {
  /** Envelopes that the carrier took. */
  readonly sent: readonly Uint8Array[];
  /** Messages that were in them: of those that were given, so many from the first on. */
  readonly sentMessages: number;

  constructor(sent: readonly Uint8Array[], sentMessages: number, cause: unknown) {
    const code = cause instanceof TridcommError ? cause.code : 'E_CLOSED';
    super(code, `after ${sent.length} envelopes with ${sentMessages} messages`, { cause });
    this.sent = sent;
    this.sentMessages = sentMessages;
  }
}
