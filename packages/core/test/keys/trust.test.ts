import { describe, expect, it } from 'vitest';
import { delegatedRoles } from '../../src/codepoints/delegated-roles.gen.ts';
import { labels } from '../../src/codepoints/labels.gen.ts';
import { objectKinds } from '../../src/codepoints/object-kinds.gen.ts';
import { encodeAuthorityRecordBody } from '../../src/keys/authority-record.ts';
import { encodeGroupHeads, encodeGroupLeaf, encodeHeadAnswer, isFresh } from '../../src/keys/head.ts';
import { encodeKeyRecordBody } from '../../src/keys/key-record.ts';
import { encodePrincipalRecordBody } from '../../src/keys/principal-record.ts';
import { treeHead } from '../../src/keys/tree-head.ts';
import { Trust } from '../../src/keys/trust.ts';
import type { SigningKey } from '../../src/keys/signing-key.ts';
import { ascending, codeOf, day, filled, keyOf, now, prekeyOf, provider, publicOf, World } from './support.ts';

const world = new World();
const skew = 30_000;

/** What a node with the first record, after these objects, answers for an object. */
function after(objects: readonly ((trust: Trust) => unknown)[], last: (trust: Trust) => unknown): string {
  const trust = world.trust();
  for (const take of objects) take(trust);
  return codeOf(() => last(trust));
}

const takePrincipal =
  (object: Uint8Array, atMs = now) =>
  (trust: Trust) =>
    trust.takePrincipalRecord(object, atMs);
const takeKeys =
  (object: Uint8Array, atMs = now) =>
  (trust: Trust) =>
    trust.takeKeyRecord(object, atMs);
const takePolicy =
  (object: Uint8Array, atMs = now) =>
  (trust: Trust) =>
    trust.takePolicy(object, atMs);
const takeGroup =
  (object: Uint8Array, atMs = now) =>
  (trust: Trust) =>
    trust.takeGroupRecord(object, atMs);
const takeRecord =
  (object: Uint8Array, atMs = now) =>
  (trust: Trust) =>
    trust.takeAuthorityRecord(object, atMs);
const takeHead =
  (head: Uint8Array, atMs = now) =>
  (trust: Trust) =>
    trust.takeHead(head, atMs);

/** A copy with a byte changed. */
function changed(bytes: Uint8Array, at: number, value?: number): Uint8Array {
  const copy = bytes.slice();
  const index = at < 0 ? bytes.length + at : at;
  copy[index] = value ?? copy[index]! ^ 1;
  return copy;
}

describe('every object', () => {
  const object = world.principal();
  const take = (bytes: Uint8Array): string => after([], takePrincipal(bytes));

  it('principals.8 checks in order', () => {
    expect(take(object)).toBe('held');
    expect(take(object.subarray(0, 44))).toBe('E_LENGTH');
    expect(take(new Uint8Array(262_145))).toBe('E_LIMIT');
    expect(take(changed(object, 0))).toBe('E_ENCODING');
    expect(take(changed(object, 4, 2))).toBe('E_VERSION');
    for (const kind of [0, 1, 3, 6, 9]) expect(take(changed(object, 5, kind))).toBe('E_ENCODING');
    expect(take(changed(object, 7))).toBe('E_ENCODING');
    expect(take(changed(object, 8))).toBe('E_BINDING');
    expect(take(changed(object, 43))).toBe('E_LENGTH');
    expect(take(changed(object, 40, 0xff))).toBe('E_LENGTH');
    expect(take(object.subarray(0, object.length - 1))).toBe('E_LENGTH');
    const many = new Uint8Array([...object.subarray(0, -193), 17, ...new Uint8Array(17 * 96)]);
    expect(take(many)).toBe('E_LIMIT');
    // Length before binding, binding before body, body before signatures.
    expect(take(changed(object.subarray(0, object.length - 1), 8))).toBe('E_LENGTH');
    expect(take(changed(changed(object, 8), 44, 0))).toBe('E_BINDING');
    expect(take(changed(changed(object, 44, 0), -1))).toBe('E_ENCODING');
  });

  it('principals.9 principals.10 verifies what it received, and knows what it holds', () => {
    const trust = world.trust();
    expect(trust.takePrincipalRecord(object, now)).toBe('held');
    expect(trust.takePrincipalRecord(object, now)).toBe('known');
    // What is known is found out in step 10.
    expect(codeOf(() => trust.takePrincipalRecord(changed(object, -1), now))).toBe('E_SIG');
    const again = [takeKeys(world.keys()), takePolicy(world.policy()), takeGroup(world.group())];
    for (const take of again) expect([take(trust), take(trust)]).toEqual(['held', 'known']);
    expect(trust.takeAuthorityRecord(world.first, now)).toBe('known');
  });

  it('keeps copies', () => {
    const bytes = object.slice();
    const trust = world.trust();
    trust.takePrincipalRecord(bytes, now);
    bytes.fill(0);
    expect(trust.principal(world.alice.keyId32)?.object.bytes).toEqual(object);
  });

  it('refuses a clock that is none', () => {
    for (const clock of [Number.NaN, -1, 1.5]) expect(after([], takePrincipal(object, clock))).toBe('E_USAGE');
    expect(codeOf(() => new Trust({ provider, authorityId32: filled(31, 0) }))).toBe('E_USAGE');
    expect(codeOf(() => new Trust({ provider, authorityId32: filled(32, 0), skewMs: -1 }))).toBe('E_USAGE');
  });
});

