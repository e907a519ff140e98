import { WorkLine } from './work-line.ts';
import type { Unit, Work } from './work.ts';

/**
 * What there is to do of one tag, and who does it. Messages of dealers stand in a line of their own, as there may be works for them alone: nothing
 * in one line waits for the other, and works for both are given of each in turns.
 */
export class WorkQueue {
  readonly tag: string;
  readonly works: Set<Work> = new Set();
  /** Of all units that are not done, leased ones too. */
  bytes = 0;
  readonly lines: readonly [WorkLine, WorkLine] = [new WorkLine(false), new WorkLine(true)];
  #isMessageNext = false;

  constructor(tag: string) {
    this.tag = tag;
  }

  lineOf({ isMessage }: Unit): WorkLine {
    return this.lines[isMessage ? 1 : 0];
  }

  /** Whether there is nothing to give that a work takes. */
  isEmptyFor({ takes }: Work): boolean {
    const [others, messages] = this.lines;
    return messages.isEmpty && (takes === 'messages' || others.isEmpty);
  }

  /** The line that is to give its next unit; undefined where nobody may have more. */
  next(): WorkLine | undefined {
    const [others, messages] = this.lines;
    const first = this.#isMessageNext ? messages : others;
    if (canGive(first)) return first;
    const second = first === others ? messages : others;
    return canGive(second) ? second : undefined;
  }

  /** A line gave a unit: it is the turn of the other. */
  gave({ isOfMessages }: WorkLine): void {
    this.#isMessageNext = !isOfMessages;
  }
}

function canGive(line: WorkLine): boolean {
  return !line.isStuck && !line.isEmpty;
}
