import { addressTypes, parseEnvelope, type ClientStore, type KeySource, type SenderKey } from '@tridcomm/core';
import {
  decodePoolKeyinfo,
  decodePrincipalRecord,
  derivePoolKeyPair,
  objectKinds,
  openPoolStream,
  openSurveyReply,
  parseObject,
  replyContext,
} from '@tridcomm/core/internal';
import { nodeProvider } from '@tridcomm/core/node';
import { toHex } from '../story.ts';
import { epochKeyOf, opensWith } from '../thief.ts';

type Store = Pick<ClientStore, 'entries'>;

/** What a key ring is made of. */
export interface Keys {
  /** Of all groups. */
  readonly epochs: readonly KeySource[];
  readonly poolHashes: readonly Uint8Array[];
  /** By the ids in headers, in hex. */
  readonly senders: ReadonlyMap<string, SenderKey>;
}

/** Every key on the disk of somebody, and software that checks nothing and tries each for everything that it could be. */
export class KeyRing {
  readonly #epochs: Keys['epochs'];
  readonly #poolHashes: Keys['poolHashes'];
  readonly #senders: Keys['senders'];

  constructor({ epochs, poolHashes, senders }: Keys) {
    this.#epochs = epochs;
    this.#poolHashes = poolHashes;
    this.#senders = senders;
  }

  /** The keys on a disk. */
  static on(store: Store, senders: Keys['senders']): KeyRing {
    return new KeyRing({
      epochs: [...store.entries('epoch/')].map(([, value]) => epochKeyOf(value)),
      poolHashes: [...store.entries(`object/${addressTypes.poolRecord}/`)].map(
        ([, bytes]) => parseObject(nodeProvider, bytes, objectKinds.poolRecord).hash32,
      ),
      senders,
    });
  }

  get count(): number {
    return this.#epochs.length;
  }

  /** How many of these envelopes open, requests before the replies to them. */
  opens(envelopes: readonly Uint8Array[]): number {
    const replies = new Map<string, KeySource[]>();
    return envelopes.filter((bytes) => {
      const { header } = parseEnvelope(bytes);
      const sender = this.#senders.get(toHex(header.senderId));
      if (sender === undefined) throw new Error('an envelope of nobody who is known');
      return this.#sources(bytes, sender, replies).some((source) => opensWith(bytes, source, sender));
    }).length;
  }

  /** All keys that an envelope could be sealed with. @param replies - to streams that were seen, by keyinfo */
  #sources(bytes: Uint8Array, { keyId32 }: SenderKey, replies: Map<string, KeySource[]>): readonly KeySource[] {
    const { header, keyinfo } = parseEnvelope(bytes);
    const { suite } = header;
    switch (keyinfo.length) {
      case poolStreamBytes: {
        const setups = this.#poolSetups(suite, keyId32, keyinfo);
        replies.set(
          toHex(nodeProvider.sha256(keyinfo.subarray(0, 32))),
          setups.map(({ reply }) => reply),
        );
        return setups.map(({ stream }) => stream);
      }
      case replyBytes:
        return replies.get(toHex(keyinfo)) ?? [];
      case surveyReplyBytes: {
        const terms = { suite, questionId32: keyinfo.subarray(0, 32), responderKeyId32: keyId32 };
        return this.#secrets().map((secret32) => {
          return openSurveyReply(nodeProvider, terms, secret32, keyinfo.subarray(32)).keySource;
        });
      }
      default:
        return this.#epochs;
    }
  }

  /** As if each epoch were one of a crew, and each pool its pool. */
  #poolSetups(
    suite: number,
    senderKeyId32: Uint8Array,
    keyinfo: Uint8Array,
  ): { stream: KeySource; reply: KeySource }[] {
    const asked = decodePoolKeyinfo(keyinfo);
    return this.#epochs.flatMap((epoch) => {
      const keyPair = derivePoolKeyPair(nodeProvider, epoch.sourceSecret32, epoch.groupContext32);
      return this.#poolHashes.map((poolHash32) => {
        const setup = openPoolStream(nodeProvider, { suite, poolHash32, senderKeyId32 }, keyPair, asked);
        const context32 = replyContext(nodeProvider, nodeProvider.sha256(asked.enc32), poolHash32);
        const reply = { suite, sourceSecret32: setup.replySecret32, groupContext32: context32, bind32: context32 };
        return { stream: setup.keySource, reply };
      });
    });
  }

  /** What may be a private key. */
  #secrets(): readonly Uint8Array[] {
    return this.#epochs.flatMap(({ sourceSecret32, groupContext32 }) => {
      return [sourceSecret32, derivePoolKeyPair(nodeProvider, sourceSecret32, groupContext32).secretKey];
    });
  }
}

/** Public keys of all who are on these disks, by the ids in headers. */
export function sendersOn(stores: readonly Store[]): Keys['senders'] {
  const names = [`object/${addressTypes.principalRecord}/`, 'client/principal-record'];
  const records = stores.flatMap((store) => names.flatMap((name) => [...store.entries(name)]));
  return new Map(
    records.map(([, bytes]) => {
      const object = parseObject(nodeProvider, bytes, objectKinds.principalRecord);
      const { key } = decodePrincipalRecord(nodeProvider, object);
      return [toHex(key.keyId32.subarray(0, 16)), { keyId32: key.keyId32, publicKey32: key.publicKey32 }];
    }),
  );
}

/** Bytes of keyinfo: chapter 09. */
const poolStreamBytes = 40;
const replyBytes = 32;
const surveyReplyBytes = 64;