describe('authority records', () => {
  const fresh = (of: World = world): Trust => new Trust({ provider, authorityId32: of.authorityId32 });

  it('principals.11 begins with the record that the id is of', () => {
    expect(codeOf(() => fresh().takeAuthorityRecord(world.first, now))).toBe('held');
    const other = new World({ name: 'other' });
    expect(codeOf(() => fresh(other).takeAuthorityRecord(world.first, now))).toBe('E_BINDING');
    expect(codeOf(() => world.trust().takeAuthorityRecord(changed(world.first, -200), now))).toBe('E_BINDING');
    expect(codeOf(() => fresh().takeAuthorityRecord(world.authorityRecord({}), now))).toBe('E_EPOCH');
    const late = new World({ serial: 2, previousHash32: filled(32, 0) });
    expect(codeOf(() => fresh(late).takeAuthorityRecord(late.first, now))).toBe('E_EPOCH');
    const unsigned = new World({}, []);
    expect(codeOf(() => fresh(unsigned).takeAuthorityRecord(unsigned.first, now))).toBe('E_POLICY');
    expect(codeOf(() => fresh().takeAuthorityRecord(changed(world.first, -1), now))).toBe('E_SIG');
    const stranger = new World({}, [keyOf(9)]);
    expect(codeOf(() => fresh(stranger).takeAuthorityRecord(stranger.first, now))).toBe('E_SIG');
  });

  it('principals.12 follows without a gap', () => {
    const second = world.authorityRecord({});
    const third = world.authorityRecord({ serial: 3, previousHash32: world.hashOf(second) });
    const trust = world.trust();
    expect(codeOf(() => trust.takeAuthorityRecord(third, now))).toBe('E_EPOCH');
    expect(codeOf(() => trust.takeAuthorityRecord(world.authorityRecord({ previousHash32: filled(32, 0) }), now))).toBe(
      'E_FORK',
    );
    expect(trust.authorityRecord?.serial).toBe(1);
    expect(trust.takeAuthorityRecord(second, now)).toBe('held');
    expect(trust.takeAuthorityRecord(third, now)).toBe('held');
    expect(codeOf(() => trust.takeAuthorityRecord(second, now))).toBe('E_EPOCH');
    const twin = world.authorityRecord({ serial: 3, previousHash32: world.hashOf(second), name: 'twin' });
    expect(codeOf(() => trust.takeAuthorityRecord(twin, now))).toBe('E_FORK');
  });

  it('principals.12 takes for a fork only what enough root keys of the record held have signed', () => {
    const [a, b] = ascending([keyOf(10), keyOf(11)]) as [SigningKey, SigningKey];
    const old = new World({ threshold: 2, rootKeys: [a, b].map(publicOf) }, [a, b]);
    const rootKeys = { threshold: 2, rootKeys: [a, b].map(publicOf) };
    const first = { ...rootKeys, serial: 2, previousHash32: filled(32, 0) };
    const take = (bytes: Uint8Array, held: Uint8Array[] = []): string => {
      const trust = old.trust();
      for (const record of held) trust.takeAuthorityRecord(record, now);
      return codeOf(() => trust.takeAuthorityRecord(bytes, now));
    };
    const second = old.authorityRecord(rootKeys, [a, b]);
    for (const [change, held] of [
      [first, []],
      [{ ...rootKeys, name: 'twin' }, [second]],
    ] as const) {
      const rival = old.authorityRecord(change, [a, b]);
      expect(take(rival, [...held])).toBe('E_FORK');
      expect(take(changed(rival, -1), [...held])).toBe('E_SIG');
      expect(take(old.authorityRecord(change, [a]), [...held])).toBe('E_POLICY');
      expect(take(old.authorityRecord(change, []), [...held])).toBe('E_POLICY');
      expect(take(old.authorityRecord(change, [keyOf(9)]), [...held])).toBe('E_SIG');
    }
    // What cannot follow is no fork, whoever signed it.
    expect(take(old.authorityRecord({ ...rootKeys, serial: 3 }, []))).toBe('E_EPOCH');
    expect(take(old.first, [second])).toBe('E_EPOCH');
  });

  it('principals.12 principals.13 counts the roots of both records', () => {
    const [a, b, c, d] = [keyOf(10), keyOf(11), keyOf(12), keyOf(13)];
    const old = new World({ threshold: 2, rootKeys: [a, b].map(publicOf) }, [a, b]);
    const rollover = { threshold: 2, rootKeys: [b, c, d].map(publicOf) };
    const take = (signers: (typeof a)[]): string =>
      codeOf(() => old.trust().takeAuthorityRecord(old.authorityRecord(rollover, signers), now));
    expect(take([a, b, c])).toBe('held');
    expect(take([a, b])).toBe('E_POLICY');
    expect(take([b, c])).toBe('E_POLICY');
    expect(take([c, d])).toBe('E_POLICY');
    expect(take([])).toBe('E_POLICY');
    expect(take([a, b, c, keyOf(14)])).toBe('E_SIG');
    expect(take([a, b, b, c])).toBe('E_SIG');
    const object = old.authorityRecord(rollover, [a, b, c]);
    const swapped = object.slice();
    swapped.set(object.subarray(-96), object.length - 192);
    swapped.set(object.subarray(-192, -96), object.length - 96);
    expect(codeOf(() => old.trust().takeAuthorityRecord(swapped, now))).toBe('E_SIG');
    expect(codeOf(() => old.trust().takeAuthorityRecord(changed(object, -1), now))).toBe('E_SIG');
    // Too few comes before a bad one.
    expect(codeOf(() => old.trust().takeAuthorityRecord(changed(old.authorityRecord(rollover, [b, c]), -1), now))).toBe(
      'E_POLICY',
    );
  });

  it('asks for the form of its section', () => {
    const record = (change: object, signers = [world.root]): string =>
      after([], takeRecord(world.authorityRecord(change, signers)));
    const [delegation] = world.delegations();
    const one = (change: object): string => record({ delegations: [{ ...delegation, ...change }] });
    expect(record({ threshold: 2 })).toBe('E_ENCODING');
    expect(record({ previousHash32: undefined })).toBe('E_ENCODING');
    expect(one({ key: prekeyOf(1) })).toBe('E_ENCODING');
    expect(one({ key: publicOf(world.root) })).toBe('E_ENCODING');
    expect(one({ notAfterMs: now - 2 * day })).toBe('E_ENCODING');
    expect(one({ notAfterMs: now + 89 * day })).toBe('held');
    expect(one({ notAfterMs: now + 89 * day + 1 })).toBe('E_LIMIT');
    expect(one({ roles: delegatedRoles.status | delegatedRoles.policy, notAfterMs: now + 6 * day })).toBe('held');
    expect(one({ roles: delegatedRoles.status | delegatedRoles.policy, notAfterMs: now + 6 * day + 1 })).toBe(
      'E_LIMIT',
    );
    expect(one({ key: { ...delegation!.key, publicKey32: filled(32, 0xff) } })).toBe('E_KEY');
    const unsorted = encodeAuthorityRecordBody({
      ...world.authorityFields(),
      serial: 2,
      previousHash32: world.firstHash32,
      rootKeys: [world.root, world.root].map(publicOf),
    });
    const object = world.object(1, unsorted, [{ label: labels.authorityRecord, key: world.root }]);
    expect(after([], takeRecord(object))).toBe('E_ENCODING');
  });
});

