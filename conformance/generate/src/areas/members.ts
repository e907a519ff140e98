/** members.json, openings.json, enrolments.json: a member that takes blocks and enrolments one after the other. */
import { VectorFile, type Group } from '../cases.ts';
import {
  ANNA,
  AUTHORITY,
  BASE,
  BEN,
  block,
  CARA,
  CONTROLLER,
  enrolment,
  enrolmentRecipe,
  GROUP,
  nodeKey,
  OTHER_CONTROLLER,
  OTHER_GROUP,
  prekeyOf,
  PRIVATE,
  PRIVATE_FIELDS,
  PSK,
  pub,
  type BlockSpec,
  type EnrolmentSpec,
  type MemberPerson,
} from '../groupworld.ts';
import type { Json, Members } from '../json.ts';
import * as aead from '../twin/aead.ts';
import {
  encodePartial,
  HDR,
  listInfo,
  partialParts,
  wrapKey,
  type MadeBlock,
  type PartialParts,
} from '../twin/blocks.ts';
import { cat, flip, hex, put, seeded, text, u16, u64, u8, zeros, type Bytes } from '../twin/bytes.ts';
import { collide } from '../twin/collide.ts';
import { EN, makeEnrolment, type EnrolmentRecipe } from '../twin/enrolments.ts';
import { H } from '../twin/hash.ts';
import { receiverKey, sealBase } from '../twin/hpke.ts';
import { encodeBody, putNumber, wire, type Fields, type KeyPair } from '../twin/objects.ts';
import { pathOf } from '../twin/subtree.ts';

interface Step {
  step: Members;
  result: Members;
}

function opened(b: MadeBlock, own: Bytes = PRIVATE): Members {
  return {
    opened: {
      epochSecret: hex(b.epochSecret),
      epochCommit: hex(b.epochCommit),
      groupCtx: hex(b.groupCtx),
      blockHash: hex(b.blockHash),
      private: hex(own),
    },
  };
}
const opens = (b: MadeBlock, own?: Bytes): Step => ({ step: { block: hex(b.bytes) }, result: opened(b, own) });
const opensBytes = (bytes: Bytes, b: MadeBlock): Step => ({ step: { block: hex(bytes) }, result: opened(b) });
const known = (bytes: Bytes): Step => ({ step: { block: hex(bytes) }, result: { known: true } });
const refused = (b: MadeBlock | Bytes, error: string): Step => ({
  step: { block: hex(b instanceof Uint8Array ? b : b.bytes) },
  result: { error },
});
const enrolled = (bytes: Bytes): Step => ({ step: { enrolment: hex(bytes) }, result: { held: true } });
const enrolKnown = (bytes: Bytes): Step => ({ step: { enrolment: hex(bytes) }, result: { known: true } });
const enrolRefused = (bytes: Bytes, error: string): Step => ({ step: { enrolment: hex(bytes) }, result: { error } });

interface Seat {
  generation?: number;
  epoch: number;
  leaf?: number;
  height?: number;
  base?: number;
}
/** What `keys` answers: the node keys of each seat, stepped to its epoch. */
function keys(...seats: Seat[]): Step {
  return {
    step: { keys: true },
    result: {
      enrolments: seats.map((s): Json => {
        const { generation = 1, leaf = ANNA.leaf, height = 3, base = BASE } = s;
        return {
          generation,
          epoch: s.epoch,
          leaf,
          nodeKeys: pathOf(height, leaf).map((v) => hex(nodeKey(generation, v, s.epoch - base))),
        };
      }),
    },
  };
}

interface Who {
  member?: MemberPerson;
  prekeys?: Bytes[];
  suites?: number[];
  suiteFloor?: number;
  psk?: Bytes;
  group?: Members;
}

function input(steps: readonly Step[], w: Who = {}): Members {
  const m = w.member ?? ANNA;
  const member: Members = {
    keyId: hex(m.keyId),
    suites: w.suites ?? [1, 2],
    suiteFloor: w.suiteFloor ?? 1,
    prekeys: (w.prekeys ?? m.prekeys.slice(0, 2)).map(hex),
  };
  if (w.psk !== undefined) member['psk'] = hex(w.psk);
  return {
    authorityId: hex(AUTHORITY),
    member,
    group: {
      groupId: hex(GROUP),
      purpose: 1,
      suite: 1,
      blockKind: 2,
      controllerPublicKey: hex(CONTROLLER.publicKey),
      topicChains: false,
      ...w.group,
    },
    steps: steps.map((s) => s.step),
  };
}

type Add = (
  id: string,
  comment: string,
  steps: readonly Step[],
  spec: string[],
  more?: { who?: Who; flags?: string[] },
) => void;

function adder(g: Group): Add {
  return (id, comment, steps, spec, more = {}) => {
    g.valid(id, {
      comment,
      in: input(steps, more.who),
      out: { results: steps.map((s) => s.result) },
      spec,
      flags: more.flags ?? [],
    });
  };
}

const runner =
  (file: VectorFile) =>
  (id: string): Add =>
    adder(file.group(id, 'member.run', 'groups', 'source'));

export function members(): VectorFile {
  const file = new VectorFile('members');
  const run = runner(file);
  opening(run('open'));
  rights(run('rights'));
  places(run('places'));
  own(run('entry'));
  seats(run('seats'));
  return file;
}

/** Blocks that fail in step 8 or 11, and partial blocks. */
export function openings(): VectorFile {
  const file = new VectorFile('openings');
  const run = runner(file);
  signatures(run('signatures'));
  contents(run('contents'));
  partialBlocks(run('partial'));
  return file;
}

export function enrolments(): VectorFile {
  const file = new VectorFile('enrolments');
  making(file);
  enrolling(runner(file)('run'));
  return file;
}

const EN_KEYS = ['groups.13'];

function making(file: VectorFile): void {
  const g = file.group('make', 'enrolment.make', 'groups', 'body', false);
  const asked = (r: EnrolmentRecipe): Members => ({
    header: {
      kind: r.header.kind,
      suite: r.header.suite,
      groupId: hex(r.header.groupId),
      generation: r.header.generation,
      epoch: r.header.epoch,
      height: r.header.height,
      leaf: r.header.leaf.toString(),
      issued: r.header.issued.toString(),
      policyVersion: r.header.policyVersion.toString(),
    },
    seed: hex(r.seed),
    memberKeyId: hex(r.memberKeyId),
    prekey: hex(r.prekey),
    authorityId: hex(r.authorityId),
    nodeKeys: r.nodeKeys.map(hex),
    rng: hex(r.rng),
  });
  const good = (id: string, comment: string, s: EnrolmentSpec): void => {
    const r = enrolmentRecipe(s);
    g.valid(id, { comment, in: asked(r), out: { enrolment: hex(makeEnrolment(r)) }, spec: EN_KEYS });
  };
  good('suite-1', 'Leaf 2 of a tree of height 3, four node keys', {});
  good('suite-2', 'The same in suite 2', { suite: 2 });
  good('height-0', 'A tree of one leaf: one key', { height: 0, leaf: 0n });
  good('height-24', 'The last leaf of the highest tree: 25 keys', { height: 24, leaf: 2n ** 24n - 1n });
  good('join-now', 'Keys of the running epoch', { epoch: 6 });
  const bad = (id: string, comment: string, over: Members, error: string | string[], spec: string[]): void => {
    const base = asked(enrolmentRecipe({}));
    g.invalid(id, { comment, in: { ...base, ...over }, error, spec, from: 'suite-1', layer: 'body' });
  };
  const header = (over: Members): Members => {
    const base = asked(enrolmentRecipe({}))['header'];
    return { header: { ...(base as Members), ...over } };
  };
  bad('leaf-8', 'Leaf 8 of a tree of height 3', header({ leaf: '8' }), ['E_USAGE', 'E_ENCODING'], EN_KEYS);
  bad(
    'height-25',
    'Height 25',
    { ...header({ height: 25 }), nodeKeys: Array.from({ length: 26 }, () => hex(zeros(32))) },
    'E_LIMIT',
    EN_KEYS,
  );
  bad('kind-1', 'A kind that needs no enrolment', header({ kind: 1 }), ['E_USAGE', 'E_ENCODING'], EN_KEYS);
  bad(
    'too-few-keys',
    'Three keys for height 3',
    { nodeKeys: [1, 2, 3].map(() => hex(zeros(32))) },
    ['E_USAGE', 'E_LENGTH'],
    EN_KEYS,
  );
  bad('no-rng', 'Randomness runs out', { rng: hex(zeros(31)) }, 'E_USAGE', ['conventions.6']);
  bad('small-order-prekey', 'A prekey with which every shared secret is zero', { prekey: hex(zeros(32)) }, 'E_KEY', [
    'suites.5',
  ]);
}

const OPEN = ['groups.1', 'groups.3', 'groups.5'];
/** An enrolment of anna at epoch 7, and the block of epoch 7 without ben. */
const ENROLMENT: Bytes = enrolment();
const B7: MadeBlock = block({ excluded: [BEN.leaf] });
const B8: MadeBlock = block({ epoch: 8, excluded: [BEN.leaf], prev: B7 });
const LIST: Who = { group: { blockKind: 1 } };

