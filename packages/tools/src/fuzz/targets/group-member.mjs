/** Chapter 08: what a member comes to hold, of blocks and enrolments that somebody changed, and of those that a controller made badly. */
import { answerOf, must, same } from '../core.mjs';
import { toHex } from '../seeds.mjs';

/** @typedef {import('../core.mjs').Core} Core */
/** @typedef {import('../engine.mjs').Target} Target */
/** @typedef {import('@tridcomm/core/internal').MemberKeys} MemberKeys */
/** @typedef {import('@tridcomm/core/internal').KeyBlockHeader} KeyBlockHeader */
/** @typedef {import('@tridcomm/core/internal').GroupSettings} GroupSettings */
/** @typedef {ReturnType<typeof makeGroup>} Group */

/**
 * Input: u8 bits 0 to 1: kind of the group, bit 2: an enrolment ‖ bytes. Nothing is taken but what the controller signed, and a
 * refusal changes nothing.
 * @param {Core} core @returns {Target}
 */
export function groupMemberTarget(core) {
  const groups = [1, 2, 5].map((kind) => makeGroup(core, kind));
  const members = groups.map((group) => group.newMember());
  return {
    name: 'group-member',
    files: /^keys\/(member-keys|key-block-format|enrolment)/,
    seeds: groups.flatMap(({ genuine }, i) => genuine.map(({ what, bytes }) => marked(i, what, bytes))),
    maxBytes: 1_600,
    ...bounds,
    run(input) {
      const { number, group, member, what, bytes } = read(groups, members, input);
      const outcome = takeAndCheck(core, group, member, what, bytes);
      if (outcome.code !== undefined) return;
      must(group.isSigned(what, bytes), `taken is an ${what} that nobody signed`);
      members[number] = group.newMember();
    },
  };
}

/**
 * Input: as of {@link groupMemberTarget}; what has the form is signed by the controller before it is taken.
 * @param {Core} core @returns {Target}
 */
export function controllerTarget(core) {
  const groups = [1, 2, 5].map((kind) => makeGroup(core, kind));
  const members = groups.map((group) => group.newMember());
  return {
    name: 'controller',
    files:
      /^keys\/(member-keys|key-block\.|enrolment|group-private|complete-subtree|sealed-to-prekey|principal-record)/,
    seeds: groups.flatMap(({ genuine }, i) => genuine.map(({ what, bytes }) => marked(i, what, bytes))),
    maxBytes: 1_600,
    ...bounds,
    run(input) {
      const { number, group, member, what, bytes } = read(groups, members, input);
      const signed = group.signAgain(what, bytes);
      if (signed === undefined) return;
      const outcome = takeAndCheck(core, group, member, what, signed);
      must(outcome.code !== 'E_SIG', 'what was signed soundly is E_SIG');
      if (outcome.code === undefined || member.isForked) members[number] = group.newMember();
    },
  };
}

/** A signature and HPKE for one input. */
const bounds = { slowMs: 20, reservedBytes: 262_144 };

/** @typedef {'block' | 'enrolment'} What */

/** @param {readonly Group[]} groups @param {readonly MemberKeys[]} members @param {Uint8Array} input */
function read(groups, members, input) {
  const mark = input[0] ?? 0;
  const number = (mark & 3) % groups.length;
  const group = /** @type {Group} */ (groups[number]);
  const member = /** @type {MemberKeys} */ (members[number]);
  /** @type {What} */
  const what = (mark & 4) === 0 ? 'block' : 'enrolment';
  return { number, group, member, what, bytes: input.subarray(1) };
}

/**
 * Takes what came, and looks whether the member is then as it has to be.
 * @param {Core} core @param {Group} group @param {MemberKeys} member @param {What} what @param {Uint8Array} bytes
 */
function takeAndCheck(core, group, member, what, bytes) {
  const { settings } = group;
  const before = toHex(member.export());
  const take = () => (what === 'block' ? member.takeBlock(bytes, settings) : member.takeEnrolment(bytes, settings));
  const answer = answerOf(core, take);
  const { value, code } = answer;
  if (code === 'E_FORK' && member.isForked) return answer;
  if (code !== undefined || value === 'known') {
    must(toHex(member.export()) === before, `${code ?? 'known'}, and the state is another`);
    return answer;
  }
  must(toHex(member.export()) !== before, 'what was taken left no trace');
  if (typeof value === 'object') {
    const { header, groupContext32, epochCommit32, epochSecret32, blockHash32 } = value;
    const block = core.parseBlock(core.nodeProvider, bytes);
    must(same(blockHash32, block.blockHash32) && same(epochCommit32, block.epochCommit32), 'another block opened');
    must(same(core.epochCommitOf(core.nodeProvider, epochSecret32, groupContext32), epochCommit32), 'another secret');
    must(header.epoch >= 7 && header.kind === settings.blockKind, 'a block that is none of the group');
  }
  must(take() === 'known', 'the second time it is not known');
  return answer;
}

