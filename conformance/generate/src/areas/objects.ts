/** objects.json: signed objects of the first five kinds, principals.8 to principals.16. */
import { VectorFile, type Group } from '../cases.ts';
import type { Json } from '../json.ts';
import { cat, flip, hex, put, seeded, text, u32, u8, unhex, zeros, type Bytes } from '../twin/bytes.ts';
import { encodeY, littleEndian, P } from '../twin/ed25519.ts';
import { LOW_ORDER } from '../twin/trust.ts';
import {
  ascending,
  authorityFields,
  authorityIdOf,
  edKey,
  encodeBody,
  encodeObject,
  firstAuthority,
  KIND,
  keyRecord,
  nextAuthority,
  policyObject,
  groupRecord,
  principalRecord,
  ROLE,
  rootSigners,
  sigin,
  wire,
  xKey,
  type Bend,
  type DelegationSpec,
  type Fields,
  type KeyPair,
  type SignedObject,
  type Signer,
} from '../twin/objects.ts';
import {
  ALICE_KEY,
  AUTHORITY,
  BOB_KEY,
  DAY,
  delegation,
  DELEGATIONS,
  groupFields,
  HOUR,
  ISSUER,
  keyFields,
  keysOf,
  named,
  POLICY_KEY,
  policyFields,
  principalFields,
  principalOf,
  ROOT,
  STATUS,
  STRANGER,
  xPublic,
} from '../authority.ts';
import { FIRST, HELD, KNOWN, objectStep, runner, type Run, type TrustStep } from '../steps.ts';
import { NOW } from '../world.ts';

const ID = AUTHORITY.authorityId;
const SKEW = 30_000n;
const SMALL: Fields = policyFields(1, { groups: [] });
const policyAt = (version: number, more: Fields = { groups: [] }, signer: KeyPair = POLICY_KEY): SignedObject =>
  policyObject(ID, signer, policyFields(version, more));

const signerOf = (key: KeyPair, label: string): Signer => ({ seed: key.seed, label });

export function objects(): VectorFile {
  const file = new VectorFile('objects');
  make(file.group('make', 'object.make', 'principals', 'body', false));
  const run = (name: string): Run => runner(file.group(name, 'trust.run', 'principals', 'signature'));
  shell(run('shell'));
  firstRecord(run('authority'));
  chain(run('chain'));
  principals(run('principal'));
  keys(run('keys'));
  policies(run('policy'));
  groups(run('group'));
  return file;
}

function make(g: Group): void {
  const add = (id: string, comment: string, kind: number, body: Bytes, signers: Signer[], spec: string[]): void => {
    const o = encodeObject(kind, ID, body, signers);
    g.valid(id, {
      comment,
      in: {
        kind,
        authorityId: hex(ID),
        body: hex(body),
        signers: signers.map((s) => ({ seed: hex(s.seed), label: s.label })),
      },
      out: { object: hex(o.bytes), objectHash: hex(o.hash) },
      spec,
    });
  };
  const body = encodeBody('AuthorityRecord', authorityFields(1, 1, [ROOT], DELEGATIONS));
  add('authority', 'an authority record with one root key', KIND.authority, body, rootSigners([ROOT]), [
    'principals.9',
    'principals.11',
  ]);
  add(
    'principal',
    'a principal record: the subject, then the issuer',
    KIND.principal,
    encodeBody('PrincipalRecord', { key: edKey(ALICE_KEY.publicKey), ...principalFields() }),
    [signerOf(ALICE_KEY, 'principal'), signerOf(ISSUER, 'issuer')],
    ['principals.9', 'principals.14'],
  );
  add(
    'keys',
    'a key record',
    KIND.keys,
    encodeBody('KeyRecord', { principal_key_id32: ALICE_KEY.keyId, ...keyFields() }),
    [signerOf(ALICE_KEY, 'keys')],
    ['principals.9', 'principals.16'],
  );
  add(
    'policy',
    'a policy',
    KIND.policy,
    encodeBody('Policy', policyFields()),
    [signerOf(POLICY_KEY, 'policy')],
    ['principals.9'],
  );
  add(
    'group',
    'a group record',
    KIND.group,
    encodeBody('GroupRecord', groupFields()),
    [signerOf(POLICY_KEY, 'group')],
    ['principals.9'],
  );
}