function opening(add: Add): void {
  add(
    'subtree',
    'Enrolled at epoch 7; its block opens, and the keys are those of epoch 7',
    [enrolled(ENROLMENT), opens(B7), keys({ epoch: 7 })],
    [...OPEN, 'groups.12', 'groups.14'],
  );
  {
    const b = block({ suite: 2, excluded: [BEN.leaf] });
    add('subtree-suite-2', 'The same in suite 2', [enrolled(enrolment({ suite: 2 })), opens(b)], OPEN, {
      who: { group: { suite: 2 } },
    });
  }
  for (const suite of [1, 2]) {
    const b = block({ kind: 1, suite });
    add(`list-suite-${suite}`, 'A list with an entry for its newest prekey', [opens(b), keys()], OPEN, {
      who: { group: { blockKind: 1, suite } },
    });
    const p = block({ kind: 5, suite });
    add(`psk-suite-${suite}`, 'A pre-shared key', [opens(p), keys()], OPEN, {
      who: { psk: PSK, group: { blockKind: 5, suite } },
    });
  }
  const older = block({ kind: 1, recipients: [pub(prekeyOf(BEN)), pub(prekeyOf(ANNA, 1))] });
  add('list-older-prekey', 'A list with an entry for the older of its prekeys', [opens(older)], OPEN, { who: LIST });
  const chain = [7, 8, 9].reduce<MadeBlock[]>((list, epoch) => {
    const prev = list[list.length - 1];
    return [...list, block({ kind: 1, epoch, ...(prev === undefined ? {} : { prev }) })];
  }, []);
  add(
    'list-chain',
    'Three lists in turn to one prekey, which stays in use as long as it lives',
    chain.map((b) => opens(b)),
    OPEN,
    {
      who: LIST,
    },
  );
  const psks = [block({ kind: 5, epoch: 7 })];
  psks.push(block({ kind: 5, epoch: 8, ...(psks[0] === undefined ? {} : { prev: psks[0] }) }));
  add(
    'psk-chain',
    'Two epochs of one pre-shared key: two secrets',
    psks.map((b) => opens(b)),
    OPEN,
    {
      who: { psk: PSK, group: { blockKind: 5 } },
    },
  );
  {
    const all = block();
    add('root', 'Nobody is excluded: the entry of the root', [enrolled(ENROLMENT), opens(all)], OPEN);
    const alone = block({ excluded: [0, 1, 3, 4, 5, 6, 7] });
    add('leaf', 'Everybody else is excluded: the entry of its own leaf', [enrolled(ENROLMENT), opens(alone)], OPEN);
    const sibling = block({ excluded: [3] });
    add(
      'sibling-excluded',
      'Its sibling is excluded: the entry of its own leaf, among others',
      [enrolled(ENROLMENT), opens(sibling)],
      OPEN,
    );
  }
  add(
    'height-0',
    'A tree of one leaf',
    [enrolled(enrolment({ height: 0, leaf: 0n })), opens(block({ height: 0 }))],
    OPEN,
  );
  {
    const far = { height: 24, leaf: 2n ** 24n - 1n };
    const b = block({ height: 24, excluded: [0] });
    add('height-24', 'The last leaf of the highest tree', [enrolled(enrolment(far)), opens(b)], OPEN);
  }
  const b9 = block({ epoch: 9, prev: B8 });
  add(
    'chain',
    'Blocks 7, 8 and 9, each naming the one before; the keys are stepped with each',
    [enrolled(ENROLMENT), opens(B7), keys({ epoch: 7 }), opens(B8), keys({ epoch: 8 }), opens(b9), keys({ epoch: 9 })],
    [...OPEN, 'groups.9', 'groups.12'],
    { flags: ['Stepped'] },
  );
  add(
    'away',
    'Away for ten epochs: block 17 opens after block 7, and names a block that the member never saw',
    [enrolled(ENROLMENT), opens(B7), opens(block({ epoch: 17 })), keys({ epoch: 17 })],
    ['groups.9', 'groups.11', 'groups.12'],
    { flags: ['Stepped'] },
  );
  add(
    'late',
    'Enrolled at epoch 7; the first block that it sees is 9',
    [enrolled(ENROLMENT), opens(b9), keys({ epoch: 9 })],
    OPEN,
  );
  add(
    'before',
    'Before its first block the keys are those of the enrolment',
    [keys(), enrolled(ENROLMENT), keys({ epoch: 7 })],
    ['groups.12', 'groups.14'],
  );
  add(
    'known',
    'The block held comes again, twice',
    [enrolled(ENROLMENT), opens(B7), known(B7.bytes), known(B7.bytes), keys({ epoch: 7 })],
    ['groups.7'],
    { flags: ['Replayed'] },
  );
  add(
    'after-refusals',
    'What was refused changed nothing: the right block still opens',
    [
      enrolled(ENROLMENT),
      refused(flip(B7.bytes, -1), 'E_SIG'),
      refused(B7.bytes.slice(0, -1), 'E_LENGTH'),
      refused(block({ epoch: 900, excluded: [ANNA.leaf] }), 'E_REVOKED'),
      keys({ epoch: 7 }),
      opens(B7),
    ],
    ['groups.3', 'groups.12'],
  );
}

/** groups.1, groups.2, principals.15, and step 7. */
function rights(add: Add): void {
  const anna = [enrolled(ENROLMENT)];
  const no = (
    id: string,
    comment: string,
    s: BlockSpec,
    error: string,
    spec: string[],
    more: { who?: Who; flags?: string[] } = {},
  ): void => {
    add(id, comment, [...anna, refused(block(s), error), opens(B7)], spec, more);
  };
  const by = (k: KeyPair): BlockSpec => ({ seed: k.seed });
  const stranger = { flags: ['Impersonation'] };
  no(
    'member',
    'A block signed by a member that is no controller, who says so',
    by(BEN),
    'E_POLICY',
    ['groups.1', 'groups.2'],
    stranger,
  );
  no('self', 'A block that the receiver itself made', by(ANNA), 'E_POLICY', ['groups.1', 'groups.2'], stranger);
  no(
    'own-controller',
    'A block that names a controller of its own',
    by(OTHER_CONTROLLER),
    'E_POLICY',
    ['groups.1', 'groups.2'],
    stranger,
  );
  no(
    'key-id-without-key',
    'A block that names as controller what no key has',
    { bend: { controllerKeyId: zeros(32) } },
    'E_POLICY',
    ['groups.1'],
    stranger,
  );
  no(
    'controller-late',
    'The controller of another group record: the one held decides',
    { ...by(OTHER_CONTROLLER), generation: 2, epoch: 8 },
    'E_POLICY',
    ['groups.1'],
    stranger,
  );
  no('group', 'A block of another group', { groupId: OTHER_GROUP }, 'E_BINDING', ['groups.3']);
  no(
    'group-before-controller',
    'Another group and another controller',
    { ...by(BEN), groupId: OTHER_GROUP },
    'E_BINDING',
    ['groups.3'],
    { flags: ['Order'] },
  );
  no('suite', "A suite that is not the group record's", { suite: 2 }, 'E_POLICY', ['groups.3', 'principals.15'], {
    flags: ['Downgrade'],
  });
  no('kind', 'A list in a group of complete subtrees', { kind: 1 }, 'E_POLICY', ['groups.3'], { flags: ['Downgrade'] });
  no('kind-psk', 'A block of kind 5 in a group of complete subtrees', { kind: 5 }, 'E_POLICY', ['groups.3'], {
    flags: ['Downgrade'],
  });
  no('purpose', 'A block for BUS in a group for PUB/SUB', { purpose: 2 }, 'E_POLICY', ['groups.3']);
  no(
    'controller-before-signature',
    'Another controller and a broken signature',
    { ...by(BEN), bend: { signSeed: ANNA.seed } },
    'E_POLICY',
    ['groups.3'],
    { flags: ['Order'] },
  );
  no(
    'kind-before-signature',
    'Another kind and a broken signature',
    { kind: 1, bend: { signSeed: ANNA.seed } },
    'E_POLICY',
    ['groups.3'],
    { flags: ['Order'] },
  );
  const list1 = block({ kind: 1 });
  const list2 = block({ kind: 1, suite: 2 });
  const weak = { flags: ['Downgrade'] };
  add(
    'suite-not-listed',
    "The suite of the group is not in the member's own record",
    [refused(list1, 'E_POLICY')],
    ['principals.15'],
    {
      who: { ...LIST, suites: [2] },
      ...weak,
    },
  );
  add('suite-2-not-listed', 'The same with suite 2', [refused(list2, 'E_POLICY')], ['principals.15'], {
    who: { group: { blockKind: 1, suite: 2 }, suites: [1] },
    ...weak,
  });
  add(
    'suite-below-floor',
    "The suite is listed, but weaker than the member's floor",
    [refused(list1, 'E_POLICY')],
    ['principals.15'],
    {
      who: { ...LIST, suiteFloor: 2 },
      ...weak,
    },
  );
  add(
    'suites-unknown-listed',
    'The member also lists suites that nobody knows yet',
    [opens(list1)],
    ['principals.15'],
    {
      who: { ...LIST, suites: [1, 2, 17, 4242] },
    },
  );
  add(
    'enrolment-suite-not-listed',
    'The same for an enrolment',
    [enrolRefused(ENROLMENT, 'E_POLICY')],
    ['principals.15'],
    {
      who: { suites: [2] },
      ...weak,
    },
  );
  add(
    'enrolment-suite-below-floor',
    'An enrolment below the floor',
    [enrolRefused(ENROLMENT, 'E_POLICY')],
    ['principals.15'],
    {
      who: { suiteFloor: 2 },
      ...weak,
    },
  );
}

