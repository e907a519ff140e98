/** The controller, members, tree and keys that the vectors of chapters 08 and 09 share. */
import type { Json, Members } from './json.ts';
import { makeBlock, type BlockBend, type BlockHeader, type BlockRecipe, type MadeBlock } from './twin/blocks.ts';
import { hex, seeded, zeros, type Bytes } from './twin/bytes.ts';
import { makeEnrolment, type EnrolmentHeader, type EnrolmentRecipe } from './twin/enrolments.ts';
import { encodeBody, keyPair, type Fields, type KeyPair } from './twin/objects.ts';
import { cover, pathOf, stepKey } from './twin/subtree.ts';
import { x25519Public } from './twin/x25519.ts';
import { NOW } from './world.ts';

export const CONTROLLER: KeyPair = keyPair(seeded('seed of controller', 32));
export const OTHER_CONTROLLER: KeyPair = keyPair(seeded('seed of other controller', 32));

export interface MemberPerson extends KeyPair {
  /** secret halves; the first is the newest */
  prekeys: Bytes[];
  leaf: number;
}
function member(name: string, leaf: number): MemberPerson {
  return {
    ...keyPair(seeded(`seed of ${name}`, 32)),
    prekeys: [1, 2, 3].map((i) => seeded(`prekey ${i} of ${name}`, 32)),
    leaf,
  };
}
export const ANNA: MemberPerson = member('anna', 2);
export const BEN: MemberPerson = member('ben', 5);
export const CARA: MemberPerson = member('cara', 3);

const publics = new Map<string, Bytes>();
/** The public half of a prekey. */
export function pub(secret: Bytes): Bytes {
  const known = publics.get(hex(secret));
  if (known !== undefined) return known;
  const made = x25519Public(secret);
  publics.set(hex(secret), made);
  return made;
}
export function prekeyOf(m: MemberPerson, index = 0): Bytes {
  return m.prekeys[index] ?? zeros(32);
}

export const AUTHORITY: Bytes = seeded('authority of the groups', 32);
export const GROUP: Bytes = seeded('group id', 16);
export const OTHER_GROUP: Bytes = seeded('other group id', 16);
const HEIGHT = 3;
export const BASE = 5;
const HOUR = 3_600_000n;

export const PRIVATE_FIELDS: Fields = {
  patterns: ['orders/new'],
  route_secrets: [{ from_period: 0, secret32: seeded('route secret', 32) }],
};
export const PRIVATE: Bytes = encodeBody('GroupPrivate', PRIVATE_FIELDS);

/** Node keys are independent; those of a generation at its base epoch, and stepped. */
const stepped = new Map<string, Bytes>();
export function nodeKey(generation: number, node: bigint, steps: number): Bytes {
  const name = `${generation}/${node}/${steps}`;
  let key = stepped.get(name);
  if (key === undefined) {
    key = steps === 0 ? seeded(`node key ${generation} ${node}`, 32) : stepKey(nodeKey(generation, node, 0), steps);
    stepped.set(name, key);
  }
  return key;
}

function blockHeader(over: Partial<BlockHeader> = {}): BlockHeader {
  return {
    kind: 2,
    suite: 1,
    groupId: GROUP,
    generation: 1,
    epoch: 7,
    notBefore: NOW,
    notAfter: NOW + HOUR,
    drainUntil: NOW + 600_000n,
    salt: seeded(`block salt ${over.generation ?? 1} ${over.epoch ?? 7}`, 16),
    prevBlockHash: seeded('previous block', 32),
    policyRoot: seeded('policy root', 32),
    policyVersion: 3n,
    baseEpoch: BASE,
    purpose: 1,
    flags: 0,
    height: (over.kind ?? 2) === 2 ? HEIGHT : 0,
    ...over,
  };
}

export interface BlockSpec extends Partial<BlockHeader> {
  excluded?: number[];
  /** kind 1; anna, ben and cara unless told otherwise */
  recipients?: Bytes[];
  psk?: Bytes;
  name?: string;
  private?: Bytes;
  prev?: MadeBlock;
  seed?: Bytes;
  bend?: BlockBend;
}

