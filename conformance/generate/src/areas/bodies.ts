/** bodies.json: the one form of a body, principals.1 to principals.7. */
import { VectorFile, type Group } from '../cases.ts';
import type { Members } from '../json.ts';
import { cat, hex, seeded, text, unhex, zeros, type Bytes } from '../twin/bytes.ts';
import {
  authorityFields,
  bodyJson,
  edKey,
  encodeBody,
  encodeField,
  schemaOf,
  wire,
  xKey,
  type Fields,
  type Value,
} from '../twin/objects.ts';
import { stretchVarint } from '../twin/varint.ts';
import {
  DELEGATIONS,
  groupFields,
  ISSUER,
  keyFields,
  policyFields,
  principalFields,
  ROOT,
  xPublic,
} from '../authority.ts';
import { ALICE, NOW } from '../world.ts';

const SAFE = (1n << 53n) - 1n;
const h32 = (name: string): Bytes => seeded(name, 32);

const KEY: Fields = edKey(ALICE.publicKey);
const DELEGATION: Fields = {
  key: edKey(ISSUER.publicKey),
  roles: 1,
  not_before_ms: NOW,
  not_after_ms: NOW + 1000n,
};
const AUTHORITY_RECORD: Fields = authorityFields(2, 1, [ROOT], DELEGATIONS, {
  previous_hash32: h32('previous'),
  name: 'Example',
});
const PRINCIPAL: Fields = { key: KEY, ...principalFields(1, { tenant: 'acme' }) };
const KEYS: Fields = {
  principal_key_id32: ALICE.keyId,
  ...keyFields(1, { prekeys: [xKey(xPublic('a')), xKey(xPublic('b'))], noise_static: xKey(xPublic('noise')) }),
};
const POLICY: Fields = policyFields(3);
const GROUP: Fields = groupFields(1, { topic_chains: true, stale_ok: true });
const PRIVATE: Fields = {
  patterns: ['orders/**', 'parts/new'],
  route_secrets: [{ secret32: h32('route 0') }, { from_period: 20_254, secret32: h32('route 1') }],
};

const ALL: [string, string, Fields][] = [
  ['key', 'Key', KEY],
  ['delegation', 'Delegation', DELEGATION],
  ['authority', 'AuthorityRecord', AUTHORITY_RECORD],
  ['principal', 'PrincipalRecord', PRINCIPAL],
  ['keys', 'KeyRecord', KEYS],
  ['policy', 'Policy', POLICY],
  ['group-entry', 'GroupEntry', (POLICY['groups'] as Fields[])[0] ?? {}],
  ['group', 'GroupRecord', GROUP],
  ['private', 'GroupPrivate', PRIVATE],
  ['route-secret', 'RouteSecret', { secret32: h32('route 0') }],
];

/** A body field by field, so that one can be replaced, left out or put elsewhere. */
class Parts {
  readonly message: string;
  private readonly list: { name: string; bytes: Bytes }[];
  constructor(message: string, fields: Fields) {
    this.message = message;
    this.list = schemaOf(message)
      .filter((f) => fields[f.name] !== undefined)
      .map((f) => ({ name: f.name, bytes: encodeBody(message, { [f.name]: fields[f.name] as Value }) }))
      .filter((p) => p.bytes.length > 0);
  }
  bytes(): Bytes {
    return cat(...this.list.map((p) => p.bytes));
  }
  with(name: string, bytes: Bytes): Bytes {
    if (!this.list.some((p) => p.name === name)) throw new Error(`no ${name}`);
    return cat(...this.list.map((p) => (p.name === name ? bytes : p.bytes)));
  }
  get(name: string): Bytes {
    const found = this.list.find((p) => p.name === name);
    if (found === undefined) throw new Error(`no ${name}`);
    return found.bytes;
  }
  without(name: string): Bytes {
    return this.with(name, zeros(0));
  }
  swapped(a: string, b: string): Bytes {
    return cat(...this.list.map((p) => (p.name === a ? this.get(b) : p.name === b ? this.get(a) : p.bytes)));
  }
}

const P = new Parts('PrincipalRecord', PRINCIPAL);
const A = new Parts('AuthorityRecord', AUTHORITY_RECORD);
const K = new Parts('KeyRecord', KEYS);
const G = new Parts('GroupRecord', GROUP);
const V = new Parts('GroupPrivate', PRIVATE);
const KP = new Parts('Key', KEY);

const withFields = (base: Fields, more: Fields): Fields => ({ ...base, ...more });
const without = (base: Fields, name: string): Fields =>
  Object.fromEntries(Object.entries(base).filter(([n]) => n !== name));

export function bodies(): VectorFile {
  const file = new VectorFile('bodies');
  const dec = file.group('decode', 'body.decode', 'principals', 'body');
  const enc = file.group('encode', 'body.encode', 'principals', 'body', false);

  const good = (
    id: string,
    comment: string,
    message: string,
    fields: Fields,
    spec: string[],
    flags: string[] = ['BodyForm'],
    bytes: Bytes = encodeBody(message, fields),
  ): void => {
    const out: Members = { fields: bodyJson(message, fields) };
    dec.valid(id, { comment, in: { message, bytes: hex(bytes) }, out, spec, flags });
  };
  const both = (
    id: string,
    comment: string,
    message: string,
    fields: Fields,
    spec: string[],
    flags: string[] = ['BodyForm'],
  ): void => {
    good(id, comment, message, fields, spec, flags);
    enc.valid(id, {
      comment,
      in: { message, fields: bodyJson(message, fields) },
      out: { bytes: hex(encodeBody(message, fields)) },
      spec: ['principals.1'],
      flags,
    });
  };
  const bad = (
    id: string,
    comment: string,
    message: string,
    bytes: Bytes,
    spec: string[],
    from: string,
    flags: string[] = ['BodyForm'],
    error = 'E_ENCODING',
  ): void => {
    dec.invalid(id, { comment, in: { message, bytes: hex(bytes) }, error, spec, from, flags });
  };

  for (const [id, message, fields] of ALL)
    both(id, `a ${message} with every field`, message, fields, ['principals.2', 'principals.3']);

  boundaries(both, good);
  tags(bad);
  known(bad);
  defaults(bad);
  content(bad, good);
  limits(bad);
  unknown(good, bad);
  order(bad);
  encoding(enc);
  return file;
}