describe('principal records', () => {
  const record = (change: object, who = {}): string => after([], takePrincipal(world.principal(change, who)));

  it('principals.14 holds what is valid now, by a clock that may be off', () => {
    expect(record({ notBeforeMs: now + skew, notAfterMs: now + day })).toBe('held');
    expect(record({ notBeforeMs: now + skew + 1, notAfterMs: now + day })).toBe('E_EXPIRED');
    expect(record({ notAfterMs: now - skew })).toBe('held');
    expect(record({ notAfterMs: now - skew - 1 })).toBe('E_EXPIRED');
    expect(record({ notAfterMs: now + 29 * day })).toBe('held');
    expect(record({ notAfterMs: now + 29 * day + 1 })).toBe('E_LIMIT');
    expect(record({ notAfterMs: now - 2 * day })).toBe('E_ENCODING');
    const trust = world.trust();
    trust.takePrincipalRecord(world.principal(), now);
    const held = trust.principal(world.alice.keyId32)!;
    expect(codeOf(() => trust.checkPrincipalNow(held, now + day + skew))).toBe('ok');
    expect(codeOf(() => trust.checkPrincipalNow(held, now + day + skew + 1))).toBe('E_EXPIRED');
    expect(codeOf(() => trust.checkPrincipalNow(held, Number.NaN))).toBe('E_USAGE');
  });

  it('principals.14 never goes back', () => {
    const first = takePrincipal(world.principal());
    expect(after([first], takePrincipal(world.principal({ serial: 6 })))).toBe('held');
    expect(after([first], takePrincipal(world.principal({ serial: 4 })))).toBe('E_EXPIRED');
    expect(after([first], takePrincipal(world.principal({ name: 'mallory' })))).toBe('E_FORK');
  });

  it('asks for the form of its section', () => {
    expect(record({ key: prekeyOf(1) })).toBe('E_ENCODING');
    expect(record({ suites: [1, 1] })).toBe('E_ENCODING');
    expect(record({ key: { alg: 1, publicKey32: filled(32, 0xff) } })).toBe('E_KEY');
  });

  it('asks for its two signers', () => {
    const body = encodePrincipalRecordBody(world.principalFields(world.alice));
    const signed = (...signers: [string, ReturnType<typeof keyOf>][]): string =>
      after(
        [],
        takePrincipal(
          world.object(
            2,
            body,
            signers.map(([label, key]) => ({ label, key })),
          ),
        ),
      );
    const [own, issued] = [
      ['principal', world.alice],
      ['issuer', world.issuer],
    ] as [string, ReturnType<typeof keyOf>][];
    expect(signed(own!, issued!)).toBe('held');
    expect(signed(own!)).toBe('E_SIG');
    expect(signed(own!, issued!, issued!)).toBe('E_SIG');
    expect(signed(issued!, own!)).toBe('E_SIG');
    expect(signed(['issuer', world.alice], issued!)).toBe('E_SIG');
    expect(signed(own!, ['principal', world.issuer])).toBe('E_SIG');
    expect(signed(own!, ['issuer', world.bob])).toBe('E_SENDER');
    expect(signed(own!, ['issuer', world.policyKey])).toBe('E_POLICY');
    expect(after([], takePrincipal(changed(world.principal(), -97)))).toBe('E_SIG');
    expect(
      codeOf(() =>
        new Trust({ provider, authorityId32: world.authorityId32 }).takePrincipalRecord(world.principal(), now),
      ),
    ).toBe('E_SENDER');
    const later = now + 90 * day;
    expect(after([], takePrincipal(world.principal({ notBeforeMs: later, notAfterMs: later }), later))).toBe(
      'E_EXPIRED',
    );
  });

  it('finds a record by both names', () => {
    const trust = world.trust();
    trust.takePrincipalRecord(world.principal(), now);
    const { keyId32 } = world.alice;
    expect(trust.principalBySenderId(keyId32.subarray(0, 16))).toBe(trust.principal(keyId32));
    expect(trust.principal(world.bob.keyId32)).toBeUndefined();
  });
});

