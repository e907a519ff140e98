import { describe, expect, it } from 'vitest';
import { concat, copyOf } from '../../src/bytes/bytes.ts';
import { frameTypes } from '../../src/codepoints/frame-types.gen.ts';
import { authorityIdOf, encodeAuthorityRecordBody } from '../../src/keys/authority-record.ts';
import { Trust } from '../../src/keys/trust.ts';
import { certificateNameOf } from '../../src/link/auth.ts';
import { peerOf, type LinkSide } from '../../src/link/forms.ts';
import { decodeAuth } from '../../src/link/opening-bodies.ts';
import type { LinkOptions } from '../../src/link/options.ts';
import { encodeFrame } from '../../src/wire/frame.ts';
import { day, filled, keyOf, now, provider, World } from '../keys/support.ts';
import {
  brokerName,
  End,
  ends,
  exporter32,
  helloFrameIn,
  keyOfSide,
  meet,
  modes,
  noise,
  openLink,
  tls,
  world,
  type RawChange,
} from './support.ts';

/** Records of authorities after the first, and one that no longer delegates the issuer. */
const second = world.authorityRecord({ serial: 2, previousHash32: world.firstHash32 });
const third = world.authorityRecord({ serial: 3, previousHash32: world.hashOf(second) });
const stranger = keyOf(99);
/** The same keys, and an authority of another first record. */
const elsewhere = new World({ name: 'elsewhere' });

type Case = [
  name: string,
  code: string | Readonly<Record<number, string>>,
  raw: RawChange,
  options?: Partial<LinkOptions>,
];

