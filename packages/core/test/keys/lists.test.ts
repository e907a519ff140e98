import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AccessList,
  accessListRoot,
  encodeAccessList,
  encodeEntry,
  type AccessEntry,
} from '../../src/keys/access-list.ts';
import { addressOf } from '../../src/keys/address.ts';
import { decodeBundle, encodeBundle } from '../../src/keys/bundle.ts';
import { encodeRevocationList, RevocationList } from '../../src/keys/revocation-list.ts';
import { leafHashOf, treeHead, treePath } from '../../src/keys/tree-head.ts';
import { rootOfPath } from '../../src/crypto/merkle.ts';
import { useSeed } from '../property/support.ts';
import { codeOf, empty, filled, provider, times } from './support.ts';

useSeed();

const group = filled(16, 0x61);
const entry = (change: Partial<AccessEntry> = {}): AccessEntry => ({
  keyId32: filled(32, 1),
  actions: 1,
  matchKind: 1,
  level: 0,
  match16: filled(16, 2),
  notAfterMs: 1000,
  ...change,
});

describe('access lists', () => {
  const list = encodeAccessList(2, group, [entry(), entry({ keyId32: filled(32, 3) })]);
  const take = (bytes: Uint8Array, use = 2): string => codeOf(() => AccessList.decode(provider, bytes, use, group));
  const changed = (at: number, value: number): Uint8Array => {
    const copy = list.slice();
    copy[at] = value;
    return copy;
  };

  it('principals.20 principals.21 are checked in order', () => {
    expect(take(list)).toBe('ok');
    expect(take(list.subarray(0, 27))).toBe('E_LENGTH');
    expect(take(changed(0, 0))).toBe('E_ENCODING');
    expect(take(changed(4, 2))).toBe('E_VERSION');
    expect(take(list, 1)).toBe('E_ENCODING');
    expect(take(changed(7, 1))).toBe('E_ENCODING');
    expect(take(changed(8, 0))).toBe('E_BINDING');
    expect(take(changed(24, 1))).toBe('E_LIMIT');
    expect(take(changed(27, 3))).toBe('E_LENGTH');
    expect(take(list.subarray(0, -1))).toBe('E_LENGTH');
    expect(take(changed(28 + 52, 0xff))).toBe('E_LIMIT');
    expect(take(changed(28, 4))).toBe('E_ENCODING');
    expect(take(changed(28 + 33, 0))).toBe('E_ENCODING');
    expect(take(changed(28 + 33, 4))).toBe('E_ENCODING');
    expect(take(changed(28 + 34, 3))).toBe('E_ENCODING');
    expect(take(changed(28 + 34, 0))).toBe('E_ENCODING');
    expect(take(changed(28 + 35, 1))).toBe('E_ENCODING');
  });

  it('principals.20 refuses what the match kind leaves unused', () => {
    const whole = entry({ matchKind: 0, match16: filled(16, 0) });
    expect(take(encodeAccessList(1, group, [whole]), 1)).toBe('ok');
    const make = (use: number, ...entries: AccessEntry[]): string =>
      codeOf(() => encodeAccessList(use, group, entries));
    expect(make(2, whole)).toBe('E_USAGE');
    expect(make(1, entry({ matchKind: 0 }))).toBe('E_USAGE');
    expect(make(1, entry({ matchKind: 1, level: 1 }))).toBe('E_USAGE');
    expect(make(1, entry({ matchKind: 2, level: 7 }))).toBe('ok');
    expect(make(1, entry({ matchKind: 2, level: 8 }))).toBe('E_USAGE');
    expect(make(1, entry(), entry())).toBe('E_USAGE');
    expect(make(1, entry({ actions: 0 }))).toBe('E_USAGE');
    expect([4, 8, 15].map((actions) => make(1, entry({ actions })))).toEqual(['ok', 'ok', 'ok']);
    expect(make(1, entry({ actions: 16 }))).toBe('E_USAGE');
    // Who answers is nothing that the edge is told, alone or beside what it is.
    const atTheEdge = Array.from({ length: 17 }, (_, actions) => actions);
    const allowed = [1, 2, 3, 8, 9, 10, 11];
    expect(atTheEdge.filter((actions) => make(2, entry({ actions })) === 'ok')).toEqual(allowed);
    const told = encodeAccessList(2, group, [entry({ actions: 2 })]);
    const taken = atTheEdge.map((actions) => {
      told[28 + 33] = actions;
      return take(told, 2);
    });
    expect(taken).toEqual(atTheEdge.map((actions) => (allowed.includes(actions) ? 'ok' : 'E_ENCODING')));
    expect(make(1, entry({ notAfterMs: 2 ** 53 }))).toBe('E_LIMIT');
    expect(make(3, entry())).toBe('E_USAGE');
    const twin = Uint8Array.from({ length: 32 }, (_, i) => (i < 16 ? 1 : 9));
    expect(make(1, entry(), entry({ keyId32: twin }))).toBe('E_USAGE');
    const forged = encodeAccessList(1, group, [entry(), entry({ keyId32: filled(32, 2) })]);
    forged.set(twin, 28 + 60);
    expect(take(forged, 1)).toBe('E_ENCODING');
  });

  it('principals.21 have a bound and a root', () => {
    const many = (count: number): AccessEntry[] =>
      Array.from({ length: count }, (_, i) =>
        entry({ match16: Uint8Array.from({ length: 16 }, (_, k) => (i >> (8 * (k % 4))) & 0xff) }),
      );
    expect(codeOf(() => encodeAccessList(1, group, many(4097)))).toBe('E_LIMIT');
    expect(take(encodeAccessList(1, group, many(4096)), 1)).toBe('ok');
    const decoded = AccessList.decode(provider, list, 2, group);
    expect(decoded.root32).toEqual(accessListRoot(provider, 2, group, decoded.entries));
    expect(codeOf(() => decoded.checkRoot(decoded.root32))).toBe('ok');
    expect(codeOf(() => decoded.checkRoot(filled(32, 0)))).toBe('E_POLICY');
    expect(accessListRoot(provider, 1, group, [])).toEqual(provider.sha256());
  });

  it('principals.22 allow what an entry says, and no more', () => {
    const tag = filled(16, 7);
    const chain = Uint8Array.from([...filled(16, 20), ...filled(16, 21)]);
    const allows = (one: AccessEntry, action = 1, at = 1000, of = chain): boolean =>
      AccessList.decode(provider, encodeAccessList(1, group, [one]), 1, group).allowsEnvelope(
        filled(32, 1),
        action,
        at,
        tag,
        of,
      );
    expect(allows(entry({ matchKind: 0, match16: filled(16, 0) }))).toBe(true);
    expect(allows(entry({ match16: tag }))).toBe(true);
    expect(allows(entry({ match16: tag }), 1, 1001)).toBe(false);
    expect(allows(entry({ match16: tag }), 2)).toBe(false);
    expect(allows(entry({ match16: tag, actions: 3 }), 2)).toBe(true);
    expect(allows(entry({ match16: filled(16, 20) }))).toBe(false);
    expect(allows(entry({ matchKind: 2, level: 1, match16: filled(16, 21) }))).toBe(true);
    expect(allows(entry({ matchKind: 2, level: 0, match16: filled(16, 21) }))).toBe(false);
    expect(allows(entry({ matchKind: 2, level: 1, match16: filled(16, 21) }), 1, 1000, empty)).toBe(false);
    expect(allows(entry({ matchKind: 2, level: 1, match16: filled(16, 21) }), 1, 1000, chain.subarray(0, 16))).toBe(
      false,
    );
    expect(allows(entry({ keyId32: filled(32, 2), match16: tag }))).toBe(false);
  });

  it('principals.22 answer like a search through all entries', () => {
    const small = fc.integer({ min: 0, max: 2 });
    const anyEntry = fc.record({
      keyId32: small.map((n) => filled(32, n)),
      actions: fc.constantFrom(1, 2, 3, 8, 9, 10, 11),
      matchKind: fc.integer({ min: 1, max: 2 }),
      level: fc.constant(0),
      match16: fc.integer({ min: 0, max: 5 }).map((n) => filled(16, n)),
      notAfterMs: fc.integer({ min: 0, max: 10 }),
    });
    const different = fc.uniqueArray(anyEntry, {
      maxLength: 120,
      selector: (one) => Buffer.from(encodeEntry(one)).toString('hex'),
    });
    fc.assert(
      fc.property(
        different,
        fc.integer({ min: 0, max: 3 }),
        fc.constantFrom(1, 2, 8),
        fc.integer({ min: 0, max: 10 }),
        fc.integer({ min: 0, max: 6 }),
        fc.boolean(),
        (entries, who, action, at, match, withChain) => {
          const decoded = AccessList.decode(provider, encodeAccessList(2, group, entries), 2, group);
          const same = (a: Uint8Array, n: number): boolean => a.every((byte) => byte === n);
          const own = entries.filter(
            (one) => same(one.keyId32, who) && (one.actions & action) !== 0 && one.notAfterMs >= at,
          );
          const chain = withChain ? filled(16, match) : undefined;
          expect(decoded.allowsEnvelope(filled(32, who), action, at, filled(16, 1), chain)).toBe(
            own.some((one) => (one.matchKind === 1 ? same(one.match16, 1) : withChain && same(one.match16, match))),
          );
          expect(
            decoded.allowsSubscription(filled(32, who), action, at, {
              matchKind: 2,
              level: 0,
              match16: filled(16, match),
            }),
          ).toBe(own.some((one) => one.matchKind === 2 && same(one.match16, match)));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('allow a subscription exactly as wide', () => {
    const decoded = AccessList.decode(
      provider,
      encodeAccessList(1, group, [entry({ matchKind: 0, match16: filled(16, 0), actions: 2 })]),
      1,
      group,
    );
    expect(decoded.allowsSubscription(filled(32, 1), 2, 0, { matchKind: 0, level: 0, match16: filled(16, 0) })).toBe(
      false,
    );
    const short = { matchKind: 1, level: 0, match16: filled(17, 0) };
    expect(codeOf(() => String(decoded.allowsSubscription(filled(32, 1), 2, 0, short)))).toBe('E_USAGE');
  });
});

describe('revocation lists', () => {
  const list = encodeRevocationList([
    { keyId32: filled(32, 3), minSerial: 2 ** 53 - 1 },
    { keyId32: filled(32, 1), minSerial: 5 },
  ]);
  const changed = (at: number, value: number): string => {
    const copy = list.slice();
    copy[at] = value;
    return codeOf(() => RevocationList.decode(provider, copy));
  };

  it('principals.24 says who is revoked', () => {
    const decoded = RevocationList.decode(provider, list);
    expect(decoded.entries.map(({ minSerial }) => minSerial)).toEqual([5, 2 ** 53 - 1]);
    expect(decoded.hash32).toEqual(provider.sha256(list));
    const revoked = [4, 5].map((serial) => decoded.isRevoked(filled(32, 1), serial));
    expect(revoked).toEqual([true, false]);
    expect(decoded.isRevoked(filled(32, 3), 2 ** 53 - 2)).toBe(true);
    expect(decoded.isRevoked(filled(32, 3), 2 ** 53 - 1)).toBe(true);
    expect(decoded.isRevoked(filled(32, 2), 0)).toBe(false);
    expect(RevocationList.decode(provider, encodeRevocationList([])).isRevoked(filled(32, 2), 0)).toBe(false);
  });

  it('are checked in order', () => {
    expect(codeOf(() => RevocationList.decode(provider, list.subarray(0, 11)))).toBe('E_LENGTH');
    expect(changed(0, 0)).toBe('E_ENCODING');
    expect(changed(4, 2)).toBe('E_VERSION');
    expect(changed(7, 2)).toBe('E_ENCODING');
    expect(changed(9, 1)).toBe('E_LIMIT');
    expect(changed(11, 3)).toBe('E_LENGTH');
    expect(changed(12, 2)).toBe('ok');
    expect(changed(12, 4)).toBe('E_ENCODING');
    expect(changed(44, 0xff)).toBe('E_LIMIT');
    const one = { keyId32: filled(32, 1), minSerial: 1 };
    expect(codeOf(() => encodeRevocationList([one, one]))).toBe('E_USAGE');
    expect(codeOf(() => encodeRevocationList([{ ...one, minSerial: 2 ** 53 }]))).toBe('E_LIMIT');
  });
});

describe('bundles', () => {
  it('come back as they were, or are refused', () => {
    const any = fc.array(
      fc.record({
        address16: fc.uint8Array({ minLength: 16, maxLength: 16 }),
        bytes: fc.uint8Array({ maxLength: 50 }),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(any, (objects) => {
        const bundle = encodeBundle(objects);
        expect(decodeBundle(bundle)).toEqual(objects);
        for (let end = 0; end < bundle.length; end++) {
          expect(codeOf(() => decodeBundle(bundle.subarray(0, end)))).toBe('E_LENGTH');
        }
        expect(codeOf(() => decodeBundle(Uint8Array.from([...bundle, 0])))).toBe('E_LENGTH');
      }),
    );
  });

  it('are checked in order', () => {
    const bundle = encodeBundle([]);
    const changed = (at: number, value: number): string => {
      const copy = bundle.slice();
      copy[at] = value;
      return codeOf(() => decodeBundle(copy));
    };
    expect(changed(0, 0)).toBe('E_ENCODING');
    expect(changed(4, 0)).toBe('E_VERSION');
    expect(changed(5, 1)).toBe('E_ENCODING');
    expect(changed(10, 0x10)).toBe('E_LENGTH');
    expect(changed(8, 1)).toBe('E_LIMIT');
    expect(codeOf(() => decodeBundle(new Uint8Array(16_777_217)))).toBe('E_LIMIT');
    const one = { address16: filled(16, 1), bytes: empty };
    expect(codeOf(() => encodeBundle(times(16_385, one)))).toBe('E_LIMIT');
    expect(codeOf(() => encodeBundle([{ address16: filled(16, 1), bytes: new Uint8Array(16_777_216) }]))).toBe(
      'E_LIMIT',
    );
    expect(codeOf(() => encodeBundle([{ address16: filled(15, 1), bytes: empty }]))).toBe('E_USAGE');
  });
});

describe('addresses', () => {
  it('have an id of the width of their type', () => {
    const address = (type: number, width: number): string =>
      codeOf(() => addressOf(provider, filled(32, 1), type, filled(width, 2)));
    for (const [type, width] of [0, 32, 32, 0, 16, 0, 16, 16, 16, 48, 16, 0].entries()) {
      expect([address(type + 1, width), address(type + 1, width + 1)]).toEqual(['ok', 'E_USAGE']);
    }
    expect([address(0, 0), address(13, 0)]).toEqual(['E_USAGE', 'E_USAGE']);
    expect(addressOf(provider, filled(32, 1), 12, empty)).toHaveLength(16);
  });
});

describe('trees', () => {
  it('prove every leaf', () => {
    expect(treeHead(provider, [])).toEqual(provider.sha256());
    for (let count = 1; count < 20; count++) {
      const leaves = Array.from({ length: count }, (_, i) => filled(i, i));
      const root = treeHead(provider, leaves);
      for (const [i, leaf] of leaves.entries()) {
        expect(rootOfPath(provider, leafHashOf(provider, leaf), i, count, treePath(provider, leaves, i))).toEqual(root);
      }
    }
  });
});