/** Steps 1 to 4, 6 and 8, on a small policy. */
function shell(run: Run): void {
  const body = encodeBody('Policy', SMALL);
  const signer = signerOf(POLICY_KEY, 'policy');
  const bent = (bend: Bend, kind = 4, signers: Signer[] = [signer], b: Bytes = body): Bytes =>
    encodeObject(kind, ID, b, signers, bend).bytes;
  const good = policyAt(1);
  const g = good.bytes;
  const S = ['principals.8'];
  const F = ['SignedShell'];
  const pol = (b: Bytes, r: Json = HELD): TrustStep => objectStep(4, b, r);
  run('good', 'a policy is held, and known when it comes again', ['principals.8', 'principals.10'], F, [
    FIRST,
    objectStep(4, good),
    objectStep(4, good, KNOWN),
  ]);
  run(
    'short',
    'no byte, 4 and 44 bytes',
    S,
    [...F, 'Truncated'],
    [pol(zeros(0), 'E_LENGTH'), pol(g.slice(0, 4), 'E_LENGTH'), pol(g.slice(0, 44), 'E_LENGTH')],
  );
  run('magic', 'another magic; those of a list and a head', S, F, [
    pol(flip(g, 0), 'E_ENCODING'),
    pol(put(g, 0, text('TDAL')), 'E_ENCODING'),
    pol(put(g, 0, text('TDHD')), 'E_ENCODING'),
  ]);
  run(
    'version',
    'versions 0 and 2',
    S,
    [...F, 'Downgrade'],
    [pol(put(g, 4, u8(0)), 'E_VERSION'), pol(put(g, 4, u8(2)), 'E_VERSION')],
  );
  run(
    'kind',
    'kind 0, those that are reserved, and 9',
    S,
    [...F, 'Reserved'],
    [0, 6, 7, 8, 9, 255].map((k) => pol(put(g, 5, u8(k)), 'E_ENCODING')),
  );
  run('kind-expected', 'a policy where a group record is expected, and the reverse', S, F, [
    FIRST,
    objectStep(5, g, 'E_ENCODING'),
    pol(groupRecord(ID, POLICY_KEY, groupFields()).bytes, 'E_ENCODING'),
    objectStep(4, g),
  ]);
  run(
    'zeros',
    'the two bytes that are zero',
    S,
    [...F, 'Reserved'],
    [pol(bent({ zero: 1 }), 'E_ENCODING'), pol(bent({ zero: 256 }), 'E_ENCODING')],
  );
  run(
    'length',
    'the last byte missing, one too many, a body_len of one more, one less, 2^32 - 1',
    S,
    [...F, 'Truncated'],
    [
      FIRST,
      pol(g.slice(0, -1), 'E_LENGTH'),
      pol(cat(g, zeros(1)), 'E_LENGTH'),
      pol(put(g, 40, u32(body.length + 1)), 'E_LENGTH'),
      pol(put(g, 40, u32(body.length - 1)), 'E_LENGTH'),
      pol(put(g, 40, u32(0xffff_ffff)), 'E_LENGTH'),
      pol(put(g, 44 + body.length, u8(2)), 'E_LENGTH'),
      pol(g),
    ],
  );
  const many = (n: number): Signer[] => Array.from({ length: n }, () => signer);
  run(
    '17-signatures',
    '17 signatures, and 16, of which a policy has 15 too many',
    S,
    [...F, 'Limit'],
    [pol(bent({}, 4, many(17)), 'E_LIMIT'), pol(bent({}, 4, many(16)), 'E_SIG')],
  );
  run('authority', 'one bit of authority_id32', S, F, [FIRST, pol(flip(g, 8), 'E_BINDING')]);
  const otherRoot = named('another root');
  const other = firstAuthority(authorityFields(1, 1, [otherRoot], DELEGATIONS), [otherRoot]);
  run('other-authority', "another authority's policy, signed by a key that both delegate; and its record", S, F, [
    FIRST,
    objectStep(4, policyObject(other.authorityId, POLICY_KEY, SMALL), 'E_BINDING'),
    objectStep(1, other.object, 'E_BINDING'),
  ]);
  const moved = put(policyObject(other.authorityId, POLICY_KEY, SMALL).bytes, 8, ID);
  run('other-authority-renamed', 'the same with this authority written into it', ['principals.8', 'principals.9'], F, [
    FIRST,
    pol(moved, 'E_SIG'),
  ]);
  run('no-signature', 'no signature (S03)', S, F, [FIRST, pol(bent({}, 4, []), 'E_SIG')]);
  run('two-signatures', 'a second signature, by the same key or another that is delegated', S, F, [
    FIRST,
    pol(bent({}, 4, [signer, signer]), 'E_SIG'),
    pol(bent({}, 4, [signer, signerOf(ISSUER, 'policy')]), 'E_SIG'),
  ]);
  run(
    'flipped',
    'one bit of prefix, body, key id, R and S',
    ['principals.8', 'principals.9'],
    ['Tampered'],
    [
      FIRST,
      pol(flip(g, 44 + 5), 'E_SIG'),
      pol(flip(g, -96), 'E_SENDER'),
      pol(flip(g, -64), 'E_SIG'),
      pol(flip(g, -1), 'E_SIG'),
    ],
  );
  for (const label of ['authority', 'principal', 'issuer', 'keys', 'group', 'head', 'keyblock', 'envelope'])
    run(
      `label-${label}`,
      `a policy signed with the label "${label}" (T24)`,
      ['principals.8', 'principals.9'],
      ['LabelConfusion'],
      [FIRST, pol(bent({}, 4, [signerOf(POLICY_KEY, label)]), 'E_SIG')],
    );
  const input = (over: Partial<{ id: Bytes; bind: Bytes; a: Bytes; b: Bytes }>): Bytes =>
    sigin('policy', over.id ?? POLICY_KEY.keyId, over.bind ?? ID, over.a ?? good.prefix, over.b ?? body);
  run(
    'sigin',
    'SIGIN with another signer, another authority, prefix and body exchanged, and without the 0x00',
    ['principals.8', 'principals.9'],
    ['LabelConfusion'],
    [
      FIRST,
      ...[
        input({ id: ISSUER.keyId }),
        input({ bind: other.authorityId }),
        input({ a: body, b: good.prefix }),
        cat(text('tdc1 sig policy'), input({}).slice(16)),
      ].map((message) => pol(bent({}, 4, [{ ...signer, message }]), 'E_SIG')),
    ],
  );
  run(
    'signature-moved',
    'the signature of a group record, and that of another policy, under this one',
    ['principals.8', 'principals.9'],
    ['Tampered'],
    [
      FIRST,
      pol(cat(g.slice(0, -64), groupRecord(ID, POLICY_KEY, groupFields()).bytes.slice(-64)), 'E_SIG'),
      pol(cat(g.slice(0, -64), policyAt(2).bytes.slice(-64)), 'E_SIG'),
    ],
  );
  // Order: two faults, the earlier step answers
  const O = ['Order'];
  const badBody = cat(body, wire.number(9, 1));
  const foreign = (b: Bytes, signers: Signer[]): Bytes => encodeObject(4, other.authorityId, b, signers).bytes;
  run('order-1', 'a magic that is wrong in 44 bytes; a version that is wrong under a wrong magic', S, O, [
    pol(flip(g, 0).slice(0, 44), 'E_LENGTH'),
    pol(put(flip(g, 0), 4, u8(2)), 'E_ENCODING'),
    pol(put(put(g, 4, u8(2)), 5, u8(9)), 'E_VERSION'),
  ]);
  run('order-2-3', 'another kind, and a byte too many', S, O, [objectStep(5, cat(g, zeros(1)), 'E_ENCODING')]);
  run('order-3', '17 signatures of which one is cut short: lengths come first', S, O, [
    pol(bent({}, 4, many(17)).slice(0, -1), 'E_LENGTH'),
  ]);
  run('order-3-4', 'a byte too many, and another authority', S, O, [
    pol(cat(foreign(body, [signer]), zeros(1)), 'E_LENGTH'),
  ]);
  run('order-4-5', 'another authority, and a body that is not well formed', S, O, [
    FIRST,
    pol(foreign(badBody, [signer]), 'E_BINDING'),
  ]);
  run('order-5-6', 'a body that is not well formed, and no signature', S, O, [
    FIRST,
    pol(bent({}, 4, [], badBody), 'E_ENCODING'),
  ]);
  run('order-6-7', 'two signatures, by strangers', S, O, [
    FIRST,
    pol(bent({}, 4, [signerOf(STRANGER, 'policy'), signerOf(STRANGER, 'policy')]), 'E_SIG'),
  ]);
  run('order-7-8', 'a stranger, and a signature that is broken; a key with another role, the same', S, O, [
    FIRST,
    pol(flip(bent({}, 4, [signerOf(STRANGER, 'policy')]), -1), 'E_SENDER'),
    pol(flip(bent({}, 4, [signerOf(ISSUER, 'policy')]), -1), 'E_POLICY'),
  ]);
  run('order-8-10', 'a broken signature under an older policy, and under a fork', S, O, [
    FIRST,
    objectStep(4, policyAt(2)),
    pol(flip(g, -1), 'E_SIG'),
    pol(flip(policyAt(2, {}).bytes, -1), 'E_SIG'),
  ]);
  run(
    'known-broken',
    'what is held, with a broken signature: step 8 comes before step 10',
    ['principals.8', 'principals.10'],
    O,
    [FIRST, objectStep(4, good), pol(flip(g, -1), 'E_SIG'), objectStep(4, good, KNOWN)],
  );
  // principals.9
  const later = encodeObject(4, ID, cat(body, wire.bytes(1024, text('later'))), [signer]);
  const later2 = encodeObject(4, ID, cat(body, wire.bytes(1024, text('other'))), [signer]);
  run(
    'unknown-field-signed',
    'an unknown field is verified and hashed as received; another in its place is a fork',
    ['principals.7', 'principals.9'],
    ['UnknownField'],
    [
      FIRST,
      objectStep(4, later),
      objectStep(4, later, KNOWN),
      objectStep(4, later2, 'E_FORK'),
      objectStep(4, good, 'E_FORK'),
      pol(flip(later.bytes, -98), 'E_SIG'),
    ],
  );
  run(
    'form',
    'bodies that are validly signed and not of the one form: an explicit default, a field out of order, an unknown field below 1,024',
    ['principals.8', 'principals.2', 'principals.3', 'principals.4'],
    ['BodyForm', 'BrokenSender'],
    [
      FIRST,
      pol(bent({}, 4, [signer], cat(wire.number(1, 0), body.slice(2))), 'E_ENCODING'),
      pol(bent({}, 4, [signer], cat(body.slice(2), wire.number(1, 1))), 'E_ENCODING'),
      pol(bent({}, 4, [signer], badBody), 'E_ENCODING'),
      objectStep(4, good),
    ],
  );
  run(
    'refused-changes-nothing',
    'a fork, a stranger and an older one, then the next version is held',
    ['principals.8', 'errors.6'],
    ['Rollback'],
    [
      FIRST,
      objectStep(4, policyAt(2)),
      objectStep(4, policyAt(2, {}), 'E_FORK'),
      objectStep(4, policyAt(9, {}, STRANGER), 'E_SENDER'),
      objectStep(4, policyAt(1), 'E_EPOCH'),
      objectStep(4, policyAt(3)),
    ],
  );
}