describe('principal records of an issuer that was', () => {
  it('principals.14 end with its delegation', () => {
    const trust = world.trust();
    trust.takePrincipalRecord(world.principal(), now);
    const record = trust.principal(world.alice.keyId32)!;
    const check = (): string => codeOf(() => trust.checkPrincipalNow(record, now));
    expect(check()).toBe('ok');
    const [issuer, ...others] = world.delegations();
    const second = world.authorityRecord({
      delegations: [{ ...issuer!, roles: 5, notAfterMs: now + 5 * day }, ...others],
    });
    trust.takeAuthorityRecord(second, now);
    expect(check()).toBe('ok');
    const third = { serial: 3, previousHash32: world.hashOf(second) };
    trust.takeAuthorityRecord(
      world.authorityRecord({ ...third, delegations: [{ ...issuer!, roles: 2 }, ...others] }),
      now,
    );
    expect(check()).toBe('E_EXPIRED');
    expect(codeOf(() => trust.takeKeyRecord(world.keys(), now))).toBe('E_EXPIRED');
    const gone = world.trust();
    gone.takePrincipalRecord(world.principal(), now);
    gone.takeAuthorityRecord(world.authorityRecord({ delegations: others }), now);
    expect(codeOf(() => gone.checkPrincipalNow(record, now))).toBe('E_EXPIRED');
  });
});