function signatures(add: Add): void {
  const no = (id: string, comment: string, bytes: Bytes, flag = 'Tampered', error = 'E_SIG'): void => {
    add(id, comment, [enrolled(ENROLMENT), refused(bytes, error)], ['groups.3'], { flags: [flag] });
  };
  const bent = (bend: BlockSpec['bend']): Bytes =>
    block({ excluded: [BEN.leaf], ...(bend === undefined ? {} : { bend }) }).bytes;
  no('by-member', 'It names the controller, and a member signed it', bent({ signSeed: BEN.seed }), 'Impersonation');
  for (const label of ['envelope', 'enrol', 'head', 'group', 'policy', 'close', 'keyblock ']) {
    const other = (input_: Bytes): Bytes => cat(text('tdc1 sig '), text(label), input_.slice(9 + 8));
    no(
      `label-${label.trim() === label ? label : 'longer'}`,
      `Signed under the label "${label}"`,
      bent({ signInput: other }),
      'BrokenSender',
    );
  }
  no(
    'ctx-shorter',
    'group_ctx32 over a header without its last byte',
    bent({ groupCtx: (_, hdr) => H(hdr.slice(0, 183)) }),
    'BrokenSender',
  );
  no(
    'ctx-fields',
    'group_ctx32 over group, generation and epoch alone',
    bent({ groupCtx: (_, hdr) => H(hdr.slice(8, 32)) }),
    'BrokenSender',
  );
  no(
    'ctx-shifted',
    'group_ctx32 over a header whose salt begins a byte later, so that all behind it is shifted',
    bent({
      groupCtx: (_, hdr) => H(hdr.slice(0, 56), u8(0), hdr.slice(56, 183)),
    }),
    'BrokenSender',
  );
  no(
    'ctx-swapped',
    'group_ctx32 over a header with generation and epoch swapped',
    bent({
      groupCtx: (_, hdr) => H(hdr.slice(0, 24), hdr.slice(28, 32), hdr.slice(24, 28), hdr.slice(32)),
    }),
    'BrokenSender',
  );
  no(
    'bound-to-authority',
    'The signature is bound to the authority, as those of chapter 07 are',
    bent({
      signInput: (i) => cat(i.slice(0, 9 + 8 + 1 + 32), AUTHORITY, i.slice(9 + 8 + 1 + 64)),
    }),
    'BrokenSender',
  );
  const field: [string, number][] = [
    ['generation', HDR.generation + 3],
    ['epoch', HDR.epoch + 3],
    ['not-before', HDR.notBefore + 7],
    ['not-after', HDR.notAfter + 7],
    ['drain-until', HDR.drainUntil + 7],
    ['salt', HDR.salt],
    ['prev', HDR.prevBlockHash],
    ['policy-root', HDR.policyRoot + 31],
    ['policy-version', HDR.policyVersion + 7],
    ['base-epoch', HDR.baseEpoch + 3],
    ['flags', HDR.flags],
    ['commit', 184],
  ];
  for (const [name, at] of field) no(`changed-${name}`, `${name} was changed on the way`, flip(B7.bytes, at));
  const withPrivate = B7.bytes.length - 64 - 1;
  no('changed-entry', "A byte of another member's entry was changed", flip(B7.bytes, 220 + 56 + 20));
  no('changed-private', 'A byte of the own part was changed', flip(B7.bytes, withPrivate));
  no('changed-signature', 'A bit of the signature was changed', flip(B7.bytes, -1));
  no('zero-signature', 'A signature of zeros', cat(B7.bytes.slice(0, -64), zeros(64)));
  const entryAway = cat(
    B7.bytes.slice(0, 216),
    zeros(3),
    u8(B7.entries.length - 1),
    B7.bytes.slice(220, 220 + 56 * (B7.entries.length - 1)),
    B7.bytes.slice(220 + 56 * B7.entries.length),
  );
  no('entry-away', 'A broker took away the last entry', entryAway);
  no(
    'signature-before-place',
    'A block of a lower epoch, and a broken signature',
    flip(block({ epoch: 6 }).bytes, -1),
    'Order',
  );
  no(
    'signature-before-revoked',
    'A block that excludes the member, and a broken signature',
    flip(block({ excluded: [ANNA.leaf] }).bytes, -1),
    'Order',
  );
}

function places(add: Add): void {
  const start = [enrolled(ENROLMENT), opens(B7)];
  const b6 = block({ epoch: 6 });
  const fork = block({ name: 'fork', salt: seeded('another salt', 16), excluded: [BEN.leaf] });
  add(
    'lower',
    'A block of a lower epoch than the one held',
    [...start, refused(b6, 'E_EPOCH'), known(B7.bytes)],
    ['groups.7'],
    { flags: ['Replayed'] },
  );
  add(
    'former',
    'A block that was accepted before the one held: not known, but behind',
    [...start, opens(B8), refused(B7, 'E_EPOCH'), known(B8.bytes)],
    ['groups.7'],
    { flags: ['Replayed'] },
  );
  const gen2 = { generation: 2, epoch: 9, baseEpoch: 9 };
  const enrol2 = enrolment({ generation: 2, epoch: 9, baseEpoch: 9, prekey: 1 });
  const g2 = block(gen2);
  const started2 = [...start, enrolled(enrol2), opens(g2)];
  add(
    'generation',
    'A new generation: the epoch goes on, no predecessor is asked for',
    [...started2, keys({ generation: 2, epoch: 9, base: 9 })],
    ['groups.7', 'groups.9', 'groups.14'],
  );
  add(
    'former-generation',
    'A later epoch of a former generation',
    [...started2, refused(block({ epoch: 10 }), 'E_EPOCH')],
    ['groups.7'],
    { flags: ['Replayed'] },
  );
  add(
    'same-epoch-former-generation',
    'The epoch held, of a former generation: behind, and no fork',
    [...started2, refused(block({ epoch: 9 }), 'E_EPOCH')],
    ['groups.7', 'groups.8'],
  );
  add(
    'same-epoch-later-generation',
    'The epoch held, of a later generation: a fork',
    [...start, refused(block({ generation: 2, epoch: 7, baseEpoch: 7 }), 'E_FORK')],
    ['groups.8'],
    { flags: ['Fork'] },
  );
  add(
    'lower-epoch-later-generation',
    'A lower epoch of a later generation',
    [...start, refused(block({ generation: 2, epoch: 6, baseEpoch: 6 }), 'E_EPOCH')],
    ['groups.7'],
  );
  add(
    'fork',
    'Two blocks of one epoch: the first is kept, and the chain goes on from it',
    [...start, refused(fork, 'E_FORK'), known(B7.bytes), opens(B8), keys({ epoch: 8 })],
    ['groups.8'],
    { flags: ['Fork'] },
  );
  add(
    'fork-first',
    'The same two in the other order: whichever came first is kept',
    [enrolled(ENROLMENT), opens(fork), refused(B7, 'E_FORK'), refused(B8, 'E_FORK')],
    ['groups.8', 'groups.9'],
    { flags: ['Fork'] },
  );
  add(
    'fork-excluding',
    'A second block of the epoch that excludes the member: a fork before anything else',
    [...start, refused(block({ name: 'x', salt: seeded('salt x', 16), excluded: [ANNA.leaf] }), 'E_FORK')],
    ['groups.3', 'groups.8'],
    { flags: ['Fork', 'Order'] },
  );
  const otherOwn = block({
    excluded: [BEN.leaf],
    private: encodeBody('GroupPrivate', { ...PRIVATE_FIELDS, patterns: ['x'] }),
  });
  add(
    'fork-own-part',
    'The same header and secret with another own part is another block',
    [...start, refused(otherOwn, 'E_FORK')],
    ['groups.8'],
    { flags: ['Fork'] },
  );
  add(
    'prev',
    'The next epoch does not name the block held',
    [...start, refused(block({ epoch: 8, prevBlockHash: fork.blockHash }), 'E_FORK'), opens(B8)],
    ['groups.9'],
    { flags: ['Fork'] },
  );
  add(
    'prev-zeros',
    'The next epoch names no block',
    [...start, refused(block({ epoch: 8, prevBlockHash: zeros(32) }), 'E_FORK')],
    ['groups.9'],
    { flags: ['Fork'] },
  );
  add(
    'prev-signature',
    'The next epoch names the hash of all bytes, signature too',
    [...start, refused(block({ epoch: 8, prevBlockHash: H(B7.bytes) }), 'E_FORK')],
    ['groups.9'],
    { flags: ['Fork'] },
  );
  add(
    'prev-before-revoked',
    'The next epoch does not name the block held, and excludes the member',
    [...start, refused(block({ epoch: 8, excluded: [ANNA.leaf] }), 'E_FORK')],
    ['groups.3', 'groups.9'],
    { flags: ['Order'] },
  );
  add(
    'prev-of-gap',
    'After a gap no predecessor is asked for',
    [...start, opens(block({ epoch: 9, prevBlockHash: zeros(32) }))],
    ['groups.9'],
  );
  add(
    'place-before-revoked',
    'A lower epoch that excludes the member',
    [...start, refused(block({ epoch: 6, excluded: [ANNA.leaf] }), 'E_EPOCH')],
    ['groups.3', 'groups.7'],
    { flags: ['Order'] },
  );
  const restored = { generation: 2, epoch: 7 + 65_536, baseEpoch: 7 + 65_536 };
  add(
    'restored',
    'A restored authority: a new generation, 65,536 epochs above',
    [
      ...start,
      enrolled(enrolment({ ...restored, prekey: 1 })),
      opens(block(restored)),
      refused(B8, 'E_EPOCH'),
      refused(block({ epoch: 7 + 65_537 }), 'E_EPOCH'),
    ],
    ['groups.7', 'groups.22'],
  );
  add(
    'restored-not-enrolled',
    'The same without an enrolment in it: the blocks of the former generation are over all the same once it is',
    [...start, refused(block(restored), 'E_REVOKED'), opens(B8)],
    ['groups.3', 'groups.10'],
  );
  add(
    'psk',
    'Rollback and fork in a group with a pre-shared key',
    [
      opens(block({ kind: 5 })),
      refused(block({ kind: 5, epoch: 6 }), 'E_EPOCH'),
      refused(block({ kind: 5, salt: seeded('another salt', 16) }), 'E_FORK'),
      refused(block({ kind: 5, epoch: 8 }), 'E_FORK'),
    ],
    ['groups.7', 'groups.8', 'groups.9'],
    { who: { psk: PSK, group: { blockKind: 5 } } },
  );
}