const R = ['root a', 'root b', 'root c'].map(named);
const N = ['new root a', 'new root b', 'new root c'].map(named);
const [R0 = ROOT, R1 = ROOT, R2 = ROOT] = ascending(R);
const [N0 = ROOT, N1 = ROOT] = ascending(N);
const FEW: DelegationSpec[] = [delegation(ISSUER, ROLE.issuer)];

function firstRecord(run: Run): void {
  const S = ['principals.11', 'principals.8'];
  const F = ['RootChain'];
  const D = ['Delegation'];
  /** A first record whose id is that of its body, whatever the body says. */
  const first = (
    id: string,
    comment: string,
    fields: Fields,
    signers: KeyPair[] | Signer[],
    result: string | { [m: string]: boolean },
    flags: string[] = F,
    spec: string[] = S,
  ): void => {
    const body = encodeBody('AuthorityRecord', fields);
    const authorityId = authorityIdOf(body);
    const list = signers.map((s): Signer => ('label' in s ? s : signerOf(s, 'authority')));
    run(id, comment, spec, flags, [objectStep(1, encodeObject(1, authorityId, body, list), result)], { authorityId });
  };
  const ok = HELD as { [m: string]: boolean };
  const three = authorityFields(1, 2, R, FEW);
  first('one-of-one', 'one root key', authorityFields(1, 1, [ROOT], DELEGATIONS, { name: 'Example' }), [ROOT], ok);
  first('two-of-three', 'two of three root keys', three, [R0, R2], ok);
  first('three-of-three', 'more than the threshold', three, [R0, R1, R2], ok);
  first('no-delegation', 'nothing is delegated', authorityFields(1, 1, [ROOT], []), [ROOT], ok);
  first('too-few', 'one of the two that are asked for', three, [R1], 'E_POLICY');
  first('no-signature', 'no signature at all', three, [], 'E_POLICY');
  first('order-of-signers', 'the signers descend', three, [R1, R0], 'E_SIG', F, ['principals.8', 'principals.13']);
  first('one-key-twice', 'one root key signs twice', three, [R0, R0], 'E_SIG', F, ['principals.13']);
  first('stranger', 'two root keys and a stranger', three, ascending([R0, R1, STRANGER]), 'E_SIG', F, [
    'principals.13',
  ]);
  first(
    'delegate-signs',
    'two root keys and the key that is delegated as issuer',
    three,
    ascending([R0, R1, ISSUER]),
    'E_SIG',
    F,
    ['principals.13'],
  );
  first(
    'stranger-too-few',
    'a root key and a stranger: step 6 before step 7',
    three,
    ascending([R0, STRANGER]),
    'E_SIG',
    ['Order'],
    ['principals.8', 'principals.13'],
  );
  first(
    'broken-too-few',
    'one root key with the label of a policy: step 7 before step 8',
    three,
    [signerOf(R0, 'policy')],
    'E_POLICY',
    ['Order'],
    ['principals.8'],
  );
  first(
    'label',
    'the second root key signs with the label of a principal',
    three,
    [signerOf(R0, 'authority'), signerOf(R1, 'principal')],
    'E_SIG',
    ['LabelConfusion'],
    ['principals.8'],
  );
  first(
    'third-broken',
    'two of three are right, the third is not: each signature counts',
    three,
    [signerOf(R0, 'authority'), signerOf(R1, 'authority'), signerOf(R2, 'policy')],
    'E_SIG',
    F,
    ['principals.8'],
  );
  const body = encodeBody('AuthorityRecord', three);
  const made = encodeObject(1, authorityIdOf(body), body, rootSigners([R0, R1]));
  run(
    'flipped',
    'a broken signature; then the honest one',
    ['principals.8'],
    ['Tampered'],
    [objectStep(1, flip(made.bytes, -1), 'E_SIG'), objectStep(1, flip(made.bytes, -97), 'E_SIG'), objectStep(1, made)],
    { authorityId: authorityIdOf(body) },
  );
  run('not-the-hash', 'this id over another body, validly signed by the keys of that body', ['principals.11'], F, [
    objectStep(1, encodeObject(1, ID, body, rootSigners([R0, R1])), 'E_BINDING'),
    FIRST,
  ]);
  run('not-the-hash-after', 'the same when the first record is held', ['principals.11'], F, [
    FIRST,
    objectStep(
      1,
      encodeObject(1, ID, encodeBody('AuthorityRecord', authorityFields(1, 1, [ROOT], [])), rootSigners([ROOT])),
      'E_BINDING',
    ),
  ]);
  const second = authorityFields(2, 1, [ROOT], DELEGATIONS, { previous_hash32: AUTHORITY.object.hash });
  run('serial-2-first', 'serial 2 where nothing is held; after serial 1 it is held', ['principals.11'], F, [
    objectStep(1, nextAuthority(ID, second, [ROOT]), 'E_EPOCH'),
    FIRST,
    objectStep(1, nextAuthority(ID, second, [ROOT])),
  ]);
  // Step 5
  const keysOfAll = (list: KeyPair[]): Fields[] => list.map((k) => edKey(k.publicKey));
  first(
    'threshold-above',
    'a threshold of 2 with one root key',
    authorityFields(1, 2, [ROOT], []),
    [ROOT],
    'E_ENCODING',
  );
  first(
    'previous-in-first',
    'previous_hash32 in the first record',
    authorityFields(1, 1, [ROOT], [], { previous_hash32: seeded('x', 32) }),
    [ROOT],
    'E_ENCODING',
  );
  first(
    'roots-descend',
    'root keys out of order',
    { ...three, root_keys: keysOfAll([R1, R0, R2]) },
    [R0, R1],
    'E_ENCODING',
  );
  first('root-twice', 'a root key twice', { ...three, root_keys: keysOfAll([R0, R0, R1]) }, [R0, R1], 'E_ENCODING');
  first(
    'root-x25519',
    'a root key that is X25519',
    { ...authorityFields(1, 1, [], []), root_keys: [xKey(xPublic('root'))] },
    [],
    'E_ENCODING',
    ['KeyUse'],
  );
  first(
    'root-delegated',
    'a root key that is delegated too',
    authorityFields(1, 1, [ROOT], [delegation(ROOT, ROLE.policy)]),
    [ROOT],
    'E_ENCODING',
    D,
  );
  const two = ascending([ISSUER, POLICY_KEY]).map((k) => delegation(k, 1));
  const raw = (d: DelegationSpec, more: Fields = {}): Fields => ({
    key: edKey(d.key.publicKey),
    roles: d.roles,
    not_before_ms: d.notBefore,
    not_after_ms: d.notAfter,
    ...more,
  });
  const withDelegations = (delegations: Fields[]): Fields => ({ ...authorityFields(1, 1, [ROOT], []), delegations });
  first(
    'delegations-descend',
    'delegations out of order',
    withDelegations(two.toReversed().map((d) => raw(d))),
    [ROOT],
    'E_ENCODING',
    D,
  );
  first(
    'delegation-twice',
    'one key in two delegations',
    withDelegations([raw(delegation(ISSUER, 1)), raw(delegation(ISSUER, 2))]),
    [ROOT],
    'E_ENCODING',
    D,
  );
  first(
    'delegation-x25519',
    'an X25519 key is delegated',
    withDelegations([raw(delegation(ISSUER, 1), { key: xKey(xPublic('issuer')) })]),
    [ROOT],
    'E_ENCODING',
    ['KeyUse'],
  );
  first(
    'delegation-role-8',
    'a role that is not defined',
    withDelegations([raw(delegation(ISSUER, 8))]),
    [ROOT],
    'E_ENCODING',
    D,
    ['principals.4', 'principals.8'],
  );
  first(
    'delegation-no-role',
    'a delegation of nothing',
    withDelegations([raw(delegation(ISSUER, 0))]),
    [ROOT],
    'E_ENCODING',
    D,
    ['principals.3', 'principals.8'],
  );
  const V = ['Validity', 'Delegation'];
  const life = (roles: number, ms: bigint): Fields =>
    authorityFields(1, 1, [ROOT], [delegation(ISSUER, roles, NOW, NOW + ms)]);
  first('delegation-90-days', 'a delegation of 90 days', life(3, 90n * DAY), [ROOT], ok, V);
  first('delegation-90-days-1', 'a millisecond more', life(3, 90n * DAY + 1n), [ROOT], 'E_LIMIT', V);
  first('status-7-days', 'a status key for 7 days', life(4, 7n * DAY), [ROOT], ok, V);
  first('status-7-days-1', 'a millisecond more', life(4, 7n * DAY + 1n), [ROOT], 'E_LIMIT', V);
  first('status-and-policy', 'status and policy together, for 8 days', life(6, 8n * DAY), [ROOT], 'E_LIMIT', V);
  first('delegation-ends-at-once', 'a delegation of one instant', life(1, 0n), [ROOT], ok, V);
  first('delegation-reversed', 'a delegation that ends before it begins', life(1, -1n), [ROOT], 'E_ENCODING', V);
  const weak = encodeY(1n, 0);
  const bigY = encodeY(P + 3n, 0);
  first(
    'root-small-order',
    'a root key of small order',
    { ...authorityFields(1, 1, [], []), root_keys: [edKey(weak)] },
    [],
    'E_KEY',
    ['KeyUse', 'SmallOrder'],
  );
  first(
    'root-not-reduced',
    'a root key whose y is not reduced',
    { ...authorityFields(1, 1, [], []), root_keys: [edKey(bigY)] },
    [],
    'E_KEY',
    ['KeyUse', 'NonCanonical'],
  );
  first(
    'delegate-small-order',
    'a delegated key of small order',
    withDelegations([raw(delegation(ISSUER, 1), { key: edKey(weak) })]),
    [ROOT],
    'E_KEY',
    ['KeyUse', 'SmallOrder'],
  );
  const broken = cat(encodeBody('AuthorityRecord', three), wire.number(9, 1));
  run(
    'form',
    'an unknown field below 1,024, under the id of that body',
    ['principals.8', 'principals.3'],
    ['BodyForm'],
    [objectStep(1, encodeObject(1, authorityIdOf(broken), broken, rootSigners([R0, R1])), 'E_ENCODING')],
    { authorityId: authorityIdOf(broken) },
  );
}

