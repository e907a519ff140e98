import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { TridcommError } from '@tridcomm/core';
import { hexOf } from '@tridcomm/core/internal';
import { AuthorityService } from '../authority/service.ts';
import { readStoredStatus } from '../authority/stored-status.ts';
import { checkExists, connectIfRunning, reach, serviceOptions, type Access } from './authority-access.ts';
import type { Command, Given, GivenOptions, Outcome } from './authority-command.ts';
import { CommandLineError, readLine } from './authority-io.ts';
import { newSecretOf, secretOf } from './authority-secret.ts';
import { serve } from './authority-serve.ts';

const init: Command = {
  options: {},
  reaches: false,
  async run({ io, access, words }) {
    checkWords(words, 0);
    const { directory, keyFile } = access;
    const secret = await newSecretOf(io, keyFile);
    const clock = io.clock === undefined ? {} : { clock: io.clock };
    const authorityId = hexOf(await AuthorityService.init({ directory, secret, ...clock }));
    const lines = [`authority ${authorityId}`, `state     ${directory}`, 'next      tridcomm authority serve --help'];
    return { lines, json: { authorityId, directory } };
  },
};

const issue: Command = {
  options: {
    'public-key': 'one',
    name: 'one',
    tenant: 'one',
    role: 'many',
    days: 'one',
    request: 'one',
    signature: 'one',
  },
  reaches: true,
  async run(given) {
    checkWords(given.words, 0);
    const { options, io } = given;
    if (options['request'] !== undefined)
      return await using(given, async (access) => await finishIssue(access, options));
    const args = {
      publicKey: required(options, 'public-key'),
      name: required(options, 'name'),
      tenant: options['tenant'],
      roles: options['role'],
      notAfterMs: notAfterOf(given),
    };
    return await using(given, async (access) => {
      const { request } = await access.request('propose', args);
      io.stderr.write('Give this to the principal, who signs it with `tridcomm keys sign`, and enter the signature:\n');
      io.stdout.write(options['json'] === true ? `${JSON.stringify({ request })}\n` : `${String(request)}\n`);
      const signature = (await readLine(io))?.trim() ?? '';
      if (signature !== '') return await finishIssue(access, { request: String(request), signature });
      if (!access.isRunning) throw new CommandLineError('no signature: without `serve` it has to be entered here');
      io.stderr.write('Not issued yet: finish with --request and --signature while the same `serve` runs.\n');
      return undefined;
    });
  },
};

async function finishIssue(access: Access, options: GivenOptions): Promise<Outcome> {
  const [request, signature] = [required(options, 'request'), required(options, 'signature')];
  const { keyId, record } = await access.request('enrol', { request, signature });
  const lines = [`key id     ${String(keyId)}`, `next       tridcomm keys record ${String(record)}`];
  return { lines, json: { keyId, record } };
}

const keyRecord: Command = {
  options: {},
  reaches: true,
  async run(given) {
    const [record] = checkWords(given.words, 1, 'a record in hex');
    return await simply(given, 'keyRecord', { record }, 'key record taken');
  },
};

const addGroup: Command = {
  options: { purpose: 'one', kind: 'one' },
  reaches: true,
  async run(given) {
    const { words, options } = given;
    if (words.length === 0) throw new CommandLineError('a pattern is missing');
    return await using(given, async (access) => {
      const { purpose, kind } = options;
      const { groupId } = await access.request('addGroup', { patterns: words, purpose, kind });
      return { lines: [`group ${String(groupId)}`], json: { groupId } };
    });
  },
};

const grant: Command = {
  options: { until: 'one', join: 'one' },
  reaches: true,
  async run(given) {
    const { options } = given;
    const until = options['until'];
    const notAfterMs = until === undefined ? undefined : Date.parse(String(until));
    if (notAfterMs !== undefined && Number.isNaN(notAfterMs)) {
      throw new CommandLineError('--until: a time such as 2030-01-31T12:00:00Z');
    }
    return await simply(given, 'grant', { ...rightOf(given.words), notAfterMs, join: options['join'] }, 'granted');
  },
};