/** groups.10, groups.11 */
function own(add: Add): void {
  const revoked = block({ excluded: [ANNA.leaf] });
  add(
    'revoked',
    'A revoked leaf: no entry covers it',
    [enrolled(ENROLMENT), refused(revoked, 'E_REVOKED'), keys({ epoch: 7 })],
    ['groups.10'],
    { flags: ['Cover'] },
  );
  add(
    'revoked-next',
    'Revoked with the next epoch, with flag 0',
    [
      enrolled(ENROLMENT),
      opens(B7),
      refused(block({ epoch: 8, flags: 1, excluded: [ANNA.leaf], prev: B7 }), 'E_REVOKED'),
      keys({ epoch: 7 }),
    ],
    ['groups.10'],
    { flags: ['Cover'] },
  );
  add(
    'revoked-neighbour',
    'The neighbour is revoked, not the member',
    [enrolled(ENROLMENT), opens(block({ excluded: [3] }))],
    ['groups.10'],
    { flags: ['Cover'] },
  );
  add(
    'nobody',
    'A block without entries',
    [enrolled(ENROLMENT), refused(block({ excluded: [0, 1, 2, 3, 4, 5, 6, 7] }), 'E_REVOKED')],
    ['groups.10'],
  );
  add('not-enrolled', 'Never enrolled', [refused(B7, 'E_REVOKED'), keys()], ['groups.10']);
  add(
    'other-generation',
    'Enrolled in generation 1, a block of generation 2',
    [enrolled(ENROLMENT), refused(block({ generation: 2, epoch: 8, baseEpoch: 8 }), 'E_REVOKED'), opens(B7)],
    ['groups.10'],
  );
  add(
    'list-not-named',
    'A list that names no prekey of the member',
    [refused(block({ kind: 1, recipients: [pub(prekeyOf(BEN))] }), 'E_REVOKED')],
    ['groups.10'],
    { who: LIST },
  );
  add(
    'list-gone-prekey',
    'A list to a prekey that the member no longer holds',
    [refused(block({ kind: 1, recipients: [pub(prekeyOf(ANNA, 2)), pub(prekeyOf(BEN))] }), 'E_REVOKED')],
    ['groups.10'],
    { who: LIST },
  );
  add(
    'list-nobody',
    'A list without entries',
    [refused(block({ kind: 1, recipients: [] }), 'E_REVOKED')],
    ['groups.10'],
    { who: LIST },
  );
  const b6 = block({ epoch: 6 });
  add(
    'join-next',
    'Joined with the keys of the next epoch: the running one stays closed',
    [enrolled(ENROLMENT), refused(b6, 'E_REVOKED'), opens(block({ prev: b6 }))],
    ['groups.10'],
    { flags: ['Stepped'] },
  );
  add(
    'join-now',
    'Joined with the keys of the running epoch: it opens',
    [enrolled(enrolment({ epoch: 6 })), opens(b6), opens(block({ prev: b6 })), keys({ epoch: 7 })],
    ['groups.10'],
    { flags: ['Stepped'] },
  );
  add(
    'join-now-earlier',
    'Joined with the keys of the running epoch: the one before stays closed',
    [enrolled(enrolment({ epoch: 6 })), refused(block({ epoch: 5 }), 'E_REVOKED')],
    ['groups.10'],
    { flags: ['Stepped'] },
  );
  const stepsTo = (epoch: number, s: BlockSpec = {}): MadeBlock => block({ epoch, ...s });
  const first = [enrolled(enrolment({ epoch: BASE }))];
  add(
    'steps-4096',
    '4,096 steps for one block',
    [...first, opens(stepsTo(BASE + 4096)), keys({ epoch: BASE + 4096 })],
    ['groups.11'],
    { flags: ['Limit'] },
  );
  add(
    'steps-4097',
    '4,097 steps are refused, and 4,096 still go',
    [...first, refused(stepsTo(BASE + 4097), 'E_LIMIT'), keys({ epoch: BASE }), opens(stepsTo(BASE + 4096))],
    ['groups.11'],
    { flags: ['Limit'] },
  );
  add(
    'steps-1048576',
    'As many steps as a generation has epochs: refused before the first',
    [...first, refused(stepsTo(BASE + 1_048_576), 'E_LIMIT')],
    ['groups.11'],
    { flags: ['Limit'] },
  );
  add(
    'steps-beyond',
    'More epochs than a generation has',
    [...first, refused(putNumber(B7.bytes, HDR.epoch, 4, 2 ** 31 + BASE), 'E_LIMIT')],
    ['groups.3', 'groups.11'],
    { flags: ['Limit'] },
  );
  add(
    'steps-of-base',
    'What counts is how far the member is, not base_epoch',
    [enrolled(enrolment({ epoch: BASE + 5000 })), opens(stepsTo(BASE + 5001))],
    ['groups.11'],
  );
  add(
    'revoked-before-steps',
    'Excluded, and 4,097 steps away',
    [...first, refused(stepsTo(BASE + 4097, { excluded: [ANNA.leaf] }), 'E_REVOKED')],
    ['groups.3', 'groups.10'],
    { flags: ['Order'] },
  );
  add(
    'steps-before-entry',
    '4,097 steps away, and an entry that would not open',
    [
      ...first,
      refused(
        stepsTo(BASE + 4097, { bend: { entries: (e) => e.map((x) => cat(x.slice(0, 8), zeros(48))) } }),
        'E_LIMIT',
      ),
    ],
    ['groups.3', 'groups.11'],
    { flags: ['Order'] },
  );
}