function chain(run: Run): void {
  const F = ['RootChain'];
  const S = ['principals.12'];
  const start = firstAuthority(authorityFields(1, 2, R, FEW), [R0, R1]);
  const id = start.authorityId;
  const at = { authorityId: id };
  const one = objectStep(1, start.object);
  const next = (
    serial: number,
    threshold: number,
    roots: KeyPair[],
    previous: Bytes,
    signers: KeyPair[],
    delegations: DelegationSpec[] = [],
  ): SignedObject =>
    nextAuthority(id, authorityFields(serial, threshold, roots, delegations, { previous_hash32: previous }), signers);
  const two = next(2, 2, R, start.object.hash, [R0, R1]);
  const three = next(3, 2, R, two.hash, [R1, R2]);
  run(
    'grows',
    '1, 2 and 3 are held; 3 again is known',
    ['principals.12', 'principals.10'],
    F,
    [one, objectStep(1, two), objectStep(1, three), objectStep(1, three, KNOWN)],
    at,
  );
  run(
    'rollback',
    '1 and 2 after 3',
    ['principals.8', 'principals.12'],
    ['RootChain', 'Rollback'],
    [
      one,
      objectStep(1, two),
      objectStep(1, three),
      objectStep(1, two, 'E_EPOCH'),
      objectStep(1, start.object, 'E_EPOCH'),
    ],
    at,
  );
  run(
    'skips',
    '3 after 1; then 2 and 3',
    S,
    F,
    [one, objectStep(1, three, 'E_EPOCH'), objectStep(1, two), objectStep(1, three)],
    at,
  );
  run(
    'previous',
    'a previous_hash32 that is not that of the one held; the right one is held',
    S,
    ['RootChain', 'Fork'],
    [
      one,
      objectStep(1, next(2, 2, R, flip(start.object.hash, 0), [R0, R1]), 'E_FORK'),
      objectStep(1, two),
      objectStep(1, next(3, 2, R, start.object.hash, [R0, R1]), 'E_FORK'),
    ],
    at,
  );
  run(
    'fork',
    'two records with serial 2, both rightly signed: the first stays',
    ['principals.8', 'principals.12'],
    ['RootChain', 'Fork'],
    [
      one,
      objectStep(1, two),
      objectStep(1, next(2, 1, R, start.object.hash, [R0, R1]), 'E_FORK'),
      objectStep(1, three),
    ],
    at,
  );
  run(
    'no-previous',
    'serial 2 without previous_hash32',
    ['principals.8'],
    F,
    [one, objectStep(1, nextAuthority(id, authorityFields(2, 2, R, []), [R0, R1]), 'E_ENCODING')],
    at,
  );
  const rolled = (signers: KeyPair[]): SignedObject => next(2, 2, N, start.object.hash, signers);
  const whole = rolled([R0, R1, N0, N1]);
  run(
    'rollover',
    'all root keys change: two of the old and two of the new sign; then the new ones alone',
    S,
    F,
    [one, objectStep(1, whole), objectStep(1, next(3, 2, N, whole.hash, [N0, N1]))],
    at,
  );
  run(
    'rollover-too-few',
    'only the new ones; only the old ones; one old and two new; two old and one new',
    S,
    F,
    [
      one,
      objectStep(1, rolled([N0, N1]), 'E_POLICY'),
      objectStep(1, rolled([R0, R1]), 'E_POLICY'),
      objectStep(1, rolled([R0, N0, N1]), 'E_POLICY'),
      objectStep(1, rolled([R0, R1, N0]), 'E_POLICY'),
      objectStep(1, whole),
    ],
    at,
  );
  run(
    'old-keys-after-rollover',
    'the old root keys sign serial 3',
    ['principals.13'],
    F,
    [
      one,
      objectStep(1, whole),
      objectStep(1, next(3, 2, N, whole.hash, [R0, R1]), 'E_SIG'),
      objectStep(1, next(3, 2, R, whole.hash, [R0, R1]), 'E_POLICY'),
      objectStep(1, next(3, 2, N, whole.hash, [N0, N1, R0]), 'E_SIG'),
    ],
    at,
  );
  run(
    'shared-keys',
    'a key of both records counts for both',
    S,
    F,
    [one, objectStep(1, next(2, 2, [R0, R1, N0], start.object.hash, [R0, R1]))],
    at,
  );
  run(
    'threshold-raised',
    '2 of 3 become 3 of 3: two are too few, three are enough',
    S,
    F,
    [
      one,
      objectStep(1, next(2, 3, R, start.object.hash, [R0, R1]), 'E_POLICY'),
      objectStep(1, next(2, 3, R, start.object.hash, [R0, R1, R2])),
    ],
    at,
  );
  run(
    'threshold-lowered',
    '2 of 3 become 1 of 3: what counts is the threshold of the record held',
    S,
    F,
    [
      one,
      objectStep(1, next(2, 1, R, start.object.hash, [R0]), 'E_POLICY'),
      objectStep(1, next(2, 1, R, start.object.hash, [R0, R1])),
      objectStep(1, next(3, 1, R, next(2, 1, R, start.object.hash, [R0, R1]).hash, [R2])),
    ],
    at,
  );
  run(
    'signers',
    'a stranger, a delegated key, a key twice',
    ['principals.13'],
    F,
    [
      one,
      objectStep(1, next(2, 2, R, start.object.hash, [R0, R1, STRANGER]), 'E_SIG'),
      objectStep(1, next(2, 2, R, start.object.hash, [R0, R1, ISSUER]), 'E_SIG'),
      objectStep(1, next(2, 2, R, start.object.hash, [R0, R1, R1]), 'E_SIG'),
    ],
    at,
  );
  run(
    'signatures',
    'a broken signature of an old and of a new root key',
    ['principals.8'],
    ['Tampered'],
    [one, ...[0, 1, 2, 3].map((i) => objectStep(1, flip(whole.bytes, -1 - 96 * i), 'E_SIG'))],
    at,
  );
  run(
    'place-first',
    'without a signature, a gap is E_EPOCH before anything is asked of signatures; a fork is E_POLICY, for anybody could make it',
    ['principals.8'],
    ['Order', 'RootChain'],
    [
      one,
      objectStep(1, next(3, 2, R, two.hash, []), 'E_EPOCH'),
      objectStep(1, next(2, 2, R, flip(start.object.hash, 0), []), 'E_POLICY'),
      objectStep(1, next(2, 2, R, start.object.hash, []), 'E_POLICY'),
    ],
    at,
  );
  run(
    'known-other-signatures',
    'the record held, signed by another pair of root keys, is the same object',
    ['principals.10'],
    F,
    [one, objectStep(1, two), objectStep(1, next(2, 2, R, start.object.hash, [R1, R2]), KNOWN)],
    at,
  );
  const without = nextAuthority(
    ID,
    authorityFields(2, 1, [ROOT], [delegation(POLICY_KEY, ROLE.policy)], { previous_hash32: AUTHORITY.object.hash }),
    [ROOT],
  );
  run(
    'delegation-withdrawn',
    'after a record that no longer delegates the issuer, its principal records are refused, and those of before hold no more',
    ['principals.8', 'principals.10'],
    ['Delegation'],
    [
      FIRST,
      objectStep(2, principalOf(ALICE_KEY)),
      objectStep(1, without),
      objectStep(2, principalOf(BOB_KEY), 'E_SENDER'),
      objectStep(3, keysOf(ALICE_KEY), 'E_EXPIRED'),
      objectStep(4, policyAt(1)),
    ],
  );
  const changed = nextAuthority(
    ID,
    authorityFields(2, 1, [ROOT], [delegation(ISSUER, ROLE.policy), delegation(POLICY_KEY, ROLE.issuer)], {
      previous_hash32: AUTHORITY.object.hash,
    }),
    [ROOT],
  );
  run(
    'delegation-changed',
    'the roles of two keys are exchanged',
    ['principals.8'],
    ['Delegation'],
    [
      FIRST,
      objectStep(1, changed),
      objectStep(2, principalOf(ALICE_KEY), 'E_POLICY'),
      objectStep(4, policyAt(1), 'E_POLICY'),
      objectStep(2, principalRecord(ID, ALICE_KEY, POLICY_KEY, principalFields())),
    ],
  );
}

