import { StatusEvent, type ClientStatus } from './status.ts';

/** Events of a client, by name. */
export interface ClientEventMap {
  readonly status: StatusEvent;
}

/** What an `EventTarget` takes. */
type ListenerArguments = Parameters<EventTarget['addEventListener']>;
type RemovalArguments = Parameters<EventTarget['removeEventListener']>;

/** An `EventTarget` whose `status` events have their type. */
export class StatusTarget extends EventTarget {
  override addEventListener<K extends keyof ClientEventMap>(
    type: K,
    listener: (event: ClientEventMap[K]) => void,
    options?: ListenerArguments[2],
  ): void;
  override addEventListener(...args: ListenerArguments): void;
  override addEventListener(type: string, listener: unknown, options?: ListenerArguments[2]): void {
    super.addEventListener(type, listener as ListenerArguments[1], options);
  }

  override removeEventListener<K extends keyof ClientEventMap>(
    type: K,
    listener: (event: ClientEventMap[K]) => void,
    options?: RemovalArguments[2],
  ): void;
  override removeEventListener(...args: RemovalArguments): void;
  override removeEventListener(type: string, listener: unknown, options?: RemovalArguments[2]): void {
    super.removeEventListener(type, listener as RemovalArguments[1], options);
  }

  /** @internal */
  tell(status: ClientStatus): void {
    this.dispatchEvent(new StatusEvent(status));
  }
}