/** Step 11. */
function contents(add: Add): void {
  const first = [enrolled(ENROLMENT)];
  const broken = (
    id: string,
    comment: string,
    b: MadeBlock,
    error: string,
    more: { spec?: string[]; flags?: string[]; who?: Who; before?: Step[] } = {},
  ): void => {
    add(id, comment, [...(more.before ?? first), refused(b, error)], more.spec ?? ['groups.3'], {
      flags: more.flags ?? ['BrokenSender'],
      ...(more.who === undefined ? {} : { who: more.who }),
    });
  };
  const commitment = { spec: ['groups.5'], flags: ['Commitment'] };
  const list = { who: LIST, before: [] };
  broken(
    'other-secret',
    'The entry opens to another secret than the one committed',
    block({ bend: { wrapped: () => seeded('another secret', 32) } }),
    'E_COMMIT',
    commitment,
  );
  broken(
    'other-commit',
    'The commitment is to another secret',
    block({ bend: { commit: () => seeded('another commitment', 32) } }),
    'E_COMMIT',
    commitment,
  );
  broken(
    'commit-without-ctx',
    'The commitment is made without group_ctx32: the hash of the secret',
    block({ bend: { commit: () => H(seeded('epoch secret 1 7 ', 32)) } }),
    'E_COMMIT',
    commitment,
  );
  broken(
    'list-other-secret',
    'The entry of a list opens to another secret',
    block({ kind: 1, bend: { wrapped: () => seeded('another secret', 32) } }),
    'E_COMMIT',
    { ...commitment, ...list },
  );
  for (const suite of [1, 2]) {
    // Which of the two entries is whose follows from their names; ben's is the one that is not anna's.
    const two = [pub(prekeyOf(ANNA)), pub(prekeyOf(BEN))];
    const honest = block({ kind: 1, suite, recipients: two });
    const bens = honest.entries.findIndex((e) => opensFor(honest, e, BEN, suite));
    const b = block({
      kind: 1,
      suite,
      recipients: two,
      bend: { wrapped: (i, right) => (i === bens ? seeded('for ben alone', 32) : right) },
    });
    const who = { group: { blockKind: 1, suite } };
    add(
      `two-secrets-${suite}-anna`,
      'A list that wraps two secrets: the committed one opens',
      [opens(b)],
      ['groups.5'],
      { who, flags: ['Commitment'] },
    );
    add(
      `two-secrets-${suite}-ben`,
      'The same list for the member that got the other',
      [refused(b, 'E_COMMIT')],
      ['groups.5'],
      {
        who: { member: BEN, ...who },
        flags: ['Commitment'],
      },
    );
  }
  {
    const two = [pub(prekeyOf(ANNA)), pub(prekeyOf(BEN))];
    const b = block({
      kind: 1,
      suite: 2,
      recipients: two,
      bend: {
        entries: (right, ctx, commit) => {
          const honest = block({ kind: 1, suite: 2, recipients: two });
          const openers = right.map((e) => {
            const whose = opensFor(honest, e, BEN, 2) ? BEN : ANNA;
            const k = receiverKey(2, prekeyOf(whose), e.slice(16, 48), listInfo(ctx));
            return { ...k, aad: cat(commit, e.slice(0, 16)) };
          });
          const [x, y] = openers;
          if (x === undefined || y === undefined) throw new Error('two entries');
          const ct = collide(x, y, (right[0] ?? zeros(96)).slice(48, 64));
          return right.map((e) => cat(e.slice(0, 48), ct));
        },
      },
    });
    const who = { group: { blockKind: 1, suite: 2 } };
    for (const [name, member] of [
      ['anna', ANNA],
      ['ben', BEN],
    ] as const) {
      add(
        `two-keys-${name}`,
        'One AES-256-GCM ciphertext in two entries, which opens under both keys, to two secrets',
        [refused(b, 'E_COMMIT')],
        ['groups.5'],
        {
          who: { member, ...who },
          flags: ['Commitment'],
        },
      );
    }
  }
  broken(
    'psk',
    "Another pre-shared key than the controller's",
    block({ kind: 5, psk: seeded('another psk', 32) }),
    'E_COMMIT',
    {
      ...commitment,
      who: { psk: PSK, group: { blockKind: 5 } },
      before: [],
    },
  );
  const rewrapped = (
    key: (node: bigint, ctx: Bytes) => Bytes,
    aad: (ctx: Bytes, commit: Bytes) => Bytes,
    nonce: Bytes = zeros(12),
  ): MadeBlock =>
    block({
      bend: {
        entries: (_right, ctx, commit) => [
          cat(u64(1), aead.seal(1, key(1n, ctx), nonce, aad(ctx, commit), seeded('epoch secret 1 7 ', 32))),
        ],
      },
    });
  const rightKey = (node: bigint, ctx: Bytes): Bytes => wrapKey(nodeKey(1, node, 2), ctx, node);
  const rightAad = (ctx: Bytes, commit: Bytes): Bytes => cat(ctx, commit);
  broken(
    'unstepped',
    'Wrapped under a node key that was not stepped',
    rewrapped((node, ctx) => wrapKey(nodeKey(1, node, 0), ctx, node), rightAad),
    'E_AEAD',
  );
  broken(
    'one-step-more',
    'Wrapped under the node key of the next epoch',
    rewrapped((node, ctx) => wrapKey(nodeKey(1, node, 3), ctx, node), rightAad),
    'E_AEAD',
  );
  broken(
    'other-node',
    'Wrapped under the key of another node',
    rewrapped((_node, ctx) => wrapKey(nodeKey(1, 2n, 2), ctx, 2n), rightAad),
    'E_AEAD',
  );
  broken(
    'wrap-other-node',
    'The right node key, with another node in its context',
    rewrapped((node, ctx) => wrapKey(nodeKey(1, node, 2), ctx, 2n), rightAad),
    'E_AEAD',
  );
  broken(
    'node-key-itself',
    'The node key itself as the key',
    rewrapped((node) => nodeKey(1, node, 2), rightAad),
    'E_AEAD',
  );
  broken(
    'aad-without-commit',
    'The commitment is not in the associated data',
    rewrapped(rightKey, (ctx) => ctx),
    'E_AEAD',
  );
  broken('nonce', 'Another nonce than zeros', rewrapped(rightKey, rightAad, cat(zeros(11), u8(1))), 'E_AEAD');
  const relisted = (over: { info?: Bytes; aad?: (commit: Bytes, id: Bytes) => Bytes; pk?: Bytes }): MadeBlock =>
    block({
      kind: 1,
      recipients: [pub(prekeyOf(ANNA))],
      bend: {
        entries: (right, ctx, commit) => {
          const id = (right[0] ?? zeros(96)).slice(0, 16);
          const { enc, ct } = sealBase(
            1,
            over.pk ?? pub(prekeyOf(ANNA)),
            over.info ?? listInfo(ctx),
            over.aad ? over.aad(commit, id) : cat(commit, id),
            seeded('epoch secret 1 7 ', 32),
            seeded('relisted', 32),
          );
          return [cat(id, enc, ct)];
        },
      },
    });
  broken(
    'list-info',
    'A list entry sealed with the info of an enrolment',
    relisted({ info: cat(text('tdc1 enrol'), u8(0), zeros(32)) }),
    'E_AEAD',
    list,
  );
  broken('list-aad', 'A list entry sealed without its name', relisted({ aad: (commit) => commit }), 'E_AEAD', list);
  broken(
    'list-other-key',
    'A list entry that names the member and is sealed to another',
    relisted({ pk: pub(prekeyOf(BEN)) }),
    'E_AEAD',
    list,
  );
  broken(
    'list-enc-zero',
    'A list entry whose enc gives a shared secret of zero',
    block({
      kind: 1,
      recipients: [pub(prekeyOf(ANNA))],
      bend: { entries: (e) => e.map((x) => cat(x.slice(0, 16), zeros(32), x.slice(48))) },
    }),
    'E_AEAD',
    { ...list, flags: ['KeyUse'] },
  );
  broken('private-zero', 'An own part of no bytes', block({ bend: { privateSealed: () => zeros(0) } }), 'E_AEAD');
  broken(
    'private-changed',
    'An own part that does not open',
    block({ bend: { privateSealed: (p) => flip(p, 3) } }),
    'E_AEAD',
  );
  broken(
    'commit-before-private',
    'Another secret than committed, and an own part that does not open',
    block({
      bend: { wrapped: () => seeded('another secret', 32), privateSealed: (p) => flip(p, 3) },
    }),
    'E_COMMIT',
    { flags: ['Order'] },
  );

  const secret = (n: number): Fields => ({ from_period: n, secret32: seeded(`route secret ${n}`, 32) });
  const body = (patterns: string[], secrets: Fields[] = [secret(0)]): Bytes =>
    encodeBody('GroupPrivate', { patterns, route_secrets: secrets });
  const form = (id: string, comment: string, bytes: Bytes, error: string, chains = false): void => {
    broken(
      `own-${id}`,
      comment,
      block({ private: bytes }),
      error,
      chains ? { who: { group: { topicChains: true } } } : {},
    );
  };
  const fine = (id: string, comment: string, bytes: Bytes, chains = false): void => {
    add(
      `own-${id}`,
      comment,
      [...first, opens(block({ private: bytes }), bytes)],
      ['groups.3'],
      chains ? { who: { group: { topicChains: true } } } : {},
    );
  };
  fine('patterns', 'Several patterns, ascending as bytes', body(['A', 'a', 'a/b', 'é']));
  fine('rest', 'A pattern that ends in ** in a group with topic_chains', body(['orders/**']), true);
  fine('everything', 'The pattern ** in a group with topic_chains', body(['**']), true);
  fine('longest', 'A pattern of 2,047 bytes', body([Array.from({ length: 8 }, () => 'x'.repeat(255)).join('/')]));
  fine('eight-secrets', 'Eight route secrets', body(['a'], [0, 1, 2, 3, 4, 5, 6, 7].map(secret)));
  fine('unknown', 'A field with a number from 1,024 on is ignored', cat(PRIVATE, wire.number(1024, 1)));
  form('descending', 'Patterns in descending order', body(['b', 'a']), 'E_ENCODING');
  form('twice', 'One pattern twice', body(['a', 'a']), 'E_ENCODING');
  form('star', 'A pattern with a segment *', body(['a/*']), 'E_ENCODING');
  form('star-chains', 'A pattern with a segment *, in a group with topic_chains', body(['a/*/**']), 'E_ENCODING', true);
  form('rest-without-chains', 'A pattern with ** in a group without topic_chains', body(['a/**']), 'E_ENCODING');
  form('rest-inside', 'A pattern with ** that is not last', body(['a/**/b']), 'E_ENCODING', true);
  form('empty-segment', 'A pattern with an empty segment', body(['a//b']), 'E_ENCODING');
  form('nine-segments', 'A pattern of nine segments', body(['a/a/a/a/a/a/a/a/a']), 'E_ENCODING');
  form('long-segment', 'A pattern with a segment of 256 bytes', body(['x'.repeat(256)]), 'E_ENCODING');
  form('control', 'A pattern with a control character', body(['a\u0007']), 'E_ENCODING');
  form('nfd', 'A pattern that is not in Normalization Form C', body(['e\u0301']), 'E_ENCODING');
  form('no-patterns', 'No pattern', wire.bytes(2, encodeBody('RouteSecret', secret(0))), 'E_ENCODING');
  form('no-secrets', 'No route secret', wire.bytes(1, text('a')), 'E_ENCODING');
  form('empty', 'An empty body', zeros(0), 'E_ENCODING');
  form('secrets-descending', 'Route secrets in descending order', body(['a'], [secret(2), secret(1)]), 'E_ENCODING');
  form(
    'secrets-same',
    'Two route secrets of one period',
    body(['a'], [secret(1), { ...secret(1), secret32: seeded('z', 32) }]),
    'E_ENCODING',
  );
  form('nine-secrets', 'Nine route secrets', body(['a'], [0, 1, 2, 3, 4, 5, 6, 7, 8].map(secret)), 'E_LIMIT');
  form('257-patterns', '257 patterns', body(Array.from({ length: 257 }, (_, i) => String(1000 + i))), 'E_LIMIT');
  form('2048-bytes', 'A pattern of 2,048 bytes', body(['x'.repeat(2048)]), 'E_LIMIT');
  form('short-secret', 'A route secret of 31 bytes', body(['a'], [{ secret32: zeros(31) }]), 'E_ENCODING');
  form(
    'default',
    'from_period 0 written out',
    cat(wire.bytes(1, text('a')), wire.bytes(2, cat(wire.number(1, 0), wire.bytes(2, zeros(32))))),
    'E_ENCODING',
  );
  form('unknown-3', 'An unknown field 3', cat(PRIVATE, wire.number(3, 1)), 'E_ENCODING');
}

