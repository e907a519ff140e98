import {
  keyBlockKinds,
  TridcommError,
  type GroupFields,
  type PrincipalFields,
  type PrincipalRecord,
} from '@tridcomm/core';
import {
  decodePrincipalRecord,
  hexOf,
  limits,
  objectKinds,
  parseObject,
  principalRoles,
} from '@tridcomm/core/internal';
import { nodeProvider } from '@tridcomm/core/node';
import type { AdminArguments } from './admin-arguments.ts';
import { errorOf, type AdminScope } from './admin-protocol.ts';
import { groupPurposes } from './group-memory.ts';
import type { AuthorityService } from './service.ts';
import { readSignRequest } from './sign-request.ts';

/** What a connection remembers between its requests. */
export interface AdminSession {
  readonly scope: AdminScope;
  /** Those that were made for it last. */
  bundles: readonly Uint8Array[];
}

/** What a request comes to; JSON. */
export type AdminResult = Readonly<Record<string, unknown>>;

/** What can be asked of an authority. Arguments are read, and known to be all, before anything is done. */
export type AdminOperation = (
  service: AuthorityService,
  args: AdminArguments,
  session: AdminSession,
) => AdminResult | Promise<AdminResult>;

/**
 * The operation of this name, where the socket allows it.
 *
 * @throws TridcommError `E_USAGE` for one that there is not, `E_POLICY` for one that this socket does not allow
 */
export function findOperation(name: string, scope: AdminScope): AdminOperation {
  const operation = operations.get(name);
  if (operation === undefined)
    throw new TridcommError('E_USAGE', `unknown operation ${JSON.stringify(name.slice(0, 64))}`);
  if (scope === 'enrol' && !enrolling.has(name)) {
    throw new TridcommError('E_POLICY', `${name} is not for this socket`);
  }
  return operation;
}

const status: AdminOperation = (service, args) => {
  args.end();
  const { authorityId32, groups, brokers, ...rest } = service.status();
  const explained = (error: unknown) => (error === undefined ? {} : { error: errorOf(error) });
  return {
    ...rest,
    authorityId: hexOf(authorityId32),
    groups: groups.map(({ groupId16, error, ...group }) => {
      return { ...group, groupId: hexOf(groupId16), ...explained(error) };
    }),
    brokers: brokers.map(({ error, ...broker }) => ({ ...broker, ...explained(error) })),
  };
};

const propose: AdminOperation = (service, args, { scope }) => {
  const publicKey32 = args.bytes('publicKey', 32);
  const name = args.text('name');
  const tenant = args.optionalText('tenant');
  const notAfterMs = args.optionalNumber('notAfterMs');
  const roles = args.optionalTexts('roles');
  args.end();
  if (scope === 'enrol' && (roles !== undefined || tenant !== undefined)) {
    throw new TridcommError('E_POLICY', 'who enrols itself is a member, without a tenant');
  }
  if (scope === 'enrol') checkName(service, name, publicKey32);
  const fields: PrincipalFields = {
    name,
    ...(tenant !== undefined && { tenant }),
    ...(notAfterMs !== undefined && { notAfterMs }),
    ...(roles !== undefined && { roles: rolesOf(roles) }),
  };
  return { request: service.propose(publicKey32, fields) };
};

const enrol: AdminOperation = (service, args, { scope }) => {
  const request = args.text('request');
  const signature64 = args.bytes('signature', 64);
  args.end();
  if (scope === 'enrol') {
    // Another one may have taken the name since it was proposed.
    const { record: proposed } = readSignRequest(nodeProvider, request);
    checkName(service, proposed.name, proposed.key.publicKey32);
  }
  const record = service.enrol(request, signature64);
  const { key } = readRecord(record);
  return { keyId: hexOf(key.keyId32), record: hexOf(record) };
};

const keyRecord: AdminOperation = (service, args) => {
  const record = args.bytes('record');
  args.end();
  service.perform((authority, nowMs) => authority.takeKeyRecord(record, nowMs));
  return {};
};

const grant: AdminOperation = (service, args) => {
  const name = grantName(args);
  const notAfterMs = args.optionalNumber('notAfterMs');
  const join = args.optionalName('join', ['next', 'now']);
  args.end();
  service.perform((authority, nowMs) => {
    authority.grant(
      { ...name, ...(notAfterMs !== undefined && { notAfterMs }), ...(join !== undefined && { join }) },
      nowMs,
    );
  });
  return {};
};

const withdraw: AdminOperation = (service, args) => {
  const name = grantName(args);
  args.end();
  service.perform((authority, nowMs) => authority.withdraw(name, nowMs));
  return {};
};

