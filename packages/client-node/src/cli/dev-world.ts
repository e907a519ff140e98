import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { matchesTopic, parsePattern, parseTopic, TridcommError, type TopicPattern } from '@tridcomm/core';
import { AdminClient } from '../authority/admin-client.ts';
import type { GroupPurpose } from '../authority/group-memory.ts';
import { makePrivateDirectory, readPrivateFile, replaceFile } from '../authority/private-files.ts';

export { groupPurposes, type GroupPurpose } from '../authority/group-memory.ts';

/**
 * A broker for development, with its authority, as it tells where it is: the content of `dev.json` in the {@link runtimeDirectory}. Who can
 * read the file may do everything there, so it is for one user.
 */
export interface DevWorld {
  /** 1. */
  readonly version: number;
  /** Of the broker, as `connect` takes it. */
  readonly address: string;
  /** In the broker's record. */
  readonly brokerName: string;
  /** 64 hex digits. */
  readonly authorityId: string;
  /** Paths of the authority's sockets: to enrol, and for everything. */
  readonly enrolSocket: string;
  readonly adminSocket: string;
  /** Of the process that writes the file, and removes it at its end. */
  readonly pid: number;
}

/** Where development keeps what is running: `$XDG_RUNTIME_DIR/tridcomm`, or `tridcomm-UID` in the system's folder for such. */
export function runtimeDirectory(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const { XDG_RUNTIME_DIR: runtime } = env;
  if (runtime !== undefined && runtime !== '') return join(runtime, 'tridcomm');
  return join(tmpdir(), `tridcomm-${process.getuid?.() ?? 'user'}`);
}

/** Tells where a world for development is. @returns takes that back */
export function writeDevWorld(world: DevWorld, directory: string = runtimeDirectory()): () => void {
  makePrivateDirectory(directory);
  const path = join(directory, fileName);
  replaceFile(path, Buffer.from(`${JSON.stringify(world, undefined, 2)}\n`));
  return () => {
    // Another may have taken its place.
    if (readDevWorld(directory)?.pid === world.pid) rmSync(path, { force: true });
  };
}

/**
 * @returns undefined where there is none
 * @throws TridcommError `E_USAGE` for a file that others may write, or that says something else
 */
export function readDevWorld(directory: string = runtimeDirectory()): DevWorld | undefined {
  const path = join(directory, fileName);
  if (!existsSync(path)) return undefined;
  let found: Partial<DevWorld>;
  try {
    found = JSON.parse(Buffer.from(readPrivateFile(path, mostBytes)).toString('utf8')) as Partial<DevWorld>;
  } catch (error) {
    if (error instanceof TridcommError) throw error;
    throw new TridcommError('E_USAGE', `${path} is no JSON`);
  }
  const isWhole = textNames.every((name) => typeof found[name] === 'string') && Number.isSafeInteger(found.pid);
  if (found.version !== 1 || !isWhole) throw new TridcommError('E_USAGE', `${path} is of another version`);
  return found as DevWorld;
}

/** A directory for an identity that is gone with the process. */
export function temporaryIdentity(directory: string): string {
  makePrivateDirectory(directory);
  return mkdtempSync(join(directory, 'member-'));
}

/**
 * Lets a principal publish to a topic, or read what a pattern matches: in development everybody may. Where there is no group for it yet, one is
 * made.
 *
 * Who may read one topic of a group can read them all, so to read a part of what a group has is to be given all of it.
 *
 * @param purposes - of groups where that is of use to the principal, the first one of a group that is made; default what is published and read
 * @throws TridcommError `E_POLICY` where the topics are of groups for something else
 */
export async function allowInDev(
  { adminSocket }: DevWorld,
  keyId32: Uint8Array,
  action: 'publish' | 'subscribe',
  text: string,
  purposes: readonly [GroupPurpose, ...GroupPurpose[]] = ['pubSub', 'bus'],
): Promise<void> {
  const authority = await AdminClient.connect(adminSocket);
  try {
    const keyId = Buffer.from(keyId32).toString('hex');
    const grant = async (pattern: string) => authority.request('grant', { keyId, action, pattern, join: 'now' });
    const groups = await groupsOf(authority);
    const met = groups.filter(({ patterns }) => patterns.some((pattern) => meets(action, text, pattern)));
    const fitting = met.filter(({ purpose }) => purposes.includes(purpose));
    if (met.length === 0) {
      // Others have whole topics: nobody else could have one beside them in a group for all.
      const pattern = groups.length === 0 && purposes[0] === 'pubSub' ? '**' : ruleOf(text);
      await authority.request('addGroup', { patterns: [pattern], purpose: purposes[0] });
      await grant(action === 'publish' ? text : pattern);
    } else if (fitting.length === 0) throw takenBy(met[0]!, text, purposes[0]);
    else if (action === 'publish') await grant(text);
    else for (const pattern of fitting.flatMap(({ patterns }) => patterns)) await grant(pattern);
  } finally {
    authority.close();
  }
}

/** A group, as its authority tells. */
interface DevGroup {
  readonly purpose: GroupPurpose;
  readonly patterns: readonly string[];
}

async function groupsOf(authority: AdminClient): Promise<readonly DevGroup[]> {
  const { groups } = await authority.request('status');
  return groups as readonly DevGroup[];
}

function takenBy({ purpose, patterns }: DevGroup, text: string, wanted: GroupPurpose): TridcommError {
  const taken = `${text} is of a group for ${purpose} (${patterns.join(' ')}), and not for ${wanted}`;
  const advice = `tridcomm-broker --dev --group ${wanted}:TOPIC has one from the beginning`;
  return new TridcommError('E_POLICY', `${taken}: ${advice}`);
}

function meets(action: 'publish' | 'subscribe', text: string, rule: string): boolean {
  const pattern = parsePattern(rule);
  return action === 'publish' ? matchesTopic(pattern, parseTopic(text)) : overlaps(parsePattern(text), pattern);
}

/** Whether there may be a topic that both match. */
function overlaps({ segments: a }: TopicPattern, { segments: b }: TopicPattern): boolean {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [one, other] = [a[i], b[i]];
    if (one === undefined || other === undefined) return false;
    if (one === '**' || other === '**') return true;
    if (one !== other && one !== '*' && other !== '*') return false;
  }
  return true;
}

/** The narrowest pattern for a group that a pattern is part of. */
function ruleOf(text: string): string {
  const segments = text.split('/');
  const wild = segments.indexOf('*');
  return wild < 0 ? text : [...segments.slice(0, wild), '**'].join('/');
}

const fileName = 'dev.json';
const mostBytes = 65_536;
const textNames = ['address', 'brokerName', 'authorityId', 'enrolSocket', 'adminSocket'] as const;
