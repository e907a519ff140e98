import { randomBytes } from 'node:crypto';
import {
  deriveHedgeSecret,
  deriveRouteKey,
  keyAlgorithms,
  keyId,
  parseTopic,
  patternKinds,
  StreamSealer,
  suites,
  tagPeriod,
  tagTopic,
  type CryptoProvider,
  type KeyPair,
  type KeySource,
  type SenderKey,
} from '@tridcomm/core';
import { nodeProvider } from '@tridcomm/core/node';

export const provider: CryptoProvider = nodeProvider;

export const random = (lengthBytes: number): Uint8Array => new Uint8Array(randomBytes(lengthBytes));

/** Somebody who signs. */
export interface Member extends SenderKey {
  readonly name: string;
  readonly keyPair: KeyPair;
}

export function newMember(name: string): Member {
  const keyPair = provider.generateKeyPair('ed25519');
  return {
    name,
    keyPair,
    publicKey32: keyPair.publicKey,
    keyId32: keyId(provider, keyAlgorithms.ed25519, keyPair.publicKey),
  };
}

/** What all members of one group hold and the broker does not. Groups hand it out; here it is drawn. */
export interface Group {
  readonly keySource: KeySource;
  readonly routeSecret32: Uint8Array;
  readonly groupId16: Uint8Array;
}

export const epoch = 7;

export function newGroup(): Group {
  const keySource: KeySource = {
    suite: suites.x25519Aes256GcmEd25519,
    sourceSecret32: random(32),
    groupContext32: random(32),
    bind32: random(32),
  };
  return { keySource, routeSecret32: random(32), groupId16: random(16) };
}

export function newSealer(group: Group, member: Member, topicTag16: Uint8Array): StreamSealer {
  return new StreamSealer({
    provider,
    random,
    keySource: group.keySource,
    senderKeyId32: member.keyId32,
    hedgeSecret32: deriveHedgeSecret(provider, random(32)),
    patternKind: patternKinds.pubSub.data,
    topicTag16,
    epoch,
  });
}

/** What the broker gets to see of a topic at this time. */
export function tagOf({ routeSecret32, groupId16 }: Group, topic: string, nowMs: number): Uint8Array {
  const period = tagPeriod(nowMs);
  const routeKey = deriveRouteKey(provider, routeSecret32, groupId16, period);
  return tagTopic(provider, routeKey, period, parseTopic(topic)).tag16;
}