/** Whether an entry of a list is this member's newest prekey's. */
function opensFor(b: MadeBlock, entry: Bytes, m: MemberPerson, suite: number): boolean {
  try {
    const k = receiverKey(suite, prekeyOf(m), entry.slice(16, 48), listInfo(b.groupCtx));
    aead.open(suite, k.key, k.nonce, cat(b.epochCommit, entry.slice(0, 16)), entry.slice(48));
    return true;
  } catch {
    return false;
  }
}

function partialBlocks(add: Add): void {
  const first = [enrolled(ENROLMENT)];
  // leaves 0 to 7 without ben: nodes 2, 12, 7; anna is under 2
  const parts = partialParts(B7.bytes, 0);
  const partial = (over: Partial<PartialParts> = {}): Bytes => encodePartial({ ...parts, ...over });
  const P = ['groups.6'];
  add('opens', "A partial block with the member's entry", [...first, opensBytes(partial(), B7), keys({ epoch: 7 })], P);
  add(
    'known',
    'The whole block, then a part of it, then another part',
    [...first, opens(B7), known(partial()), known(encodePartial(partialParts(B7.bytes, 2)))],
    ['groups.6', 'groups.7'],
  );
  add(
    'known-whole',
    'A part, then the whole block',
    [...first, opensBytes(partial(), B7), known(B7.bytes)],
    ['groups.6', 'groups.7'],
  );
  add(
    'next',
    'A part of the next block, which names the one held',
    [...first, opens(B7), opensBytes(encodePartial(partialParts(B8.bytes, 0)), B8)],
    ['groups.6', 'groups.9'],
  );
  const alone = block();
  add(
    'only',
    'The only entry: an empty path',
    [...first, opensBytes(encodePartial(partialParts(alone.bytes, 0)), alone)],
    P,
  );
  const list = block({ kind: 1 });
  const mine = list.entries.findIndex((e) => opensFor(list, e, ANNA, 1));
  add('list', 'A part of a list', [opensBytes(encodePartial(partialParts(list.bytes, mine)), list)], P, { who: LIST });
  add(
    'list-other',
    "A part of a list with another member's entry",
    [refused(encodePartial(partialParts(list.bytes, (mine + 1) % 3)), 'E_REVOKED')],
    ['groups.6', 'groups.10'],
    { who: LIST },
  );
  add(
    'other',
    'A part with an entry that does not cover the member',
    [...first, refused(encodePartial(partialParts(B7.bytes, 1)), 'E_REVOKED'), opens(B7)],
    ['groups.6', 'groups.10'],
  );
  const no = (
    id: string,
    comment: string,
    bytes: Bytes,
    error: string,
    spec: string[] = P,
    flags: string[] = ['MerkleProof'],
  ): void => {
    add(id, comment, [...first, refused(bytes, error)], spec, { flags });
  };
  const path = parts.path;
  no(
    'path-changed',
    'A path of the right length that leads elsewhere',
    partial({ path: path.map((p, i) => (i === 0 ? flip(p, 0) : p)) }),
    'E_SIG',
  );
  no(
    'path-last-changed',
    'The last step of the path leads elsewhere',
    partial({ path: path.map((p, i) => (i + 1 === path.length ? flip(p, 31) : p)) }),
    'E_SIG',
  );
  no('path-swapped', 'The steps of the path in another order', partial({ path: path.toReversed() }), 'E_SIG');
  no(
    'path-shorter',
    'A path that is one step too short',
    partial({ path: path.slice(0, -1), pathLen: path.length - 1 }),
    'E_PROOF',
  );
  no(
    'path-longer',
    'A path that is one step too long',
    partial({ path: [...path, zeros(32)], pathLen: path.length + 1 }),
    'E_PROOF',
  );
  no('path-empty', 'No path', partial({ path: [], pathLen: 0 }), 'E_PROOF');
  no(
    'path-64',
    'A path of 64 steps',
    partial({ path: Array.from({ length: 64 }, () => zeros(32)), pathLen: 64 }),
    'E_PROOF',
  );
  no(
    'path-65',
    'A path of 65 steps',
    partial({ path: Array.from({ length: 65 }, () => zeros(32)), pathLen: 65 }),
    'E_PROOF',
  );
  no('path-65-missing', 'path_len 65, and the steps are not there', partial({ pathLen: 65 }), 'E_LENGTH', ['groups.3']);
  no('index-1', 'Another index with a path of the same length', partial({ index: 1 }), 'E_SIG');
  no('index-2', 'The index of the last entry, whose path is shorter', partial({ index: 2 }), 'E_PROOF');
  no('index-3', 'An index that is not below count', partial({ index: 3 }), 'E_PROOF');
  no('index-max', 'Index 2^32 - 1', partial({ index: 2 ** 32 - 1 }), 'E_PROOF');
  no('count-0', 'count 0: no index is below it', partial({ count: 0 }), 'E_PROOF');
  no('count-4', 'Another count that asks for a path of the same length', partial({ count: 4 }), 'E_SIG');
  no('count-5', 'Another count that asks for a longer path', partial({ count: 5 }), 'E_PROOF');
  no('count-max', 'count 2^32 - 1', partial({ count: 2 ** 32 - 1 }), 'E_LIMIT', ['groups.3'], ['Limit']);
  no('entry-changed', 'A bit of the entry was changed', partial({ entry: flip(parts.entry, 20) }), 'E_SIG');
  no(
    'entry-invented',
    "An entry that the controller never made, under the member's leaf",
    partial({ entry: cat(u64(10), zeros(48)) }),
    'E_SIG',
  );
  no(
    'entry-outside',
    'An entry of a node that is not in the tree',
    partial({ entry: cat(u64(16), parts.entry.slice(8)) }),
    'E_ENCODING',
    ['groups.4'],
    ['Cover'],
  );
  no('entry-of-next', 'The entry of another block', partial({ entry: B8.entries[0] ?? zeros(56) }), 'E_SIG');
  no('commit-changed', 'Another commitment', partial({ epochCommit: zeros(32) }), 'E_SIG', ['groups.3'], ['Tampered']);
  no(
    'private-changed',
    'Another own part',
    partial({ privateSealed: flip(parts.privateSealed, 0) }),
    'E_SIG',
    ['groups.3'],
    ['Tampered'],
  );
  no(
    'path-before-signature',
    'A path of the wrong length and a broken signature',
    partial({ path: path.slice(0, -1), pathLen: path.length - 1, signature: zeros(64) }),
    'E_PROOF',
    P,
    ['Order'],
  );
  no(
    'controller-before-path',
    'Another controller and a path of the wrong length',
    encodePartial({ ...partialParts(block({ seed: BEN.seed, excluded: [BEN.leaf] }).bytes, 0), path: [], pathLen: 0 }),
    'E_POLICY',
    ['groups.3'],
    ['Order'],
  );
  no('296-bytes', '296 bytes', partial().slice(0, 296), 'E_LENGTH', ['groups.3'], ['Truncated']);
  no('one-more', 'A byte too many', cat(partial(), u8(0)), 'E_LENGTH', ['groups.3'], ['Trailing']);
  no('one-less', 'A byte too few', partial().slice(0, -1), 'E_LENGTH', ['groups.3'], ['Truncated']);
  no(
    'inner-magic',
    'The header inside has another magic',
    partial({ hdr: put(parts.hdr, 3, u8(0x50)) }),
    'E_ENCODING',
    ['groups.3'],
    ['Reserved'],
  );
  no(
    'version',
    'The header inside has version 2',
    partial({ hdr: put(parts.hdr, HDR.version, u8(2)) }),
    'E_VERSION',
    ['groups.3'],
    ['Downgrade'],
  );
  const psk = partialParts(block({ excluded: [BEN.leaf] }).bytes, 0);
  no(
    'kind-5',
    'Kind 5 has no partial block',
    encodePartial({ ...psk, hdr: put(put(psk.hdr, HDR.kind, u8(5)), HDR.height, u8(0)), entry: zeros(0) }),
    'E_ENCODING',
    ['groups.3'],
    ['Reserved'],
  );
}

