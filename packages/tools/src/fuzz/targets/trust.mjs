/** Chapter 07: what a node comes to hold, of objects that somebody changed, and of those that a signer made badly. */
import { answerOf, must } from '../core.mjs';
import { toHex } from '../seeds.mjs';

/** @typedef {import('../core.mjs').Core} Core */
/** @typedef {import('../engine.mjs').Target} Target */
/** @typedef {import('@tridcomm/core/internal').Trust} Trust */
/** @typedef {import('@tridcomm/core/internal').SigningKey} SigningKey */
/** @typedef {ReturnType<typeof makeAuthority>} Authority */

const nowMs = 1_800_000_000_000;

/**
 * Input: u8 which `take…` ‖ bytes. Nothing is held but what was signed, and a refusal changes nothing.
 * @param {Core} core @returns {Target}
 */
export function trustTarget(core) {
  const authority = makeAuthority(core);
  let node = newNode(authority);
  return {
    name: 'trust',
    files: /^keys\/(trust|signed-object|head|[a-z]+-record|policy)/,
    seeds: authority.genuine.map(({ kind, bytes }) => Buffer.concat([Uint8Array.of(kind), bytes])),
    maxBytes: 1_200,
    ...bounds,
    run(input) {
      const kind = (input[0] ?? 0) % takes.length;
      const bytes = input.subarray(1);
      const before = stateOf(node, authority);
      const { value, code } = answerOf(core, () => take(node, authority, kind, bytes));
      if (code !== undefined) return must(stateOf(node, authority) === before, `refused with ${code}, and held`);
      if (value === 'known') must(stateOf(node, authority) === before, 'known, and held once more');
      // Whether an authority record is known shows before its signatures are looked at.
      if (value === 'held' || kind > 0) must(authority.isSigned(kind, bytes), `${value} what nobody signed`);
      must(take(node, authority, kind, bytes) === 'known', 'the second time it is not known');
      if (value === 'held') node = newNode(authority);
    },
  };
}

/**
 * Input: u8 kind of object ‖ body. It is signed as its kind asks for, so all that is behind the signatures is reached.
 * @param {Core} core @returns {Target}
 */
export function signerTarget(core) {
  const authority = makeAuthority(core);
  let node = newNode(authority);
  return {
    name: 'signer',
    files: /^keys\/(trust|[a-z]+-record|policy|interval|public-key)/,
    seeds: authority.genuine.flatMap(({ kind, bytes }) => {
      const { body } = kind > 4 ? { body: undefined } : core.parseObject(core.nodeProvider, bytes, kind + 1);
      return body === undefined ? [] : [Buffer.concat([Uint8Array.of(kind), body])];
    }),
    maxBytes: 1_200,
    ...bounds,
    run(input) {
      const kind = (input[0] ?? 0) % 5;
      const { bytes } = authority.sign(kind, input.subarray(1));
      const before = stateOf(node, authority);
      const placesBefore = placesOf(node, authority);
      const { value, code } = answerOf(core, () => take(node, authority, kind, bytes));
      must(code !== 'E_BINDING' || kind === 0, 'what was signed soundly is E_BINDING');
      if (code !== undefined || value === 'known') {
        return must(stateOf(node, authority) === before, `${code ?? value}, and held`);
      }
      const places = placesOf(node, authority);
      for (const [i, place] of places.entries()) must(place >= (placesBefore[i] ?? 0), 'a place went down');
      must(take(node, authority, kind, bytes) === 'known', 'the second time it is not known');
      node = newNode(authority);
    },
  };
}

/** Some signatures for one input. */
const bounds = { slowMs: 20, reservedBytes: 262_144 };

/** By the number in the input: kind of object less one, then heads. */
const takes = /** @type {const} */ ([
  'takeAuthorityRecord',
  'takePrincipalRecord',
  'takeKeyRecord',
  'takePolicy',
  'takeGroupRecord',
  'takeHead',
  'takeGroupHead',
  'takeHeadAnswer',
]);

