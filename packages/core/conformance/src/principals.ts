import { parsePattern, TridcommError, type CryptoProvider } from '@tridcomm/core';
import {
  AccessList,
  addressOf,
  checkPolicySource,
  compileGroup,
  decodeBody,
  decodeBundle,
  encodeAccessList,
  encodeBody,
  encodeBundle,
  encodeHead,
  encodeObject,
  encodeRevocationList,
  headHashOf,
  messages,
  objectKinds,
  parseObject,
  purposes,
  RevocationList,
  signingKeyOf,
  treeHead,
  Trust,
  type AccessEntry,
  type Body,
  type MessageName,
  type Taken,
} from '@tridcomm/core/internal';
import { orError } from './open.ts';
import { toHex, type Input, type Operation, type Value } from './values.ts';

/** The operations of feature `principals`. */
export function principalOperations(provider: CryptoProvider): Record<string, Operation> {
  return {
    'body.decode': (input) => {
      const message = readMessageName(input);
      return { fields: showFields(message, decodeBody(message, input.bytes('bytes'))) };
    },
    'body.encode': (input) => {
      const message = readMessageName(input);
      const fields = readFields(message, input.object('fields'));
      return { bytes: toHex(encodeBody(message, fields as Body<MessageName>)) };
    },
    'object.make': (input) => {
      const [kind, authorityId32] = [input.integer('kind'), input.bytes('authorityId')];
      const signers = input
        .objects('signers')
        .map((signer) => ({ key: signingKeyOf(provider, signer.bytes('seed')), label: signer.text('label') }));
      const object = encodeObject(provider, kind, authorityId32, input.bytes('body'), signers);
      return { object: toHex(object), objectHash: toHex(parseObject(provider, object, kind).hash32) };
    },
    'tree.root': (input) => ({ root: toHex(treeHead(provider, input.bytesList('leaves'))) }),
    'list.make': (input) => {
      const [use, groupId16] = [input.integer('use'), input.bytes('groupId')];
      const list = encodeAccessList(use, groupId16, input.objects('entries').map(readEntry));
      return { list: toHex(list), root: toHex(AccessList.decode(provider, list, use, groupId16).root32) };
    },
    'list.check': (input) => {
      const [use, groupId16] = [input.integer('use'), input.bytes('groupId')];
      const list = AccessList.decode(provider, input.bytes('list'), use, groupId16);
      list.checkRoot(input.bytes('root'));
      return { entries: list.entries.map(showEntry) };
    },
    'list.allows': (input) => ({ allows: allows(provider, input) }),
    'policy.compile': (input) => compile(provider, input),
    'revoked.make': (input) => {
      const list = encodeRevocationList(
        input.objects('entries').map((entry) => ({
          keyId32: entry.bytes('keyId'),
          minSerial: entry.decimal('minSerial'),
        })),
      );
      return { list: toHex(list), hash: toHex(RevocationList.decode(provider, list).hash32) };
    },
    'revoked.check': (input) => ({
      entries: RevocationList.decode(provider, input.bytes('list')).entries.map(({ keyId32, minSerial }) => ({
        keyId: toHex(keyId32),
        minSerial: String(minSerial),
      })),
    }),
    'head.make': (input) => {
      const key = signingKeyOf(provider, input.bytes('seed'));
      const head = encodeHead(provider, input.bytes('authorityId'), key, {
        headSeq: input.decimal('headSeq'),
        issuedMs: input.decimal('issued'),
        freshUntilMs: input.decimal('freshUntil'),
        policyVersion: input.decimal('policyVersion'),
        policyHash32: input.bytes('policyHash'),
        groupsRoot32: input.bytes('groupsRoot'),
        revokedHash32: input.bytes('revokedHash'),
        prevHeadHash32: input.bytes('prevHeadHash'),
      });
      return { head: toHex(head), headHash: toHex(headHashOf(provider, head)) };
    },
    address: (input) => ({
      address: toHex(addressOf(provider, input.bytes('authorityId'), input.integer('type'), input.bytes('id'))),
    }),
    'bundle.make': (input) => ({
      bundle: toHex(
        encodeBundle(
          input.objects('objects').map((object) => ({
            address16: object.bytes('address'),
            bytes: object.bytes('bytes'),
          })),
        ),
      ),
    }),
    'bundle.parse': (input) => ({
      objects: decodeBundle(input.bytes('bundle')).map(({ address16, bytes }) => ({
        address: toHex(address16),
        bytes: toHex(bytes),
      })),
    }),
    'trust.run': (input) => {
      const trust = new Trust({
        provider,
        authorityId32: input.bytes('authorityId'),
        ...(input.has('skewMs') ? { skewMs: input.decimal('skewMs') } : {}),
      });
      return { results: input.objects('steps').map((step) => orError(() => take(trust, step))) };
    },
  };
}