type Good = (
  id: string,
  comment: string,
  message: string,
  fields: Fields,
  spec: string[],
  flags?: string[],
  bytes?: Bytes,
) => void;
type Bad = (
  id: string,
  comment: string,
  message: string,
  bytes: Bytes,
  spec: string[],
  from: string,
  flags?: string[],
  error?: string,
) => void;

const nine = (count: number): Fields[] => Array.from({ length: count }, (_, i) => edKey(h32(`any key ${i}`)));

function boundaries(both: Good, good: Good): void {
  both('least-authority', 'only what is required', 'AuthorityRecord', authorityFields(1, 1, [ROOT], []), [
    'principals.3',
  ]);
  both('least-principal', 'without tenant', 'PrincipalRecord', without(PRINCIPAL, 'tenant'), ['principals.3']);
  both('least-keys', 'one prekey, no Noise key', 'KeyRecord', { principal_key_id32: ALICE.keyId, ...keyFields() }, [
    'principals.3',
  ]);
  both('least-policy', 'a policy without groups', 'Policy', policyFields(1, { groups: [] }), ['principals.3']);
  both('least-group', 'no drain_ms, both bools false', 'GroupRecord', without(groupFields(), 'drain_ms'), [
    'principals.4',
  ]);
  both('u64-max', '2^53 - 1, in eight bytes', 'Policy', policyFields(SAFE), ['principals.4'], ['BodyForm', 'Limit']);
  both(
    'u32-max',
    '2^32 - 1 in a uint32',
    'GroupRecord',
    withFields(GROUP, { drain_ms: 4_294_967_295 }),
    ['principals.4'],
    ['BodyForm', 'Limit'],
  );
  for (const [id, value] of [
    ['127', 127n],
    ['128', 128n],
    ['16383', 16_383n],
    ['16384', 16_384n],
    ['2-32', 1n << 32n],
    ['2-49', (1n << 49n) - 1n],
  ] as [string, bigint][])
    both(`u64-${id}`, `version ${value}`, 'Policy', policyFields(value), ['principals.2'], ['BodyForm', 'Limit']);
  both('x25519-key', 'alg 32', 'Key', xKey(xPublic('a')), ['principals.4']);
  for (const mask of [1, 7])
    both(`roles-${mask}`, `roles ${mask}`, 'Delegation', withFields(DELEGATION, { roles: mask }), ['principals.4']);
  both('roles-3', 'member and broker', 'PrincipalRecord', withFields(PRINCIPAL, { roles: 3 }), ['principals.4']);
  both('principal-roles-4', 'the role authority', 'PrincipalRecord', withFields(PRINCIPAL, { roles: 4 }), [
    'principals.4',
  ]);
  both('principal-roles-7', 'all roles', 'PrincipalRecord', withFields(PRINCIPAL, { roles: 7 }), ['principals.4']);
  for (const [name, value] of [
    ['purpose', 5],
    ['suite', 2],
    ['block_kind', 5],
  ] as [string, number][])
    both(`${name}-last`, `${name} ${value}, the last one`, 'GroupRecord', withFields(GROUP, { [name]: value }), [
      'principals.4',
    ]);
  both(
    'name-255',
    'a name of 255 bytes',
    'PrincipalRecord',
    withFields(PRINCIPAL, { name: 'n'.repeat(255) }),
    ['principals.6'],
    ['BodyForm', 'Limit'],
  );
  both(
    'name-255-utf8',
    '85 characters of three bytes each',
    'PrincipalRecord',
    withFields(PRINCIPAL, { name: '\u20ac'.repeat(85) }),
    ['principals.6'],
    ['BodyForm', 'Limit', 'Unicode'],
  );
  for (const [id, comment, name] of [
    ['proto', '__proto__ is a name like any other', '__proto__'],
    ['constructor', 'so is constructor', 'constructor'],
    ['nul', 'U+0000 is valid UTF-8', 'a\u0000b'],
    ['bom', 'U+FEFF at the start stays', '\ufeffalice'],
    ['nfd', 'nobody asks for a normal form here', 'cafe\u0301'],
    ['astral', 'a character of four bytes', '\u{1f600}'],
  ] as [string, string, string][])
    both(
      `text-${id}`,
      comment,
      'PrincipalRecord',
      withFields(PRINCIPAL, { name }),
      ['principals.5'],
      ['BodyForm', 'Unicode'],
    );
  both(
    'root-keys-8',
    'eight root keys',
    'AuthorityRecord',
    withFields(authorityFields(1, 1, [], []), {
      root_keys: nine(8),
    }),
    ['principals.6'],
    ['BodyForm', 'Limit'],
  );
  both(
    'suites-16',
    'sixteen suites',
    'PrincipalRecord',
    withFields(PRINCIPAL, {
      suites: Array.from({ length: 16 }, (_, i) => i + 1),
    }),
    ['principals.6'],
    ['BodyForm', 'Limit'],
  );
  both('suites-0', 'an element may be 0', 'PrincipalRecord', withFields(PRINCIPAL, { suites: [0] }), ['principals.4']);
  both(
    'suites-wide',
    'elements of one to five bytes',
    'PrincipalRecord',
    withFields(PRINCIPAL, {
      suites: [1, 128, 65_535, 4_294_967_295],
    }),
    ['principals.4'],
    ['BodyForm', 'Limit'],
  );
  both(
    'prekeys-4',
    'four prekeys',
    'KeyRecord',
    withFields(KEYS, {
      prekeys: nine(4),
    }),
    ['principals.6'],
    ['BodyForm', 'Limit'],
  );
  both(
    'delegations-32',
    'thirty-two delegations',
    'AuthorityRecord',
    withFields(authorityFields(1, 1, [ROOT], []), {
      delegations: nine(32).map((key, i) => ({ key, roles: 1, not_before_ms: 1n, not_after_ms: BigInt(i + 1) })),
    }),
    ['principals.6'],
    ['BodyForm', 'Limit'],
  );
  both(
    'pattern-2047',
    'a pattern of 2,047 bytes',
    'GroupPrivate',
    withFields(PRIVATE, {
      patterns: [Array.from({ length: 8 }, () => 'p'.repeat(255)).join('/')],
    }),
    ['principals.6'],
    ['BodyForm', 'Limit'],
  );
  good(
    'pattern-empty',
    'an element of text may be empty here; chapter 12 refuses it later',
    'GroupPrivate',
    withFields(PRIVATE, { patterns: [''] }),
    ['principals.4'],
    ['BodyForm'],
    cat(wire.bytes(1, zeros(0)), V.get('route_secrets')),
  );
  both(
    'route-secrets-8',
    'eight route secrets',
    'GroupPrivate',
    withFields(PRIVATE, {
      route_secrets: Array.from({ length: 8 }, (_, i) => ({ from_period: i + 1, secret32: h32(`route ${i}`) })),
    }),
    ['principals.6'],
    ['BodyForm', 'Limit'],
  );
  both(
    'repeated-twins',
    'elements may be equal, as far as the form goes',
    'GroupPrivate',
    withFields(PRIVATE, { patterns: ['a', 'a'] }),
    ['principals.3'],
  );
}

