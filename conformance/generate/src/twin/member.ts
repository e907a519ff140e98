/** A member of one group, chapter 08: blocks, enrolments and the keys that it holds. */
import { cat, hex, number, same, zeros, type Bytes } from './bytes.ts';
import {
  blockHashOf,
  entryName,
  openListEntry,
  openNodeEntry,
  openPrivate,
  parseBlock,
  rootOf,
  tailOf,
  type BlockHeader,
  type ParsedBlock,
} from './blocks.ts';
import { verify } from './ed25519.ts';
import { enrolInfo, parseEnrolment } from './enrolments.ts';
import { xp } from './hash.ts';
import { openBase } from './hpke.ts';
import { sigin } from './objects.ts';
import { parsePrivate, type GroupPrivate } from './private.ts';
import { refuse } from './refusal.ts';
import { ED25519, keyId, rawKeyId, X25519 } from './schedule.ts';
import { pathOf, stepKey } from './subtree.ts';
import { x25519Public } from './x25519.ts';

export interface MemberState {
  keyId: Bytes;
  suites: number[];
  suiteFloor: number;
  prekeys: Bytes[];
  psk?: Bytes;
}
export interface GroupState {
  groupId: Bytes;
  purpose: number;
  suite: number;
  blockKind: number;
  controllerPublicKey: Bytes;
  topicChains: boolean;
}
export interface Seat {
  generation: number;
  /** to which the keys have been stepped */
  epoch: number;
  height: number;
  leaf: number;
  /** from the leaf to the root */
  nodeKeys: Bytes[];
}
export interface Opened {
  header: BlockHeader;
  epochSecret: Bytes;
  epochCommit: Bytes;
  groupCtx: Bytes;
  blockHash: Bytes;
  private: Bytes;
  body: GroupPrivate;
}

/** registries/suites.json */
const STRENGTH: Readonly<Record<number, number>> = { 1: 1, 2: 1 };

export class Member {
  private readonly authorityId: Bytes;
  private readonly me: MemberState;
  group: GroupState;
  /** the one in use, and the one that waits for its first block */
  seats: { current?: Seat; waiting?: Seat } = {};
  private lastEnrolment: { generation: number; epoch: number; bytes: Bytes } | undefined;
  held: Opened | undefined;
  /** groups.8: two blocks of one epoch were seen, and none above it yet */
  forked = false;

  constructor(authorityId: Bytes, me: MemberState, group: GroupState) {
    this.authorityId = authorityId;
    this.me = me;
    this.group = group;
  }

  private controllerId(): Bytes {
    return rawKeyId(ED25519, this.group.controllerPublicKey);
  }

  private allowed(suite: number): boolean {
    return this.me.suites.includes(suite) && (STRENGTH[suite] ?? 0) >= this.me.suiteFloor;
  }

  /** 'known' for the block held. */
  block(bytes: Bytes): Opened | 'known' {
    const b = parseBlock(bytes, same(bytes.slice(0, 4), new TextEncoder().encode('TDKP')));
    const h = b.header;
    // 7
    if (!same(h.groupId, this.group.groupId)) refuse('E_BINDING', 'group');
    if (!same(b.controllerKeyId, this.controllerId())) refuse('E_POLICY', 'controller');
    if (h.kind !== this.group.blockKind || h.suite !== this.group.suite || h.purpose !== this.group.purpose) {
      refuse('E_POLICY', 'not as the group record says');
    }
    if (!this.allowed(h.suite)) refuse('E_POLICY', 'principals.15');
    // 8
    const root = rootOf(b);
    verify(
      this.group.controllerPublicKey,
      sigin('keyblock', b.controllerKeyId, b.groupCtx, b.hdr, tailOf(b, root)),
      b.signature,
    );
    // 9
    const blockHash = blockHashOf(b, root);
    const held = this.held;
    if (held !== undefined) {
      if (same(held.blockHash, blockHash)) return 'known';
      if (h.epoch < held.header.epoch || h.generation < held.header.generation) refuse('E_EPOCH', 'groups.7');
      if (h.epoch === held.header.epoch) {
        this.forked = true;
        refuse('E_FORK', 'groups.8');
      }
      if (
        h.generation === held.header.generation &&
        h.epoch === held.header.epoch + 1 &&
        !same(h.prevBlockHash, held.blockHash)
      ) {
        refuse('E_FORK', 'groups.9');
      }
    }
    // 10, 11
    const { epochSecret, seat } = this.openEntry(b);
    if (!same(xp(epochSecret, 'epoch commit', b.groupCtx, 32), b.epochCommit)) refuse('E_COMMIT', 'groups.5');
    const body = openPrivate(b, epochSecret);
    const own = parsePrivate(body, this.group.topicChains);
    // all have passed
    if (seat !== undefined) {
      if (seat.from === 'waiting') this.seats = { current: seat.stepped };
      else this.seats = { ...this.seats, current: seat.stepped };
    }
    this.forked = false;
    this.held = {
      header: h,
      epochSecret,
      epochCommit: b.epochCommit,
      groupCtx: b.groupCtx,
      blockHash,
      private: body,
      body: own,
    };
    return this.held;
  }

