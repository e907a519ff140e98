import {
  addressOf,
  addressTypes,
  keyAlgorithms,
  publicKeyOf,
  Trust,
  TridcommError,
  type CryptoProvider,
  type PublicKey,
  type RestoreSources,
} from '@tridcomm/core';
import {
  decodeGroupRecord,
  examine,
  objectKinds,
  parseObject,
  readAuthorityRecord,
  type AuthorityMemory,
  type Evidence,
} from '@tridcomm/core/internal';
import type { Clock } from './clock.ts';

/** Who can be asked what an authority published, when it begins again: a broker, or a copy of what one retained. */
export interface RestoreSource {
  /** For people. */
  readonly name: string;
  /** What is retained under an address, oldest first; nothing where nothing is. What it rejects with, or is late with, is no answer. */
  retained(address16: Uint8Array): Promise<readonly Uint8Array[]>;
  /** Called at the end of the service. What is a sink too is closed once. */
  close?(): Promise<void>;
}

/** What one source answered, of the kinds that a restore asks for. Nothing of it is verified. */
export interface SourceAnswer {
  readonly name: string;
  /** Undefined where it did not answer. */
  readonly objects: RetainedObjects | undefined;
  /** Why it did not. */
  readonly error?: unknown;
}

/** What a source retains of one authority and its groups. */
export interface RetainedObjects {
  readonly authorityRecords: readonly Uint8Array[];
  readonly heads: readonly Uint8Array[];
  readonly groupHeads: readonly Uint8Array[];
  readonly policies: readonly Uint8Array[];
  readonly revocationLists: readonly Uint8Array[];
  readonly blocks: readonly Uint8Array[];
  readonly edgeLists: readonly Uint8Array[];
}

/** A head that was verified. */
export type ProvenHead = Evidence['head'];

/** What became of the answer of one source. */
export interface Testimony {
  readonly name: string;
  /**
   * `head`: it shows a head that verifies. `nothing`: it holds nothing of this authority. `unproven`: what it holds does not verify. `silent`:
   * it did not answer.
   */
  readonly kind: 'head' | 'nothing' | 'unproven' | 'silent';
  /** The highest that it shows. */
  readonly head: ProvenHead | undefined;
  readonly error?: unknown;
}

/** What the sources show together. */
export interface Findings {
  readonly testimonies: readonly Testimony[];
  /** What verified, for `Authority.restore`; without heads where no source shows one. */
  readonly sources: RestoreSources;
}

/**
 * Asks all sources at once; who takes too long did not answer.
 *
 * @param memory - of the snapshot, which says what groups there are
 */
export async function askSources(
  provider: CryptoProvider,
  clock: Clock,
  memory: AuthorityMemory,
  sources: readonly RestoreSource[],
): Promise<readonly SourceAnswer[]> {
  return await Promise.all(
    sources.map(async (source): Promise<SourceAnswer> => {
      const { name } = source;
      try {
        return { name, objects: await inTime(clock, retainedBy(provider, memory, source)) };
      } catch (error) {
        return { name, objects: undefined, error };
      }
    }),
  );
}

/** What a source retains of the authority of a snapshot. */
export async function retainedBy(
  provider: CryptoProvider,
  memory: AuthorityMemory,
  source: Pick<RestoreSource, 'retained'>,
): Promise<RetainedObjects> {
  const { authorityId32 } = memory;
  const ask = async (type: number, id: Uint8Array = nothing) => {
    const found = await source.retained(addressOf(provider, authorityId32, type, id));
    return found.slice(type === addressTypes.authorityRecord ? -mostRecords : -mostObjects);
  };
  const groupIds = memory.groups.map(({ record }) => {
    return decodeGroupRecord(provider, parseObject(provider, record, objectKinds.groupRecord)).groupId16;
  });
  const askAll = async (type: number) => (await Promise.all(groupIds.map((id) => ask(type, id)))).flat();
  const [authorityRecords, heads, policies, revocationLists, groupHeads, blocks, edgeLists] = await Promise.all([
    ask(addressTypes.authorityRecord),
    ask(addressTypes.head),
    ask(addressTypes.policy),
    ask(addressTypes.revocationList),
    askAll(addressTypes.groupHead),
    askAll(addressTypes.keyBlock),
    askAll(addressTypes.edgeList),
  ]);
  return { authorityRecords, heads, policies, revocationLists, groupHeads, blocks, edgeLists };
}

/**
 * Verifies what sources answered, each object by itself: what one source made up takes nothing from what the others show.
 *
 * @throws TridcommError `E_FORK` where a source shows another authority record in the place of one of ours, signed by the root: then members
 * may follow a chain that this state knows nothing of
 * @spec groups.22, groups.23
 */
export function findOut(
  provider: CryptoProvider,
  memory: AuthorityMemory,
  answers: readonly SourceAnswer[],
  nowMs: number,
): Findings {
  const { chain, added } = joinChains(provider, memory, answers, nowMs);
  const examiner = new Examiner(provider, memory, chain);
  const verified = answers.map((answer) => examiner.verify(answer));
  const newest = verified
    .flatMap(({ policies }) => policies)
    .reduce<ProvenPolicy | undefined>((a, b) => (a === undefined || b.version > a.version ? b : a), undefined);
  const edgeLists = verified.flatMap(({ edgeLists }) => edgeLists);
  return {
    testimonies: verified.map(({ testimony }) => testimony),
    sources: {
      authorityRecords: added,
      heads: verified.flatMap(({ heads }) => heads),
      blocks: verified.flatMap(({ blocks }) => blocks),
      revocationLists: verified.flatMap(({ revocationLists }) => revocationLists),
      policies: verified.flatMap(({ policies }) => policies.map(({ bytes }) => bytes)),
      edgeLists: newest === undefined ? [] : edgeLists.filter((bytes) => examiner.isEdgeListOf(newest, bytes)),
    },
  };
}