function tags(bad: Bad): void {
  const policy = encodeBody('Policy', POLICY);
  const rest = policy.slice(2);
  const spec = ['principals.2'];
  const nm = ['BodyForm', 'NonMinimal'];
  bad(
    'tag-overlong',
    'the first tag in two bytes',
    'Policy',
    cat(stretchVarint(8n, 2), policy.slice(1)),
    spec,
    'policy',
    nm,
  );
  bad(
    'tag-overlong-8',
    'the first tag in eight bytes',
    'Policy',
    cat(stretchVarint(8n, 8), policy.slice(1)),
    spec,
    'policy',
    nm,
  );
  bad(
    'value-overlong',
    'a value in two bytes instead of one',
    'Policy',
    cat(unhex('08'), stretchVarint(3n, 2), rest),
    spec,
    'policy',
    nm,
  );
  bad(
    'value-overlong-10',
    'a value in ten bytes, as other readers take it',
    'Policy',
    cat(unhex('08'), stretchVarint(3n, 10), rest),
    spec,
    'policy',
    nm,
  );
  bad(
    'value-11-bytes',
    'a varint of eleven bytes',
    'Policy',
    cat(unhex('08'), stretchVarint(3n, 11), rest),
    spec,
    'policy',
    nm,
  );
  bad(
    'value-9-bytes',
    'a minimal varint of nine bytes',
    'Policy',
    cat(unhex('08'), unhex('ffffffffffffffff7f'), rest),
    spec,
    'u64-max',
    nm,
  );
  bad(
    'value-negative',
    '-1 in ten bytes, as a signed writer has it',
    'Policy',
    cat(unhex('08'), unhex('ffffffffffffffffff01'), rest),
    spec,
    'policy',
  );
  bad(
    'value-2-53',
    '2^53 in a uint64',
    'Policy',
    cat(unhex('08'), stretchVarint(1n << 53n, 8), rest),
    [...spec, 'principals.4'],
    'u64-max',
    ['BodyForm', 'Limit'],
  );
  bad(
    'length-overlong',
    'a length in two bytes instead of one',
    'Key',
    cat(KP.get('alg'), unhex('12a000'), ALICE.publicKey),
    spec,
    'key',
    nm,
  );
  bad('value-truncated', 'the last value ends early', 'RouteSecret', unhex('0880'), spec, 'route-secret', [
    'BodyForm',
    'Truncated',
  ]);
  bad('tag-truncated', 'the last tag ends early', 'Policy', cat(policy, unhex('80')), spec, 'policy', [
    'BodyForm',
    'Truncated',
  ]);
  for (const [type, name] of [
    [1, 'eight bytes'],
    [3, 'start of a group'],
    [4, 'end of a group'],
    [5, 'four bytes'],
    [6, 'not defined'],
    [7, 'not defined'],
  ] as [number, string][]) {
    bad(
      `wire-${type}-known`,
      `a known field with wire type ${type} (${name})`,
      'Policy',
      cat(wire.tag(1, type), zeros(8), rest),
      spec,
      'policy',
    );
    bad(
      `wire-${type}-unknown`,
      `field 1,024 with wire type ${type} (${name})`,
      'Policy',
      cat(policy, wire.tag(1024, type), zeros(type === 5 ? 4 : 8)),
      spec,
      'unknown-1024-bytes',
    );
  }
  bad(
    'group-unknown',
    'an unknown group, opened and closed',
    'Policy',
    cat(policy, wire.tag(1024, 3), wire.tag(1024, 4)),
    spec,
    'unknown-1024-bytes',
  );
  bad(
    'groups-nested',
    '10,000 groups, one in the other',
    'Policy',
    cat(policy, ...Array.from({ length: 10_000 }, () => wire.tag(1024, 3))),
    spec,
    'unknown-1024-bytes',
  );
  bad('number-0', 'field number 0', 'Policy', cat(wire.number(0, 1), policy), spec, 'policy');
  bad('number-0-bytes', 'field number 0 with bytes', 'Policy', cat(wire.bytes(0, text('x')), policy), spec, 'policy');
  bad(
    'number-2-29',
    'field number 536,870,912',
    'Policy',
    cat(policy, wire.number(536_870_912, 1)),
    spec,
    'unknown-max',
  );
  bad(
    'number-wraps',
    'field number 2^32 + 1024, which wraps to 1,024',
    'Policy',
    cat(policy, wire.number(2 ** 32 + 1024, 1)),
    spec,
    'unknown-1024-number',
  );
  bad(
    'order-swapped',
    'serial after not_before_ms',
    'PrincipalRecord',
    P.swapped('serial', 'not_before_ms'),
    spec,
    'principal',
  );
  bad(
    'order-last-first',
    'the last field first',
    'PrincipalRecord',
    cat(P.get('max_version'), P.without('max_version')),
    spec,
    'principal',
  );
  bad(
    'order-unknown-first',
    'field 1,024 before field 1',
    'Policy',
    cat(wire.number(1024, 5), policy),
    spec,
    'unknown-1024-number',
  );
  bad(
    'order-nested',
    'public_key before alg, inside',
    'Delegation',
    cat(wire.bytes(1, KP.swapped('alg', 'public_key')), encodeBody('Delegation', without(DELEGATION, 'key'))),
    spec,
    'delegation',
  );
  bad(
    'repeated-apart',
    'root keys, threshold, root keys',
    'AuthorityRecord',
    cat(A.with('threshold', cat(A.get('root_keys'), A.get('threshold')))),
    spec,
    'authority',
  );
  bad(
    'repeated-apart-later',
    'a second run of patterns after the route secrets',
    'GroupPrivate',
    cat(V.bytes(), wire.bytes(1, text('x'))),
    spec,
    'private',
  );
  bad(
    'beyond-the-end',
    'bytes that are longer than what is left',
    'Policy',
    cat(wire.number(1, 1), unhex('1221'), h32('x')),
    spec,
    'policy',
    ['BodyForm', 'Truncated'],
  );
  bad(
    'beyond-the-end-huge',
    'a length of 2^53 - 1',
    'Policy',
    cat(wire.number(1, 1), unhex('12'), stretchVarint(SAFE, 8), h32('x')),
    spec,
    'policy',
    ['BodyForm', 'Limit'],
  );
  bad(
    'beyond-the-end-32-bit',
    'a length of 2^32 + 32, which wraps to the right one',
    'Policy',
    cat(wire.number(1, 1), unhex('12'), stretchVarint((1n << 32n) + 32n, 5), h32('x')),
    spec,
    'policy',
    ['BodyForm', 'Limit'],
  );
  const inner = cat(unhex('0801'), unhex('1220'), ALICE.publicKey.slice(0, 31));
  bad(
    'beyond-inner-end',
    "a key's bytes reach beyond the key, into the field behind it",
    'Delegation',
    cat(wire.bytes(1, inner), encodeBody('Delegation', without(DELEGATION, 'key'))),
    spec,
    'delegation',
    ['BodyForm', 'Truncated'],
  );
  bad(
    'inner-varint-overruns',
    'a number inside a message goes on beyond its end',
    'Delegation',
    cat(unhex('0a0208ff'), encodeBody('Delegation', without(DELEGATION, 'key'))),
    spec,
    'delegation',
    ['BodyForm', 'Truncated'],
  );
  bad(
    'packed-overruns',
    'the last number of a packed list goes on beyond its end',
    'PrincipalRecord',
    P.with('suites', unhex('42020182')),
    spec,
    'principal',
    ['BodyForm', 'Truncated'],
  );
  bad(
    'packed-overlong',
    'an element in two bytes instead of one',
    'PrincipalRecord',
    P.with('suites', unhex('4203018200')),
    spec,
    'principal',
    nm,
  );
  for (const [name, message, fields] of [
    ['authority', 'AuthorityRecord', AUTHORITY_RECORD],
    ['principal', 'PrincipalRecord', PRINCIPAL],
    ['keys', 'KeyRecord', KEYS],
    ['group', 'GroupRecord', without(without(GROUP, 'stale_ok'), 'topic_chains')],
  ] as [string, string, Fields][]) {
    const whole = encodeBody(message, fields);
    for (const cut of name === 'authority' || name === 'keys' ? [1, Math.floor(whole.length / 2)] : [1])
      bad(
        `cut-${name}-${cut}`,
        `${message} without its last ${cut} bytes`,
        message,
        whole.slice(0, -cut),
        ['principals.2', 'principals.3'],
        name,
        ['BodyForm', 'Truncated'],
      );
  }
}

