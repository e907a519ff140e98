import { equalBytes } from '../bytes/bytes.ts';
import { TridcommError } from '../errors.ts';
import { isFresh } from '../keys/head.ts';
import { checkDerivedKey, poolKeyPairOf } from '../keys/pool-key.ts';
import type { PoolRecord } from '../keys/pool-record.ts';
import type { PoolEpoch } from '../patterns/crew.ts';
import { PoolSetups } from '../patterns/pool-setups.ts';
import { refusal } from '../patterns/refusal.ts';
import type { EventSink } from './event-sink.ts';
import type { Group } from './group.ts';
import { hexOf } from './hex.ts';
import type { Holdings } from './holdings.ts';
import type { OpenEpoch } from './open-epoch.ts';
import { storedPoolRecordName } from './stored-objects.ts';
import type { View } from './view.ts';

/** One epoch of a crew that the member is in, while work of it is taken. */
export interface WorkEpoch {
  readonly crew: Group;
  /** Of the crew: with the replay state of its requests and jobs. */
  readonly open: OpenEpoch;
  readonly pool: PoolEpoch;
}

/** What a member holds of one pool. */
interface Pool {
  /** The newest first. */
  records: readonly PoolRecord[];
  /** Of these: whose block was that of the crew's leaf under a fresh head. */
  readonly proven: WeakSet<PoolRecord>;
  /** Of these: whose key is another than the crew derives. */
  readonly forked: WeakSet<PoolRecord>;
  /** By number. */
  readonly epochs: Map<number, WorkEpoch>;
  /** Whether the newest is proven, as far as was told. */
  isProven: boolean;
}

/** The pools of a member's groups: by which record it seals, and with which keys it works. */
export class Pools {
  /** Pool streams that were decapsulated, of all crews. */
  readonly setups: PoolSetups = new PoolSetups();
  readonly #holdings: Holdings;
  readonly #events: EventSink;
  readonly #groups: ReadonlyMap<string, Group>;
  /** By the front. */
  readonly #pools = new Map<string, Pool>();

  constructor(holdings: Holdings, events: EventSink, groups: ReadonlyMap<string, Group>) {
    this.#holdings = holdings;
    this.#events = events;
    this.#groups = groups;
  }

  /** Whether a pool record is held already, as these bytes. */
  holds(bytes: Uint8Array): boolean {
    for (const { records } of this.#pools.values()) {
      if (records.some(({ object }) => equalBytes(object.bytes, bytes))) return true;
    }
    return false;
  }

  /** The record that the member holds for an epoch of the crew of a front. */
  record(front: Group, epoch: number): PoolRecord | undefined {
    return this.#pools.get(front.id)?.records.find((record) => record.epoch === epoch);
  }

  /** The epoch of the newest record that the member holds for a front; 0 without any. */
  newestEpoch(front: Group): number {
    return this.#pools.get(front.id)?.records[0]?.epoch ?? 0;
  }

  /** That of the oldest. */
  oldestEpoch(front: Group): number {
    return this.#pools.get(front.id)?.records.at(-1)?.epoch ?? 0;
  }

