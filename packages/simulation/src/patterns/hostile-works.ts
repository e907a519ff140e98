import {
  parseEnvelope,
  patternKinds,
  type CryptoProvider,
  type Lease,
  type WorkForm,
  type WorkReceiver,
} from '@tridcomm/core';
import { isForOne, limits, unitsOf, type CarrierReceiver, type SigningKey } from '@tridcomm/core/internal';
import type { ManualClock, SeededRandom } from '@tridcomm/core/testing';
import type { Broker, BrokerLink } from '../broker.ts';
import { hexOf } from '../bytes.ts';
import { copySurveyReply } from './copied-reply.ts';
import type { HostileRelay } from '../hostile-relay.ts';
import type { Tally } from '../tally.ts';

/** A unit of work in the hands of a broker that does with it what it likes. */
interface HeldUnit {
  readonly tag: string;
  readonly bytes: Uint8Array;
  readonly form: WorkForm;
  leases: number;
}

/** Who takes the work of a tag. */
interface Place {
  readonly keyId: string;
  readonly tag: string;
  readonly receiver: Pick<WorkReceiver, 'leased'>;
}

/** A hostile relay that gives work, too: to nobody, to two, once more to somebody else, changed, or to whom it likes best. */
export class HostileWorks implements Broker {
  readonly relay: HostileRelay;
  /** Who get all units that they ask for, in hex. */
  readonly favourites: Set<string> = new Set();
  /** Who gets no object any more, in hex. */
  readonly inTheDark: Set<string> = new Set();
  /** Of a member that helps it, to copy the replies of others to surveys. */
  accomplice: SigningKey | undefined;
  readonly #provider: CryptoProvider;
  readonly #clock: ManualClock;
  readonly #random: SeededRandom;
  readonly #faults: Tally;
  readonly #receivers = new Map<string, Pick<CarrierReceiver, 'envelope'>>();
  readonly #forwards: Uint8Array[] = [];
  readonly #places = new Set<Place>();
  readonly #units: HeldUnit[] = [];
  #waiting: HeldUnit[] = [];

  constructor(relay: HostileRelay, provider: CryptoProvider, clock: ManualClock, random: SeededRandom, faults: Tally) {
    this.relay = relay;
    this.#provider = provider;
    this.#clock = clock;
    this.#random = random;
    this.#faults = faults;
  }

