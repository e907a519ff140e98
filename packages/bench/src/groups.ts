import { randomBytes } from 'node:crypto';
import { Authority, Identity, keyAlgorithms, suites } from '@tridcomm/core';
import {
  coverOf,
  encodeGroupPrivate,
  makeEnrolment,
  makeSubtreeBlock,
  MemberKeys,
  parseBlock,
  partialBlock,
  PrekeyStore,
  publicKeyOf,
  signingKeyOf,
  type GroupSettings,
  type KeyBlockHeader,
} from '@tridcomm/core/internal';
import { nodeProvider as provider } from '@tridcomm/core/node';
import { alternate, median } from './measure.ts';
import type { Row } from './report.ts';

const random = (lengthBytes: number): Uint8Array => new Uint8Array(randomBytes(lengthBytes));

const heights = [10, 16, 20];
const revokedCounts = [10, 100, 1_000];
const rotatedMembers = 10_000;

/** What key blocks by complete subtree cost: sizes, making and opening, and the rotation of a large group. */
export function runGroups(): Row[] {
  return [
    ...heights.flatMap((height) => revokedCounts.flatMap((revoked) => blockRows(height, revoked))),
    ...rotationRows(),
  ];
}

function blockRows(height: number, revoked: number): Row[] {
  // The member that opens is at leaf 0, so the others are the ones to revoke.
  const excluded = new Set<number>();
  while (excluded.size < revoked) excluded.add(1 + Math.floor(Math.random() * (2 ** height - 1)));
  const bench = new GroupBench(height);
  const nodes = coverOf(height, excluded).map((node) => ({ node, key32: bench.keyOf(node) }));
  const make = () => makeSubtreeBlock(provider, bench.header(), bench.controller, bench.body, nodes, random).bytes;
  const whole = make();
  const partial = partialBlock(provider, whole, parseBlock(provider, whole).indexOfLeaf(0) ?? -1);
  const us = alternate(
    {
      make: (times) => repeat(times, make),
      whole: bench.opener(whole),
      partial: bench.opener(partial),
    },
    5,
    40,
  );
  const name = `cs: 2^${height} leaves, ${revoked.toLocaleString('en')} revoked`;
  return [
    { name: `${name}: entries`, value: nodes.length, unit: '' },
    { name: `${name}: block`, value: whole.length, unit: 'B' },
    { name: `${name}: one entry with its proof`, value: partial.length, unit: 'B' },
    { name: `${name}: make`, value: median(us.make), unit: 'µs' },
    { name: `${name}: open the block`, value: median(us.whole), unit: 'µs' },
    { name: `${name}: open one entry with its proof`, value: median(us.partial), unit: 'µs' },
  ];
}

/** The authority's own rotation of a large group: every node key stepped, block, head, bundle, as it is published. */
function rotationRows(): Row[] {
  const nowMs = Date.now();
  let publishedBytes = 0;
  const publish = (bundle: Uint8Array) => void (publishedBytes = bundle.length);
  const authority = Authority.create({ provider, random, publish }, nowMs);
  const grants = Array.from({ length: rotatedMembers }, (_, i) => {
    const { key, ...identity } = memberOf(nowMs);
    authority.issue(key, { name: `member ${i}` }, nowMs);
    authority.takeKeyRecord(identity.keyRecord(authority.authorityId32), nowMs);
    return { keyId32: key.keyId32, action: 'subscribe' as const, pattern: 'orders/**' };
  });
  const groupId16 = authority.addGroup({ patterns: ['orders/**'] }, nowMs);
  authority.grantAll(grants, nowMs);
  const us = alternate({ rotate: (times) => repeat(times, () => authority.rotate(groupId16, nowMs)) }, 9, 200);
  const name = `cs: authority rotates a group of ${rotatedMembers.toLocaleString('en')} members`;
  return [
    { name, value: median(us.rotate) / 1000, unit: 'ms', atMost: 200 },
    { name: `${name}: bundle`, value: publishedBytes, unit: 'B' },
  ];
}

function memberOf(nowMs: number) {
  const identity = Identity.create(provider, random, nowMs);
  return { key: identity.key, keyRecord: (authorityId32: Uint8Array) => identity.keyRecord(authorityId32, 1, nowMs) };
}

/** A group with one member, at leaf 0. */
class GroupBench {
  readonly controller = signingKeyOf(provider, random(32));
  readonly body = encodeGroupPrivate(['orders/**'], [{ fromPeriod: 0, secret32: random(32) }]);
  readonly #height: number;
  readonly #keys = new Map<number, Uint8Array>();
  readonly #groupId16 = random(16);
  readonly #authorityId32 = random(32);
  readonly #prekeys = new PrekeyStore(provider);
  readonly #group: GroupSettings;
  readonly #state: Uint8Array;
  readonly #memberKeyId32 = random(32);

  constructor(height: number) {
    this.#height = height;
    this.#group = {
      groupId16: this.#groupId16,
      purpose: 1,
      suite: suites.x25519Aes256GcmEd25519,
      blockKind: 2,
      controller: publicKeyOf(provider, keyAlgorithms.ed25519, this.controller.publicKey32),
      topicChains: true,
    };
    const member = new MemberKeys(this.#options());
    member.takeEnrolment(this.#enrolment(), this.#group);
    this.#state = member.export();
  }

  /** The key of a node, drawn when it is first asked for. */
  keyOf(node: number): Uint8Array {
    const key = this.#keys.get(node) ?? random(32);
    this.#keys.set(node, key);
    return key;
  }

  header(): KeyBlockHeader {
    return {
      kind: 2,
      suite: this.#group.suite,
      groupId16: this.#groupId16,
      generation: 1,
      epoch: 1,
      notBeforeMs: 0,
      notAfterMs: 3_600_000,
      drainUntilMs: 600_000,
      salt16: random(16),
      prevBlockHash32: new Uint8Array(32),
      policyRoot32: random(32),
      controllerKeyId32: this.controller.keyId32,
      policyVersion: 1,
      baseEpoch: 1,
      purpose: 1,
      flags: 0,
      height: this.#height,
    };
  }

  /** Opens a block with members that have not seen it yet; their making is part of the time, a few µs. */
  opener(bytes: Uint8Array): (times: number) => void {
    return (times) =>
      repeat(times, () => {
        const member = MemberKeys.restore(this.#options(), this.#state);
        if (member.takeBlock(bytes, this.#group) === 'known') throw new Error('not opened');
      });
  }

  #options() {
    return {
      provider,
      authorityId32: this.#authorityId32,
      keyId32: this.#memberKeyId32,
      suites: [this.#group.suite],
      suiteFloor: 1,
      prekeys: this.#prekeys,
    };
  }

  #enrolment(): Uint8Array {
    const { keyId32, publicKey } = this.#prekeys.add(random(32));
    const path = Array.from({ length: this.#height + 1 }, (_, i) => 2 ** (this.#height - i));
    const nodeKeys = new Uint8Array(Buffer.concat(path.map((node) => this.keyOf(node))));
    const fields = {
      suite: this.#group.suite,
      groupId16: this.#groupId16,
      generation: 1,
      epoch: 1,
      height: this.#height,
      leaf: 0,
      memberKeyId32: this.#memberKeyId32,
      issuedMs: 0,
      policyVersion: 1,
    };
    const prekey = { alg: keyAlgorithms.x25519, publicKey32: publicKey, keyId32 };
    return makeEnrolment(provider, fields, this.controller, this.#authorityId32, prekey, nodeKeys, random);
  }
}

function repeat(times: number, work: () => unknown): void {
  for (let i = 0; i < times; i++) work();
}