export function blockRecipe(s: BlockSpec = {}): BlockRecipe {
  const { excluded, recipients, psk, name, private: own, prev, seed, bend, ...over } = s;
  const header = blockHeader(prev === undefined ? over : { prevBlockHash: prev.blockHash, ...over });
  const secret = seeded(`epoch secret ${header.generation} ${header.epoch} ${name ?? ''}`, 32);
  const list = recipients ?? [ANNA, BEN, CARA].map((m) => pub(prekeyOf(m)));
  return {
    header,
    seed: seed ?? CONTROLLER.seed,
    private: own ?? PRIVATE,
    ...(header.kind === 5 ? { psk: psk ?? PSK } : { epochSecret: secret }),
    ...(header.kind === 1
      ? { recipients: list, rng: seeded(`ephemerals ${header.epoch} ${name ?? ''}`, 32 * list.length) }
      : {}),
    ...(header.kind === 2
      ? {
          nodes: cover(header.height, excluded ?? []).map((node) => ({
            node,
            key: nodeKey(header.generation, node, header.epoch - header.baseEpoch),
          })),
        }
      : {}),
    ...(bend === undefined ? {} : { bend }),
  };
}
export const PSK: Bytes = seeded('pre-shared key', 32);

export function block(s: BlockSpec = {}): MadeBlock {
  return makeBlock(blockRecipe(s));
}

export interface EnrolmentSpec extends Partial<EnrolmentHeader> {
  member?: MemberPerson;
  /** which of its prekeys, or any public key */
  prekey?: number | Bytes;
  baseEpoch?: number;
  seed?: Bytes;
  authorityId?: Bytes;
  bend?: EnrolmentRecipe['bend'];
  name?: string;
}

export function enrolmentRecipe(s: EnrolmentSpec = {}): EnrolmentRecipe {
  const { member: who = ANNA, prekey = 0, baseEpoch = BASE, seed, authorityId, bend, name, ...over } = s;
  const header: EnrolmentHeader = {
    kind: 2,
    suite: 1,
    groupId: GROUP,
    generation: 1,
    epoch: 7,
    height: HEIGHT,
    leaf: BigInt(who.leaf),
    issued: NOW,
    policyVersion: 3n,
    ...over,
  };
  const steps = Math.max(0, header.epoch - baseEpoch);
  return {
    header,
    seed: seed ?? CONTROLLER.seed,
    memberKeyId: who.keyId,
    prekey: typeof prekey === 'number' ? pub(prekeyOf(who, prekey)) : prekey,
    authorityId: authorityId ?? AUTHORITY,
    nodeKeys: pathOf(header.height, Number(header.leaf)).map((v) => nodeKey(header.generation, v, steps)),
    rng: seeded(`enrolment ${header.generation} ${header.epoch} ${header.leaf} ${name ?? ''}`, 32),
    ...(bend === undefined ? {} : { bend }),
  };
}
export function enrolment(s: EnrolmentSpec = {}): Bytes {
  return makeEnrolment(enrolmentRecipe(s));
}

export function blockHeaderJson(h: BlockHeader): Members {
  return {
    kind: h.kind,
    suite: h.suite,
    groupId: hex(h.groupId),
    generation: h.generation,
    epoch: h.epoch,
    notBefore: h.notBefore.toString(),
    notAfter: h.notAfter.toString(),
    drainUntil: h.drainUntil.toString(),
    salt: hex(h.salt),
    prevBlockHash: hex(h.prevBlockHash),
    policyRoot: hex(h.policyRoot),
    policyVersion: h.policyVersion.toString(),
    baseEpoch: h.baseEpoch,
    purpose: h.purpose,
    flags: h.flags,
    height: h.height,
  };
}

export function makeIn(r: BlockRecipe): Members {
  const out: Members = { header: blockHeaderJson(r.header), seed: hex(r.seed), private: hex(r.private) };
  if (r.epochSecret !== undefined) out['epochSecret'] = hex(r.epochSecret);
  if (r.recipients !== undefined) {
    out['recipients'] = r.recipients.map(hex);
    out['rng'] = hex(r.rng ?? zeros(0));
  }
  if (r.nodes !== undefined) {
    out['nodes'] = r.nodes.map(({ node, key }): Json => ({ node: node.toString(), key: hex(key) }));
  }
  if (r.psk !== undefined) out['psk'] = hex(r.psk);
  return out;
}
export function makeOut(b: MadeBlock): Members {
  return {
    block: hex(b.bytes),
    groupCtx: hex(b.groupCtx),
    epochCommit: hex(b.epochCommit),
    entriesRoot: hex(b.entriesRoot),
    blockHash: hex(b.blockHash),
    signInput: hex(b.signInput),
  };
}