function take(trust: Trust, step: Input): Value {
  const nowMs = step.decimal('now');
  if (step.has('head')) return showTaken(trust.takeHead(step.bytes('head'), nowMs));
  if (step.has('answer')) return showTaken(trust.takeHeadAnswer(step.bytes('answer'), step.bytes('nonce'), nowMs));
  if (step.has('groupHead')) {
    const { taken, leaf } = trust.takeGroupHead(step.bytes('groupHead'), step.bytes('groupId'), nowMs);
    if (taken === 'known') return showTaken(taken);
    return { held: true, generation: leaf.generation, epoch: leaf.epoch, blockHash: toHex(leaf.blockHash32) };
  }
  return showTaken(takeObject(trust, step.bytes('object'), step.integer('kind'), nowMs));
}

function takeObject(trust: Trust, object: Uint8Array, kind: number, nowMs: number): Taken {
  switch (kind) {
    case objectKinds.authorityRecord:
      return trust.takeAuthorityRecord(object, nowMs);
    case objectKinds.principalRecord:
      return trust.takePrincipalRecord(object, nowMs);
    case objectKinds.keyRecord:
      return trust.takeKeyRecord(object, nowMs);
    case objectKinds.policy:
      return trust.takePolicy(object, nowMs);
    case objectKinds.groupRecord:
      return trust.takeGroupRecord(object, nowMs);
    case objectKinds.poolRecord:
      return trust.takePoolRecord(object, nowMs);
    default:
      throw new TridcommError('E_USAGE', `object kind ${kind}`);
  }
}

function showTaken(taken: Taken): Value {
  return taken === 'held' ? { held: true } : { known: true };
}

function allows(provider: CryptoProvider, input: Input): boolean {
  const bytes = input.bytes('list');
  const list = AccessList.decode(provider, bytes, bytes[5] ?? 0, bytes.subarray(8, 24));
  const [keyId32, action] = [input.bytes('keyId'), input.integer('action')];
  if (!input.has('timestamp')) {
    const match = {
      matchKind: input.integer('matchKind'),
      level: input.integer('level'),
      match16: input.bytes('match'),
    };
    return list.allowsSubscription(keyId32, action, input.decimal('now'), match);
  }
  const chain = input.has('chain') ? input.bytes('chain') : undefined;
  return list.allowsEnvelope(keyId32, action, input.decimal('timestamp'), input.bytes('tag'), chain);
}

