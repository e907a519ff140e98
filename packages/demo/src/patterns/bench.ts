import type { Sender } from '@tridcomm/client-node';

/** A thing that came to a handler: what it says, and who signed it. */
export interface Got {
  readonly text: string;
  /** Name and key id. */
  readonly sender: string;
}

/** What the handlers of a topic got and did; on request they stop before they do it. */
export class Bench {
  readonly got: Got[] = [];
  /** Texts. */
  readonly done: string[] = [];
  readonly #free: Promise<void>;
  #release: () => void = () => undefined;

  constructor(isHeld: boolean) {
    this.#free = isHeld ? new Promise((resolve) => (this.#release = resolve)) : Promise.resolve();
  }

  /** What came is noted; resolves when it may be done. */
  async take(data: Uint8Array, sender: Sender): Promise<string> {
    const text = Buffer.from(data).toString();
    this.got.push({ text, sender: nameOf(sender) });
    await this.#free;
    return text;
  }

  release(): void {
    this.#release();
  }
}

export function nameOf({ name, keyId32 }: Sender): string {
  return `${name} ${Buffer.from(keyId32).toString('hex')}`;
}