function known(bad: Bad): void {
  const spec = ['principals.3'];
  bad(
    'type-number-as-bytes',
    'serial with wire type 2',
    'PrincipalRecord',
    P.with('serial', wire.bytes(2, unhex('01'))),
    spec,
    'principal',
  );
  bad(
    'type-bytes-as-number',
    'a hash with wire type 0',
    'Policy',
    cat(wire.number(1, 1), wire.number(2, 1)),
    spec,
    'policy',
  );
  bad(
    'type-text-as-number',
    'name with wire type 0',
    'PrincipalRecord',
    P.with('name', wire.number(5, 1)),
    spec,
    'principal',
  );
  bad(
    'type-message-as-number',
    'key with wire type 0',
    'PrincipalRecord',
    P.with('key', wire.number(1, 1)),
    spec,
    'principal',
  );
  bad(
    'type-bool-as-bytes',
    'stale_ok with wire type 2',
    'GroupRecord',
    G.with('stale_ok', wire.bytes(12, unhex('01'))),
    spec,
    'group',
  );
  bad(
    'unpacked',
    'suites one by one',
    'PrincipalRecord',
    P.with('suites', cat(wire.number(8, 1), wire.number(8, 2))),
    spec,
    'principal',
  );
  bad(
    'unpacked-one',
    'one suite, not packed',
    'PrincipalRecord',
    P.with('suites', wire.number(8, 1)),
    spec,
    'principal',
  );
  bad(
    'packed-twice',
    'suites in two packed fields',
    'PrincipalRecord',
    P.with('suites', cat(wire.packed(8, [1]), wire.packed(8, [2]))),
    ['principals.2', ...spec],
    'principal',
  );
  bad(
    'packed-singular',
    'serial packed',
    'Policy',
    cat(wire.packed(1, [3]), encodeBody('Policy', without(POLICY, 'version'))),
    spec,
    'policy',
  );
  bad(
    'twice-number',
    'serial twice',
    'PrincipalRecord',
    P.with('serial', cat(wire.number(2, 1), wire.number(2, 2))),
    spec,
    'principal',
  );
  bad(
    'twice-same',
    'serial twice with one value',
    'PrincipalRecord',
    P.with('serial', cat(wire.number(2, 1), wire.number(2, 1))),
    spec,
    'principal',
  );
  bad(
    'twice-text',
    'name twice',
    'PrincipalRecord',
    P.with('name', cat(P.get('name'), P.get('name'))),
    spec,
    'principal',
  );
  bad(
    'twice-bytes',
    'a hash twice',
    'Policy',
    cat(wire.number(1, 1), wire.bytes(2, h32('a')), wire.bytes(2, h32('b'))),
    spec,
    'policy',
  );
  bad(
    'twice-message',
    'key twice, as other readers merge',
    'PrincipalRecord',
    P.with('key', cat(wire.bytes(1, wire.number(1, 1)), wire.bytes(1, wire.bytes(2, ALICE.publicKey)))),
    spec,
    'principal',
  );
  bad('twice-noise', 'a second noise_static', 'KeyRecord', cat(K.bytes(), K.get('noise_static')), spec, 'keys');
  for (const n of [4, 1000, 1023])
    bad(
      `unknown-${n}`,
      `field ${n}, below 1,024`,
      'Policy',
      cat(encodeBody('Policy', POLICY), wire.number(n, 1)),
      spec,
      'unknown-1024-number',
      ['UnknownField'],
    );
  bad(
    'unknown-1023-bytes',
    'field 1,023 with bytes',
    'Policy',
    cat(encodeBody('Policy', POLICY), wire.bytes(1023, text('x'))),
    spec,
    'unknown-1024-bytes',
    ['UnknownField'],
  );
  bad(
    'unknown-inner',
    'field 3 inside a key',
    'Delegation',
    cat(
      wire.bytes(1, cat(encodeBody('Key', KEY), wire.number(3, 1))),
      encodeBody('Delegation', without(DELEGATION, 'key')),
    ),
    spec,
    'delegation',
    ['UnknownField'],
  );
  for (const [from, message, fields] of ALL) {
    for (const f of schemaOf(message)) {
      if (f.required !== true) continue;
      bad(
        `missing-${from}-${f.name}`,
        `${message} without ${f.name}`,
        message,
        encodeBody(message, without(fields, f.name)),
        spec,
        from,
      );
    }
  }
  bad('empty-principal', 'a body of no bytes', 'PrincipalRecord', zeros(0), spec, 'principal');
  bad(
    'empty-message',
    'a key of no bytes: it is there, what it must hold is not',
    'PrincipalRecord',
    P.with('key', wire.bytes(1, zeros(0))),
    spec,
    'principal',
  );
  bad(
    'empty-element',
    'a root key of no bytes',
    'AuthorityRecord',
    A.with('root_keys', wire.bytes(3, zeros(0))),
    spec,
    'authority',
  );
  bad(
    'missing-inner',
    'a delegated key without alg',
    'Delegation',
    cat(wire.bytes(1, KP.without('alg')), encodeBody('Delegation', without(DELEGATION, 'key'))),
    spec,
    'delegation',
  );
}

