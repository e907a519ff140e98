import {
  ascii,
  checkWidth,
  compareBytes,
  concat,
  equalBytes,
  readU16,
  readU32,
  readU64,
  writeU16,
  writeU32,
  writeU64,
} from '../bytes/bytes.ts';
import { actions as actionBits } from '../codepoints/actions.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { listUses } from '../codepoints/list-uses.gen.ts';
import { matchKinds } from '../codepoints/match-kinds.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { checkLimit, TridcommError } from '../errors.ts';
import { treeHead } from './tree-head.ts';

/*
 * access list = "TDAL" ‖ u8 1 ‖ u8 use ‖ u16 0 ‖ group_id16 ‖ u32 count ‖ count × entry60
 * entry60     = key_id32 ‖ u16 actions ‖ u8 match_kind ‖ u8 level ‖ match16 ‖ u64 not_after
 */

/** What a broker compares: a topic tag, or a value of topic chains. */
export interface TopicMatch {
  /** One of the registry of match kinds. */
  readonly matchKind: number;
  /** Of a prefix: place in the chain, counted from 0; otherwise 0. */
  readonly level: number;
  readonly match16: Uint8Array;
}

/** What one principal may do, on what, and until when. */
export interface AccessEntry extends TopicMatch {
  readonly keyId32: Uint8Array;
  /** Bits of the registry of actions. */
  readonly actions: number;
  readonly notAfterMs: number;
}

/**
 * An access list that keeps the form of chapter 07.
 *
 * Look-ups go over the bytes by halves: the entries of a principal, and among them those of a match, stand together.
 */
export class AccessList {
  /** The list as it was received; kept. */
  readonly bytes: Uint8Array;
  /** What a policy has to state; 32 bytes. */
  readonly root32: Uint8Array;

  private constructor(bytes: Uint8Array, root32: Uint8Array) {
    this.bytes = bytes;
    this.root32 = root32;
  }

  /**
   * All checks of a list but the last, {@link checkRoot}.
   *
   * @param bytes - the list, exactly; kept
   * @param use - the one that is expected, of the registry of list uses
   * @param groupId16 - likewise
   * @throws TridcommError `E_LENGTH`, `E_ENCODING`, `E_VERSION`, `E_BINDING`, `E_LIMIT`
   * @spec principals.20, principals.21
   */
  static decode(provider: CryptoProvider, bytes: Uint8Array, use: number, groupId16: Uint8Array): AccessList {
    if (bytes.length < headBytes) throw new TridcommError('E_LENGTH', `access list of ${bytes.length} bytes`);
    if (!equalBytes(bytes.subarray(0, 4), magic)) throw new TridcommError('E_ENCODING', 'not the magic of a list');
    if (bytes[4] !== 1) throw new TridcommError('E_VERSION', `access list version ${bytes[4]}`);
    if (bytes[5] !== use || readU16(bytes, 6) !== 0) {
      throw new TridcommError('E_ENCODING', `access list for use ${bytes[5]}, expected ${use}`);
    }
    if (!equalBytes(bytes.subarray(8, 24), groupId16)) throw new TridcommError('E_BINDING', 'list of another group');
    const count = readU32(bytes, 24);
    checkLimit('entries', count, mostEntries(use));
    if (bytes.length !== headBytes + count * entryBytes) {
      throw new TridcommError('E_LENGTH', `access list of ${bytes.length} bytes with ${count} entries`);
    }
    for (let at = headBytes; at < bytes.length; at += entryBytes) {
      checkLimit('not_after', readU64(bytes, at + 52), limits.safeInteger);
      const fault = faultOf(bytes, at, use);
      if (fault !== undefined) throw new TridcommError('E_ENCODING', fault);
    }
    return new AccessList(bytes, rootOf(provider, bytes));
  }

  /**
   * The last check of a list.
   *
   * @param root32 - what the policy states for this use and group
   * @throws TridcommError `E_POLICY`
   * @spec principals.21
   */
  checkRoot(root32: Uint8Array): void {
    if (!equalBytes(this.root32, root32))
      throw new TridcommError('E_POLICY', 'list is not the one that the policy states');
  }

  /** All entries in their order; match and key id are views. */
  get entries(): readonly AccessEntry[] {
    return Array.from({ length: this.#count }, (_, i) => {
      const at = headBytes + i * entryBytes;
      return {
        keyId32: this.bytes.subarray(at, at + 32),
        actions: readU16(this.bytes, at + 32),
        matchKind: this.bytes[at + 34]!,
        level: this.bytes[at + 35]!,
        match16: this.bytes.subarray(at + 36, at + 52),
        notAfterMs: readU64(this.bytes, at + 52),
      };
    });
  }

  /** Key ids of the entries, ascending, each once; views. */
  get keyIds(): readonly Uint8Array[] {
    const keyIds: Uint8Array[] = [];
    for (let at = headBytes; at < this.bytes.length; at += entryBytes) {
      const keyId32 = this.bytes.subarray(at, at + 32);
      const last = keyIds.at(-1);
      if (last === undefined || !equalBytes(last, keyId32)) keyIds.push(keyId32);
    }
    return keyIds;
  }