function principals(run: Run): void {
  const F = ['SignedShell'];
  const V = ['Validity'];
  const one = principalOf(ALICE_KEY);
  const from = NOW - DAY;
  const to = NOW + 20n * DAY;
  const body = (more: Fields = {}): Bytes =>
    encodeBody('PrincipalRecord', { key: edKey(ALICE_KEY.publicKey), ...principalFields(1, more) });
  const by = (signers: Signer[], b: Bytes = body()): SignedObject => encodeObject(KIND.principal, ID, b, signers);
  const self = signerOf(ALICE_KEY, 'principal');
  const issuer = signerOf(ISSUER, 'issuer');
  run('good', 'held, then known; a higher serial is held', ['principals.8', 'principals.10', 'principals.14'], F, [
    FIRST,
    objectStep(2, one),
    objectStep(2, one, KNOWN),
    objectStep(2, principalOf(ALICE_KEY, 5)),
  ]);
  run('two', 'serials of two principals are apart', ['principals.14'], F, [
    FIRST,
    objectStep(2, principalOf(ALICE_KEY, 5)),
    objectStep(2, principalOf(BOB_KEY, 1, { name: 'bob' })),
  ]);
  run(
    'suites',
    'suites that v1 does not know, and a floor that none of its own reaches, are for who seals, not for who holds',
    ['principals.15'],
    ['Downgrade'],
    [FIRST, objectStep(2, principalOf(ALICE_KEY, 1, { suites: [1, 2, 17, 65_279], suite_floor: 2, max_version: 9 }))],
  );
  run('signatures', 'no signature; only the subject; only the issuer; a third (S03)', ['principals.8'], F, [
    FIRST,
    objectStep(2, by([]), 'E_SIG'),
    objectStep(2, by([self]), 'E_SIG'),
    objectStep(2, by([issuer]), 'E_SIG'),
    objectStep(2, by([self, issuer, issuer]), 'E_SIG'),
  ]);
  run('signers', 'issuer before subject; another subject', ['principals.8'], F, [
    FIRST,
    objectStep(2, by([issuer, self]), 'E_SIG'),
    objectStep(2, by([signerOf(BOB_KEY, 'principal'), issuer]), 'E_SIG'),
  ]);
  run(
    'labels',
    'both labels exchanged; both "principal"; both "issuer"',
    ['principals.8', 'principals.9'],
    ['LabelConfusion'],
    [
      FIRST,
      objectStep(2, by([signerOf(ALICE_KEY, 'issuer'), signerOf(ISSUER, 'principal')]), 'E_SIG'),
      objectStep(2, by([self, signerOf(ISSUER, 'principal')]), 'E_SIG'),
      objectStep(2, by([signerOf(ALICE_KEY, 'issuer'), issuer]), 'E_SIG'),
    ],
  );
  run(
    'broken',
    'a bit of the first and of the second signature; a signature under the name of another',
    ['principals.8'],
    ['Tampered'],
    [
      FIRST,
      objectStep(2, flip(one.bytes, -97), 'E_SIG'),
      objectStep(2, flip(one.bytes, -1), 'E_SIG'),
      objectStep(2, by([{ seed: BOB_KEY.seed, label: 'principal', keyId: ALICE_KEY.keyId }, issuer]), 'E_SIG'),
    ],
  );
  run(
    'name-changed',
    'one letter of the name',
    ['principals.9'],
    ['Tampered'],
    [FIRST, objectStep(2, put(one.bytes, Buffer.from(one.bytes).indexOf('alice'), text('A')), 'E_SIG')],
  );
  run(
    'no-authority',
    'no authority record is held',
    ['principals.8'],
    ['Delegation'],
    [objectStep(2, one, 'E_SENDER'), FIRST, objectStep(2, one)],
  );
  run(
    'issuer',
    'issued by a stranger, by itself, by the policy key, by the status key',
    ['principals.8'],
    ['Delegation'],
    [
      FIRST,
      objectStep(2, principalRecord(ID, ALICE_KEY, STRANGER, principalFields()), 'E_SENDER'),
      objectStep(2, principalRecord(ID, ALICE_KEY, ALICE_KEY, principalFields()), 'E_SENDER'),
      objectStep(2, principalRecord(ID, ALICE_KEY, POLICY_KEY, principalFields()), 'E_POLICY'),
      objectStep(2, principalRecord(ID, ALICE_KEY, STATUS, principalFields()), 'E_POLICY'),
    ],
  );
  run(
    'issuer-principal',
    'issued by another principal, whose record is held',
    ['principals.8'],
    ['Delegation'],
    [
      FIRST,
      objectStep(2, principalOf(BOB_KEY)),
      objectStep(2, principalRecord(ID, ALICE_KEY, BOB_KEY, principalFields()), 'E_SENDER'),
    ],
  );
  const end = NOW + 6n * DAY;
  run(
    'issuer-now',
    'the delegation is over: skew after its end still held, a millisecond later not; before its begin the same',
    ['principals.8'],
    ['Delegation', 'Validity'],
    [
      FIRST,
      objectStep(2, principalOf(ALICE_KEY, 1, { not_before_ms: from - DAY }), 'E_EXPIRED', end + SKEW + 1n),
      objectStep(2, principalOf(ALICE_KEY, 1, { not_before_ms: from - DAY }), 'E_EXPIRED', from - SKEW - 1n),
      objectStep(2, principalOf(ALICE_KEY, 1, { not_before_ms: from - DAY }), HELD, end + SKEW),
      objectStep(2, principalOf(BOB_KEY, 1, { not_before_ms: from - DAY }), HELD, from - SKEW),
    ],
  );
  const near = { not_before_ms: NOW, not_after_ms: NOW + HOUR };
  const short = principalOf(ALICE_KEY, 1, near);
  run('expired', 'a millisecond after its end and the skew', ['principals.14'], V, [
    FIRST,
    objectStep(2, short, 'E_EXPIRED', NOW + HOUR + SKEW + 1n),
  ]);
  run('not-yet', 'a millisecond before its begin less the skew', ['principals.14'], V, [
    FIRST,
    objectStep(2, short, 'E_EXPIRED', NOW - SKEW - 1n),
  ]);
  run('just', 'at its end and the skew; at its begin less the skew', ['principals.14'], V, [
    FIRST,
    objectStep(2, short, HELD, NOW + HOUR + SKEW),
    objectStep(2, principalOf(BOB_KEY, 1, near), HELD, NOW - SKEW),
  ]);
  run(
    'skew-0',
    'a receiver without skew',
    ['principals.14'],
    V,
    [
      FIRST,
      objectStep(2, short, 'E_EXPIRED', NOW - 1n),
      objectStep(2, short, 'E_EXPIRED', NOW + HOUR + 1n),
      objectStep(2, short, HELD, NOW),
    ],
    { skewMs: 0n },
  );
  run(
    'life',
    '30 days; a millisecond more; an interval that ends before it begins; one of an instant',
    ['principals.8', 'principals.14'],
    V,
    [
      FIRST,
      objectStep(2, principalOf(ALICE_KEY, 2, { not_before_ms: NOW, not_after_ms: NOW + 30n * DAY + 1n }), 'E_LIMIT'),
      objectStep(2, principalOf(ALICE_KEY, 2, { not_before_ms: NOW, not_after_ms: NOW - 1n }), 'E_ENCODING'),
      objectStep(2, principalOf(ALICE_KEY, 2, { not_before_ms: NOW, not_after_ms: NOW + 30n * DAY })),
      objectStep(2, principalOf(ALICE_KEY, 3, { not_before_ms: NOW, not_after_ms: NOW })),
    ],
  );
  run(
    'lower-serial',
    "yesterday's record does not come back",
    ['principals.14'],
    ['Rollback'],
    [
      FIRST,
      objectStep(2, principalOf(ALICE_KEY, 5, { suite_floor: 2 })),
      objectStep(2, one, 'E_EXPIRED'),
      objectStep(2, principalOf(ALICE_KEY, 4), 'E_EXPIRED'),
    ],
  );
  run(
    'fork',
    'two records with one serial',
    ['principals.8'],
    ['Rollback', 'Fork'],
    [
      FIRST,
      objectStep(2, one),
      objectStep(2, principalOf(ALICE_KEY, 1, { name: 'al' }), 'E_FORK'),
      objectStep(2, one, KNOWN),
      objectStep(2, principalOf(ALICE_KEY, 2, { name: 'al' })),
    ],
  );
  run(
    'section',
    'suites that descend; an X25519 key',
    ['principals.8'],
    ['BodyForm', 'BrokenSender'],
    [
      FIRST,
      objectStep(2, principalOf(ALICE_KEY, 1, { suites: [2, 1] }), 'E_ENCODING'),
      objectStep(
        2,
        by([self, issuer], encodeBody('PrincipalRecord', { key: xKey(xPublic('alice')), ...principalFields() })),
        'E_ENCODING',
      ),
    ],
  );
  run(
    'unusable',
    'a key of small order, and one whose y is not reduced',
    ['principals.8', 'suites.4'],
    ['KeyUse', 'SmallOrder'],
    [
      FIRST,
      ...[encodeY(0n, 0), encodeY(P - 1n, 0), encodeY(P, 0), encodeY(P + 3n, 1)].map((k) =>
        objectStep(
          2,
          by([self, issuer], encodeBody('PrincipalRecord', { key: edKey(k), ...principalFields() })),
          'E_KEY',
        ),
      ),
    ],
  );
  run(
    'order-5',
    'too long a life, and no signature',
    ['principals.8'],
    ['Order'],
    [FIRST, objectStep(2, by([], body({ not_before_ms: NOW, not_after_ms: NOW + 31n * DAY })), 'E_LIMIT')],
  );
  run(
    'order-6-7',
    'another subject signs, and a stranger issues',
    ['principals.8'],
    ['Order'],
    [FIRST, objectStep(2, by([signerOf(BOB_KEY, 'principal'), signerOf(STRANGER, 'issuer')]), 'E_SIG')],
  );
  run(
    'order-7-8',
    "a stranger issues, and the subject's signature is broken; the issuer's delegation is over, and its signature is broken",
    ['principals.8'],
    ['Order'],
    [
      FIRST,
      objectStep(2, flip(principalRecord(ID, ALICE_KEY, STRANGER, principalFields()).bytes, -97), 'E_SENDER'),
      objectStep(2, flip(one.bytes, -1), 'E_EXPIRED', end + SKEW + 1n),
    ],
  );
  run(
    'order-8-9',
    'a broken signature under a record that has expired',
    ['principals.8'],
    ['Order'],
    [FIRST, objectStep(2, flip(short.bytes, -1), 'E_SIG', NOW + 2n * HOUR)],
  );
  run(
    'order-9-10',
    'a fork that has expired',
    ['principals.8'],
    ['Order'],
    [
      FIRST,
      objectStep(2, principalOf(ALICE_KEY, 1, { not_after_ms: to })),
      objectStep(2, short, 'E_EXPIRED', NOW + 2n * HOUR),
      objectStep(2, short, 'E_FORK', NOW),
    ],
  );
}

