/** The people, key sources and times that the vectors share. All of it follows from names by SHA-256. */
import type { Json, Members } from './json.ts';
import { hex, seeded, text, u8, zeros, type Bytes } from './twin/bytes.ts';
import { publicKeyOf } from './twin/ed25519.ts';
import type { Recipe, Source } from './twin/envelope.ts';
import { ED25519, hedgeSecret, rawKeyId } from './twin/schedule.ts';

export interface Person {
  seed: Bytes;
  publicKey: Bytes;
  keyId: Bytes;
  senderId: Bytes;
}

function person(name: string): Person {
  const seed = seeded(`seed of ${name}`, 32);
  const publicKey = publicKeyOf(seed);
  const keyId = rawKeyId(ED25519, publicKey);
  return { seed, publicKey, keyId, senderId: keyId.slice(0, 16) };
}

export const ALICE: Person = person('alice');
export const BOB: Person = person('bob');
export const MALLORY: Person = person('mallory');

/** 2025-06-15T15:06:40Z */
export const NOW = 1_750_000_000_000n;
export const EPOCH = 7;
export const TAG: Bytes = seeded('topic tag', 16);
export const OTHER_TAG: Bytes = seeded('other topic tag', 16);

export function source(name: string): Source {
  return {
    sourceSecret: seeded(`source secret ${name}`, 32),
    groupCtx: seeded(`group ctx ${name}`, 32),
    bind: seeded(`bind ${name}`, 32),
  };
}
export const SOURCE: Source = source('orders');

export const HEDGE: Bytes = hedgeSecret(seeded('process random', 32), seeded('local secret', 32));

export function sourceJson(s: Source): Members {
  return { sourceSecret: hex(s.sourceSecret), groupCtx: hex(s.groupCtx), bind: hex(s.bind) };
}

/** One entry of a receiver's `sources`. */
export function known(
  over: { tag?: Bytes; epoch?: number; suite?: number; source?: Source; open?: boolean } = {},
): Members {
  return {
    topicTag: hex(over.tag ?? TAG),
    epoch: over.epoch ?? EPOCH,
    suite: over.suite ?? 1,
    ...sourceJson(over.source ?? SOURCE),
    open: over.open ?? true,
  };
}

export function writer(p: { publicKey: Bytes }, mayWrite = true): Members {
  return { publicKey: hex(p.publicKey), mayWrite };
}

export function receiver(
  sources: Json[] = [known()],
  senders: Json[] = [writer(ALICE), writer(BOB)],
  more: Members = {},
): Members {
  return { sources, senders, ...more };
}

/** A recipe with the usual values; `random` and the stream follow from the name. */
export function recipe(name: string, over: Partial<Recipe> = {}): Recipe {
  return {
    form: 'single',
    patternKind: 0x20,
    suite: 1,
    topicTag: TAG,
    epoch: EPOCH,
    streamId: seeded(`stream of ${name}`, 8),
    seq: 1n,
    timestamp: NOW,
    seed: ALICE.seed,
    source: SOURCE,
    hedgeSecret: HEDGE,
    random: seeded(`random of ${name}`, 16),
    records: [{ timestamp: over.timestamp ?? NOW, payload: text(`payload of ${name}`) }],
    padded: false,
    jobsPerLeaf: 16,
    extensions: [],
    recordCommit: false,
    keyinfo: zeros(0),
    ...over,
  };
}

/** `count` small records; record i waited i milliseconds. */
export function messages(count: number, timestamp: bigint = NOW): { timestamp: bigint; payload: Bytes }[] {
  return Array.from({ length: count }, (_, i) => ({ timestamp: timestamp - BigInt(i), payload: text(`record ${i}`) }));
}

export function tiny(count: number, timestamp: bigint = NOW): { timestamp: bigint; payload: Bytes }[] {
  return Array.from({ length: count }, (_, i) => ({ timestamp, payload: u8(i % 256) }));
}
