import {
  openEnvelope,
  ReplayGuard,
  suites,
  type ClientStore,
  type KeySource,
  type PrincipalRecord,
  type SenderKey,
} from '@tridcomm/core';
import {
  expandLabel,
  MemberKeys,
  parseBlock,
  stepNodeKeys,
  type ParsedBlock,
  type PrekeyStore,
} from '@tridcomm/core/internal';
import { nodeProvider } from '@tridcomm/core/node';
import { outcome, toHex } from './story.ts';

/** What is stolen of a member. */
export interface Loot {
  /** Its disk. */
  readonly store: Pick<ClientStore, 'get' | 'entries'>;
  readonly prekeys: PrekeyStore;
  /** Its own record. */
  readonly record: PrincipalRecord;
  readonly authorityId32: Uint8Array;
  readonly groupId16: Uint8Array;
}

/** Whoever has a member's disk: every key on it, and software that checks nothing and tries everything. */
export class Thief {
  /** Keys of epochs: what opens envelopes. */
  readonly epochKeys: readonly KeySource[];
  /** What opens key blocks. */
  readonly nodeKeyCount: number;
  readonly #enrolments: MemberKeys['enrolments'];
  readonly #sender: SenderKey;

  /** @param sender - whose envelopes are to be opened */
  constructor({ store, prekeys, record, authorityId32, groupId16 }: Loot, sender: SenderKey) {
    const group = toHex(groupId16);
    this.epochKeys = [...store.entries(`epoch/${group}/`)].map(([, value]) => epochKeyOf(value));
    const options = { ...record, provider: nodeProvider, authorityId32, keyId32: record.key.keyId32, prekeys };
    this.#enrolments = MemberKeys.restore(options, store.get(`member/${group}`)!).enrolments;
    this.nodeKeyCount = this.#enrolments.reduce((sum, { nodeKeys }) => sum + nodeKeys.length / 32, 0);
    this.#sender = sender;
  }

  /** How many of these envelopes open with some epoch key, signatures unchecked. */
  opens(envelopes: readonly Uint8Array[]): number {
    return envelopes.filter((bytes) => this.epochKeys.some((key) => opensWith(bytes, key, this.#sender))).length;
  }

  /** How many entries of a key block open with some node key, brought to the block's epoch. */
  unlocks(bytes: Uint8Array): { readonly entries: number; readonly opened: number } {
    const block = parseBlock(nodeProvider, bytes);
    const keys = this.#enrolments.flatMap(({ epoch, nodeKeys }) => {
      const stepped = nodeKeys.slice();
      stepNodeKeys(nodeProvider, stepped, block.header.epoch - epoch);
      return Array.from({ length: stepped.length / 32 }, (_, i) => stepped.slice(32 * i, 32 * i + 32));
    });
    const entries = block.entries();
    const opened = entries.filter((entry) => keys.some((key32) => opensEntry(block, entry, key32)));
    return { entries: entries.length, opened: opened.length };
  }
}

/** Whether an envelope opens with this key, signatures unchecked. */
export function opensWith(bytes: Uint8Array, key: KeySource, sender: SenderKey): boolean {
  const replay = new ReplayGuard({
    hashKey16: new Uint8Array(16),
    life: { kind: 'volatile', bootMs: 0 },
    freshness: { stored: true },
  });
  const receiver = {
    provider: { ...nodeProvider, ed25519Verify: () => true },
    replay,
    findTopic: () => ({ keySource: () => key }),
    findSender: () => sender,
    mayWrite: () => true,
  };
  return outcome(() => openEnvelope(receiver, bytes, 0)) === 'accepted';
}

/** As a member stores it: length of the block, block, secret. */
export function epochKeyOf(value: Uint8Array): KeySource {
  const end = 4 + new DataView(value.buffer, value.byteOffset).getUint32(0);
  const { header, groupContext32, epochCommit32 } = parseBlock(nodeProvider, value.slice(4, end));
  return { suite: header.suite, sourceSecret32: value.slice(end), groupContext32, bind32: epochCommit32 };
}

/** Chapter 08: wrap32, then the ciphertext behind the node's number. */
function opensEntry(
  { header, groupContext32, epochCommit32 }: ParsedBlock,
  entry: Uint8Array,
  key32: Uint8Array,
): boolean {
  const context = Buffer.concat([groupContext32, entry.subarray(0, 8)]);
  const wrap32 = expandLabel(nodeProvider, key32, 'kb wrap', context, 32);
  const algorithm = header.suite === suites.x25519Aes256GcmEd25519 ? 'aes-256-gcm' : 'chacha20-poly1305';
  const aad = Buffer.concat([groupContext32, epochCommit32]);
  return nodeProvider.aeadOpen(algorithm, wrap32, new Uint8Array(12), aad, entry.subarray(8)) !== undefined;
}