  private openEntry(b: ParsedBlock): {
    epochSecret: Bytes;
    seat?: { from: 'current' | 'waiting'; stepped: Seat };
  } {
    const h = b.header;
    if (h.kind === 5) {
      const psk = this.me.psk;
      if (psk === undefined) return refuse('E_REVOKED', 'no psk');
      return { epochSecret: xp(psk, 'kb psk', b.groupCtx, 32) };
    }
    if (h.kind === 1) {
      for (const secret of this.me.prekeys) {
        const id = entryName(b.groupCtx, keyId(X25519, x25519Public(secret)));
        const entry = b.entries.find((e) => same(e.slice(0, 16), id));
        if (entry !== undefined) return { epochSecret: openListEntry(b, entry, secret) };
      }
      return refuse('E_REVOKED', 'groups.10: no entry');
    }
    for (const from of ['waiting', 'current'] as const) {
      const seat = this.seats[from];
      if (seat?.generation !== h.generation || seat.epoch > h.epoch || seat.height !== h.height) continue;
      const path = pathOf(seat.height, seat.leaf);
      const entry = b.entries.find((e) => path.includes(number(e.slice(0, 8))));
      if (entry === undefined) continue;
      const steps = h.epoch - seat.epoch;
      if (steps > 4096) refuse('E_LIMIT', 'groups.11');
      const nodeKeys = seat.nodeKeys.map((k) => stepKey(k, steps));
      const nodeKey = nodeKeys[path.indexOf(number(entry.slice(0, 8)))] ?? zeros(32);
      return {
        epochSecret: openNodeEntry(b, entry, nodeKey),
        seat: { from, stepped: { ...seat, epoch: h.epoch, nodeKeys } },
      };
    }
    return refuse('E_REVOKED', 'groups.10');
  }

  /** 'known' for the last one itself. */
  enrolment(bytes: Bytes): 'held' | 'known' {
    const e = parseEnrolment(bytes);
    if (!same(e.groupId, this.group.groupId)) refuse('E_BINDING', 'group');
    if (!same(e.memberKeyId, this.me.keyId)) refuse('E_BINDING', 'groups.15');
    if (!same(e.controllerKeyId, this.controllerId())) refuse('E_POLICY', 'controller');
    if (this.group.blockKind !== 2 || e.suite !== this.group.suite) refuse('E_POLICY', 'not as the group record says');
    if (!this.allowed(e.suite)) refuse('E_POLICY', 'principals.15');
    verify(
      this.group.controllerPublicKey,
      sigin('enrol', e.controllerKeyId, this.authorityId, e.hdr, cat(e.enc, e.ct)),
      e.signature,
    );
    const last = this.lastEnrolment;
    if (last !== undefined) {
      if (same(last.bytes, bytes)) return 'known';
      if (e.generation < last.generation || (e.generation === last.generation && e.epoch <= last.epoch)) {
        refuse('E_EPOCH', 'groups.13');
      }
    }
    const secret = this.me.prekeys.find((s) => same(keyId(X25519, x25519Public(s)), e.kemKeyId));
    if (secret === undefined) return refuse('E_KEY', 'no such prekey');
    const keys = openBase(e.suite, secret, e.enc, enrolInfo(e.hdr), zeros(0), e.ct);
    this.lastEnrolment = { generation: e.generation, epoch: e.epoch, bytes };
    const seat: Seat = {
      generation: e.generation,
      epoch: e.epoch,
      height: e.height,
      leaf: Number(e.leaf),
      nodeKeys: Array.from({ length: e.height + 1 }, (_, i) => keys.slice(32 * i, 32 * i + 32)),
    };
    // groups.14: what it had stays, also where no block has opened under it yet
    this.seats = this.seats.current === undefined ? { current: seat } : { ...this.seats, waiting: seat };
    return 'held';
  }

  /** The one in use first, then the one that waits. */
  keys(): Seat[] {
    return [this.seats.current, this.seats.waiting].filter((s) => s !== undefined);
  }

  heldHash(): string | undefined {
    return this.held === undefined ? undefined : hex(this.held.blockHash);
  }
}