describe('key records', () => {
  it('suites.5 have no key that gives no shared secret', () => {
    const take = (change: object): string => after([takePrincipal(world.principal())], takeKeys(world.keys(change)));
    const low = ['00'.repeat(32), `01${'00'.repeat(31)}`, `ec${'ff'.repeat(30)}7f`];
    low.push('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800');
    low.push('5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157');
    for (const hex of low) {
      const key = { alg: 0x20, publicKey32: new Uint8Array(Buffer.from(hex, 'hex')) };
      expect(take({ prekeys: [prekeyOf(40), key] })).toBe('E_KEY');
      expect(take({ noiseStatic: key })).toBe('E_KEY');
    }
    expect(take({ noiseStatic: prekeyOf(41) })).toBe('held');
  });

  const alice = takePrincipal(world.principal());
  const record = (change: object, atMs = now): string => after([alice], takeKeys(world.keys(change), atMs));

  it('principals.16 follows a principal record', () => {
    expect(after([], takeKeys(world.keys()))).toBe('E_SENDER');
    expect(record({})).toBe('held');
    expect(record({ principalSerial: 4 })).toBe('E_EXPIRED');
    expect(record({ principalSerial: 6 })).toBe('held');
    expect(record({ notBeforeMs: now + skew + 1 })).toBe('E_EXPIRED');
    expect(record({ notAfterMs: now, notBeforeMs: now }, now + skew)).toBe('held');
    expect(record({ notAfterMs: now, notBeforeMs: now }, now + skew + 1)).toBe('E_EXPIRED');
    expect(record({ notAfterMs: now + 2 * day + 1 })).toBe('E_LIMIT');
    // It is valid itself, and the principal record that it hangs on is so no longer.
    const brief = takePrincipal(world.principal({ notAfterMs: now }));
    expect(after([brief], takeKeys(world.keys(), now + skew))).toBe('held');
    expect(after([brief], takeKeys(world.keys(), now + skew + 1))).toBe('E_EXPIRED');
    const first = takeKeys(world.keys());
    expect(after([alice, first], takeKeys(world.keys({ serial: 2 })))).toBe('E_EXPIRED');
    expect(after([alice, first], takeKeys(world.keys({ notAfterMs: now + 1 })))).toBe('E_FORK');
    expect(after([alice, first], takeKeys(world.keys({ serial: 4 })))).toBe('held');
    expect(after([alice, first], first)).toBe('known');
  });

  it('principals.18 asks for the form of its section', () => {
    expect(record({ prekeys: [prekeyOf(1), prekeyOf(1)] })).toBe('E_ENCODING');
    expect(record({ prekeys: [prekeyOf(1)], noiseStatic: prekeyOf(1) })).toBe('E_ENCODING');
    expect(record({ prekeys: [prekeyOf(1)], noiseStatic: prekeyOf(2) })).toBe('held');
    expect(record({ prekeys: [publicOf(world.alice)] })).toBe('E_ENCODING');
    expect(record({ prekeys: [{ alg: 32, publicKey32: filled(32, 0xff) }] })).toBe('E_KEY');
  });

  it('is signed by its subject', () => {
    const body = encodeKeyRecordBody({
      principalKeyId32: world.alice.keyId32,
      principalSerial: 5,
      serial: 1,
      notBeforeMs: now,
      notAfterMs: now,
      prekeys: [prekeyOf(1)],
    });
    const signed = (key: ReturnType<typeof keyOf>, label: string): string =>
      after([alice], takeKeys(world.object(objectKinds.keyRecord, body, [{ label, key }])));
    expect(signed(world.alice, 'keys')).toBe('held');
    expect(signed(world.bob, 'keys')).toBe('E_SIG');
    expect(signed(world.alice, 'principal')).toBe('E_SIG');
  });
});