describe.each(ends)('link.10 link.23 the $side in $modeName', ({ mode, side }) => {
  const peerSide = peerOf(side);
  const key = keyOfSide[peerSide];
  /** What the peer's record says where nothing else is asked for. */
  const right = peerSide === 'initiator' ? { name: 'alice' } : { name: brokerName, roles: 2 };
  const record = (change: object = {}, of = key, by = world): Uint8Array =>
    by.principal({ ...right, ...change }, { key: of });
  const auth = (principalRecord: Uint8Array): RawChange => ({ auth: { principalRecord } });
  const namesOf = (...certificateNames: string[]) => ({ tls: { exporter32, certificateNames } });
  const own = (change: object) => ({ principalRecord: ownRecordOf(side, change) });
  const unsigned = mode === tls ? 'E_BINDING' : 'E_HANDSHAKE';
  const run = (raw: RawChange, options: Partial<LinkOptions> = {}) => {
    const { end, code, sentAfter } = meet(side, mode, raw, options);
    // link.23
    if (code !== 'ok') expect([end.engine.state, sentAfter.length, end.engine.peer]).toEqual(['closed', 0, undefined]);
    else expect(end.engine.state).toBe('open');
    return code;
  };

  const forms: Case[] = [
    ['no byte', 'E_ENCODING', { authBody: new Uint8Array(0) }],
    ['no signature', 'E_ENCODING', { authBody: Uint8Array.of(10, 1, 1) }],
    ['an unknown field', 'E_ENCODING', { authBody: Uint8Array.of(10, 1, 1, 34, 1, 1) }],
    ['an authority record of no byte', 'E_LENGTH', { auth: { authorityRecords: [new Uint8Array(0)] } }],
    ['a principal record that is none', 'E_LENGTH', { auth: { principalRecord: filled(9, 1) } }],
    ['an authority record as principal record', 'E_ENCODING', auth(world.first)],
  ];
  const authorityRecords: Case[] = [
    ['the record that is held', 'ok', { auth: { authorityRecords: [world.first] } }],
    ['the next record', 'ok', { auth: { authorityRecords: [second] } }],
    ['the next two records', 'ok', { auth: { authorityRecords: [second, third] } }],
    ['a gap', 'E_EPOCH', { auth: { authorityRecords: [third] } }],
    ['records out of order', 'E_EPOCH', { auth: { authorityRecords: [third, second] } }],
    ['a record of another authority', 'E_BINDING', { auth: { authorityRecords: [elsewhere.first] } }],
    ['a record that nobody signed', 'E_SIG', { auth: { authorityRecords: [damaged(second)] } }],
    [
      'a record by another root',
      'E_POLICY',
      { auth: { authorityRecords: [world.authorityRecord({ serial: 2, rootKeys: [publicOf(9)] }, [keyOf(9)])] } },
    ],
    [
      'a record after which the issuer is nobody',
      'E_SENDER',
      { auth: { authorityRecords: [world.authorityRecord({ serial: 2, delegations: [] })] } },
    ],
  ];
  const principals: Case[] = [
    ['a record of another authority', 'E_BINDING', auth(record({}, key, elsewhere))],
    ['an expired record', 'E_EXPIRED', auth(record({ notBeforeMs: now - 3 * day, notAfterMs: now - 2 * day }))],
    [
      'a record that does not hold yet',
      'E_EXPIRED',
      auth(record({ notBeforeMs: now + day, notAfterMs: now + 2 * day })),
    ],
    ['a record of an unknown issuer', 'E_SENDER', auth(world.principal(right, { key, issuer: stranger }))],
    ['a record of who issues nothing', 'E_POLICY', auth(world.principal(right, { key, issuer: world.policyKey }))],
    ['a record that nobody signed', 'E_SIG', auth(damaged(record()))],
    ['a record that replaces the one held', 'ok', auth(record({ serial: 6 })), holding(record())],
    ['a record older than the one held', 'E_EXPIRED', auth(record()), holding(record({ serial: 6 }))],
    ['another record of the same serial', 'E_FORK', auth(record()), holding(record({ notAfterMs: now + day + 1 }))],
    [
      'link.12 version 2 as the highest of both',
      'E_HANDSHAKE',
      auth(record({ maxVersion: 2 })),
      own({ maxVersion: 2 }),
    ],
    ['link.12 version 2 as the highest of the peer', 'ok', auth(record({ maxVersion: 2 }))],
    ['link.12 version 2 as the highest of this node', 'ok', {}, own({ maxVersion: 2 })],
    ['suite 1 alone', { [tls]: 'ok', [noise]: 'E_POLICY' }, auth(record({ suites: [1] }))],
    ['a high floor', { [tls]: 'ok', [noise]: 'E_POLICY' }, auth(record({ suiteFloor: 2 }))],
  ];
  const revocations: Case[] = [
    ['a revoked key', 'E_REVOKED', {}, { isRevoked: (keyId32: Uint8Array) => sameBytes(keyId32, key.keyId32) }],
    ['a revoked serial', 'E_REVOKED', {}, { isRevoked: (_: Uint8Array, serial: number) => serial === 5 }],
    ['another revoked key', 'ok', {}, { isRevoked: (keyId32: Uint8Array) => !sameBytes(keyId32, key.keyId32) }],
  ];
  const certificateName = certificateNameOf(key.keyId32);
  const certificates: Case[] = [
    ['no name', 'E_BINDING', {}, namesOf()],
    ['names of others', 'E_BINDING', {}, namesOf('spiffe://x', certificateNameOf(stranger.keyId32))],
    ['two names', 'E_BINDING', {}, namesOf(certificateName, certificateNameOf(stranger.keyId32))],
    ['the name twice', 'E_BINDING', {}, namesOf(certificateName, certificateName)],
    ['upper case', 'E_BINDING', {}, namesOf('tdc:' + certificateName.slice(4).toUpperCase())],
    ['a longer name', 'E_BINDING', {}, namesOf(`${certificateName}0`)],
    ['a shorter name', 'E_BINDING', {}, namesOf(certificateName.slice(0, -1))],
    ['another scheme in upper case', 'E_BINDING', {}, namesOf(certificateName.replace('tdc:', 'TDC:'))],
    ['names of other things', 'ok', {}, namesOf('spiffe://x', certificateName, 'https://y')],
  ];
  const signatures: Case[] = [
    ['no signature', unsigned, { auth: { signature64: filled(64, 0) } }],
    ['S23 an auth of another session', unsigned, { context: () => filled(32, 1) }],
    ['S24 the side of the other', unsigned, { signedSide: side }],
    ['the label of the other mode', unsigned, { signedMode: mode === tls ? noise : tls }],
    ['a signature by another key', unsigned, { key: stranger }],
    [
      "one's own auth, reflected",
      unsigned,
      { ...auth(ownRecordOf(side)), signedSide: side, key: keyOfSide[side] },
      ownName(mode, side),
    ],
  ];
  const peers: Case[] =
    side === 'initiator'
      ? [
          ['link.11 a member as broker', 'E_HANDSHAKE', auth(record({ roles: 1 }))],
          ['link.11 an authority as broker', 'E_HANDSHAKE', auth(record({ roles: 4 }))],
          ['link.11 a broker that is a member too', 'ok', auth(record({ roles: 3 }))],
          ['link.11 a broker of another name', 'E_HANDSHAKE', auth(record({ name: 'broker.example.org' }))],
          ['link.11 a name in another case', 'E_HANDSHAKE', auth(record({ name: 'Broker.example' }))],
        ]
      : [
          [
            'link.13 the key of this node',
            'E_HANDSHAKE',
            { ...auth(ownRecordOf(side)), key: keyOfSide[side] },
            ownName(mode, side),
          ],
          ['a broker as initiator', 'ok', auth(record({ roles: 2 }))],
        ];
  const orders: Case[] = [
    [
      'authority records before principal record',
      'E_EPOCH',
      { auth: { authorityRecords: [third], principalRecord: filled(9, 1) } },
    ],
    [
      'form before authority records',
      'E_ENCODING',
      { authBody: concat(Uint8Array.of(10, 1, 1), Uint8Array.of(26, 1, 1)) },
    ],
    ['principal record before revocation', 'E_SIG', auth(damaged(record())), { isRevoked: () => true }],
    ['revocation before certificate', 'E_REVOKED', {}, { isRevoked: () => true, ...(mode === tls && namesOf()) }],
    ['signature before role', unsigned, { ...auth(record({ roles: 4, name: 'x' })), signedSide: side }],
    ['revocation before signature', 'E_REVOKED', { signedSide: side }, { isRevoked: () => true }],
  ];

  const all: Case[] = [
    ...forms,
    ...authorityRecords,
    ...principals,
    ...revocations,
    ...(mode === tls ? certificates : []),
    ...signatures,
    ...peers,
    ...orders,
  ];
  it.each(all)('%s: %o', (_name, expected, raw, options = {}) => {
    expect(run(raw, options)).toBe(typeof expected === 'string' ? expected : expected[mode]);
  });

  it('holds what was valid by itself, though the link is refused', () => {
    const trust = world.trust();
    expect(run({ auth: { authorityRecords: [second] }, signedSide: side }, { trust })).toBe(unsigned);
    expect(trust.authorityRecord!.serial).toBe(2);
    expect(trust.principal(key.keyId32)!.serial).toBe(5);
  });

  it('holds nothing of what was not', () => {
    const trust = world.trust();
    expect(run({ auth: { authorityRecords: [second, damaged(third)] } }, { trust })).toBe('E_SIG');
    expect([trust.authorityRecord!.serial, trust.principal(key.keyId32)]).toEqual([2, undefined]);
  });

  if (mode === noise) {
    it('S22 another static key under an auth of this one is E_HANDSHAKE', () => {
      const message = (bytes: Uint8Array) =>
        bytes.map((byte, i) => (i === (side === 'responder' ? 3 : 35) ? byte ^ 1 : byte));
      expect(run({ message })).toBe('E_HANDSHAKE');
    });

    it('another prologue, and another cipher, are E_HANDSHAKE', () => {
      if (side === 'initiator') {
        expect(run({ noise: { prologue: () => filled(32, 1) } })).toBe('E_HANDSHAKE');
        expect(run({ noise: { suite: 1 } })).toBe('E_HANDSHAKE');
      } else expect(run({ message: (bytes) => bytes.subarray(0, -1) })).toBe('E_HANDSHAKE');
    });
  } else {
    it('S25 the exporter of another connection is E_BINDING', () => {
      expect(run({}, { tls: { exporter32: filled(32, 1), certificateNames: [certificateName] } })).toBe('E_BINDING');
    });

    it('an auth on another channel is E_ENCODING', () => {
      expect(run({ authFrame: encodeFrame(frameTypes.auth, 1, new Uint8Array(0)) })).toBe('E_ENCODING');
    });
  }
});