function keys(run: Run): void {
  const one = keysOf(ALICE_KEY);
  const principal = objectStep(2, principalOf(ALICE_KEY));
  const S = ['principals.16'];
  const S8 = ['principals.8'];
  const V = ['Validity'];
  const by = (signers: Signer[], more: Fields = {}): SignedObject =>
    encodeObject(
      KIND.keys,
      ID,
      encodeBody('KeyRecord', { principal_key_id32: ALICE_KEY.keyId, ...keyFields(1, more) }),
      signers,
    );
  run(
    'good',
    'held, then known; a higher serial is held',
    ['principals.16', 'principals.10'],
    [],
    [
      FIRST,
      principal,
      objectStep(3, one),
      objectStep(3, one, KNOWN),
      objectStep(
        3,
        keysOf(ALICE_KEY, 2, {
          prekeys: [xKey(xPublic('b')), xKey(xPublic('a'))],
          noise_static: xKey(xPublic('noise')),
        }),
      ),
    ],
  );
  run(
    'no-principal',
    'no principal record of that key is held: not one at all, then only that of another',
    S,
    ['Delegation'],
    [
      FIRST,
      objectStep(3, one, 'E_SENDER'),
      objectStep(2, principalOf(BOB_KEY)),
      objectStep(3, one, 'E_SENDER'),
      principal,
      objectStep(3, one),
    ],
  );
  run(
    'signer',
    'signed by another principal in his own name, and in hers; by the issuer',
    S8,
    ['Impersonation'],
    [
      FIRST,
      principal,
      objectStep(2, principalOf(BOB_KEY)),
      objectStep(3, by([signerOf(BOB_KEY, 'keys')]), 'E_SIG'),
      objectStep(3, by([{ seed: BOB_KEY.seed, label: 'keys', keyId: ALICE_KEY.keyId }]), 'E_SIG'),
      objectStep(3, by([signerOf(ISSUER, 'keys')]), 'E_SIG'),
    ],
  );
  run(
    'signatures',
    'none, two, a broken one (S03)',
    S8,
    ['SignedShell'],
    [
      FIRST,
      principal,
      objectStep(3, by([]), 'E_SIG'),
      objectStep(3, by([signerOf(ALICE_KEY, 'keys'), signerOf(ALICE_KEY, 'keys')]), 'E_SIG'),
      objectStep(3, flip(one.bytes, -1), 'E_SIG'),
    ],
  );
  run(
    'labels',
    'labels of other objects',
    ['principals.8', 'principals.9'],
    ['LabelConfusion'],
    [
      FIRST,
      principal,
      ...['principal', 'policy', 'envelope'].map((label) => objectStep(3, by([signerOf(ALICE_KEY, label)]), 'E_SIG')),
    ],
  );
  const near = { not_before_ms: NOW, not_after_ms: NOW + HOUR };
  const short = keysOf(ALICE_KEY, 1, near);
  run('now', 'expired and not yet valid; at both ends with the skew it is held', S, V, [
    FIRST,
    principal,
    objectStep(3, short, 'E_EXPIRED', NOW + HOUR + SKEW + 1n),
    objectStep(3, short, 'E_EXPIRED', NOW - SKEW - 1n),
    objectStep(3, short, HELD, NOW + HOUR + SKEW),
    objectStep(3, keysOf(ALICE_KEY, 2, near), HELD, NOW - SKEW),
  ]);
  run('life', 'a millisecond more than 48 hours; an interval that ends before it begins; 48 hours', S8, V, [
    FIRST,
    principal,
    objectStep(3, keysOf(ALICE_KEY, 1, { not_before_ms: NOW, not_after_ms: NOW + 48n * HOUR + 1n }), 'E_LIMIT'),
    objectStep(3, keysOf(ALICE_KEY, 1, { not_before_ms: NOW, not_after_ms: NOW - 1n }), 'E_ENCODING'),
    objectStep(3, keysOf(ALICE_KEY, 1, { not_before_ms: NOW, not_after_ms: NOW + 48n * HOUR })),
  ]);
  run(
    'lower-serial',
    'an older key record, that is still valid',
    S,
    ['Rollback'],
    [
      FIRST,
      principal,
      objectStep(3, keysOf(ALICE_KEY, 5)),
      objectStep(3, one, 'E_EXPIRED'),
      objectStep(3, keysOf(ALICE_KEY, 6)),
    ],
  );
  run(
    'fork',
    'two records with one serial',
    S8,
    ['Rollback', 'Fork'],
    [
      FIRST,
      principal,
      objectStep(3, one),
      objectStep(3, keysOf(ALICE_KEY, 1, { prekeys: [xKey(xPublic('other'))] }), 'E_FORK'),
      objectStep(3, one, KNOWN),
    ],
  );
  run(
    'principal-serial',
    'made under an older principal record',
    S,
    ['Rollback'],
    [
      FIRST,
      objectStep(2, principalOf(ALICE_KEY, 3)),
      objectStep(3, keysOf(ALICE_KEY, 1, { principal_serial: 2n }), 'E_EXPIRED'),
      objectStep(3, keysOf(ALICE_KEY, 1, { principal_serial: 3n })),
      objectStep(2, principalOf(ALICE_KEY, 4)),
      objectStep(3, keysOf(ALICE_KEY, 2, { principal_serial: 3n }), 'E_EXPIRED'),
      objectStep(3, keysOf(ALICE_KEY, 2, { principal_serial: 4n })),
    ],
  );
  run(
    'algorithms',
    'an Ed25519 prekey, the second one too; an Ed25519 Noise key',
    S8,
    ['KeyUse'],
    [
      FIRST,
      principal,
      objectStep(3, keysOf(ALICE_KEY, 1, { prekeys: [edKey(BOB_KEY.publicKey)] }), 'E_ENCODING'),
      objectStep(3, keysOf(ALICE_KEY, 1, { prekeys: [xKey(xPublic('a')), edKey(BOB_KEY.publicKey)] }), 'E_ENCODING'),
      objectStep(3, keysOf(ALICE_KEY, 1, { noise_static: edKey(BOB_KEY.publicKey) }), 'E_ENCODING'),
    ],
  );
  run(
    'twice',
    'a prekey twice; a prekey that is the Noise key',
    S8,
    ['KeyUse'],
    [
      FIRST,
      principal,
      objectStep(3, keysOf(ALICE_KEY, 1, { prekeys: ['a', 'b', 'a'].map((n) => xKey(xPublic(n))) }), 'E_ENCODING'),
      objectStep(
        3,
        keysOf(ALICE_KEY, 1, { prekeys: [xKey(xPublic('a'))], noise_static: xKey(xPublic('a')) }),
        'E_ENCODING',
      ),
    ],
  );
  const high = put(xPublic('a'), 31, u8((xPublic('a')[31] ?? 0) | 0x80));
  run(
    'unusable',
    'prekeys that are not canonical: p, p + 9, the top bit set; such a Noise key',
    ['principals.8', 'suites.4'],
    ['KeyUse', 'NonCanonical'],
    [
      FIRST,
      principal,
      ...[littleEndian(P, 32), littleEndian(P + 9n, 32), high].map((k) =>
        objectStep(3, keysOf(ALICE_KEY, 1, { prekeys: [xKey(k)] }), 'E_KEY'),
      ),
      objectStep(3, keysOf(ALICE_KEY, 1, { noise_static: xKey(high) }), 'E_KEY'),
    ],
  );
  run(
    'low-order',
    'prekeys that give zeros with every secret: the five canonical u of low order; such a Noise key',
    ['principals.8', 'suites.5'],
    ['KeyUse'],
    [
      FIRST,
      principal,
      ...[...LOW_ORDER].map((k) => objectStep(3, keysOf(ALICE_KEY, 1, { prekeys: [xKey(unhex(k))] }), 'E_KEY')),
      objectStep(3, keysOf(ALICE_KEY, 1, { prekeys: [xKey(xPublic('a'))], noise_static: xKey(zeros(32)) }), 'E_KEY'),
    ],
  );
  run(
    'order-7-8',
    'no principal record, and a broken signature',
    S8,
    ['Order'],
    [FIRST, objectStep(3, flip(one.bytes, -1), 'E_SENDER')],
  );
  run(
    'order-8-9',
    'a broken signature under a record that has expired',
    S8,
    ['Order'],
    [FIRST, principal, objectStep(3, flip(short.bytes, -1), 'E_SIG', NOW + 2n * HOUR)],
  );
  run(
    'order-6-7',
    'another signer, and no principal record',
    S8,
    ['Order'],
    [FIRST, objectStep(3, by([signerOf(BOB_KEY, 'keys')]), 'E_SIG')],
  );
  run(
    'order-5-7',
    'a prekey that is not canonical, and no principal record',
    S8,
    ['Order'],
    [FIRST, objectStep(3, keyRecord(ID, ALICE_KEY, keyFields(1, { prekeys: [xKey(high)] })), 'E_KEY')],
  );
}

