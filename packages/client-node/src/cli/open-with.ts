import {
  addressTypes,
  openEnvelope,
  parseEnvelope,
  ReplayGuard,
  TridcommError,
  Trust,
  type ClientStore,
  type KeySource,
  type PrincipalRecord,
} from '@tridcomm/core';
import { extensions, parseBlock } from '@tridcomm/core/internal';
import { nodeProvider } from '@tridcomm/core/node';
import { random } from '../client/random.ts';
import { explain } from './cli-io.ts';

/** What the keys of an identity say of an envelope. Whether it may be delivered, and whether it was before, is not asked. */
export interface OpenedEnvelope {
  /** Whose key id begins as the header says, as far as that is known. Who signed is sure only where `messages` is there. */
  readonly sender: PrincipalRecord | undefined;
  /** 32 hex digits, where it opened. */
  readonly group: string | undefined;
  readonly id32: Uint8Array | undefined;
  readonly messages: readonly Uint8Array[] | undefined;
  /** Why it did not open. */
  readonly refusal: string | undefined;
}

/**
 * Opens an envelope with what a member has stored: the epochs that it holds, and the principals that it knows.
 *
 * @param store - of the member; not changed
 * @param bytes - whose form is right
 */
export function openWith(store: ClientStore, bytes: Uint8Array): OpenedEnvelope {
  const { header } = parseEnvelope(bytes);
  const trust = trustOf(store, header.timestampMs);
  const sender = trust?.principalBySenderId(header.senderId);
  const failed = (refusal: string) => ({ sender, group: undefined, id32: undefined, messages: undefined, refusal });
  if (trust === undefined) return failed('E_SENDER: this identity was never connected, and knows nobody');
  if (sender === undefined) return failed('E_SENDER: this identity does not know the sender');
  const sources = [...keySourcesOf(store, header.epoch)];
  if (sources.length === 0) return failed(`E_EPOCH: this identity holds no epoch ${header.epoch} of any group`);
  let refusal: string | undefined;
  for (const { group, source } of sources) {
    try {
      const { id32, payloads } = openUnder(source, sender, bytes);
      return { sender, group, id32, messages: payloads, refusal: undefined };
    } catch (error) {
      // Of another group; or nobody can open it.
      refusal = explain(error);
      if (refusal === undefined) throw error;
    }
  }
  return failed(refusal!);
}

function openUnder(
  source: KeySource,
  { key }: PrincipalRecord,
  bytes: Uint8Array,
): { readonly id32: Uint8Array; readonly payloads: readonly Uint8Array[] } {
  const life = { kind: 'volatile', bootMs: 0 } as const;
  const replay = new ReplayGuard({ hashKey16: random(16), life, freshness: { stored: true } });
  const receiver = {
    provider: nodeProvider,
    replay,
    findTopic: () => ({ keySource: () => source }),
    findSender: () => key,
    mayWrite: () => true,
  };
  const {
    id32,
    records,
    extensions: area,
    header,
  } = openEnvelope(receiver, bytes, parseEnvelope(bytes).header.timestampMs)!;
  const payloads = Array.from({ length: header.count }, (_, i) => records.payload(i));
  // In a group of many topics the first record is the topic.
  return { id32, payloads: area.value(extensions.topicChain) === undefined ? payloads : payloads.slice(1) };
}

/** What the member took of the authority, as of a time. */
function trustOf(store: ClientStore, nowMs: number): Trust | undefined {
  const authorityId32 = store.get('owner')?.subarray(0, 32);
  if (authorityId32 === undefined) return undefined;
  const trust = new Trust({ provider: nodeProvider, authorityId32 });
  const take = (type: number, into: (bytes: Uint8Array) => unknown) => {
    for (const [, bytes] of [...store.entries(`object/${type}/`)].sort(([a], [b]) => (a < b ? -1 : 1))) {
      try {
        into(bytes);
      } catch (error) {
        // One that has expired names nobody.
        if (!(error instanceof TridcommError)) throw error;
      }
    }
  };
  take(addressTypes.authorityRecord, (bytes) => trust.takeAuthorityRecord(bytes, nowMs));
  take(addressTypes.principalRecord, (bytes) => trust.takePrincipalRecord(bytes, nowMs));
  return trust;
}

/** The epochs with a number that the member holds, one for each group: as core's Client stores them, u32 length ‖ block ‖ secret32. */
function* keySourcesOf(
  store: ClientStore,
  epoch: number,
): Generator<{ readonly group: string; readonly source: KeySource }> {
  for (const [name, value] of store.entries('epoch/')) {
    const [, group, number] = name.split('/') as [string, string, string];
    if (Number(number) !== epoch) continue;
    const blockEnd = 4 + Buffer.from(value).readUInt32BE(0);
    const { header, groupContext32, epochCommit32 } = parseBlock(nodeProvider, value.subarray(4, blockEnd));
    const sourceSecret32 = value.subarray(blockEnd);
    yield { group, source: { suite: header.suite, sourceSecret32, groupContext32, bind32: epochCommit32 } };
  }
}