function defaults(bad: Bad): void {
  const spec = ['principals.4'];
  bad(
    'default-number',
    'drain_ms 0 written out',
    'GroupRecord',
    G.with('drain_ms', wire.number(9, 0)),
    spec,
    'least-group',
  );
  bad(
    'default-required',
    'serial 0 written out',
    'PrincipalRecord',
    P.with('serial', wire.number(2, 0)),
    spec,
    'principal',
  );
  bad(
    'default-period',
    'from_period 0 written out',
    'RouteSecret',
    cat(wire.number(1, 0), wire.bytes(2, h32('route 0'))),
    spec,
    'route-secret',
  );
  bad(
    'default-bool',
    'topic_chains false written out',
    'GroupRecord',
    G.with('topic_chains', wire.number(11, 0)),
    spec,
    'least-group',
  );
  bad(
    'default-text',
    'an empty tenant written out',
    'PrincipalRecord',
    P.with('tenant', wire.bytes(6, zeros(0))),
    spec,
    'least-principal',
  );
  bad(
    'default-text-required',
    'an empty name',
    'PrincipalRecord',
    P.with('name', wire.bytes(5, zeros(0))),
    spec,
    'principal',
  );
  bad(
    'default-bytes',
    'an empty previous_hash32',
    'AuthorityRecord',
    A.with('previous_hash32', wire.bytes(5, zeros(0))),
    spec,
    'least-authority',
  );
  bad(
    'default-packed',
    'a packed list without elements',
    'PrincipalRecord',
    P.with('suites', wire.bytes(8, zeros(0))),
    spec,
    'principal',
  );
  bad('bool-2', 'a bool of 2', 'GroupRecord', G.with('stale_ok', wire.number(12, 2)), spec, 'group');
  bad('bool-big', 'a bool of 2^32', 'GroupRecord', G.with('stale_ok', wire.number(12, 1n << 32n)), spec, 'group');
  bad('u32-2-32', '2^32 in a uint32', 'GroupRecord', G.with('drain_ms', wire.number(9, 1n << 32n)), spec, 'u32-max', [
    'BodyForm',
    'Limit',
  ]);
  bad('u32-2-35', '2^35 in a uint32', 'GroupRecord', G.with('drain_ms', wire.number(9, 1n << 35n)), spec, 'u32-max', [
    'BodyForm',
    'Limit',
  ]);
  bad(
    'u32-wraps',
    '2^32 + 1 as threshold, which wraps to 1',
    'AuthorityRecord',
    A.with('threshold', wire.number(2, (1n << 32n) + 1n)),
    spec,
    'authority',
    ['BodyForm', 'Limit'],
  );
  bad(
    'u32-element',
    '2^32 as element of a packed list',
    'PrincipalRecord',
    P.with('suites', wire.packed(8, [1, 1n << 32n])),
    spec,
    'suites-wide',
    ['BodyForm', 'Limit'],
  );
  bad('value-wraps', '2^32 + 1 as alg', 'Key', KP.with('alg', wire.number(1, (1n << 32n) + 1n)), spec, 'key', [
    'BodyForm',
    'Limit',
  ]);
  for (const alg of [2, 16, 33])
    bad(`alg-${alg}`, `alg ${alg}`, 'Key', KP.with('alg', wire.number(1, alg)), spec, 'key');
  bad(
    'alg-inner',
    'alg 2 in a root key',
    'AuthorityRecord',
    A.with('root_keys', wire.bytes(3, KP.with('alg', wire.number(1, 2)))),
    spec,
    'authority',
  );
  for (const [name, number, value] of [
    ['purpose', 3, 6],
    ['suite', 4, 3],
    ['suite', 4, 17],
    ['block_kind', 5, 3],
    ['block_kind', 5, 6],
  ] as [string, number, number][])
    bad(`${name}-${value}`, `${name} ${value}`, 'GroupRecord', G.with(name, wire.number(number, value)), spec, 'group');
  bad(
    'mask-delegation',
    'a role of bit 3',
    'Delegation',
    encodeBody('Delegation', withFields(DELEGATION, { roles: 8 })),
    spec,
    'delegation',
  );
  bad(
    'mask-delegation-mixed',
    'a role of bit 3 beside one that is defined',
    'Delegation',
    encodeBody('Delegation', withFields(DELEGATION, { roles: 9 })),
    spec,
    'roles-1',
  );
  bad(
    'mask-principal-bit-3',
    'a role of bit 3 beside one that is defined',
    'PrincipalRecord',
    P.with('roles', wire.number(7, 9)),
    spec,
    'roles-3',
  );
  bad(
    'mask-bit-31',
    'a role of bit 31',
    'PrincipalRecord',
    P.with('roles', wire.number(7, 1n << 31n)),
    spec,
    'roles-3',
  );
}