describe('policies and group records', () => {
  const entry = (first: number) => ({
    groupId16: filled(16, first),
    groupRecordHash32: filled(32, 1),
    writersRoot32: filled(32, 2),
    edgeRoot32: filled(32, 3),
    privateHash32: filled(32, 4),
  });

  it('principals.36 only rise', () => {
    const first = takePolicy(world.policy());
    expect(after([], first)).toBe('held');
    expect(after([first], first)).toBe('known');
    expect(after([first], takePolicy(world.policy({ version: 6 })))).toBe('E_EPOCH');
    expect(after([first], takePolicy(world.policy({ groups: [entry(1)] })))).toBe('E_FORK');
    expect(after([first], takePolicy(world.policy({ version: 9, groups: [entry(2), entry(1)] })))).toBe('held');
    const group = takeGroup(world.group());
    expect(after([], group)).toBe('held');
    expect(after([group], group)).toBe('known');
    expect(after([group], takeGroup(world.group({ serial: 1 })))).toBe('E_EPOCH');
    expect(after([group], takeGroup(world.group({ staleOk: true })))).toBe('E_FORK');
    expect(after([group], takeGroup(world.group({ serial: 1, groupId16: filled(16, 9) })))).toBe('held');
  });

  it('are signed by a key delegated for policy', () => {
    expect(after([], takePolicy(world.policy({}, world.issuer)))).toBe('E_POLICY');
    expect(after([], takePolicy(world.policy({}, world.bob)))).toBe('E_SENDER');
    expect(after([], takeGroup(world.group({}, world.issuer)))).toBe('E_POLICY');
    expect(after([], takePolicy(changed(world.policy(), -1)))).toBe('E_SIG');
    expect(after([], takePolicy(world.policy({ groups: [entry(1), entry(1)] })))).toBe('E_ENCODING');
  });

  it('keep their bounds', () => {
    const record = (change: object): string => after([], takeGroup(world.group(change)));
    expect(record({ controller: prekeyOf(1) })).toBe('E_ENCODING');
    expect(record({ controller: { alg: 1, publicKey32: filled(32, 0xff) } })).toBe('E_KEY');
    for (const [name, least, most] of [
      ['maxHeadAgeMs', 5_000, 86_400_000],
      ['epochLifeMs', 1_000, 3_600_000],
      ['drainMs', 0, 3_600_000],
      ['periodMs', 60_000, 604_800_000],
    ] as const) {
      expect([record({ [name]: least }), record({ [name]: most })]).toEqual(['held', 'held']);
      expect(record({ [name]: most + 1 })).toBe('E_LIMIT');
      if (least > 0) expect(record({ [name]: least - 1 })).toBe('E_LIMIT');
    }
    for (const change of [{ purpose: 4, crewId16: filled(16, 0x62) }, { purpose: 5 }]) {
      const ofPool = { ...change, topicChains: false };
      expect(record({ ...ofPool, maxHeadAgeMs: 60_000 })).toBe('held');
      expect(record({ ...ofPool, maxHeadAgeMs: 60_001 })).toBe('E_LIMIT');
      expect(record({ ...ofPool, topicChains: true })).toBe('E_ENCODING');
    }
    expect(record({ purpose: 4, topicChains: false })).toBe('E_ENCODING');
    expect(record({ purpose: 4, topicChains: false, crewId16: world.groupId16 })).toBe('E_ENCODING');
    for (const purpose of [1, 2, 3, 5]) {
      expect(record({ purpose, topicChains: false, crewId16: filled(16, 0x62) })).toBe('E_ENCODING');
    }
    expect([2, 3].map((purpose) => record({ purpose }))).toEqual(['held', 'E_ENCODING']);
  });
});

