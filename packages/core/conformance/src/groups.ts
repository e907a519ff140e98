import { keyAlgorithms, TridcommError, type CryptoProvider } from '@tridcomm/core';
import {
  coverOf,
  makeEnrolment,
  makeListBlock,
  makePskBlock,
  makeSubtreeBlock,
  MemberKeys,
  parseBlock,
  partialBlock,
  PrekeyStore,
  publicKeyOf,
  signingKeyOf,
  stepNodeKeys,
  type GroupSettings,
  type KeyBlockHeader,
  type MadeBlock,
  type SigningKey,
} from '@tridcomm/core/internal';
import { orError } from './open.ts';
import { testRandom } from './seal.ts';
import { toHex, type Input, type Operation, type Value } from './values.ts';

/** The operations of feature `groups`. */
export function groupOperations(provider: CryptoProvider): Record<string, Operation> {
  return {
    'cs.cover': (input) => ({ nodes: coverOf(input.integer('height'), input.integers('excluded')).map(String) }),
    'cs.step': (input) => {
      const nodeKey32 = input.bytes('nodeKey');
      stepNodeKeys(provider, nodeKey32, input.integer('steps'));
      return { nodeKey: toHex(nodeKey32) };
    },
    'block.make': (input) => showMade(provider, makeBlock(provider, input)),
    'block.parse': (input) => {
      const block = parseBlock(provider, input.bytes('block'));
      return {
        header: showHeader(block.header),
        epochCommit: toHex(block.epochCommit32),
        entries: block.entries().map(toHex),
        private: toHex(block.privateSealed),
        signature: toHex(block.signature64),
        groupCtx: toHex(block.groupContext32),
        entriesRoot: toHex(block.entriesRoot32),
        blockHash: toHex(block.blockHash32),
      };
    },
    'block.partial': (input) => ({
      partial: toHex(partialBlock(provider, input.bytes('block'), input.integer('index'))),
    }),
    'enrolment.make': (input) => ({ enrolment: toHex(enrol(provider, input)) }),
    'member.run': (input) => runMember(provider, input),
  };
}

function makeBlock(provider: CryptoProvider, input: Input): MadeBlock {
  const controller = signingKeyOf(provider, input.bytes('seed'));
  const header = readHeader(input.object('header'), controller);
  const body = input.bytes('private');
  if (input.has('psk')) return makePskBlock(provider, header, controller, body, input.bytes('psk'));
  // The secret is given, so it is the first that is drawn.
  const drawn = [input.bytes('epochSecret'), input.has('rng') ? input.bytes('rng') : new Uint8Array(0)];
  const random = testRandom(new Uint8Array(Buffer.concat(drawn)));
  if (input.has('recipients')) {
    const recipients = input.bytesList('recipients').map((key) => publicKeyOf(provider, keyAlgorithms.x25519, key));
    return makeListBlock(provider, header, controller, body, recipients, random);
  }
  const nodes = input.objects('nodes').map((node) => ({ node: node.decimal('node'), key32: node.bytes('key') }));
  return makeSubtreeBlock(provider, header, controller, body, nodes, random);
}

function readHeader(input: Input, controller: SigningKey): KeyBlockHeader {
  return {
    kind: input.integer('kind'),
    suite: input.integer('suite'),
    groupId16: input.bytes('groupId'),
    generation: input.integer('generation'),
    epoch: input.integer('epoch'),
    notBeforeMs: input.decimal('notBefore'),
    notAfterMs: input.decimal('notAfter'),
    drainUntilMs: input.decimal('drainUntil'),
    salt16: input.bytes('salt'),
    prevBlockHash32: input.bytes('prevBlockHash'),
    policyRoot32: input.bytes('policyRoot'),
    controllerKeyId32: controller.keyId32,
    policyVersion: input.decimal('policyVersion'),
    baseEpoch: input.integer('baseEpoch'),
    purpose: input.integer('purpose'),
    flags: input.integer('flags'),
    height: input.integer('height'),
  };
}

