/**
 * Answers to numbered things, which are due in the order of their numbers and come in any: an answer to a number is one to all before it.
 *
 * Pure. @spec delivery.1, delivery.2
 */
export class OrderedAnswers {
  #lastNumber = 0;
  /** Numbers that were given and not answered, ascending. */
  readonly #open = new Set<number>();
  /** The highest that was told. */
  #told = 0;

  /** @returns the next number, from 1 on */
  give(): number {
    this.#lastNumber++;
    this.#open.add(this.#lastNumber);
    return this.#lastNumber;
  }

  /** @returns the number up to which all is answered now; undefined where it is not higher than it was */
  answer(number: number): number | undefined {
    this.#open.delete(number);
    const [first] = this.#open;
    const upTo = first === undefined ? this.#lastNumber : first - 1;
    if (upTo <= this.#told) return undefined;
    this.#told = upTo;
    return upTo;
  }
}