const withdraw: Command = {
  options: {},
  reaches: true,
  run: async (given) => await simply(given, 'withdraw', rightOf(given.words), 'withdrawn'),
};

const revoke: Command = {
  options: {},
  reaches: true,
  async run(given) {
    const [keyId] = checkWords(given.words, 1, 'a key id');
    return await simply(given, 'revoke', { keyId }, 'revoked');
  },
};

const removeGroup: Command = {
  options: {},
  reaches: true,
  run: async (given) => await withGroup(given, 'removeGroup', 'is removed'),
};

const rotate: Command = {
  options: {},
  reaches: true,
  run: async (given) => await withGroup(given, 'rotate', 'has its next epoch'),
};

/** Does something with the group of this id, or of this pattern. */
async function withGroup(given: Given, op: string, done: string): Promise<Outcome | undefined> {
  const [which] = checkWords(given.words, 1, 'a group id or a pattern') as [string];
  return await using(given, async (access) => {
    const { groups } = (await access.request('status')) as { groups: { groupId: string; patterns: string[] }[] };
    const group = groups.find(({ groupId, patterns }) => groupId === which || patterns.includes(which));
    if (group === undefined) throw new TridcommError('E_USAGE', 'no group of this id or pattern');
    const { groupId } = group;
    await access.request(op, { groupId });
    return { lines: [`group ${groupId} ${done}`], json: { groupId } };
  });
}

const certificate: Command = {
  options: { 'public-key-file': 'one', host: 'many' },
  reaches: true,
  async run(given) {
    const { options, io } = given;
    const [keyId] = checkWords(given.words, 1, 'a key id');
    const publicKey = readPublicKey(resolve(io.cwd, required(options, 'public-key-file')));
    return await using(given, async (access) => {
      const json = await access.request('tlsCertificate', { keyId, publicKey, names: options['host'] });
      return { lines: [String(json['certificate']).trim(), String(json['ca']).trim()], json };
    });
  },
};

const status: Command = {
  options: {},
  reaches: false,
  async run({ io, access, words }) {
    checkWords(words, 0);
    const { directory } = access;
    const client = await connectIfRunning(directory);
    if (client === undefined) {
      checkExists(directory);
      const stored = await readStoredStatus(directory, await secretOf(io, access.keyFile));
      return { lines: ['not running', ...linesOf(stored)], json: { isRunning: false, ...stored } };
    }
    try {
      const running = await client.request('status');
      return { lines: ['running', ...linesOf(running)], json: { isRunning: true, ...running } };
    } finally {
      client.close();
    }
  },
};

const restore: Command = {
  options: { backup: 'one' },
  reaches: true,
  async run(given) {
    checkWords(given.words, 0);
    const { io, access, options } = given;
    const backup = resolve(io.cwd, required(options, 'backup'));
    if ((await connectIfRunning(access.directory)) !== undefined) {
      throw new TridcommError('E_USAGE', 'the authority runs: end `serve` first');
    }
    const service = await AuthorityService.open(await serviceOptions(io, { ...access, backup }));
    await service.rest();
    const { headSeq, brokers, sources, groups } = service.status();
    await service.close();
    const json = {
      headSeq,
      groups: groups.length,
      sources,
      brokers: brokers.map(({ name, isCurrent }) => ({ name, isCurrent })),
    };
    const lines = [
      `head      ${headSeq}, above all that was known`,
      ...sources.map(({ name, kind }) => `source    ${name}: ${kind}`),
      ...brokers.map(({ name, isCurrent }) => `broker    ${name}: ${isCurrent ? 'has it all' : 'has not taken it'}`),
      'next      tridcomm authority serve',
    ];
    return { lines, json };
  },
};