function content(bad: Bad, good: Good): void {
  const spec = ['principals.5'];
  for (const [id, comment, bytes] of [
    ['lone-continuation', 'a continuation byte alone', '6180'],
    ['truncated', 'a character that ends early', '61e282'],
    ['overlong-slash', 'the slash in two bytes', '61c0af62'],
    ['overlong-nul', 'U+0000 in two bytes', 'c080'],
    ['surrogate', 'a surrogate, U+D800', 'eda080'],
    ['surrogate-pair', 'a pair of surrogates (CESU-8)', 'eda0bdedb880'],
    ['above-max', 'U+110000', 'f4908080'],
    ['fe', 'the byte fe', '61fe'],
  ] as [string, string, string][])
    bad(`utf8-${id}`, comment, 'PrincipalRecord', P.with('name', wire.bytes(5, unhex(bytes))), spec, 'principal', [
      'BodyForm',
      'Unicode',
    ]);
  bad(
    'utf8-element',
    'a pattern that is no UTF-8',
    'GroupPrivate',
    V.with('patterns', wire.bytes(1, unhex('ff'))),
    spec,
    'private',
    ['BodyForm', 'Unicode'],
  );
  bad(
    'utf8-optional',
    'the name of an authority that is no UTF-8',
    'AuthorityRecord',
    A.with('name', wire.bytes(6, unhex('c3'))),
    spec,
    'authority',
    ['BodyForm', 'Unicode'],
  );
  bad(
    'width-31',
    'a public key of 31 bytes',
    'Key',
    KP.with('public_key', wire.bytes(2, ALICE.publicKey.slice(1))),
    spec,
    'key',
  );
  bad(
    'width-33',
    'a public key of 33 bytes',
    'Key',
    KP.with('public_key', wire.bytes(2, cat(ALICE.publicKey, zeros(1)))),
    spec,
    'key',
  );
  bad(
    'width-hash',
    'a hash of 20 bytes',
    'AuthorityRecord',
    A.with('previous_hash32', wire.bytes(5, seeded('sha1', 20))),
    spec,
    'authority',
  );
  bad(
    'width-group',
    'a group id of 32 bytes',
    'GroupRecord',
    G.with('group_id16', wire.bytes(1, h32('group'))),
    spec,
    'group',
  );
  bad(
    'width-group-15',
    'a group id of 15 bytes',
    'GroupRecord',
    G.with('group_id16', wire.bytes(1, seeded('group', 15))),
    spec,
    'group',
  );
  bad(
    'width-inner',
    'a delegated key of 31 bytes',
    'Delegation',
    cat(
      wire.bytes(1, KP.with('public_key', wire.bytes(2, ALICE.publicKey.slice(1)))),
      encodeBody('Delegation', without(DELEGATION, 'key')),
    ),
    spec,
    'delegation',
  );
  let nested: Bytes = zeros(0);
  let thousand: Bytes = nested;
  for (let i = 0; i < 10_000; i++) {
    nested = wire.bytes(1, nested);
    if (i === 999) thousand = nested;
  }
  good(
    'nested-in-unknown',
    '10,000 messages, one in the other, in an unknown field: bytes, and nobody looks into them',
    'Policy',
    POLICY,
    ['principals.5', 'principals.7'],
    ['UnknownField'],
    cat(encodeBody('Policy', POLICY), wire.bytes(1024, nested)),
  );
  bad(
    'nested-in-key',
    '1,000 messages, one in the other, where a key is expected',
    'PrincipalRecord',
    P.with('key', wire.bytes(1, thousand)),
    ['principals.3', 'principals.5'],
    'principal',
    ['BodyForm', 'Limit'],
  );
}

