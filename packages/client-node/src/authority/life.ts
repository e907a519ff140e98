import { randomBytes } from 'node:crypto';
import { Authority, type AuthorityOptions, type CryptoProvider, type RandomSource } from '@tridcomm/core';
import { readSnapshot, type AuthorityMemory } from '@tridcomm/core/internal';
import { nodeProvider } from '@tridcomm/core/node';
import type { Archive } from './archive.ts';
import { systemClock, type Clock } from './clock.ts';
import { askSources, findOut, retainedBy, type Findings, type RestoreSource } from './restore-sources.ts';
import type { Connections, DurableServiceOptions, ServiceOptions } from './service-options.ts';
import { ServicePrincipal } from './service-principal.ts';
import { checkStart } from './start-rule.ts';
import type { CertifierState } from './state-content.ts';
import { StateDirectory } from './state-directory.ts';

/** What a life of a service begins with. */
export interface Life {
  readonly begin: (options: AuthorityOptions, nowMs: number) => Authority;
  readonly archive: (authorityId32: Uint8Array) => Archive;
  readonly serviceSeed32: Uint8Array;
  readonly directory?: StateDirectory;
  /** Where links were opened before the life begins. */
  readonly self?: ServicePrincipal;
  readonly connections?: Connections;
  readonly findings?: Findings;
  readonly certifier: CertifierState | undefined;
  readonly handedOutSeq: number;
  readonly archivedSeq: number;
}

/** Of a new authority, without what it is kept in. */
export function firstLife({ random = systemRandom }: ServiceOptions): Omit<Life, 'archive'> {
  return {
    begin: (options, nowMs) => Authority.create(options, nowMs),
    serviceSeed32: random(32),
    certifier: undefined,
    handedOutSeq: 0,
    archivedSeq: 0,
  };
}

/**
 * The next life of the authority in a state directory, where the rule of `start-rule.ts` allows one. Nothing is written yet.
 *
 * @param use - begins the life; where it fails, or the life is not allowed, the directory is let go of and the links are closed
 * @throws TridcommError as `AuthorityService.open`
 * @spec groups.22, groups.23
 */
export async function nextLife<T>(options: DurableServiceOptions, use: (life: Life) => T): Promise<T> {
  const { directory, content } = await StateDirectory.open(options.directory, options.secret, options.backup);
  let connections = noConnections;
  try {
    const provider = providerOf(options);
    const { clock = systemClock } = options;
    const { snapshot, serviceSeed32, certifier, handedOutSeq, archivedSeq } = content;
    const memory = readSnapshot(snapshot);
    const { authorityId32 } = memory;
    const self = new ServicePrincipal(
      provider,
      authorityId32,
      serviceSeed32,
      () => snapshot,
      () => certifier,
    );
    connections = options.connect?.(self) ?? noConnections;
    const archive = directory.openArchive(provider, authorityId32);
    const findings = await findAll(provider, clock, memory, archive, connections.sources);
    const [ofArchive, ...ofOthers] = findings.testimonies;
    const start = {
      archive: ofArchive!,
      sources: ofOthers,
      stateSeq: memory.headSeq,
      handedOutSeq,
      archivedSeq,
      handsOut: connections.sinks.length > 0,
      acceptsSingleSource: options.acceptSingleSource === true,
    };
    checkStart(start, clock.nowMs());
    // The rule above has judged how many there are; the core only counts.
    const { heads } = findings.sources;
    const sources = { ...findings.sources, heads: heads.length === 1 ? [...heads, ...heads] : heads };
    const begin = (all: AuthorityOptions, nowMs: number) => Authority.restore(all, snapshot, sources, nowMs);
    const state = { serviceSeed32, certifier, handedOutSeq, archivedSeq };
    return use({ ...state, begin, archive: () => archive, directory, self, connections, findings });
  } catch (error) {
    directory.release();
    await closeAll(connections);
    throw error;
  }
}

/** Closes every link once. What does not close is left alone: nobody waits for it. */
export async function closeAll({ sinks, sources }: Connections): Promise<void> {
  const links = new Set<{ close?(): Promise<void> }>([...sinks, ...sources]);
  await Promise.allSettled(Array.from(links, async (link) => await link.close?.()));
}

/** The provider of a service. */
export function providerOf({ provider = nodeProvider }: ServiceOptions): CryptoProvider {
  return provider;
}

/** What the authority of a service is made with, but for where its bundles go. */
export function authorityOptions(options: ServiceOptions): Omit<AuthorityOptions, 'publish'> {
  const { random = systemRandom, skewMs, headFreshMs, headIntervalMs } = options;
  return {
    provider: providerOf(options),
    random,
    ...(skewMs !== undefined && { skewMs }),
    ...(headFreshMs !== undefined && { headFreshMs }),
    ...(headIntervalMs !== undefined && { headIntervalMs }),
  };
}

/** The archive's testimony is the first. */
async function findAll(
  provider: CryptoProvider,
  clock: Clock,
  memory: AuthorityMemory,
  archive: Archive,
  sources: readonly RestoreSource[],
): Promise<Findings> {
  const own = { retained: async (address16: Uint8Array) => Promise.resolve(archive.under(address16)) };
  const ofArchive = { name: 'archive', objects: await retainedBy(provider, memory, own) };
  const answers = await askSources(provider, clock, memory, sources);
  return findOut(provider, memory, [ofArchive, ...answers], clock.nowMs());
}

/** The platform's source. */
export const systemRandom: RandomSource = (lengthBytes) => new Uint8Array(randomBytes(lengthBytes));

/** Of who talks to nobody. */
export const noConnections: Connections = { sinks: [], sources: [] };
