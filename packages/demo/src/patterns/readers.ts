import { decodeHeader } from '@tridcomm/core';
import { searchBytes } from '../network/broker-disk.ts';
import { claim, countText, line, toHex } from '../story.ts';
import type { Cafe, Guest } from './cafe.ts';
import type { Passed } from './wiretap.ts';

/** Who could read a part, and who could not. */
export interface Readers {
  /** All that passed the broker. */
  readonly passed: readonly Passed[];
  /** Topics and texts, of which nothing may be in there. */
  readonly secrets: readonly string[];
  /** What others try to open: requests before the replies to them. */
  readonly envelopes: readonly Uint8Array[];
  /** Whose keys open so many of them, and who that is. */
  readonly keys: readonly (readonly [guest: Guest, opens: number, who: string])[];
}

/** Says what the broker saw, looks for more in it, and tries the keys on the disks of others. */
export function tellReaders(cafe: Cafe, { passed, secrets, envelopes, keys }: Readers): void {
  line('Who could read it:');
  const came = passed.filter(({ way }) => way === 'in').map(({ bytes }) => bytes);
  const sizes = came.map(({ length }) => length);
  const tags = new Set(came.map((bytes) => toHex(decodeHeader(bytes).topicTag)));
  const senders = new Set(came.map((bytes) => cafe.nameOf(toHex(decodeHeader(bytes).senderId))));
  const found = foundIn(passed, secrets);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  claim(
    found === 0 && came.length > 0 && !senders.has('nobody'),
    `    the broker  ${countText(came.length, 'envelope')} of ${least === most ? '' : `${least} to `}${most} B, ` +
      `${countText(tags.size, 'tag')}, key ids of ${[...senders].toSorted().join(', ')}; ${found} of ${secrets.length} texts`,
  );
  for (const [guest, opens, who] of keys) {
    const ring = cafe.keysOf(guest);
    const opened = ring.opens(envelopes);
    claim(
      opened === opens && ring.count > 0,
      `    ${guest.name.padEnd(10)}  ${who}: ${countText(ring.count, 'epoch key')} from the disk open ${opened} of ${envelopes.length}`,
    );
  }
}

/** How many of the secrets passed the broker. */
export function foundIn(passed: readonly Passed[], secrets: readonly string[]): number {
  const all = Buffer.concat(passed.map(({ bytes }) => bytes));
  return searchBytes(
    all,
    secrets.map((text) => Buffer.from(text)),
  );
}

/** What somebody handed to the broker. */
export function sentBy({ keyId: own }: Guest, passed: readonly Passed[]): readonly Uint8Array[] {
  return passed.filter(({ way, type, keyId }) => way === 'in' && type === 'envelope' && keyId === own).map(bytesOf);
}

/** The envelopes that the broker gave to somebody. */
export function givenTo({ keyId: own }: Guest, passed: readonly Passed[]): readonly Uint8Array[] {
  return passed.filter(({ way, type, keyId }) => way === 'out' && type === 'envelope' && keyId === own).map(bytesOf);
}

/** Something that is waited for later, whose failure then is told then. */
export function later<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

function bytesOf({ bytes }: Passed): Uint8Array {
  return bytes;
}