  attach(keyId32: Uint8Array, receiver: CarrierReceiver & Pick<WorkReceiver, 'leased'>): BrokerLink {
    const keyId = hexOf(keyId32);
    const link = this.relay.attach(keyId32, {
      envelope: (bytes) => receiver.envelope(bytes),
      object: (address16, bytes) => {
        if (!this.inTheDark.has(keyId)) receiver.object(address16, bytes);
        else this.#faults.add('withhold');
      },
    });
    this.#receivers.set(keyId, receiver);
    const places = new Map<string, Place>();
    const end = (tag: string): void => {
      const place = places.get(tag);
      if (place !== undefined) this.#places.delete(place);
      places.delete(tag);
    };
    return {
      ...link,
      publish: (envelope) => this.publish(envelope),
      work: ({ match16 }, capacity) => {
        const tag = hexOf(match16);
        end(tag);
        if (capacity === 0) return;
        const place = { keyId, tag, receiver };
        places.set(tag, place);
        this.#places.add(place);
        this.#handWaiting(tag);
      },
      endWork: ({ match16 }) => end(hexOf(match16)),
      detach: () => {
        for (const tag of places.keys()) end(tag);
        if (this.#receivers.get(keyId) === receiver) this.#receivers.delete(keyId);
        link.detach();
      },
    };
  }

  apply(bundle: Uint8Array): void {
    this.relay.apply(bundle);
  }

  /** Takes an envelope from whomever. */
  publish(envelope: Uint8Array): void {
    const bytes = new Uint8Array(envelope);
    const view = parseEnvelope(bytes);
    if (!isForOne(view)) {
      const isReply = view.header.patternKind === patternKinds.survey.reply;
      if (isReply && this.accomplice !== undefined && this.#does('copied reply', copiedShare)) {
        this.relay.publish(copySurveyReply(this.#provider, bytes, this.accomplice));
      }
      this.relay.publish(bytes);
      if (view.header.patternKind === patternKinds.routerDealer.forward) this.#misdirect(bytes);
      return;
    }
    const tag = hexOf(view.header.topicTag);
    for (const unit of unitsOf(this.#provider, view, bytes)) {
      const held: HeldUnit = { tag, bytes: unit.bytes, form: unit.type === 'job' ? 'job' : 'envelope', leases: 0 };
      this.#units.push(held);
      this.#hand(held);
    }
  }

  /** Hands everything that it ever saw to everybody, once more. */
  replayAll(): void {
    this.relay.replayAll();
    this.#faults.add('unit replayed', this.#units.length);
    for (const unit of this.#units) for (const place of this.#places) this.#give(unit, place, 0);
  }

  /** Gives a forward to those whom it is not for, and an earlier one to everybody. */
  #misdirect(forward: Uint8Array): void {
    this.#forwards.push(forward);
    const given: Uint8Array[] = [];
    const { swap, replay } = this.relay.mood;
    if (this.#does('forward to all', swap)) given.push(forward);
    if (this.#does('forward replayed', replay)) given.push(this.#random.pick(this.#forwards));
    for (const bytes of given) {
      const delayMs = this.#random.below(5_000);
      this.#clock.after(delayMs, () => {
        for (const receiver of this.#receivers.values()) receiver.envelope(new Uint8Array(bytes));
      });
    }
  }

  #handWaiting(tag: string): void {
    const waiting = this.#waiting;
    this.#waiting = waiting.filter((unit) => unit.tag !== tag);
    for (const unit of waiting) if (unit.tag === tag) this.#hand(unit);
  }

  #hand(unit: HeldUnit): void {
    const { mood } = this.relay;
    const place = this.#placeFor(unit);
    if (place === undefined) {
      this.#waiting.push(unit);
      return;
    }
    if (this.#does('drop', mood.drop)) return;
    const delayMs = this.#does('delay', mood.delay) ? this.#random.between(500, 25_000) : 0;
    if (this.#does('forge', mood.forge)) this.#give({ ...unit, bytes: this.#changed(unit.bytes) }, place, delayMs);
    this.#give(unit, place, delayMs);
    if (this.#does('unit to two', mood.duplicate)) this.#giveToAnother(unit, place, this.#random.below(3_000));
    if (this.#does('unit replayed', mood.replay)) {
      const earlier = this.#random.pick(this.#units);
      this.#giveToAnother(earlier, undefined, this.#random.below(5_000));
    }
  }

  #placeFor({ tag }: HeldUnit): Place | undefined {
    const places = [...this.#places].filter((place) => place.tag === tag);
    return (
      places.find(({ keyId }) => this.favourites.has(keyId)) ??
      (places.length > 0 ? this.#random.pick(places) : undefined)
    );
  }

  #giveToAnother(unit: HeldUnit, than: Place | undefined, delayMs: number): void {
    const others = [...this.#places].filter((place) => place.tag === unit.tag && place !== than);
    if (others.length > 0) this.#give(unit, this.#random.pick(others), delayMs);
  }

  /** Takes it back as an honest one does; the same unit may be with others meanwhile. */
  #give(unit: HeldUnit, place: Place, delayMs: number): void {
    let isOver = false;
    const again = (): void => {
      if (isOver) return;
      isOver = true;
      if (unit.leases < limits.leasesPerUnit) this.#clock.after(500, () => this.#hand(unit));
    };
    const lease: Lease = {
      settle: (outcome) => {
        if (outcome === 'given back') again();
        isOver = true;
      },
    };
    unit.leases++;
    this.#clock.after(delayMs, () => {
      if (!this.#places.has(place)) {
        again();
        return;
      }
      this.#clock.after(limits.leaseMs, again);
      place.receiver.leased(new Uint8Array(unit.bytes), unit.form, lease);
    });
  }

  /** The same with a byte changed. */
  #changed(bytes: Uint8Array): Uint8Array {
    const out = new Uint8Array(bytes);
    const at = this.#random.below(out.length);
    out[at] = out[at]! ^ (1 << this.#random.below(8));
    return out;
  }

  #does(name: string, share: number): boolean {
    if (!this.#random.chance(share)) return false;
    this.#faults.add(name);
    return true;
  }
}

const copiedShare = 0.3;