function policies(run: Run): void {
  const S = ['principals.8'];
  run(
    'versions',
    '1, 2 and 7 are held; 7 again is known; lower ones are E_EPOCH, another 7 is E_FORK',
    ['principals.8', 'principals.10'],
    ['Rollback', 'Fork'],
    [
      FIRST,
      objectStep(4, policyAt(1)),
      objectStep(4, policyAt(2)),
      objectStep(4, policyAt(7)),
      objectStep(4, policyAt(7), KNOWN),
      objectStep(4, policyAt(6), 'E_EPOCH'),
      objectStep(4, policyAt(2), 'E_EPOCH'),
      objectStep(4, policyAt(7, {}), 'E_FORK'),
    ],
  );
  run('no-authority', 'no authority record is held', S, ['Delegation'], [objectStep(4, policyAt(1), 'E_SENDER')]);
  run(
    'signer',
    'by a stranger, the issuer, the status key',
    S,
    ['Delegation'],
    [
      FIRST,
      objectStep(4, policyAt(1, {}, STRANGER), 'E_SENDER'),
      objectStep(4, policyAt(1, {}, ISSUER), 'E_POLICY'),
      objectStep(4, policyAt(1, {}, STATUS), 'E_POLICY'),
      objectStep(4, policyAt(1, {})),
    ],
  );
  const end = NOW + 6n * DAY;
  run(
    'signer-now',
    'the delegation is over, or has not begun; at its ends with the skew it holds',
    S,
    ['Delegation', 'Validity'],
    [
      FIRST,
      objectStep(4, policyAt(1), 'E_EXPIRED', end + SKEW + 1n),
      objectStep(4, policyAt(1), 'E_EXPIRED', NOW - DAY - SKEW - 1n),
      objectStep(4, policyAt(1), HELD, end + SKEW),
      objectStep(4, policyAt(2), HELD, NOW - DAY - SKEW),
    ],
  );
  const both = firstAuthority(authorityFields(1, 1, [ROOT], [delegation(POLICY_KEY, 3)]), [ROOT]);
  run(
    'two-roles',
    'one key with two roles serves both',
    S,
    ['Delegation'],
    [
      objectStep(1, both.object),
      objectStep(4, policyObject(both.authorityId, POLICY_KEY, SMALL)),
      objectStep(2, principalRecord(both.authorityId, ALICE_KEY, POLICY_KEY, principalFields())),
    ],
    { authorityId: both.authorityId },
  );
  const entry = (policyFields()['groups'] as Fields[])[0] ?? {};
  const at = (n: number): Fields => ({ ...entry, group_id16: cat(zeros(15), u8(n)) });
  run(
    'groups',
    'groups that descend, and one twice; ascending it is held',
    S,
    ['BrokenSender'],
    [
      FIRST,
      objectStep(4, policyAt(1, { groups: [at(2), at(1)] }), 'E_ENCODING'),
      objectStep(4, policyAt(1, { groups: [at(1), at(1)] }), 'E_ENCODING'),
      objectStep(4, policyAt(1, { groups: [at(1), at(2), at(200)] })),
    ],
  );
}