  /**
   * Takes the newest pool record of a front.
   *
   * @param record - that `Trust` has taken
   * @throws TridcommError `E_FORK` in a member of the crew whose block gives another key: nothing is sealed and no work taken by either
   * @spec patterns.13
   */
  take(record: PoolRecord, nowMs: number): void {
    const pool = this.#poolOf(hexOf(record.groupId16));
    pool.records = [record, ...pool.records];
    if (this.#holdings.store?.get(provenNameOf(record)) !== undefined) pool.proven.add(record);
    this.note(nowMs);
    this.#prune(pool);
    this.#begin(pool, record);
  }

  /**
   * The crew has another block: its member may work now.
   *
   * @returns the fronts of records whose key is not that of the block
   * @spec patterns.13
   */
  crewChanged(crew: Group): { readonly frontId16: Uint8Array; readonly error: unknown }[] {
    const forks: { frontId16: Uint8Array; error: unknown }[] = [];
    for (const pool of this.#pools.values()) {
      for (const record of pool.records) {
        if (!equalBytes(record.crewId16, crew.groupId16)) continue;
        try {
          this.#begin(pool, record);
        } catch (error) {
          forks.push({ frontId16: record.groupId16, error });
        }
      }
    }
    return forks;
  }

  /**
   * Takes note of which records are proven now, and tells: one that is followed by another may be sealed by until that has begun.
   */
  note(nowMs: number): void {
    for (const [frontId, pool] of this.#pools) {
      const { view, groupId16 } = this.#groups.get(frontId) ?? {};
      if (view === undefined) continue;
      const now = pool.records.slice(0, 2).map((record) => this.#isProven(record, view, nowMs));
      for (const [i, isProven] of now.entries()) if (isProven) this.#prove(pool, pool.records[i]!);
      const wasProven = pool.isProven;
      pool.isProven = now[0] === true;
      if (pool.isProven && !wasProven) this.#events.emit({ type: 'pool', groupId16: groupId16! });
    }
  }

  /** Whether what is needed to seal for a front is not all there. */
  isLacking(front: Group, nowMs: number): boolean {
    const [newest] = this.#pools.get(front.id)?.records ?? [];
    return front.view !== undefined && (newest === undefined || !this.#isProven(newest, front.view, nowMs));
  }

  /**
   * The record to seal by.
   *
   * @param view - of the front, that is sealed by
   * @throws TridcommError `E_STALE`, `E_EPOCH`, `E_FORK`
   * @spec patterns.11, patterns.12
   */
  recordToSeal(front: Group, view: View, nowMs: number): PoolRecord {
    this.note(nowMs);
    const pool = this.#poolOf(front.id);
    const [newest, before] = pool.records;
    if (newest === undefined) throw new TridcommError('E_STALE', 'front without a pool record');
    const isCurrent = hasBegun(newest, nowMs);
    const record = recordAt(pool, nowMs);
    const isNewestProven = this.#isProven(newest, view, nowMs);
    if (!isNewestProven && (isCurrent || before === undefined || !this.#isProven(before, view, nowMs))) {
      throw new TridcommError('E_STALE', `pool record of epoch ${newest.epoch}, which no head of the view proves`);
    }
    if (record === undefined || (record !== newest && !pool.proven.has(record)) || nowMs > record.notAfterMs) {
      throw new TridcommError('E_EPOCH', 'no pool record to seal by');
    }
    if (pool.forked.has(record))
      throw new TridcommError('E_FORK', 'pool record with a key that the crew does not derive');
    return record;
  }

  /** Whether a record of a front is the one to seal by, proven or not: none has followed it, and it is not over. */
  isCurrent(front: Group, record: PoolRecord, nowMs: number): boolean {
    return recordAt(this.#poolOf(front.id), nowMs) === record && nowMs <= record.notAfterMs;
  }

  /**
   * What a member of the crew works with in an epoch.
   *
   * @throws TridcommError `E_EPOCH`
   * @spec patterns.17
   */
  workEpoch(front: Group, number: number): WorkEpoch {
    const epoch = this.#pools.get(front.id)?.epochs.get(number);
    if (epoch === undefined) throw refusal('E_EPOCH', `epoch ${number} of the crew`);
    return epoch;
  }

  /** The crew of a front. */
  crewOf({ view }: Group): Group | undefined {
    const { crewId16 } = view?.record ?? {};
    return crewId16 && this.#groups.get(hexOf(crewId16));
  }

  /** Overwrites the keys of epochs that are not open any more. @spec groups.12 */
  eraseClosed(): void {
    for (const pool of this.#pools.values()) {
      for (const [number, epoch] of pool.epochs) {
        if (epoch.open.isOpen) continue;
        this.#erase(epoch);
        pool.epochs.delete(number);
      }
      this.#prune(pool);
    }
  }

  stop(): void {
    for (const { epochs } of this.#pools.values()) for (const epoch of epochs.values()) this.#erase(epoch);
    this.#pools.clear();
  }

  /** Stored: after a restart the newest head says nothing of the record before the newest, which counts until that begins. */
  #prove(pool: Pool, record: PoolRecord): void {
    if (pool.proven.has(record)) return;
    pool.proven.add(record);
    this.#holdings.store?.put(provenNameOf(record), nothing);
  }

  /** @spec patterns.11 */
  #isProven({ crewId16, generation, epoch, blockHash32 }: PoolRecord, { record, head }: View, nowMs: number): boolean {
    const proven = this.#groups.get(hexOf(crewId16))?.proven;
    if (proven === undefined || record.crewId16 === undefined || !equalBytes(record.crewId16, crewId16)) return false;
    const { leaf } = proven;
    if (leaf.generation !== generation || leaf.epoch !== epoch || !equalBytes(leaf.blockHash32, blockHash32))
      return false;
    return (
      proven.head.headSeq >= head.headSeq && isFresh(proven.head, nowMs, this.#holdings.skewMs, record.maxHeadAgeMs)
    );
  }

  /** Derives the key of an epoch whose block and record are there. @throws TridcommError `E_FORK` */
  #begin(pool: Pool, record: PoolRecord): void {
    const { crewId16, generation, epoch, blockHash32, suite, object } = record;
    const crew = this.#groups.get(hexOf(crewId16));
    const open = crew?.epoch(epoch);
    if (crew === undefined || open === undefined || pool.epochs.has(epoch) || pool.forked.has(record)) return;
    if (open.block.header.generation !== generation || !equalBytes(open.block.blockHash32, blockHash32)) return;
    const keyPair = poolKeyPairOf(this.#holdings.provider, open.block);
    try {
      checkDerivedKey(keyPair, record);
    } catch (error) {
      keyPair.secretKey.fill(0);
      pool.forked.add(record);
      throw error;
    }
    pool.epochs.set(epoch, { crew, open, pool: { suite, poolHash32: object.hash32, keyPair } });
  }

  #erase({ pool: { poolHash32, keyPair } }: WorkEpoch): void {
    keyPair.secretKey.fill(0);
    this.setups.erasePool(poolHash32);
  }

  /** Keeps the newest record, the one before it, and those of epochs of the crew that are open to this member. */
  #prune(pool: Pool): void {
    const kept = pool.records.filter(({ crewId16, epoch }, i) => {
      return i < 2 || this.#groups.get(hexOf(crewId16))?.epoch(epoch) !== undefined;
    });
    for (const record of pool.records) {
      if (kept.includes(record)) continue;
      this.#holdings.store?.delete(storedPoolRecordName(record));
      this.#holdings.store?.delete(provenNameOf(record));
    }
    pool.records = kept;
  }

  #poolOf(frontId: string): Pool {
    const held = this.#pools.get(frontId);
    if (held !== undefined) return held;
    const pool: Pool = {
      records: [],
      proven: new WeakSet(),
      forked: new WeakSet(),
      epochs: new Map(),
      isProven: false,
    };
    this.#pools.set(frontId, pool);
    return pool;
  }
}

/** Under which it is stored that a record was proven. */
function provenNameOf({ object }: PoolRecord): string {
  return `proven-pool/${hexOf(object.hash32)}`;
}

const nothing = new Uint8Array(0);

/** Whether sealing by a record has begun: one that revokes counts at once. */
function hasBegun({ revokes, notBeforeMs }: PoolRecord, nowMs: number): boolean {
  return revokes || nowMs >= notBeforeMs;
}

/**
 * The record whose time it is, proven or not. Where the newest has not begun, it is that of the epoch before, and no older one: who missed the
 * one between may have missed that it revoked somebody.
 *
 * @spec patterns.12
 */
function recordAt({ records: [newest, before] }: Pool, nowMs: number): PoolRecord | undefined {
  if (newest === undefined || hasBegun(newest, nowMs)) return newest;
  const follows = before?.generation === newest.generation && before.epoch === newest.epoch - 1;
  return follows ? before : undefined;
}