function limits(bad: Bad): void {
  const spec = ['principals.6'];
  const limit = (id: string, comment: string, message: string, fields: Fields, from: string): void =>
    bad(id, comment, message, encodeBody(message, fields), spec, from, ['BodyForm', 'Limit'], 'E_LIMIT');
  limit(
    'name-256',
    'a name of 256 bytes',
    'PrincipalRecord',
    withFields(PRINCIPAL, { name: 'n'.repeat(256) }),
    'name-255',
  );
  limit(
    'name-256-utf8',
    '128 characters of two bytes each: bytes count',
    'PrincipalRecord',
    withFields(PRINCIPAL, { name: '\u00e9'.repeat(128) }),
    'name-255-utf8',
  );
  limit(
    'tenant-256',
    'a tenant of 256 bytes',
    'PrincipalRecord',
    withFields(PRINCIPAL, { tenant: 't'.repeat(256) }),
    'principal',
  );
  limit(
    'authority-name-256',
    'the name of an authority of 256 bytes',
    'AuthorityRecord',
    withFields(AUTHORITY_RECORD, { name: 'n'.repeat(256) }),
    'authority',
  );
  limit(
    'pattern-2048',
    'a pattern of 2,048 bytes',
    'GroupPrivate',
    withFields(PRIVATE, { patterns: ['p'.repeat(2048)] }),
    'pattern-2047',
  );
  limit(
    'root-keys-9',
    'nine root keys',
    'AuthorityRecord',
    withFields(AUTHORITY_RECORD, { root_keys: nine(9) }),
    'root-keys-8',
  );
  limit(
    'delegations-33',
    'thirty-three delegations',
    'AuthorityRecord',
    withFields(AUTHORITY_RECORD, {
      delegations: nine(33).map((key) => ({ key, roles: 1, not_before_ms: 1n, not_after_ms: 2n })),
    }),
    'delegations-32',
  );
  limit(
    'suites-17',
    'seventeen suites',
    'PrincipalRecord',
    withFields(PRINCIPAL, { suites: Array.from({ length: 17 }, (_, i) => i + 1) }),
    'suites-16',
  );
  limit('prekeys-5', 'five prekeys', 'KeyRecord', withFields(KEYS, { prekeys: nine(5) }), 'prekeys-4');
  limit(
    'patterns-257',
    '257 patterns',
    'GroupPrivate',
    withFields(PRIVATE, { patterns: Array.from({ length: 257 }, (_, i) => `p${i}`) }),
    'private',
  );
  limit(
    'route-secrets-9',
    'nine route secrets',
    'GroupPrivate',
    withFields(PRIVATE, {
      route_secrets: Array.from({ length: 9 }, (_, i) => ({ from_period: i + 1, secret32: h32(`route ${i}`) })),
    }),
    'route-secrets-8',
  );
}

function unknown(good: Good, bad: Bad): void {
  const policy = encodeBody('Policy', POLICY);
  const flags = ['UnknownField'];
  const spec = ['principals.7'];
  good(
    'unknown-1024-number',
    'field 1,024 with a number',
    'Policy',
    POLICY,
    spec,
    flags,
    cat(policy, wire.number(1024, 7)),
  );
  good(
    'unknown-1024-bytes',
    'field 1,024 with bytes',
    'Policy',
    POLICY,
    spec,
    flags,
    cat(policy, wire.bytes(1024, text('later'))),
  );
  good(
    'unknown-max',
    'field 536,870,911, the highest',
    'Policy',
    POLICY,
    spec,
    flags,
    cat(policy, wire.number(536_870_911, 7)),
  );
  good(
    'unknown-several',
    'fields 1,024, 1,025 and 5,000',
    'Policy',
    POLICY,
    spec,
    flags,
    cat(policy, wire.number(1024, 7), wire.bytes(1025, h32('x')), wire.number(5000, SAFE)),
  );
  good(
    'unknown-inner-1024',
    'field 1,024 inside a delegated key',
    'Delegation',
    DELEGATION,
    spec,
    flags,
    cat(
      wire.bytes(1, cat(encodeBody('Key', KEY_OF_ISSUER), wire.number(1024, 7))),
      encodeBody('Delegation', without(DELEGATION, 'key')),
    ),
  );
  good(
    'unknown-not-utf8',
    'bytes of an unknown field need not be UTF-8',
    'Policy',
    POLICY,
    spec,
    flags,
    cat(policy, wire.bytes(1024, unhex('ff'))),
  );
  bad(
    'unknown-overlong',
    'field 1,024 whose number is not minimal',
    'Policy',
    cat(policy, wire.tag(1024, 0), stretchVarint(7n, 2)),
    ['principals.2', ...spec],
    'unknown-1024-number',
    [...flags, 'NonMinimal'],
  );
  bad(
    'unknown-tag-overlong',
    'a tag of field 1,024 that is not minimal',
    'Policy',
    cat(policy, stretchVarint(8192n, 4), unhex('07')),
    ['principals.2', ...spec],
    'unknown-1024-number',
    [...flags, 'NonMinimal'],
  );
  bad(
    'unknown-2-53',
    '2^53 in field 1,024',
    'Policy',
    cat(policy, wire.tag(1024, 0), stretchVarint(1n << 53n, 8)),
    ['principals.2', ...spec],
    'unknown-1024-number',
    [...flags, 'Limit'],
  );
  bad(
    'unknown-beyond',
    'field 1,024 longer than what is left',
    'Policy',
    cat(policy, wire.tag(1024, 2), unhex('05'), text('late')),
    ['principals.2', ...spec],
    'unknown-1024-bytes',
    [...flags, 'Truncated'],
  );
  bad(
    'unknown-order',
    'field 1,025 before 1,024',
    'Policy',
    cat(policy, wire.number(1025, 7), wire.number(1024, 7)),
    ['principals.2', ...spec],
    'unknown-several',
    flags,
  );
  bad(
    'unknown-hides-missing',
    'field 1,024 in place of what is missing',
    'Policy',
    cat(wire.number(1, 3), wire.bytes(1024, h32('x'))),
    ['principals.3', ...spec],
    'unknown-1024-bytes',
    flags,
  );
}
const KEY_OF_ISSUER: Fields = edKey(ISSUER.publicKey);

