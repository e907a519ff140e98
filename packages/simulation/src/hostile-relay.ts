import { parseEnvelope } from '@tridcomm/core';
import { decodeBundle, extensions, type CarrierReceiver, type TopicMatch } from '@tridcomm/core/internal';
import type { ManualClock, SeededRandom } from '@tridcomm/core/testing';
import type { Broker, BrokerLink } from './broker.ts';
import type { Tally } from './tally.ts';
import { ascii, hexOf, isEqual } from './bytes.ts';

/** What a hostile relay does just now: shares are from 0 to 1, drawn for every envelope or object that it hands over. */
export interface Mood {
  readonly drop: number;
  readonly delay: number;
  readonly reorder: number;
  readonly duplicate: number;
  readonly replay: number;
  readonly swap: number;
  readonly truncate: number;
  readonly forge: number;
  readonly rollBack: number;
  /** Kinds of objects that it does not hand over. */
  readonly withheld: ReadonlySet<ObjectKind>;
  /** Whom it keeps them from; everybody if absent. */
  readonly victims?: ReadonlySet<string>;
  /** Hands every envelope to everybody, whoever subscribed to what. */
  readonly flood: boolean;
}

export const calm: Mood = {
  drop: 0,
  delay: 0,
  reorder: 0,
  duplicate: 0,
  replay: 0,
  swap: 0,
  truncate: 0,
  forge: 0,
  rollBack: 0,
  withheld: new Set(),
  flood: false,
};

export type ObjectKind =
  | 'authority'
  | 'principal'
  | 'keys'
  | 'policy'
  | 'group'
  | 'pool'
  | 'writers'
  | 'edge'
  | 'revocations'
  | 'head'
  | 'groupHead'
  | 'block'
  | 'enrolment';

/** What an object is, by its magic; undefined for something else. */
export function kindOfObject(bytes: Uint8Array): ObjectKind | undefined {
  const magic = String.fromCharCode(...bytes.subarray(0, 4));
  if (magic === 'TDOB') return (['authority', 'principal', 'keys', 'policy', 'group', 'pool'] as const)[bytes[5]! - 1];
  if (magic === 'TDAL') return bytes[5] === 1 ? 'writers' : 'edge';
  if (magic === 'TDHD') return bytes.length === 264 ? 'head' : 'groupHead';
  return ({ TDRV: 'revocations', TDKB: 'block', TDEN: 'enrolment' } as const)[magic];
}

/**
 * A relay that works against its users: it verifies nothing, keeps everything it ever saw, takes envelopes from anybody, and does
 * with what it hands over as its mood is. It holds no key.
 */
export class HostileRelay implements Broker {
  mood: Mood = calm;
  /** Every envelope that it was given, in order. */
  readonly envelopes: Uint8Array[] = [];
  /** By address, the oldest first. */
  readonly #objects = new Map<string, Uint8Array[]>();
  readonly #links = new Set<Link>();
  readonly #clock: ManualClock;
  readonly #random: SeededRandom;
  readonly #faults: Tally;

  constructor(clock: ManualClock, random: SeededRandom, faults: Tally) {
    this.#clock = clock;
    this.#random = random;
    this.#faults = faults;
  }

  attach(keyId32: Uint8Array, receiver: CarrierReceiver): BrokerLink {
    const link: Link = { keyId: hexOf(keyId32), receiver, matches: [], watched: new Map() };
    this.#links.add(link);
    return {
      publish: (envelope) => this.publish(envelope),
      subscribe: (match) => void link.matches.push(match),
      unsubscribe: (match) => {
        const at = link.matches.findIndex((one) => isSameMatch(one, match));
        if (at >= 0) link.matches.splice(at, 1);
      },
      watch: (address16) => {
        link.watched.set(hexOf(address16), address16);
        this.#answer(link, address16);
      },
      fetch: (address16) => this.#answer(link, address16),
      detach: () => void this.#links.delete(link),
    };
  }

  /** Objects that it holds of a kind, old ones too. */
  *objectsOf(kind: ObjectKind): Generator<Uint8Array> {
    for (const versions of this.#objects.values()) {
      for (const bytes of versions) if (kindOfObject(bytes) === kind) yield bytes;
    }
  }

