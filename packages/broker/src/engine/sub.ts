import type { TopicMatch } from '@tridcomm/core';
import type { Connection } from './connection.ts';

/** A sub of a link. */
export class Sub {
  readonly connection: Connection;
  readonly number: number;
  readonly match: TopicMatch;
  readonly isStored: boolean;
  /** Stored: the position from which on nothing was delivered yet. */
  next: number;
  /** Stored: everything that matches was delivered, up to the end of the log. */
  isCaughtUp = false;

  /** @param match - its bytes are kept */
  constructor(connection: Connection, number: number, match: TopicMatch, from: number) {
    this.connection = connection;
    this.number = number;
    this.match = match;
    this.isStored = from !== 0;
    this.next = from;
  }
}
