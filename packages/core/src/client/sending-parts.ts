import type { Carrier } from './carrier.ts';
import type { EventSink } from './event-sink.ts';
import type { Holdings } from './holdings.ts';
import type { Sealers } from './sealers.ts';

/** What all that seals in a member shares. */
export interface SendingParts {
  readonly holdings: Holdings;
  readonly carrier: Carrier;
  readonly events: EventSink;
  readonly sealers: Sealers;
  /** One for the process; whoever has it leaves it as it is. */
  readonly hedgeSecret32: Uint8Array;
}