  /**
   * Whether an entry allows an action for an envelope.
   *
   * @param keyId32 - of the principal
   * @param action - one bit of the registry of actions
   * @param timestampMs - of the header
   * @param topicTag16 - likewise
   * @param chain - value of extension 9, where there is one
   * @spec principals.22
   */
  allowsEnvelope(
    keyId32: Uint8Array,
    action: number,
    timestampMs: number,
    topicTag16: Uint8Array,
    chain: Uint8Array | undefined,
  ): boolean {
    const own = this.#entriesOf(keyId32);
    // No list for the edge has an entry of a whole group.
    const isOfWriters = this.bytes[5] === listUses.writers;
    if (isOfWriters && this.#allows(own, action, timestampMs, wholeGroup)) return true;
    if (this.#allows(own, action, timestampMs, { matchKind: matchKinds.exact, level: 0, match16: topicTag16 }))
      return true;
    const levels = Math.min(Math.floor((chain?.length ?? 0) / tokenBytes), limits.topicSegments);
    for (let level = 0; level < levels; level++) {
      const match16 = chain!.subarray(level * tokenBytes, (level + 1) * tokenBytes);
      if (this.#allows(own, action, timestampMs, { matchKind: matchKinds.prefix, level, match16 })) return true;
    }
    return false;
  }

  /**
   * Whether an entry allows a subscription: one that is exactly as wide.
   *
   * @param keyId32 - of the principal
   * @param action - one bit of the registry of actions
   * @throws TridcommError `E_USAGE` for a match that has not 16 bytes
   * @spec principals.22
   */
  allowsSubscription(keyId32: Uint8Array, action: number, nowMs: number, match: TopicMatch): boolean {
    return match.matchKind !== matchKinds.group && this.#allows(this.#entriesOf(keyId32), action, nowMs, match);
  }

  get #count(): number {
    return (this.bytes.length - headBytes) / entryBytes;
  }

  /** The entries of one principal: first and behind the last. */
  #entriesOf(keyId32: Uint8Array): readonly [number, number] {
    checkWidth('key id', keyId32, 32);
    const from = this.#bound(0, keyId32, 0);
    let to = from;
    // Most principals have few entries, which then are cheaper to pass one by one.
    for (; to < from + fewEntries; to++)
      if (to === this.#count || this.#compareKey(to, keyId32) !== 0) return [from, to];
    return [from, this.#bound(to, keyId32, 1)];
  }

  /** Whether one of these entries has the bit, the match, and the time. */
  #allows([from, to]: readonly [number, number], action: number, atMs: number, match: TopicMatch): boolean {
    checkWidth('match', match.match16, tokenBytes);
    if (from === to) return false;
    const probe = new Uint8Array(20);
    probe[2] = match.matchKind;
    probe[3] = match.level;
    probe.set(match.match16, 4);
    // The bits stand before the match in an entry, so each combination of them is a place of its own.
    const defined = definedActions(this.bytes[5]!);
    for (let bits = 1; bits <= defined; bits++) {
      if ((bits & action) === 0 || (bits & ~defined) !== 0) continue;
      writeU16(probe, 0, bits);
      if (this.#lastNotAfter(from, to, probe) >= atMs) return true;
    }
    return false;
  }

  /** The latest `not_after` among the entries whose bytes behind the key id start with the probe; −1 without any. */
  #lastNotAfter(from: number, to: number, probe20: Uint8Array): number {
    let low = from;
    let high = to;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compareMatch(middle, probe20) <= 0) low = middle + 1;
      else high = middle;
    }
    if (low === from || this.#compareMatch(low - 1, probe20) !== 0) return -1;
    return readU64(this.bytes, headBytes + (low - 1) * entryBytes + 52);
  }

  #compareMatch(index: number, probe20: Uint8Array): number {
    const at = headBytes + index * entryBytes + 32;
    for (let i = 0; i < 20; i++) {
      const difference = this.bytes[at + i]! - probe20[i]!;
      if (difference !== 0) return difference;
    }
    return 0;
  }

  /** The first entry from `from` on whose key id is not below this one; with `order` 1, that is above it. */
  #bound(from: number, keyId32: Uint8Array, order: 0 | 1): number {
    let low = from;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compareKey(middle, keyId32) < order) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #compareKey(index: number, keyId32: Uint8Array): number {
    const at = headBytes + index * entryBytes;
    for (let i = 0; i < 32; i++) {
      const difference = this.bytes[at + i]! - keyId32[i]!;
      if (difference !== 0) return difference;
    }
    return 0;
  }
}

/**
 * An access list; the caller's.
 *
 * @param entries - in any order
 * @throws TridcommError `E_LIMIT` for too many, or a time above its limit; `E_USAGE` for entries that no list may hold, or twice the same
 * @spec principals.20, principals.21
 */