function compile(provider: CryptoProvider, input: Input): Value {
  const fronts = new Set(
    input.objects('groups').flatMap((group) => {
      return group.integer('purpose', 1) === purposes.front ? [toHex(group.bytes('groupId'))] : [];
    }),
  );
  const rules = input.objects('rules').map((rule) => {
    const groupId16 = rule.bytes('groupId');
    return { pattern: parsePattern(rule.bytes('pattern')), groupId16, isFront: fronts.has(toHex(groupId16)) };
  });
  const grants = input.objects('grants').map((grant) => ({
    keyId32: grant.bytes('keyId'),
    action: grant.integer('action'),
    pattern: parsePattern(grant.bytes('pattern')),
    notAfterMs: grant.decimal('notAfter'),
  }));
  checkPolicySource(rules, grants);
  return {
    groups: input.objects('groups').map((group) => {
      const groupId16 = group.bytes('groupId');
      const routeSecrets = group
        .objects('routeSecrets')
        .map((one) => ({ fromPeriod: one.integer('fromPeriod'), secret32: one.bytes('secret') }));
      const { writers, edge } = compileGroup(
        provider,
        groupId16,
        group.integer('purpose', 1),
        rules,
        grants,
        routeSecrets,
        group.integers('periods'),
      );
      return { groupId: toHex(groupId16), writers: writers.map(showEntry), edge: edge.map(showEntry) };
    }),
  };
}

function readEntry(entry: Input): AccessEntry {
  return {
    keyId32: entry.bytes('keyId'),
    actions: entry.integer('actions'),
    matchKind: entry.integer('matchKind'),
    level: entry.integer('level'),
    match16: entry.bytes('match'),
    notAfterMs: entry.decimal('notAfter'),
  };
}

function showEntry({ keyId32, actions, matchKind, level, match16, notAfterMs }: AccessEntry): Value {
  return {
    keyId: toHex(keyId32),
    actions,
    matchKind,
    level,
    match: toHex(match16),
    notAfter: String(notAfterMs),
  };
}

/** A field of the registry, as far as its values need it. */
interface FieldForm {
  readonly name: string;
  readonly type: 'uint32' | 'uint64' | 'bool' | 'bytes' | 'string' | 'message';
  readonly message?: MessageName;
  readonly repeated?: true;
}

function readMessageName(input: Input): MessageName {
  const name = input.text('message');
  if (!Object.hasOwn(messages, name)) throw new TridcommError('E_USAGE', `message ${name}`);
  return name as MessageName;
}

function formOf(message: MessageName): readonly FieldForm[] {
  return messages[message];
}

function readFields(message: MessageName, input: Input): Readonly<Record<string, unknown>> {
  const present = formOf(message).filter(({ name }) => input.has(name));
  return Object.fromEntries(present.map((field) => [field.name, readValue(field, input)]));
}

function readValue({ name, type, message, repeated }: FieldForm, input: Input): unknown {
  switch (type) {
    case 'message':
      return repeated
        ? input.objects(name).map((one) => readFields(message!, one))
        : readFields(message!, input.object(name));
    case 'bytes':
      return repeated ? input.bytesList(name) : input.bytes(name);
    case 'string':
      return repeated ? input.bytesList(name).map(readText) : readText(input.bytes(name));
    case 'bool':
      return input.flag(name);
    case 'uint32':
      return repeated ? input.integers(name) : input.integer(name);
    case 'uint64':
      break;
  }
  return input.decimal(name);
}

function readText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new TridcommError('E_USAGE', 'text that is not valid UTF-8');
  }
}

function showFields(message: MessageName, fields: Readonly<Record<string, unknown>>): Value {
  const present = formOf(message).filter(({ name }) => fields[name] !== undefined);
  return Object.fromEntries(present.map((field) => [field.name, showValue(field, fields[field.name])]));
}

function showValue(field: FieldForm, value: unknown): Value {
  if (Array.isArray(value)) return value.map((element) => showOne(field, element));
  return showOne(field, value);
}

function showOne({ type, message }: FieldForm, value: unknown): Value {
  switch (type) {
    case 'message':
      return showFields(message!, value as Readonly<Record<string, unknown>>);
    case 'bytes':
      return toHex(value as Uint8Array);
    case 'string':
      return toHex(new TextEncoder().encode(value as string));
    case 'uint64':
      return String(value);
    case 'uint32':
    case 'bool':
      break;
  }
  return value as number | boolean;
}