function groups(run: Run): void {
  const S = ['principals.8'];
  const at = (serial: number, more: Fields = {}, signer: KeyPair = POLICY_KEY): SignedObject =>
    groupRecord(ID, signer, groupFields(serial, more));
  run(
    'serials',
    '1 and 5 are held; 5 again is known; lower ones are E_EPOCH, another 5 is E_FORK',
    ['principals.8', 'principals.10'],
    ['Rollback', 'Fork'],
    [
      FIRST,
      objectStep(5, at(1)),
      objectStep(5, at(5)),
      objectStep(5, at(5), KNOWN),
      objectStep(5, at(4), 'E_EPOCH'),
      objectStep(5, at(1), 'E_EPOCH'),
      objectStep(5, at(5, { stale_ok: true }), 'E_FORK'),
    ],
  );
  run(
    'two-groups',
    'serials of two groups are apart',
    S,
    ['Rollback'],
    [FIRST, objectStep(5, at(5)), objectStep(5, at(1, { group_id16: seeded('another group', 16) }))],
  );
  run(
    'signer',
    'by a stranger, the issuer, the controller; with the label of a policy',
    S,
    ['Delegation', 'LabelConfusion'],
    [
      FIRST,
      objectStep(5, at(1, {}, STRANGER), 'E_SENDER'),
      objectStep(5, at(1, {}, ISSUER), 'E_POLICY'),
      objectStep(5, at(1, {}, named('controller')), 'E_SENDER'),
      objectStep(
        5,
        encodeObject(KIND.group, ID, encodeBody('GroupRecord', groupFields()), [signerOf(POLICY_KEY, 'policy')]),
        'E_SIG',
      ),
      objectStep(5, encodeObject(KIND.group, ID, encodeBody('GroupRecord', groupFields()), []), 'E_SIG'),
    ],
  );
  run(
    'controller',
    'an X25519 controller; one of small order',
    S,
    ['KeyUse'],
    [
      FIRST,
      objectStep(5, at(1, { controller: xKey(xPublic('controller')) }), 'E_ENCODING'),
      objectStep(5, at(1, { controller: edKey(encodeY(1n, 0)) }), 'E_KEY'),
    ],
  );
  const limit = (id: string, comment: string, low: [Fields, Fields] | undefined, high: [Fields, Fields]): void =>
    run(
      id,
      comment,
      S,
      ['Limit'],
      [
        FIRST,
        ...(low === undefined ? [] : [objectStep(5, at(1, low[0]), 'E_LIMIT'), objectStep(5, at(1, low[1]))]),
        objectStep(5, at(2, high[0]), 'E_LIMIT'),
        objectStep(5, at(2, high[1])),
      ],
    );
  limit(
    'head-age',
    'max_head_age_ms: 4,999 and 86,400,001 are refused',
    [{ max_head_age_ms: 4999 }, { max_head_age_ms: 5000 }],
    [{ max_head_age_ms: 86_400_001 }, { max_head_age_ms: 86_400_000 }],
  );
  limit('head-age-pool', 'of a front 60,001 is refused', undefined, [
    { purpose: 4, crew_id16: seeded('crew', 16), max_head_age_ms: 60_001 },
    { purpose: 4, crew_id16: seeded('crew', 16), max_head_age_ms: 60_000 },
  ]);
  limit(
    'epoch-life',
    'epoch_life_ms: 999 and 3,600,001 are refused',
    [{ epoch_life_ms: 999 }, { epoch_life_ms: 1000 }],
    [{ epoch_life_ms: 3_600_001 }, { epoch_life_ms: 3_600_000 }],
  );
  limit('drain', 'drain_ms: 3,600,001 is refused', undefined, [{ drain_ms: 3_600_001 }, { drain_ms: 3_600_000 }]);
  limit(
    'period',
    'period_ms: 59,999 and 604,800,001 are refused',
    [{ period_ms: 59_999 }, { period_ms: 60_000 }],
    [{ period_ms: 604_800_001 }, { period_ms: 604_800_000 }],
  );
  run(
    'values',
    'a purpose, a suite and a block kind that are not listed',
    ['principals.4', 'principals.8'],
    ['BodyForm'],
    [
      FIRST,
      objectStep(5, at(1, { purpose: 6 }), 'E_ENCODING'),
      objectStep(5, at(1, { suite: 3 }), 'E_ENCODING'),
      objectStep(5, at(1, { block_kind: 4 }), 'E_ENCODING'),
    ],
  );
}