function enrolling(add: Add): void {
  const E = ['groups.13'];
  const later = enrolment({ epoch: 8, prekey: 1 });
  add('again', 'The last enrolment comes again', [enrolled(ENROLMENT), enrolKnown(ENROLMENT), keys({ epoch: 7 })], E, {
    flags: ['Replayed'],
  });
  add('older-prekey', 'To the older of its prekeys', [enrolled(enrolment({ prekey: 1 })), opens(B7)], E);
  add(
    'higher-epoch',
    'A higher epoch of the same generation',
    [enrolled(ENROLMENT), enrolled(later), keys({ epoch: 7 }, { epoch: 8 })],
    ['groups.13', 'groups.14'],
  );
  add(
    'older',
    'An older enrolment of its own',
    [enrolled(later), enrolRefused(ENROLMENT, 'E_EPOCH'), keys({ epoch: 8 })],
    E,
    { flags: ['Replayed'] },
  );
  add(
    'older-known',
    'One that was accepted before the last',
    [enrolled(ENROLMENT), enrolled(later), enrolRefused(ENROLMENT, 'E_EPOCH'), enrolKnown(later)],
    E,
    { flags: ['Replayed'] },
  );
  const g2 = enrolment({ generation: 2, epoch: 6, baseEpoch: 6, prekey: 1 });
  add(
    'generation-first',
    'The generation counts first: generation 2, epoch 6 after generation 1, epoch 7',
    [enrolled(ENROLMENT), enrolled(g2)],
    E,
  );
  add(
    'generation-lower',
    'Generation 1, epoch 8 after generation 2, epoch 6',
    [enrolled(g2), enrolRefused(enrolment({ epoch: 8 }), 'E_EPOCH')],
    E,
    { flags: ['Replayed'] },
  );
  add(
    'same-place',
    'The same generation and epoch with another leaf',
    [enrolled(ENROLMENT), enrolRefused(enrolment({ leaf: 6n, prekey: 1 }), 'E_EPOCH'), keys({ epoch: 7 })],
    E,
    { flags: ['Fork'] },
  );
  add(
    'same-header',
    'The same header sealed once more',
    [enrolled(ENROLMENT), enrolRefused(enrolment({ name: 'again' }), 'E_EPOCH')],
    E,
    { flags: ['Fork'] },
  );

  const no = (
    id: string,
    comment: string,
    bytes: Bytes,
    error: string,
    spec: string[] = E,
    more: { who?: Who; flags?: string[] } = {},
  ): void => {
    add(id, comment, [enrolRefused(bytes, error), keys()], spec, more);
  };
  const flags = (flag: string): { flags: string[] } => ({ flags: [flag] });
  no('303-bytes', '303 bytes', ENROLMENT.slice(0, 303), 'E_LENGTH', E, flags('Truncated'));
  no('nothing', 'No bytes', zeros(0), 'E_LENGTH', E, flags('Truncated'));
  no('magic', 'Another magic', put(ENROLMENT, 2, text('KB')), 'E_ENCODING');
  no('version-0', 'Version 0', put(ENROLMENT, EN.version, u8(0)), 'E_VERSION', E, flags('Downgrade'));
  no('version-2', 'Version 2', put(ENROLMENT, EN.version, u8(2)), 'E_VERSION', E, flags('Downgrade'));
  for (const k of [0, 1, 3, 5])
    no(`kind-${k}`, `Kind ${k}`, put(ENROLMENT, EN.kind, u8(k)), 'E_ENCODING', E, flags('Reserved'));
  no('suite', 'A reserved suite', put(ENROLMENT, EN.suite, u16(17)), 'E_SUITE', E, flags('Downgrade'));
  no(
    'zeros-first',
    'The first of the zero bytes is 1',
    put(ENROLMENT, EN.zeros, u8(1)),
    'E_ENCODING',
    E,
    flags('Reserved'),
  );
  no(
    'zeros-last',
    'The last of the zero bytes is 1',
    put(ENROLMENT, EN.leaf - 1, u8(1)),
    'E_ENCODING',
    E,
    flags('Reserved'),
  );
  for (const [name, at] of [
    ['leaf', EN.leaf],
    ['issued', EN.issued],
    ['policy-version', EN.policyVersion],
  ] as const) {
    no(`${name}-2-53`, `${name} is 2^53`, put(ENROLMENT, at, u64(2n ** 53n)), 'E_LIMIT', E, flags('Limit'));
  }
  no('height-25', 'Height 25', put(ENROLMENT, EN.height, u8(25)), 'E_LIMIT', E, flags('Limit'));
  no('height-255', 'Height 255', put(ENROLMENT, EN.height, u8(255)), 'E_LIMIT', E, flags('Limit'));
  no('leaf-8', 'Leaf 8 in a tree of height 3', put(ENROLMENT, EN.leaf, u64(8)), 'E_ENCODING');
  no('leaf-2-32', 'Leaf 2^32 + 2: not cut to 32 bits', put(ENROLMENT, EN.leaf, u64(2n ** 32n + 2n)), 'E_ENCODING');
  no('height-4', 'A height that asks for more keys', put(ENROLMENT, EN.height, u8(4)), 'E_LENGTH');
  no('one-more', 'A byte too many', cat(ENROLMENT, u8(0)), 'E_LENGTH', E, flags('Trailing'));
  no('one-less', 'A byte too few', ENROLMENT.slice(0, -1), 'E_LENGTH', E, flags('Truncated'));
  no(
    'version-before-kind',
    'Version 2 and kind 1',
    put(ENROLMENT, EN.version, cat(u8(2), u8(1))),
    'E_VERSION',
    E,
    flags('Order'),
  );
  no(
    'suite-before-zeros',
    'A reserved suite and a byte that is not zero',
    put(put(ENROLMENT, EN.suite, u16(17)), EN.zeros, u8(1)),
    'E_SUITE',
    E,
    flags('Order'),
  );
  no(
    'limit-before-leaf',
    'Height 25 and a leaf that is not in the tree',
    put(put(ENROLMENT, EN.height, u8(25)), EN.leaf, u64(2n ** 30n)),
    'E_LIMIT',
    E,
    flags('Order'),
  );
  no(
    'leaf-before-length',
    'Leaf 8, and a byte too many',
    cat(put(ENROLMENT, EN.leaf, u64(8)), u8(0)),
    'E_ENCODING',
    E,
    flags('Order'),
  );

  no('other-group', 'Of another group', enrolment({ groupId: OTHER_GROUP }), 'E_BINDING');
  no(
    'other-member',
    "Another member's enrolment, copied",
    enrolment({ member: BEN }),
    'E_BINDING',
    ['groups.15'],
    flags('Impersonation'),
  );
  no(
    'other-member-own-prekey',
    "Another member's enrolment to a prekey of this one",
    enrolment({ member: BEN, prekey: pub(prekeyOf(ANNA)) }),
    'E_BINDING',
    ['groups.15'],
    flags('Impersonation'),
  );
  no(
    'other-member-relabelled',
    "Another member's enrolment with this one's name written over it",
    put(enrolment({ member: BEN }), EN.memberKeyId, ANNA.keyId),
    'E_SIG',
    ['groups.15'],
    flags('Tampered'),
  );
  no(
    'half-member',
    "A member key id that is the member's own in its first 16 bytes",
    enrolment({ bend: { hdr: (h) => put(h, EN.memberKeyId + 16, zeros(16)) } }),
    'E_BINDING',
    ['groups.15'],
    flags('Impersonation'),
  );
  no(
    'by-member',
    'By a member that is no controller',
    enrolment({ seed: BEN.seed }),
    'E_POLICY',
    ['groups.1', 'groups.2'],
    flags('Impersonation'),
  );
  no(
    'by-itself',
    'By the member itself',
    enrolment({ seed: ANNA.seed }),
    'E_POLICY',
    ['groups.1', 'groups.2'],
    flags('Impersonation'),
  );
  no(
    'by-other-controller',
    'By another controller',
    enrolment({ seed: OTHER_CONTROLLER.seed }),
    'E_POLICY',
    ['groups.1'],
    flags('Impersonation'),
  );
  no(
    'signed-by-member',
    'It names the controller, and a member signed it',
    enrolment({ bend: { signSeed: BEN.seed } }),
    'E_SIG',
    ['groups.1'],
    flags('Impersonation'),
  );
  no('list-group', 'In a group of lists', ENROLMENT, 'E_POLICY', ['groups.13'], { who: LIST });
  no(
    'suite-of-group',
    "In another suite than the group record's",
    enrolment({ suite: 2 }),
    'E_POLICY',
    ['groups.13'],
    flags('Downgrade'),
  );
  no(
    'group-before-member',
    'Of another group, by somebody else, for another member',
    enrolment({ groupId: OTHER_GROUP, member: BEN, seed: BEN.seed }),
    'E_BINDING',
    E,
    flags('Order'),
  );
  no(
    'member-before-controller',
    'For another member, by somebody else',
    enrolment({ member: BEN, seed: BEN.seed }),
    'E_BINDING',
    E,
    flags('Order'),
  );
  no(
    'controller-before-signature',
    'By somebody else, with a broken signature',
    flip(enrolment({ seed: BEN.seed }), -1),
    'E_POLICY',
    E,
    flags('Order'),
  );
  for (const [name, at] of [
    ['generation', EN.generation + 3],
    ['epoch', EN.epoch + 3],
    ['leaf', EN.leaf + 7],
    ['kem-key-id', EN.kemKeyId],
    ['issued', EN.issued + 7],
    ['policy-version', EN.policyVersion + 7],
    ['enc', 160],
    ['ct', 200],
    ['signature', ENROLMENT.length - 1],
  ] as const) {
    no(`changed-${name}`, `${name} was changed on the way`, flip(ENROLMENT, at), 'E_SIG', E, flags('Tampered'));
  }
  for (const label of ['keyblock', 'envelope', 'keys', 'issuer']) {
    no(
      `label-${label}`,
      `Signed under the label "${label}"`,
      enrolment({ bend: { label } }),
      'E_SIG',
      E,
      flags('BrokenSender'),
    );
  }
  no(
    'other-authority',
    'Bound to another authority',
    enrolment({ authorityId: seeded('another authority', 32) }),
    'E_SIG',
    E,
    flags('Impersonation'),
  );
  no(
    'bound-to-group',
    'Bound to the group in place of the authority',
    enrolment({ authorityId: cat(GROUP, zeros(16)) }),
    'E_SIG',
    E,
    flags('BrokenSender'),
  );
  no(
    'unknown-prekey',
    'To a prekey that the member does not hold',
    enrolment({ prekey: 2 }),
    'E_KEY',
    E,
    flags('KeyUse'),
  );
  no(
    'identity-as-prekey',
    'It names the identity key as prekey',
    enrolment({ bend: { kemKeyId: ANNA.keyId } }),
    'E_KEY',
    E,
    flags('KeyUse'),
  );
  no(
    'sealed-to-other',
    'It names the right prekey and is sealed to another',
    enrolment({
      prekey: pub(prekeyOf(BEN)),
      bend: { hdr: (h) => put(h, EN.kemKeyId, enrolment().slice(EN.kemKeyId, EN.kemKeyId + 32)) },
    }),
    'E_AEAD',
    E,
    flags('BrokenSender'),
  );
  no(
    'sealed-changed',
    'The controller signed what does not open',
    enrolment({ bend: { sealed: (s) => flip(s, 40) } }),
    'E_AEAD',
    E,
    flags('BrokenSender'),
  );
  no(
    'sealed-of-other-header',
    'Sealed for another header',
    enrolment({ bend: { sealed: () => enrolment({ epoch: 9 }).slice(160, -64) } }),
    'E_AEAD',
    E,
    flags('BrokenSender'),
  );
  no(
    'enc-zero',
    'An enc that gives a shared secret of zero',
    enrolment({ bend: { sealed: (s) => cat(zeros(32), s.slice(32)) } }),
    'E_AEAD',
    E,
    flags('KeyUse'),
  );
  const behind = (id: string, comment: string, bytes: Bytes, error: string): void =>
    add(id, comment, [enrolled(later), enrolRefused(bytes, error)], E, flags('Order'));
  behind('signature-before-place', 'An older one with a broken signature', flip(ENROLMENT, -1), 'E_SIG');
  behind('place-before-prekey', 'An older one to an unknown prekey', enrolment({ prekey: 2 }), 'E_EPOCH');
  behind(
    'place-before-hpke',
    'An older one that does not open',
    enrolment({ bend: { sealed: (s) => flip(s, 40) } }),
    'E_EPOCH',
  );
  add(
    'refused-is-not-accepted',
    'A newer one that did not open does not count: the one below it is accepted',
    [
      enrolRefused(enrolment({ epoch: 9, bend: { sealed: (s) => flip(s, 40) } }), 'E_AEAD'),
      enrolRefused(enrolment({ epoch: 9, prekey: 2 }), 'E_KEY'),
      enrolled(ENROLMENT),
      opens(B7),
    ],
    ['groups.13', 'groups.3'],
  );
}

