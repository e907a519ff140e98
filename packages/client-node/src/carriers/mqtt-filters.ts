import type { MqttCallback, MqttClientLike } from './mqtt-types.ts';

/**
 * The topic filters that sessions asked for by one client object, each with the number of those that want it: the object has them all in common,
 * and asks for them again by itself when it has connected again.
 */
export class MqttFilters {
  readonly #client: MqttClientLike;
  readonly #wanted = new Map<string, number>();
  /** Nobody wants them any more, and the server could not be told. */
  readonly #left = new Set<string>();

  private constructor(client: MqttClientLike) {
    this.#client = client;
  }

  static of(client: MqttClientLike): MqttFilters {
    let filters = byClient.get(client);
    if (filters === undefined) {
      filters = new MqttFilters(client);
      byClient.set(client, filters);
    }
    return filters;
  }

  /** Whether a session asked for a filter. */
  has(filter: string): boolean {
    return this.#wanted.has(filter);
  }

  /** Asks for a filter, also where it is asked for: the server sends what it retains once more then. */
  ask(filter: string, isNew: boolean, callback: MqttCallback): void {
    if (isNew) this.#wanted.set(filter, (this.#wanted.get(filter) ?? 0) + 1);
    this.#left.delete(filter);
    // A map, as only that makes the client object ask for what it asked for before.
    this.#client.subscribe({ [filter]: { qos: 1 }, resubscribe: true } as never, callback);
  }

  /** One session does not want these any more. */
  leave(filters: Iterable<string>): void {
    for (const filter of filters) {
      const count = (this.#wanted.get(filter) ?? 0) - 1;
      if (count > 0) this.#wanted.set(filter, count);
      else {
        this.#wanted.delete(filter);
        this.#left.add(filter);
      }
    }
    // What waits for a connection might go out behind a wish of the next session.
    if (!this.#client.connected || this.#client.disconnecting || this.#left.size === 0) return;
    const left = [...this.#left];
    this.#left.clear();
    this.#client.unsubscribe(left, () => {});
  }
}

const byClient = new WeakMap<MqttClientLike, MqttFilters>();