export function encodeAccessList(use: number, groupId16: Uint8Array, entries: readonly AccessEntry[]): Uint8Array {
  checkWidth('group id', groupId16, 16);
  if (use !== listUses.writers && use !== listUses.edge) throw new TridcommError('E_USAGE', `list use ${use}`);
  checkLimit('entries', entries.length, mostEntries(use));
  const bytes = new Uint8Array(headBytes + entries.length * entryBytes);
  bytes.set(magic);
  bytes[4] = 1;
  bytes[5] = use;
  bytes.set(groupId16, 8);
  writeU32(bytes, 24, entries.length);
  for (const [i, entry] of entries.map(encodeEntry).toSorted(compareBytes).entries()) {
    bytes.set(entry, headBytes + i * entryBytes);
  }
  for (let at = headBytes; at < bytes.length; at += entryBytes) {
    const fault = faultOf(bytes, at, use);
    if (fault !== undefined) throw new TridcommError('E_USAGE', fault);
  }
  return bytes;
}

/**
 * The root of the list of these entries; 32 bytes, the caller's.
 *
 * @param entries - in any order
 * @throws TridcommError as {@link encodeAccessList}
 */
export function accessListRoot(
  provider: CryptoProvider,
  use: number,
  groupId16: Uint8Array,
  entries: readonly AccessEntry[],
): Uint8Array {
  return rootOf(provider, encodeAccessList(use, groupId16, entries));
}

/** The 60 bytes of an entry; the caller's. Lists order them as bytes. */
export function encodeEntry(entry: AccessEntry): Uint8Array {
  const { keyId32, actions, matchKind, level, match16, notAfterMs } = entry;
  checkWidth('key id', keyId32, 32);
  checkWidth('match', match16, tokenBytes);
  checkLimit('not_after', notAfterMs, limits.safeInteger);
  for (const [field, value, most] of [
    ['actions', actions, definedActions(listUses.writers)],
    ['match kind', matchKind, matchKinds.prefix],
    ['level', level, limits.topicSegments - 1],
    ['not_after', notAfterMs, limits.safeInteger],
  ] as const) {
    if (!(Number.isInteger(value) && value >= 0 && value <= most)) {
      throw new TridcommError('E_USAGE', `${field} ${value}`);
    }
  }
  const bytes = new Uint8Array(entryBytes);
  bytes.set(keyId32);
  writeU16(bytes, 32, actions);
  bytes[34] = matchKind;
  bytes[35] = level;
  bytes.set(match16, 36);
  writeU64(bytes, 52, notAfterMs);
  return bytes;
}

/** What an entry has that no list may hold, seen with the entry before it; undefined where there is nothing. */
function faultOf(bytes: Uint8Array, at: number, use: number): string | undefined {
  const entry = bytes.subarray(at, at + entryBytes);
  if (at > headBytes) {
    const before = bytes.subarray(at - entryBytes, at);
    if (compareBytes(before, entry) >= 0) return 'entries out of order';
    const sameSender = equalBytes(before.subarray(0, 16), entry.subarray(0, 16));
    if (sameSender && !equalBytes(before.subarray(16, 32), entry.subarray(16, 32))) {
      return 'two key ids with one sender id';
    }
  }
  const actions = readU16(entry, 32);
  if (actions === 0 || (actions & ~definedActions(use)) !== 0) return `actions ${actions}`;
  const [kind, level] = [entry[34]!, entry[35]!];
  if (kind > matchKinds.prefix || (kind === matchKinds.group && use !== listUses.writers)) return `match kind ${kind}`;
  if (level > (kind === matchKinds.prefix ? limits.topicSegments - 1 : 0)) return `level ${level}`;
  if (kind === matchKinds.group && entry.subarray(36, 52).some((byte) => byte !== 0)) {
    return 'a match for the whole group';
  }
  return undefined;
}

/** Of a list that keeps the form. */
function rootOf(provider: CryptoProvider, bytes: Uint8Array): Uint8Array {
  const leafHead = bytes.subarray(5, 6);
  const groupId16 = bytes.subarray(8, 24);
  const leaves: Uint8Array[] = [];
  for (let at = headBytes; at < bytes.length; at += entryBytes) {
    leaves.push(concat(leafHead, groupId16, bytes.subarray(at, at + entryBytes)));
  }
  return treeHead(provider, leaves);
}

/** All bits that a list of this use may have: who answers is nothing that the edge is told. */
function definedActions(use: number): number {
  const everywhere = actionBits.publish | actionBits.subscribe | actionBits.route;
  return use === listUses.writers ? everywhere | actionBits.respond : everywhere;
}

function mostEntries(use: number): number {
  return use === listUses.writers ? limits.writersEntries : limits.edgeEntries;
}

const magic = ascii('TDAL');
const headBytes = 28;
const entryBytes = 60;
const tokenBytes = 16;
const fewEntries = 8;
const wholeGroup: TopicMatch = { matchKind: matchKinds.group, level: 0, match16: new Uint8Array(tokenBytes) };