/** A group of one kind: its controller, a member, and what the member may take. @param {Core} core @param {number} kind */
function makeGroup(core, kind) {
  const { nodeProvider: provider } = core;
  const authorityId32 = filled(32, 0xa1);
  const groupId16 = filled(16, 0x61);
  const memberKeyId32 = filled(32, 0x33);
  const controller = core.signingKeyOf(provider, filled(32, 0xc0));
  const psk32 = filled(32, 0x99);
  const prekeySecret32 = filled(32, 0x11);
  const prekey = core.publicKeyOf(provider, 32, provider.publicKey('x25519', prekeySecret32));
  const other = core.publicKeyOf(provider, 32, provider.publicKey('x25519', filled(32, 0x12)));
  const height = kind === 2 ? 3 : 0;
  const leaf = 2;
  const settings = {
    groupId16,
    purpose: 1,
    suite: 1,
    blockKind: kind,
    controller: core.publicKeyOf(provider, 1, controller.publicKey32),
    topicChains: false,
  };
  const privateBody = core.encodeGroupPrivate(['orders/new'], [{ fromPeriod: 0, secret32: filled(32, 5) }]);
  let draws = 0;
  const random = (/** @type {number} */ length) => filled(length, ++draws);
  /** Node keys at an epoch, by node. @param {number} node @param {number} epoch */
  const nodeKey = (node, epoch) => {
    const key32 = filled(32, 0x80 + node);
    core.stepNodeKeys(provider, key32, epoch - 7);
    return key32;
  };

  /** @param {number} epoch @param {Partial<KeyBlockHeader>} [over] */
  const block = (epoch, over = {}) => {
    /** @type {KeyBlockHeader} */
    const header = {
      kind,
      suite: 1,
      groupId16,
      generation: 1,
      epoch,
      notBeforeMs: 1_000,
      notAfterMs: 2_000,
      drainUntilMs: 1_500,
      salt16: filled(16, epoch),
      prevBlockHash32: filled(32, 0),
      policyRoot32: filled(32, 0x70),
      controllerKeyId32: controller.keyId32,
      policyVersion: 3,
      baseEpoch: 7,
      purpose: 1,
      flags: 0,
      height,
      ...over,
    };
    if (kind === 1) return core.makeListBlock(provider, header, controller, privateBody, [prekey, other], random);
    if (kind === 5) return core.makePskBlock(provider, header, controller, privateBody, psk32);
    const nodes = core.coverOf(height, [0]).map((node) => ({ node, key32: nodeKey(node, epoch) }));
    return core.makeSubtreeBlock(provider, header, controller, privateBody, nodes, random);
  };
  /** @param {number} epoch */
  const enrolment = (epoch) => {
    const path = [0, 1, 2, 3].map((up) => (2 ** height + leaf) >> up);
    const nodeKeys = Buffer.concat(path.map((node) => nodeKey(node, epoch)));
    const fields = {
      suite: 1,
      groupId16,
      generation: 1,
      epoch,
      height,
      leaf,
      memberKeyId32,
      issuedMs: 1,
      policyVersion: 1,
    };
    return core.makeEnrolment(provider, fields, controller, authorityId32, prekey, new Uint8Array(nodeKeys), random);
  };

  const held = block(8);
  const next = block(9, { prevBlockHash32: held.blockHash32 });
  const blocks = [held, next, block(7), block(12), block(9), block(8, { salt16: filled(16, 0x77) })].map(
    ({ bytes }) => bytes,
  );
  const [, nextBytes = held.bytes] = blocks;
  const parts = kind === 5 ? [] : [0, 1].map((index) => core.partialBlock(provider, nextBytes, index));
  const enrolments = kind === 2 ? [7, 8, 10].map(enrolment) : [];
  const genuine = [
    ...[...blocks, ...parts].map((bytes) => ({ what: /** @type {What} */ ('block'), bytes })),
    ...enrolments.map((bytes) => ({ what: /** @type {What} */ ('enrolment'), bytes })),
  ];
  /** What the signature is over. @param {What} what @param {Uint8Array} bytes */
  const signedPart = (what, bytes) =>
    what === 'block'
      ? core.parseBlock(provider, bytes).signInput
      : core.enrolmentSignInput(provider, core.parseEnrolment(bytes), authorityId32);
  const signed = new Set(genuine.map(({ what, bytes }) => `${what} ${toHex(signedPart(what, bytes))}`));

  return {
    settings,
    genuine,
    /** One that opened the block of epoch 8. */
    newMember: () => {
      const prekeys = new core.PrekeyStore(provider);
      prekeys.add(prekeySecret32);
      const member = new core.MemberKeys({
        provider,
        authorityId32,
        keyId32: memberKeyId32,
        suites: [1, 2],
        suiteFloor: 1,
        prekeys,
        psk32,
      });
      const [first] = enrolments;
      if (first !== undefined) member.takeEnrolment(first, settings);
      member.takeBlock(held.bytes, settings);
      return member;
    },
    isSigned: (/** @type {What} */ what, /** @type {Uint8Array} */ bytes) =>
      signed.has(`${what} ${toHex(signedPart(what, bytes))}`),
    /** The same with a right signature; undefined where there is nothing to sign. @param {What} what @param {Uint8Array} bytes */
    signAgain: (what, bytes) => {
      const { value } = answerOf(core, () => signedPart(what, bytes));
      return value && Buffer.concat([bytes.subarray(0, -64), controller.sign(value)]);
    },
  };
}

/** @param {number} number @param {What} what @param {Uint8Array} bytes */
function marked(number, what, bytes) {
  return Buffer.concat([Uint8Array.of(number | (what === 'block' ? 0 : 4)), bytes]);
}

/** @param {number} length @param {number} value */
function filled(length, value) {
  return new Uint8Array(length).fill(value);
}