  apply(bundle: Uint8Array): void {
    for (const { address16, bytes } of decodeBundle(bundle)) {
      const address = hexOf(address16);
      const versions = this.#objects.get(address) ?? [];
      this.#objects.set(address, versions);
      if (!versions.some((version) => isEqual(version, bytes))) versions.push(new Uint8Array(bytes));
      for (const link of this.#links) if (link.watched.has(address)) this.#handObject(link, address16, bytes);
    }
  }

  /** Takes an envelope from whomever. */
  publish(envelope: Uint8Array): void {
    this.envelopes.push(new Uint8Array(envelope));
    for (const link of this.#links) {
      if (this.mood.flood || matchesAny(link.matches, envelope)) this.#handEnvelope(link, envelope);
    }
  }

  /** Hands everything that it ever saw to everybody, once more. */
  replayAll(): void {
    this.#faults.add('replay', this.envelopes.length);
    for (const link of this.#links) for (const envelope of this.envelopes) this.#give(link, envelope, 0);
  }

  #handEnvelope(link: Link, envelope: Uint8Array): void {
    const { mood } = this;
    if (this.#does('drop', mood.drop)) return;
    let delayMs = 0;
    if (this.#does('delay', mood.delay)) delayMs = this.#random.between(500, 25_000);
    if (this.#does('reorder', mood.reorder)) delayMs += this.#random.between(1, 1_500);
    if (this.#does('truncate', mood.truncate)) {
      this.#give(link, envelope.slice(0, this.#random.below(envelope.length)), delayMs);
      return;
    }
    if (this.#does('forge', mood.forge)) this.#give(link, this.#changed(envelope), delayMs);
    if (this.#does('swap', mood.swap)) this.#give(link, this.#spliced(envelope), delayMs);
    this.#give(link, envelope, delayMs);
    if (this.#does('duplicate', mood.duplicate)) this.#give(link, envelope, delayMs + this.#random.below(3_000));
    if (this.#does('replay', mood.replay))
      this.#give(link, this.#random.pick(this.envelopes), this.#random.below(5_000));
  }

  #answer(link: Link, address16: Uint8Array): void {
    const versions = this.#objects.get(hexOf(address16));
    if (versions === undefined) return;
    const kept = retainedVersions.get(kindOfObject(versions[0]!)) ?? 1;
    for (const bytes of versions.slice(-kept)) this.#handObject(link, address16, bytes);
  }

  #handObject(link: Link, address16: Uint8Array, bytes: Uint8Array): void {
    const { mood } = this;
    const kind = kindOfObject(bytes);
    const isVictim = mood.victims?.has(link.keyId) ?? true;
    if (kind !== undefined && isVictim && mood.withheld.has(kind)) {
      this.#faults.add('withhold');
      return;
    }
    let given = bytes;
    if (this.#does('rollBack', mood.rollBack))
      given = this.#random.pick(this.#objects.get(hexOf(address16)) ?? [bytes]);
    if (this.#does('truncate', mood.truncate)) given = given.slice(0, this.#random.below(given.length));
    if (this.#does('forge', mood.forge)) given = this.#changed(given);
    if (this.#does('swap', mood.swap)) given = this.#random.pick([...this.#objects.values()]).at(-1)!;
    if (this.#does('duplicate', mood.duplicate)) link.receiver.object(address16, new Uint8Array(bytes));
    link.receiver.object(address16, new Uint8Array(given));
  }

  #give(link: Link, envelope: Uint8Array, delayMs: number): void {
    const bytes = new Uint8Array(envelope);
    if (delayMs === 0) link.receiver.envelope(bytes);
    else this.#clock.after(delayMs, () => this.#links.has(link) && link.receiver.envelope(bytes));
  }

  /** The same with a byte changed. */
  #changed(bytes: Uint8Array): Uint8Array {
    const out = new Uint8Array(bytes);
    const at = this.#random.below(out.length);
    out[at] = out[at]! ^ (1 << this.#random.below(8));
    return out;
  }

  /** The header of one envelope with the rest of another. */
  #spliced(envelope: Uint8Array): Uint8Array {
    const other = this.#random.pick(this.envelopes);
    const out = new Uint8Array(other);
    const [from, to] = this.#random.pick(headerFields);
    out.set(envelope.subarray(from, to), from);
    return out;
  }

  #does(name: string, share: number): boolean {
    if (!this.#random.chance(share)) return false;
    this.#faults.add(name);
    return true;
  }
}

interface Link {
  readonly keyId: string;
  readonly receiver: CarrierReceiver;
  readonly matches: TopicMatch[];
  readonly watched: Map<string, Uint8Array>;
}

/** Whether a subscription takes an envelope, as chapter 12 says. */
function matchesAny(matches: readonly TopicMatch[], envelope: Uint8Array): boolean {
  const tag = envelope.subarray(8, 24);
  let chain: Uint8Array | undefined;
  return matches.some(({ matchKind, level, match16 }) => {
    if (matchKind === 1) return isEqual(tag, match16);
    chain ??= chainOf(envelope);
    return isEqual(chain.subarray(16 * level, 16 * level + 16), match16);
  });
}

function chainOf(envelope: Uint8Array): Uint8Array {
  try {
    return parseEnvelope(envelope).extensions.value(extensions.topicChain) ?? ascii('');
  } catch {
    return ascii('');
  }
}

function isSameMatch(a: TopicMatch, b: TopicMatch): boolean {
  return a.matchKind === b.matchKind && a.level === b.level && isEqual(a.match16, b.match16);
}

/** What it answers with, as honest ones do: the newest, and of chains and blocks those before it. */
const retainedVersions: ReadonlyMap<ObjectKind | undefined, number> = new Map([
  ['authority', 64],
  ['block', 3],
  ['pool', 3],
]);

/** Topic tag, epoch, sender, stream, number, time, salt. */
const headerFields = [
  [8, 24],
  [24, 28],
  [32, 48],
  [48, 56],
  [56, 64],
  [64, 72],
  [72, 88],
] as const;