/** By name. */
export const commands: Readonly<Record<string, Command>> = {
  init,
  serve: { options: { 'enrol-socket': 'one' }, reaches: true, run: async (given) => await serve(given) },
  issue,
  'key-record': keyRecord,
  'add-group': addGroup,
  'remove-group': removeGroup,
  grant,
  withdraw,
  revoke,
  rotate,
  certificate,
  status,
  restore,
};

/** Does something with the authority; tells of brokers that have not got what came of it. */
async function using(
  given: Given,
  work: (access: Access) => Promise<Outcome | undefined>,
): Promise<Outcome | undefined> {
  const access = await reach(given.io, given.access);
  try {
    return await work(access);
  } finally {
    for (const { name, isCurrent } of await access.close()) {
      if (!isCurrent) given.io.stderr.write(`tridcomm: ${name} has not taken this yet; \`serve\` will see to it\n`);
    }
  }
}

async function simply(
  given: Given,
  op: string,
  args: Readonly<Record<string, unknown>>,
  line: string,
): Promise<Outcome | undefined> {
  return await using(given, async (access) => ({ lines: [line], json: await access.request(op, args) }));
}

function rightOf(words: readonly string[]): Record<'keyId' | 'action' | 'pattern', string> {
  const [keyId, action, pattern] = checkWords(words, 3, 'a key id, publish, subscribe or route, and a pattern') as [
    string,
    string,
    string,
  ];
  return { keyId, action, pattern };
}

/** @throws CommandLineError for more or fewer */
function checkWords(words: readonly string[], count: number, what = 'nothing'): readonly string[] {
  if (words.length !== count) throw new CommandLineError(`${words.length} arguments, expected ${what}`);
  return words;
}

function required(options: GivenOptions, name: string): string {
  const value = options[name];
  if (typeof value !== 'string') throw new CommandLineError(`--${name} is missing`);
  return value;
}

function notAfterOf({ options, io }: Given): number | undefined {
  const { days } = options;
  if (days === undefined) return undefined;
  const count = Number(days);
  if (!(count > 0 && count <= 30)) throw new CommandLineError('--days: more than 0, at most 30');
  return (io.clock?.nowMs() ?? Date.now()) + Math.floor(count * 86_400_000);
}

/** SubjectPublicKeyInfo, in hex. */
function readPublicKey(path: string): string {
  try {
    const key = createPublicKey(readFileSync(path));
    return key.export({ type: 'spki', format: 'der' }).toString('hex');
  } catch (error) {
    throw new TridcommError('E_USAGE', `${path} is no public key in PEM`, { cause: error });
  }
}

function linesOf(found: Readonly<Record<string, unknown>>): string[] {
  const { authorityId, headSeq, principals, grants, groups, brokers, isUnwritten } = found;
  return [
    `authority  ${String(authorityId)}`,
    `head       ${String(headSeq)}`,
    `principals ${String(principals)}, grants ${String(grants)}`,
    ...list(groups).map((group) => {
      const { groupId, purpose, patterns, epoch, waiting, error } = group;
      const more = [typeof waiting === 'number' && waiting > 0 ? [`${waiting} waiting`] : [], reasonOf(error)].flat();
      return [
        `group      ${String(groupId)}  ${String(purpose)}  epoch ${String(epoch)}  ${(patterns as string[]).join(' ')}`,
        ...more,
      ].join(', ');
    }),
    ...list(brokers).map(({ name, isCurrent, takenHeadSeq, error }) => {
      const how = isCurrent === true ? 'has the newest head' : `is behind, at head ${String(takenHeadSeq)}`;
      return [`broker     ${String(name)} ${how}`, ...reasonOf(error)].join(', ');
    }),
    ...(isUnwritten === true ? ['The disk does not take what was published last.'] : []),
  ];
}

function list(value: unknown): readonly Record<string, unknown>[] {
  return (value ?? []) as readonly Record<string, unknown>[];
}

function reasonOf(error: unknown): string[] {
  return error === undefined ? [] : [(error as { readonly message: string }).message];
}
