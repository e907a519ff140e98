import type { EventSink } from './event-sink.ts';
import type { Group } from './group.ts';

/** Tells when the view of a group goes stale, and when it is fresh again. */
export class Freshness {
  readonly #events: EventSink;
  readonly #staleGroups = new Set<Group>();

  constructor(events: EventSink) {
    this.#events = events;
  }

  note(group: Group, nowMs: number): void {
    if (group.view === undefined) return;
    const isStale = !group.isFresh(nowMs);
    if (isStale === this.#staleGroups.has(group)) return;
    if (isStale) this.#staleGroups.add(group);
    else this.#staleGroups.delete(group);
    this.#events.emit({ type: isStale ? 'stale' : 'fresh', groupId16: group.groupId16 });
  }
}