/** @param {Trust} node @param {Authority} authority @param {number} kind @param {Uint8Array} bytes */
function take(node, authority, kind, bytes) {
  const name = takes[kind] ?? 'takeHead';
  if (name === 'takeGroupHead') return node.takeGroupHead(bytes, authority.groupId16, nowMs).taken;
  if (name === 'takeHeadAnswer') return node.takeHeadAnswer(bytes, authority.nonce32, nowMs);
  return node[name](bytes, nowMs);
}

/** A node that holds the first of everything. @param {Authority} authority @returns {Trust} */
function newNode(authority) {
  const node = authority.newTrust();
  for (const { kind, bytes } of authority.first) take(node, authority, kind, bytes);
  return node;
}

/** All that a node holds, as one text. @param {Trust} node @param {Authority} authority */
function stateOf(node, authority) {
  return heldBy(node, authority)
    .map((held) => (held === undefined ? '' : toHex('object' in held ? held.object.hash32 : held.hash32)))
    .join();
}

/** Serials, versions and head numbers of what a node holds. @param {Trust} node @param {Authority} authority */
function placesOf(node, authority) {
  return heldBy(node, authority).map((held) => {
    if (held === undefined) return 0;
    if ('headSeq' in held) return held.headSeq;
    return 'version' in held ? held.version : held.serial;
  });
}

/** @param {Trust} node @param {Authority} authority */
function heldBy(node, { alice, groupId16 }) {
  return [
    node.authorityRecord,
    node.principal(alice.keyId32),
    node.principalBySenderId(alice.keyId32.subarray(0, 16)),
    node.keyRecord(alice.keyId32),
    node.policy,
    node.groupRecord(groupId16),
    node.head,
  ];
}