function order(bad: Bad): void {
  const flags = ['BodyForm', 'Order'];
  const spec = ['principals.2', 'principals.6'];
  const field = (message: string, name: string, value: Value): Bytes => {
    const f = schemaOf(message).find((x) => x.name === name);
    if (f === undefined) throw new Error(name);
    return encodeField(f, value);
  };
  const eight = cat(wire.number(1, 1), wire.number(2, 1), field('AuthorityRecord', 'root_keys', nine(8)));
  bad(
    'ninth-beyond',
    'a ninth root key, with a length beyond the end: the element too many comes first',
    'AuthorityRecord',
    cat(eight, unhex('1a7f')),
    spec,
    'root-keys-8',
    flags,
    'E_LIMIT',
  );
  bad(
    'ninth-overlong-length',
    'a ninth root key whose length is not minimal',
    'AuthorityRecord',
    cat(eight, unhex('1a8000')),
    spec,
    'root-keys-8',
    flags,
    'E_LIMIT',
  );
  bad(
    'ninth-wire-type',
    'a ninth root key with wire type 0: its wire type comes first',
    'AuthorityRecord',
    cat(eight, wire.number(3, 1)),
    spec,
    'root-keys-8',
    flags,
  );
  bad(
    'eighth-broken-ninth',
    'the eighth of nine root keys is broken: it is read first',
    'AuthorityRecord',
    cat(
      wire.number(1, 1),
      wire.number(2, 1),
      field('AuthorityRecord', 'root_keys', nine(7)),
      wire.bytes(3, unhex('08')),
      field('AuthorityRecord', 'root_keys', nine(1)),
    ),
    spec,
    'root-keys-8',
    flags,
  );
  const upTo = encodeBody(
    'PrincipalRecord',
    Object.fromEntries(['key', 'serial', 'not_before_ms', 'not_after_ms'].map((n) => [n, PRINCIPAL[n] as Value])),
  );
  bad(
    'long-text-beyond',
    'a name that says 300 bytes and has 299: the end comes before the bound',
    'PrincipalRecord',
    cat(upTo, unhex('2aac02'), text('n'.repeat(299))),
    spec,
    'name-255',
    flags,
  );
  bad(
    'long-text-not-utf8',
    'a name of 256 bytes that is no UTF-8: its length comes first',
    'PrincipalRecord',
    P.with('name', wire.bytes(5, new Uint8Array(256).fill(0xff))),
    spec,
    'name-255',
    flags,
    'E_LIMIT',
  );
  bad(
    'long-text-then-missing',
    'a name of 256 bytes, and all behind it missing: what is missing is found at the end',
    'PrincipalRecord',
    cat(upTo, wire.bytes(5, text('n'.repeat(256)))),
    spec,
    'name-255',
    flags,
    'E_LIMIT',
  );
  bad(
    'missing-inner-then-long',
    'a key without alg, then a name of 256 bytes: the end of the inner message comes first',
    'PrincipalRecord',
    cat(
      wire.bytes(1, KP.without('alg')),
      P.with('name', wire.bytes(5, text('n'.repeat(256)))).slice(P.get('key').length),
    ),
    ['principals.3', 'principals.6'],
    'name-255',
    flags,
  );
  bad(
    'long-text-twice',
    'a second name, of 256 bytes: standing twice comes first',
    'PrincipalRecord',
    P.with('name', cat(P.get('name'), wire.bytes(5, text('n'.repeat(256))))),
    ['principals.3', 'principals.6'],
    'name-255',
    flags,
  );
}

function encoding(enc: Group): void {
  const bad = (id: string, comment: string, message: string, fields: Members, error: string[], from: string): void => {
    enc.invalid(id, {
      comment,
      in: { message, fields },
      error,
      layer: 'body',
      spec: ['principals.1'],
      from,
      flags: ['BodyForm'],
    });
  };
  const base = bodyJson('PrincipalRecord', PRINCIPAL);
  const group = bodyJson('GroupRecord', GROUP);
  const omit = (from: Members, name: string): Members =>
    Object.fromEntries(Object.entries(from).filter(([n]) => n !== name));
  bad('no-serial', 'a required field is missing', 'PrincipalRecord', omit(base, 'serial'), ['E_USAGE'], 'principal');
  bad(
    'no-root-key',
    'an empty list that must not be',
    'AuthorityRecord',
    { ...bodyJson('AuthorityRecord', AUTHORITY_RECORD), root_keys: [] },
    ['E_USAGE'],
    'authority',
  );
  bad(
    'name-256',
    'a name of 256 bytes',
    'PrincipalRecord',
    { ...base, name: hex(text('n'.repeat(256))) },
    ['E_LIMIT'],
    'name-255',
  );
  bad(
    'suites-17',
    'seventeen suites',
    'PrincipalRecord',
    { ...base, suites: Array.from({ length: 17 }, (_, i) => i + 1) },
    ['E_LIMIT'],
    'suites-16',
  );
  bad(
    'u64-2-53',
    '2^53 in a uint64',
    'PrincipalRecord',
    { ...base, serial: (1n << 53n).toString() },
    ['E_LIMIT', 'E_USAGE'],
    'u64-max',
  );
  bad(
    'u32-2-32',
    '2^32 in a uint32',
    'GroupRecord',
    { ...group, drain_ms: 2 ** 32 },
    ['E_LIMIT', 'E_USAGE'],
    'u32-max',
  );
  bad('utf8', 'text that is no UTF-8', 'PrincipalRecord', { ...base, name: 'ff' }, ['E_USAGE'], 'principal');
  bad(
    'width-31',
    'a public key of 31 bytes',
    'Key',
    { alg: 1, public_key: hex(ALICE.publicKey.slice(1)) },
    ['E_USAGE', 'E_LIMIT'],
    'key',
  );
  bad('alg-2', 'alg 2', 'Key', { alg: 2, public_key: hex(ALICE.publicKey) }, ['E_USAGE', 'E_LIMIT'], 'key');
  bad(
    'roles-8',
    'a role that is not defined',
    'PrincipalRecord',
    { ...base, roles: 8 },
    ['E_USAGE', 'E_LIMIT'],
    'roles-3',
  );
}
