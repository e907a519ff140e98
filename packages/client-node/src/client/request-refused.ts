import { TridcommError, type ErrorCode } from '@tridcomm/core';
import type { Sender } from './message.ts';

/**
 * Whoever took a request said no to it. `code` is what they said: `E_EXPIRED` where it came too late, `E_REFUSED` where they tell nothing more.
 */
export class RequestRefused extends TridcommError {
  /** Who said so, and signed it. */
  readonly sender: Sender;

  constructor(code: ErrorCode, sender: Sender) {
    super(code, `${sender.name} refused the request`);
    this.sender = sender;
  }
}