/** An authority and what it signed, with fixed keys. @param {Core} core */
function makeAuthority(core) {
  const { nodeProvider: provider } = core;
  const key = (/** @type {number} */ n) => core.signingKeyOf(provider, filled(32, n));
  const [root, issuer, policy, status, alice] =
    /** @type {[SigningKey, SigningKey, SigningKey, SigningKey, SigningKey]} */ ([1, 2, 3, 4, 5].map(key));
  const keyBody = (/** @type {SigningKey} */ { publicKey32 }) => ({ alg: 1, public_key: publicKey32 });
  const prekey = (/** @type {number} */ n) => ({ alg: 32, public_key: provider.publicKey('x25519', filled(32, n)) });
  const day = 86_400_000;
  const life = { not_before_ms: nowMs - day, not_after_ms: nowMs + day };
  const delegations = /** @type {const} */ ([
    [issuer, 1],
    [policy, 2],
    [status, 4],
  ])
    .map(([delegate, roles]) => ({ delegate, body: { key: keyBody(delegate), roles, ...life } }))
    .toSorted((a, b) => Buffer.compare(a.delegate.keyId32, b.delegate.keyId32))
    .map(({ body }) => body);
  const firstBody = core.encodeBody('AuthorityRecord', {
    serial: 1,
    threshold: 1,
    root_keys: [keyBody(root)],
    delegations,
  });
  const authorityId32 = core.authorityIdOf(provider, firstBody);
  const groupId16 = filled(16, 0x61);
  const nonce32 = filled(32, 0x62);

  /** @type {readonly (readonly (readonly [string, SigningKey])[])[]} */
  const signersOf = [
    [['authority', root]],
    [
      ['principal', alice],
      ['issuer', issuer],
    ],
    [['keys', alice]],
    [['policy', policy]],
    [['group', policy]],
  ];
  const sign = (/** @type {number} */ kind, /** @type {Uint8Array} */ body) => {
    const signers = (signersOf[kind] ?? []).map(([label, signer]) => ({ label, key: signer }));
    return { kind, bytes: core.encodeObject(provider, kind + 1, authorityId32, body, signers) };
  };
  const hashOf = (/** @type {{ kind: number, bytes: Uint8Array }} */ { kind, bytes }) =>
    core.parseObject(provider, bytes, kind + 1).hash32;

  const principal = (/** @type {number} */ serial) =>
    sign(
      1,
      core.encodeBody('PrincipalRecord', {
        key: keyBody(alice),
        serial,
        ...life,
        name: 'alice',
        roles: 1,
        suites: [1, 2],
        suite_floor: 1,
        max_version: 1,
      }),
    );
  const keys = (/** @type {number} */ serial) =>
    sign(
      2,
      core.encodeBody('KeyRecord', {
        principal_key_id32: alice.keyId32,
        principal_serial: 2,
        serial,
        ...life,
        prekeys: [prekey(8), prekey(9)],
        noise_static: prekey(10),
      }),
    );
  const policyOf = (/** @type {number} */ version) =>
    sign(
      3,
      core.encodeBody('Policy', {
        version,
        authority_record_hash32: filled(32, 1),
        groups: [
          {
            group_id16: groupId16,
            group_record_hash32: filled(32, 2),
            writers_root32: filled(32, 3),
            edge_root32: filled(32, 4),
            private_hash32: filled(32, 5),
          },
        ],
      }),
    );
  const group = (/** @type {number} */ serial) =>
    sign(
      4,
      core.encodeBody('GroupRecord', {
        group_id16: groupId16,
        serial,
        purpose: 1,
        suite: 1,
        block_kind: 2,
        controller: keyBody(issuer),
        max_head_age_ms: 60_000,
        epoch_life_ms: 3_600_000,
        drain_ms: 600_000,
        period_ms: day,
        topic_chains: true,
      }),
    );

  const leaves = [groupId16, filled(16, 0x70), filled(16, 0x71)].map((id) =>
    core.encodeGroupLeaf({ groupId16: id, generation: 1, epoch: 7, blockHash32: filled(32, 6) }),
  );
  const head = (/** @type {number} */ headSeq) =>
    core.encodeHead(provider, authorityId32, status, {
      headSeq,
      issuedMs: nowMs,
      freshUntilMs: nowMs + 60_000,
      policyVersion: 2,
      policyHash32: filled(32, 1),
      groupsRoot32: core.treeHead(provider, leaves),
      revokedHash32: filled(32, 3),
      prevHeadHash32: filled(32, 4),
    });
  const answer = (/** @type {number} */ headSeq) =>
    core.encodeHeadAnswer(provider, authorityId32, status, head(headSeq), nonce32);

  const root1 = sign(0, firstBody);
  const root2 = sign(
    0,
    core.encodeBody('AuthorityRecord', {
      serial: 2,
      threshold: 1,
      root_keys: [keyBody(root)],
      delegations,
      previous_hash32: hashOf(root1),
    }),
  );
  const first = [root1, principal(2), keys(2), policyOf(2), group(2), { kind: 5, bytes: head(2) }];
  const genuine = [
    ...first,
    root2,
    principal(1),
    principal(4),
    keys(4),
    policyOf(1),
    policyOf(4),
    group(4),
    ...[1, 4].map((headSeq) => ({ kind: 5, bytes: head(headSeq) })),
    ...[2, 4].flatMap((headSeq) => [
      ...core.encodeGroupHeads(provider, head(headSeq), leaves).map((bytes) => ({ kind: 6, bytes })),
      { kind: 7, bytes: answer(headSeq) },
    ]),
  ];
  const signed = new Set(genuine.map(({ kind, bytes }) => `${kind} ${toHex(bytes)}`));
  return {
    alice,
    groupId16,
    nonce32,
    first,
    genuine,
    sign,
    newTrust: () => new core.Trust({ provider, authorityId32 }),
    /** Whether these bytes are what somebody signed; who has not the key makes no other signature of the same. */
    isSigned: (/** @type {number} */ kind, /** @type {Uint8Array} */ bytes) => signed.has(`${kind} ${toHex(bytes)}`),
  };
}

/** @param {number} length @param {number} value */
function filled(length, value) {
  return new Uint8Array(length).fill(value);
}