describe('heads', () => {
  it('keep their form', () => {
    const head = world.head();
    const take = (bytes: Uint8Array): string => after([], takeHead(bytes));
    expect(take(head)).toBe('held');
    expect(take(head.subarray(1))).toBe('E_LENGTH');
    expect(take(changed(head, 0))).toBe('E_ENCODING');
    expect(take(changed(head, 4))).toBe('E_VERSION');
    expect(take(changed(head, 5))).toBe('E_ENCODING');
    expect(take(changed(head, 7, 2))).toBe('E_ENCODING');
    for (const at of [40, 48, 56, 64]) expect(take(changed(head, at, 0xff))).toBe('E_LIMIT');
    expect(take(changed(head, 47, 0))).toBe('E_ENCODING');
    const fresh = (ms: number): Uint8Array => {
      const bytes = head.slice();
      new DataView(bytes.buffer).setBigUint64(56, BigInt(now + ms));
      return bytes;
    };
    expect(take(fresh(-1))).toBe('E_ENCODING');
    expect(take(fresh(day + 1))).toBe('E_LIMIT');
    expect(take(fresh(day))).toBe('E_SIG');
  });

  it('principals.27 only rise, and name the one before', () => {
    const first = world.head();
    const prevHeadHash32 = world.headHash(first);
    const held = takeHead(first);
    expect(after([held], held)).toBe('known');
    expect(after([held], takeHead(world.head({ headSeq: 9 })))).toBe('E_EPOCH');
    expect(after([held], takeHead(world.head({ policyVersion: 8 })))).toBe('E_FORK');
    expect(after([held], takeHead(world.head({ headSeq: 11 })))).toBe('E_FORK');
    expect(after([held], takeHead(world.head({ headSeq: 11, prevHeadHash32 })))).toBe('held');
    expect(after([held], takeHead(world.head({ headSeq: 12 })))).toBe('held');
    expect(after([held], takeHead(first, now + 70_000))).toBe('E_STALE');
  });

  it('principals.28 go on after a restart where they were', () => {
    const first = world.head();
    const floor = { headSeq: 10, headHash32: world.headHash(first) };
    const next = (head: Uint8Array): string => {
      const trust = new Trust({ provider, authorityId32: world.authorityId32, floor });
      trust.takeAuthorityRecord(world.first, now);
      return codeOf(() => trust.takeHead(head, now));
    };
    expect(next(first)).toBe('held');
    expect(next(world.head({ policyVersion: 8 }))).toBe('E_FORK');
    expect(next(world.head({ headSeq: 9 }))).toBe('E_EPOCH');
    expect(next(world.head({ headSeq: 11 }))).toBe('E_FORK');
    expect(next(world.head({ headSeq: 11, prevHeadHash32: floor.headHash32 }))).toBe('held');
  });

  it('come from a status key, in time', () => {
    expect(after([], takeHead(world.head({}, world.policyKey)))).toBe('E_POLICY');
    expect(after([], takeHead(world.head({}, world.bob)))).toBe('E_POLICY');
    expect(after([], takeHead(changed(world.head(), -1)))).toBe('E_SIG');
    expect(after([], takeHead(world.head({ issuedMs: now + skew })))).toBe('held');
    expect(after([], takeHead(world.head({ issuedMs: now + skew + 1 })))).toBe('E_FUTURE');
    expect(after([], takeHead(world.head(), now + 60_000))).toBe('held');
    expect(after([], takeHead(world.head(), now + 60_001))).toBe('E_STALE');
    expect(after([], takeHead(world.head(), now + 7 * day))).toBe('E_EXPIRED');
  });

  it('principals.29 principals.30 are fresh for a while', () => {
    const trust = world.trust();
    trust.takeHead(world.head(), now);
    const head = trust.head!;
    expect([now - skew, now, now + 60_000].map((at) => isFresh(head, at, skew, 90_000))).toEqual([true, true, true]);
    expect([now - skew - 1, now + 60_001].map((at) => isFresh(head, at, skew, 90_000))).toEqual([false, false]);
    expect([now + 5_000, now + 5_001].map((at) => isFresh(head, at, skew, 5_000))).toEqual([true, false]);
  });

  it('show the newest block of a group', () => {
    const leaves = [1, 2, 3].map((n) =>
      encodeGroupLeaf({ groupId16: filled(16, n), generation: n, epoch: 10 + n, blockHash32: filled(32, n) }),
    );
    const head = world.head({ groupsRoot32: treeHead(provider, leaves) });
    const groupHead = encodeGroupHeads(provider, head, leaves)[1]!;
    const take = (bytes: Uint8Array, group = filled(16, 2)): string =>
      after([], (trust) => trust.takeGroupHead(bytes, group, now).taken);
    expect(take(groupHead)).toBe('held');
    expect(take(groupHead.subarray(0, 329))).toBe('E_LENGTH');
    expect(take(changed(groupHead, 264))).toBe('E_ENCODING');
    expect(take(changed(groupHead, 329, 65))).toBe('E_PROOF');
    expect(take(changed(groupHead, 329, 1))).toBe('E_LENGTH');
    expect(take(changed(groupHead, 0))).toBe('E_ENCODING');
    expect(take(changed(groupHead, 263))).toBe('E_SIG');
    expect(take(groupHead, filled(16, 3))).toBe('E_BINDING');
    expect(take(changed(groupHead, -1))).toBe('E_PROOF');
    expect(take(changed(groupHead, 290))).toBe('E_PROOF');
    const trust = world.trust();
    trust.takeHead(head, now);
    const { taken, leaf } = trust.takeGroupHead(groupHead, filled(16, 2), now);
    expect([taken, leaf.generation, leaf.epoch]).toEqual(['held', 2, 12]);
    expect(trust.takeGroupHead(groupHead, filled(16, 2), now).taken).toBe('known');
    expect(trust.takeHead(head, now)).toBe('known');
    expect(trust.takeGroupHead(encodeGroupHeads(provider, head, leaves)[2]!, filled(16, 3), now).taken).toBe('held');
    expect(codeOf(() => trust.takeGroupHead(changed(groupHead, -1), filled(16, 2), now))).toBe('E_PROOF');
    const refused = world.trust();
    expect(codeOf(() => refused.takeGroupHead(changed(groupHead, -1), filled(16, 2), now))).toBe('E_PROOF');
    expect(refused.head).toBeUndefined();
  });

  it('principals.33 answer a nonce', () => {
    const nonce = filled(32, 7);
    const answer = encodeHeadAnswer(provider, world.authorityId32, world.status, world.head(), nonce);
    const take = (bytes: Uint8Array, asked = nonce): string =>
      after([], (trust) => trust.takeHeadAnswer(bytes, asked, now));
    expect(take(answer)).toBe('held');
    expect(take(answer.subarray(1))).toBe('E_LENGTH');
    expect(take(answer, filled(32, 8))).toBe('E_SIG');
    expect(take(changed(answer, -1))).toBe('E_SIG');
    expect(take(changed(answer, 263))).toBe('E_SIG');
    const other = encodeHeadAnswer(
      provider,
      world.authorityId32,
      world.policyKey,
      world.head({}, world.policyKey),
      nonce,
    );
    expect(take(other)).toBe('E_POLICY');
    expect(after([takeHead(world.head())], (trust) => trust.takeHeadAnswer(answer, nonce, now))).toBe('known');
  });
});