/** A policy that a verified head names. */
interface ProvenPolicy {
  readonly bytes: Uint8Array;
  readonly version: number;
  readonly headBytes: Uint8Array;
}

interface VerifiedAnswer {
  readonly testimony: Testimony;
  readonly heads: readonly Uint8Array[];
  readonly blocks: readonly Uint8Array[];
  readonly revocationLists: readonly Uint8Array[];
  readonly policies: readonly ProvenPolicy[];
  /** Not verified: that takes the newest policy of all. */
  readonly edgeLists: readonly Uint8Array[];
}

/** Verifies one object after the other, under the chain of authority records that all sources show together. */
class Examiner {
  readonly #provider: CryptoProvider;
  readonly #authorityId32: Uint8Array;
  readonly #chain: Parameters<typeof examine>[2];
  readonly #controller: PublicKey;

  constructor(provider: CryptoProvider, memory: AuthorityMemory, chain: readonly Uint8Array[]) {
    this.#provider = provider;
    this.#authorityId32 = memory.authorityId32;
    this.#chain = chain.map((bytes) => readAuthorityRecord(provider, bytes));
    const publicKey32 = provider.publicKey('ed25519', memory.controllerSeed32);
    this.#controller = publicKeyOf(provider, keyAlgorithms.ed25519, publicKey32);
  }

  verify({ name, objects, error }: SourceAnswer): VerifiedAnswer {
    const none = { heads: [], blocks: [], revocationLists: [], policies: [], edgeLists: [] };
    if (objects === undefined) return { ...none, testimony: { name, kind: 'silent', head: undefined, error } };
    const heads = [...objects.heads, ...objects.groupHeads];
    const proven = heads.flatMap((bytes) => {
      const found = this.#examine(bytes, {});
      return found === undefined ? [] : [{ bytes, head: found.head }];
    });
    const highest = proven.reduce<(typeof proven)[number] | undefined>(
      (a, b) => (a === undefined || b.head.headSeq > a.head.headSeq ? b : a),
      undefined,
    );
    if (highest === undefined) {
      const kind = heads.length === 0 ? 'nothing' : 'unproven';
      return { ...none, testimony: { name, kind, head: undefined } };
    }
    const passes = (sources: Partial<RestoreSources>) => this.#examine(highest.bytes, sources) !== undefined;
    return {
      testimony: { name, kind: 'head', head: highest.head },
      heads: proven.map(({ bytes }) => bytes),
      blocks: objects.blocks.filter((bytes) => passes({ blocks: [bytes] })),
      revocationLists: objects.revocationLists.filter((bytes) => passes({ revocationLists: [bytes] })),
      policies: objects.policies.flatMap((bytes) => {
        const policy = this.#examine(highest.bytes, { policies: [bytes] })?.policy;
        return policy === undefined ? [] : [{ bytes, version: policy.version, headBytes: highest.bytes }];
      }),
      edgeLists: objects.edgeLists,
    };
  }

  isEdgeListOf({ bytes, headBytes }: ProvenPolicy, edgeList: Uint8Array): boolean {
    return this.#examine(headBytes, { policies: [bytes], edgeLists: [edgeList] }) !== undefined;
  }

  /** What an object beside a head shows; undefined where it is refused. */
  #examine(head: Uint8Array, sources: Partial<RestoreSources>): Evidence | undefined {
    return orUndefined(() => {
      const all = { blocks: [], ...sources, heads: [head, head] };
      return examine(this.#provider, this.#authorityId32, this.#chain, this.#controller, all);
    });
  }
}

/** The chain of the snapshot, and what sources show of what came after it. */
function joinChains(
  provider: CryptoProvider,
  { authorityId32, chain }: AuthorityMemory,
  answers: readonly SourceAnswer[],
  nowMs: number,
): { readonly chain: readonly Uint8Array[]; readonly added: readonly Uint8Array[] } {
  const trust = new Trust({ provider, authorityId32 });
  for (const bytes of chain) trust.takeAuthorityRecord(bytes, nowMs);
  const shown = answers
    .flatMap(({ objects }) => objects?.authorityRecords ?? [])
    .flatMap((bytes) => {
      const record = orUndefined(() => readAuthorityRecord(provider, bytes));
      return record === undefined ? [] : [{ bytes, serial: record.serial }];
    })
    .sort((a, b) => a.serial - b.serial);
  const added = shown.flatMap(({ bytes }) => {
    try {
      return trust.takeAuthorityRecord(bytes, nowMs) === 'held' ? [bytes] : [];
    } catch (error) {
      if (!(error instanceof TridcommError)) throw error;
      if (error.code !== 'E_FORK') return [];
      throw new TridcommError('E_FORK', 'a source shows another chain of authority records than this state', {
        cause: error,
      });
    }
  });
  return { chain: [...chain, ...added], added };
}

async function inTime<T>(clock: Clock, work: Promise<T>): Promise<T> {
  return await new Promise((resolve, reject) => {
    const callOff = clock.after(answerMs, () => {
      reject(new TridcommError('E_TRANSPORT', `no answer within ${answerMs} ms`));
    });
    work.then(resolve, reject).finally(callOff);
  });
}

/** What is refused is as if it were not there. */
function orUndefined<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof TridcommError) return undefined;
    throw error;
  }
}

const answerMs = 30_000;
/** That are looked at: a chain of authority records grows by one at each start. */
const mostRecords = 65_536;
/** That are looked at under any other address. */
const mostObjects = 64;
const nothing = new Uint8Array(0);