/** groups.14, groups.16, groups.17 as the member sees them. */
function seats(add: Add): void {
  const g2 = { generation: 2, epoch: 9, baseEpoch: 9 };
  const e2 = enrolment({ ...g2, prekey: 1 });
  const b8 = B8;
  const start = [enrolled(ENROLMENT), opens(B7)];
  add(
    'kept',
    'A new generation is announced: the old keys are kept until its first block',
    [
      ...start,
      enrolled(e2),
      keys({ epoch: 7 }, { generation: 2, epoch: 9, base: 9 }),
      opens(b8),
      keys({ epoch: 8 }, { generation: 2, epoch: 9, base: 9 }),
      opens(block(g2)),
      keys({ generation: 2, epoch: 9, base: 9 }),
    ],
    ['groups.14', 'groups.12'],
  );
  add(
    'kept-on-refusal',
    'The first block of the new generation does not open: the old keys are still there',
    [
      ...start,
      enrolled(e2),
      refused(block({ ...g2, bend: { wrapped: () => zeros(32) } }), 'E_COMMIT'),
      refused(block({ ...g2, private: zeros(0) }), 'E_ENCODING'),
      keys({ epoch: 7 }, { generation: 2, epoch: 9, base: 9 }),
      opens(b8),
    ],
    ['groups.14', 'groups.3'],
  );
  add(
    'gone',
    'Once the new generation has begun, blocks of the old one are over',
    [...start, enrolled(e2), opens(block(g2)), refused(b8, 'E_EPOCH')],
    ['groups.7', 'groups.14'],
  );
  const seat = enrolment({ epoch: 8, leaf: 6n, prekey: 1 });
  const moved = block({ epoch: 8, excluded: [ANNA.leaf], prev: B7 });
  add(
    're-seated',
    'Another leaf of the same generation: the block that closes the old one opens under the new one',
    [...start, enrolled(seat), keys({ epoch: 7 }, { epoch: 8, leaf: 6 }), opens(moved), keys({ epoch: 8, leaf: 6 })],
    ['groups.12', 'groups.14'],
  );
  add(
    're-seated-later',
    'A new leaf that counts only from epoch 9: block 8 opens under the old one',
    [
      ...start,
      enrolled(enrolment({ epoch: 9, leaf: 6n, prekey: 1 })),
      opens(B8),
      opens(block({ epoch: 9, excluded: [ANNA.leaf], prev: B8 })),
      keys({ epoch: 9, leaf: 6 }),
    ],
    ['groups.10', 'groups.14'],
  );
  add(
    're-seated-not-yet',
    'A new leaf that the block does not cover either',
    [
      ...start,
      enrolled(seat),
      refused(block({ epoch: 8, excluded: [ANNA.leaf, 6], prev: B7 }), 'E_REVOKED'),
      keys({ epoch: 7 }, { epoch: 8, leaf: 6 }),
    ],
    ['groups.10', 'groups.14'],
  );
  add(
    'waiting-replaced',
    'A second enrolment before the first was used',
    [
      ...start,
      enrolled(seat),
      enrolled(e2),
      keys({ epoch: 7 }, { generation: 2, epoch: 9, base: 9 }),
      opens(block(g2)),
    ],
    ['groups.13', 'groups.14'],
  );
  add(
    'leaf-again',
    'The new owner of a leaf that a controller gave away twice: what came before stays closed, the rest opens',
    [
      enrolled(enrolment({ member: CARA, leaf: BigInt(ANNA.leaf), epoch: 9 })),
      refused(B8, 'E_REVOKED'),
      opens(block({ epoch: 9, prev: B8 })),
    ],
    ['groups.10', 'groups.16'],
    { who: { member: CARA }, flags: ['Cover'] },
  );
  add(
    'cover-again',
    'A controller that covers a revoked leaf again opens the group to its keys: nothing a member could see',
    [...start, refused(block({ epoch: 8, excluded: [ANNA.leaf], prev: B7 }), 'E_REVOKED'), opens(block({ epoch: 9 }))],
    ['groups.10', 'groups.17'],
    { flags: ['Cover'] },
  );
  add(
    'ben',
    'Another member, on the other side of the tree',
    [
      enrolled(enrolment({ member: BEN })),
      refused(B7, 'E_REVOKED'),
      opens(block({ name: 'ben', excluded: [ANNA.leaf] })),
      keys({ epoch: 7, leaf: BEN.leaf }),
    ],
    ['groups.10', 'groups.12'],
    { who: { member: BEN } },
  );
}