function showHeader(header: KeyBlockHeader): Value {
  const { kind, suite, generation, epoch, baseEpoch, purpose, flags, height } = header;
  return {
    kind,
    suite,
    groupId: toHex(header.groupId16),
    generation,
    epoch,
    notBefore: String(header.notBeforeMs),
    notAfter: String(header.notAfterMs),
    drainUntil: String(header.drainUntilMs),
    salt: toHex(header.salt16),
    prevBlockHash: toHex(header.prevBlockHash32),
    policyRoot: toHex(header.policyRoot32),
    controllerKeyId: toHex(header.controllerKeyId32),
    policyVersion: String(header.policyVersion),
    baseEpoch,
    purpose,
    flags,
    height,
  };
}

function showMade(provider: CryptoProvider, { bytes, groupContext32, epochCommit32, blockHash32 }: MadeBlock): Value {
  const { entriesRoot32, signInput } = parseBlock(provider, bytes);
  return {
    block: toHex(bytes),
    groupCtx: toHex(groupContext32),
    epochCommit: toHex(epochCommit32),
    entriesRoot: toHex(entriesRoot32),
    blockHash: toHex(blockHash32),
    signInput: toHex(signInput),
  };
}

function enrol(provider: CryptoProvider, input: Input): Uint8Array {
  const header = input.object('header');
  // The maker knows no kind but the one that has enrolments.
  if (header.integer('kind') !== 2) throw new TridcommError('E_USAGE', `enrolment of kind ${header.integer('kind')}`);
  const fields = {
    suite: header.integer('suite'),
    groupId16: header.bytes('groupId'),
    generation: header.integer('generation'),
    epoch: header.integer('epoch'),
    height: header.integer('height'),
    leaf: header.decimal('leaf'),
    memberKeyId32: input.bytes('memberKeyId'),
    issuedMs: header.decimal('issued'),
    policyVersion: header.decimal('policyVersion'),
  };
  return makeEnrolment(
    provider,
    fields,
    signingKeyOf(provider, input.bytes('seed')),
    input.bytes('authorityId'),
    publicKeyOf(provider, keyAlgorithms.x25519, input.bytes('prekey')),
    new Uint8Array(Buffer.concat(input.bytesList('nodeKeys'))),
    testRandom(input.bytes('rng')),
  );
}

function runMember(provider: CryptoProvider, input: Input): Value {
  const member = input.object('member');
  const prekeys = new PrekeyStore(provider);
  for (const secret of member.bytesList('prekeys')) prekeys.add(secret);
  const keys = new MemberKeys({
    provider,
    authorityId32: input.bytes('authorityId'),
    keyId32: member.bytes('keyId'),
    suites: member.integers('suites'),
    suiteFloor: member.integer('suiteFloor'),
    prekeys,
    psk32: member.has('psk') ? member.bytes('psk') : undefined,
  });
  const group = readGroup(provider, input.object('group'));
  return { results: input.objects('steps').map((step) => orError(() => runStep(keys, group, step))) };
}

function runStep(keys: MemberKeys, group: GroupSettings, step: Input): Value {
  if (step.has('enrolment')) {
    return keys.takeEnrolment(step.bytes('enrolment'), group) === 'known' ? { known: true } : { held: true };
  }
  if (step.has('keys')) return { enrolments: keys.enrolments.map(showEnrolment) };
  const taken = keys.takeBlock(step.bytes('block'), group);
  if (taken === 'known') return { known: true };
  return {
    opened: {
      epochSecret: toHex(taken.epochSecret32),
      epochCommit: toHex(taken.epochCommit32),
      groupCtx: toHex(taken.groupContext32),
      blockHash: toHex(taken.blockHash32),
      private: toHex(taken.private.body),
    },
  };
}

function showEnrolment({ generation, epoch, leaf, nodeKeys }: MemberKeys['enrolments'][number]): Value {
  const keys = Array.from({ length: nodeKeys.length / 32 }, (_, i) => toHex(nodeKeys.subarray(32 * i, 32 * (i + 1))));
  return { generation, epoch, leaf, nodeKeys: keys };
}

function readGroup(provider: CryptoProvider, input: Input): GroupSettings {
  return {
    groupId16: input.bytes('groupId'),
    purpose: input.integer('purpose'),
    suite: input.integer('suite'),
    blockKind: input.integer('blockKind'),
    controller: publicKeyOf(provider, keyAlgorithms.ed25519, input.bytes('controllerPublicKey')),
    topicChains: input.flag('topicChains'),
  };
}