function damaged(object: Uint8Array): Uint8Array {
  const copy = copyOf(object);
  copy[copy.length - 1]! ^= 1;
  return copy;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function publicOf(seed: number) {
  const { publicKey32, keyId32 } = keyOf(seed);
  return { alg: 1, publicKey32, keyId32 };
}

/** A node that holds a principal record from before. */
function holding(record: Uint8Array): Pick<LinkOptions, 'trust'> {
  const trust = world.trust();
  trust.takePrincipalRecord(record, now);
  return { trust };
}

function ownRecordOf(side: LinkSide, change: object = {}): Uint8Array {
  return side === 'initiator'
    ? world.principal({ name: 'alice', ...change })
    : world.principal({ name: brokerName, roles: 2, ...change }, { key: world.bob });
}

/** In T, a peer that has the certificate of this node. */
function ownName(mode: number, side: LinkSide): Partial<LinkOptions> {
  if (mode !== tls) return {};
  return { tls: { exporter32, certificateNames: [certificateNameOf(keyOfSide[side].keyId32)] } };
}

describe.each(modes)('link.9 authority records in $modeName', ({ mode }) => {
  const chain = [world.first];
  for (let serial = 2; serial <= 300; serial++) {
    const previousHash32 = world.hashOf(chain.at(-1)!);
    chain.push(world.authorityRecord({ serial, previousHash32, delegations: world.delegations() }));
  }
  const holder = (serial: number): Partial<LinkOptions> => {
    const trust = new Trust({ provider, authorityId32: world.authorityId32 });
    for (const record of chain.slice(0, serial)) trust.takeAuthorityRecord(record, now);
    return { trust, authorityRecords: (after) => chain.slice(after, serial) };
  };

  it.each([
    [1, 1],
    [3, 1],
    [1, 3],
    [0, 2],
    [2, 0],
    [40, 2],
  ])('an initiator with %i and a responder with %i both come to hold the newest', (ofInitiator, ofResponder) => {
    const [one, other] = [holder(ofInitiator), holder(ofResponder)];
    const { initiator, responder } = openLink(mode, { initiator: one, responder: other });
    expect([initiator.engine.state, responder.engine.state]).toEqual(['open', 'open']);
    const newest = Math.max(ofInitiator, ofResponder);
    expect([one.trust!.authorityRecord!.serial, other.trust!.authorityRecord!.serial]).toEqual([newest, newest]);
  });

  it('a node without any, from a peer without any, can verify nobody', () => {
    const initiator = new End('initiator', mode, holder(0));
    const responder = new End('responder', mode, holder(0));
    responder.receive(initiator.takeSent());
    expect(initiator.codeOf(responder.takeSent())).toBe('E_SENDER');
  });

  it('as many are sent as fit, the first ones', () => {
    const initiator = new End('initiator', mode, holder(0));
    const other = holder(300);
    const responder = new End('responder', mode, other);
    responder.receive(initiator.takeSent());
    const answer = responder.takeSent();
    expect(answer.length).toBeLessThan(49_152 + 1500);
    initiator.receive(answer);
    expect(initiator.engine.state).toBe('open');
    if (mode !== tls) return;
    const at = 4 + helloFrameIn(answer).length + 8;
    const { authorityRecords } = decodeAuth('responder', 0, answer.subarray(at));
    expect(authorityRecords).toEqual(chain.slice(0, authorityRecords.length));
    const next = chain[authorityRecords.length]!.length + 3;
    expect(answer.length - at + next).toBeGreaterThan(49_152);
  });

  it('at most 256 are sent, however small', () => {
    const small = filled(46, 1);
    const end = new End('responder', mode, { authorityRecords: () => Array(300).fill(small) });
    const initiator = new End('initiator', mode);
    end.receive(initiator.takeSent());
    const answer = end.takeSent();
    if (mode === tls) {
      const { authorityRecords } = decodeAuth('responder', 0, answer.subarray(12 + helloFrameIn(answer).length));
      expect(authorityRecords).toHaveLength(256);
    }
    // It is no record, which is met after the form of the auth.
    expect(initiator.codeOf(answer)).toBe('E_ENCODING');
  });

  it('principals.10 a record that came another way since the hello is known', () => {
    const own = holder(1);
    const newer = (after: number) => chain.slice(after, 3);
    const initiator = new End('initiator', mode, { ...own, authorityRecords: newer });
    const responder = new End('responder', mode, holder(3));
    responder.receive(initiator.takeSent());
    for (const record of chain.slice(1, 3)) own.trust!.takeAuthorityRecord(record, now);
    initiator.receive(responder.takeSent());
    expect(initiator.engine.state).toBe('open');
  });
});

it('the authority of the tests is the one that its records say', () => {
  expect(authorityIdOf(provider, encodeAuthorityRecordBody(world.authorityFields()))).toEqual(world.authorityId32);
});