const revoke: AdminOperation = (service, args) => {
  const keyId32 = args.bytes('keyId', 32);
  args.end();
  service.perform((authority, nowMs) => authority.revoke(keyId32, nowMs));
  return {};
};

const rotate: AdminOperation = (service, args) => {
  const groupId16 = args.bytes('groupId', 16);
  args.end();
  service.perform((authority, nowMs) => authority.rotate(groupId16, nowMs));
  return {};
};

const addGroup: AdminOperation = (service, args) => {
  const patterns = args.optionalTexts('patterns') ?? [];
  const purpose = args.optionalName('purpose', groupPurposes);
  const kind = args.optionalName('kind', ['list', 'completeSubtree']);
  const numbers = groupNumbers.map((name) => [name, args.optionalNumber(name)] as const);
  const staleOk = args.optionalFlag('staleOk');
  args.end();
  if (patterns.length === 0) throw new TridcommError('E_USAGE', 'patterns: at least one');
  const fields: GroupFields = {
    patterns,
    ...Object.fromEntries(numbers.filter(([, value]) => value !== undefined)),
    ...(purpose !== undefined && { purpose }),
    ...(kind !== undefined && { blockKind: keyBlockKinds[kind] }),
    ...(staleOk !== undefined && { staleOk }),
  };
  return { groupId: hexOf(service.perform((authority, nowMs) => authority.addGroup(fields, nowMs))) };
};

const removeGroup: AdminOperation = (service, args) => {
  const groupId16 = args.bytes('groupId', 16);
  args.end();
  service.perform((authority, nowMs) => authority.removeGroup(groupId16, nowMs));
  return {};
};

/** All that a carrier should retain, one bundle at a time: index 0 makes them anew. */
const bundle: AdminOperation = (service, args, session) => {
  const index = args.optionalNumber('index') ?? 0;
  args.end();
  if (index === 0) session.bundles = service.bundles();
  const found = session.bundles[index];
  if (found === undefined) throw new TridcommError('E_USAGE', `bundle ${index} of ${session.bundles.length}`);
  return { index, count: session.bundles.length, bundle: Buffer.from(found).toString('base64') };
};

const tlsCertificate: AdminOperation = async (service, args) => {
  const keyId32 = args.bytes('keyId', 32);
  const publicKey = args.bytes('publicKey');
  const names = args.optionalTexts('names');
  args.end();
  return { ...(await service.certificate(keyId32, publicKey, names)) };
};

/**
 * Whoever enrols itself does not take the name of another: people and rules read names.
 *
 * @throws TridcommError `E_POLICY`
 */
function checkName(service: AuthorityService, name: string, publicKey32: Uint8Array): void {
  const nowMs = service.perform((_, atMs) => atMs);
  const { principals, ended } = service.memory();
  for (const { record: bytes } of principals) {
    const { key, name: held, notAfterMs } = readRecord(bytes);
    if (held !== name || hexOf(key.publicKey32) === hexOf(publicKey32)) continue;
    const isEnded = ended.some((other) => hexOf(other) === hexOf(key.keyId32));
    if (!isEnded && nowMs <= notAfterMs + limits.skewMs) {
      throw new TridcommError('E_POLICY', 'name that another principal has');
    }
  }
}

function readRecord(bytes: Uint8Array): PrincipalRecord {
  return decodePrincipalRecord(nodeProvider, parseObject(nodeProvider, bytes, objectKinds.principalRecord));
}

function grantName(args: AdminArguments): {
  keyId32: Uint8Array;
  action: 'publish' | 'subscribe' | 'route';
  pattern: string;
} {
  const keyId32 = args.bytes('keyId', 32);
  const action = args.optionalName('action', ['publish', 'subscribe', 'route']);
  if (action === undefined) throw new TridcommError('E_USAGE', 'action is missing');
  return { keyId32, action, pattern: args.text('pattern') };
}

function rolesOf(names: readonly string[]): number {
  return names.reduce((bits, name) => {
    const role = new Map<string, number>(Object.entries(principalRoles)).get(name);
    if (role === undefined) throw new TridcommError('E_USAGE', `role ${JSON.stringify(name.slice(0, 64))}`);
    return bits | role;
  }, 0);
}

const groupNumbers = ['maxHeadAgeMs', 'epochLifeMs', 'drainMs', 'periodMs'] as const;
const operations: ReadonlyMap<string, AdminOperation> = new Map(
  Object.entries({
    status,
    propose,
    enrol,
    keyRecord,
    grant,
    withdraw,
    revoke,
    rotate,
    addGroup,
    removeGroup,
    bundle,
    tlsCertificate,
  }),
);
const enrolling: ReadonlySet<string> = new Set(['status', 'propose', 'enrol', 'keyRecord']);
