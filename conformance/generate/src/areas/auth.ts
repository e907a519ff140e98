/** auth.json: what the two ends of a link ask of each other's auth, chapter 05. */
import { ALICE_KEY, DAY, delegation, ISSUER, named, ROOT, STATUS, STRANGER } from '../authority.ts';
import { VectorFile } from '../cases.ts';
import { ALL, NI, NR, Runs, TI, TR, type Where } from '../linkruns.ts';
import {
  AUTHORITY,
  BROKER,
  BROKER_KEY,
  brokerRecord,
  CLIENT,
  clientRecord,
  DELEGATIONS,
  HOST,
  meet,
  type Lie,
  type Party,
  type Setup,
} from '../linkworld.ts';
import { cat, flip, hex, put, seeded, text, u16, u8, zeros, type Bytes } from '../twin/bytes.ts';
import { fromLittleEndian, L, littleEndian } from '../twin/ed25519.ts';
import { rawFrameHeader } from '../twin/frame.ts';
import { H } from '../twin/hash.ts';
import { MODE, SIDE } from '../twin/link.ts';
import { TYPE } from '../twin/messages.ts';
import {
  authorityFields,
  encodeBody,
  encodeObject,
  encodeRevoked,
  firstAuthority,
  KIND,
  makeHead,
  nextAuthority,
  principalRecord,
  ROLE,
  wire,
  type Fields,
  type KeyPair,
  type SignedObject,
} from '../twin/objects.ts';
import { NOW } from '../world.ts';

const ID: Bytes = AUTHORITY.authorityId;
const SKEW = 30_000n;
const LIMIT = ['Limit'];
const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

export function auth(): VectorFile {
  const file = new VectorFile('auth');
  const runs = (name: string): Runs => new Runs(file.group(name, 'link.run', 'link', 'link'));
  authorities(runs('authority'));
  principals(runs('principal'));
  revoked(runs('revoked'));
  certificates(runs('certificate'));
  signatures(runs('signature'));
  peers(runs('peer'));
  orders(runs('order'));
  return file;
}

// ---- Authority records

const next = (
  serial: number,
  previous: SignedObject,
  delegations = DELEGATIONS,
  more: Fields = {},
  signers = [ROOT],
): SignedObject =>
  nextAuthority(
    ID,
    authorityFields(serial, 1, [ROOT], delegations, { previous_hash32: previous.hash, ...more }),
    signers,
  );
const A1: SignedObject = AUTHORITY.object;
const A2: SignedObject = next(2, A1);
const A3: SignedObject = next(3, A2);
const ISSUER_2: KeyPair = named('issuer 2');
/** Another issuer in place of the first. */
const A2_ISSUER: SignedObject = next(2, A1, [delegation(ISSUER_2, ROLE.issuer), delegation(STATUS, ROLE.status)]);

const peerRecord = (w: Where, more: Fields = {}, serial: number | bigint = 1): Bytes =>
  w.side === 'initiator' ? brokerRecord(more, serial) : clientRecord(more, serial);
const peerKey = (w: Where): KeyPair => (w.side === 'initiator' ? BROKER_KEY : ALICE_KEY);
const peerFields = (w: Where, more: Fields = {}): Fields => ({
  serial: 1,
  not_before_ms: NOW - DAY,
  not_after_ms: NOW + 20n * DAY,
  name: w.side === 'initiator' ? HOST : 'alice',
  roles: w.side === 'initiator' ? 2 : 1,
  suites: [1, 2],
  suite_floor: 1,
  max_version: 1,
  ...more,
});
const issuedBy = (w: Where, issuer: KeyPair, more: Fields = {}): Bytes =>
  principalRecord(ID, peerKey(w), issuer, peerFields(w, more)).bytes;

const chainOf = (...list: SignedObject[]): Bytes[] => list.map((o) => o.bytes);

function authorities(runs: Runs): void {
  runs.only(TR, [
    'holder-of-none',
    'learns-2-and-3',
    'tells-all',
    'tells-2',
    'tells-nothing',
    'new-issuer',
    'none-and-told-none',
    'gap',
    'too-old',
    'issuer-dropped',
  ]);
  const S = ['link.9', 'link.10'];
  const flags = ['RootChain'];
  for (const w of [TR, NI]) {
    const yes = (id: string, comment: string, more: Partial<Setup>): void =>
      runs.good(w, id, comment, more, { spec: S, flags });
    yes('holder-of-none', 'it holds no record, and gets the first', { own: { chain: [] } });
    yes('holder-of-none-gets-3', 'it holds no record, and gets three', {
      own: { chain: [] },
      peer: { chain: chainOf(A1, A2, A3) },
    });
    yes('learns-2', 'it holds the first, and gets the second', { peer: { chain: chainOf(A1, A2) } });
    yes('learns-2-and-3', 'it holds the first, and gets two more', { peer: { chain: chainOf(A1, A2, A3) } });
    yes('tells-all', 'its peer holds none, and gets all', {
      own: { chain: chainOf(A1, A2, A3) },
      lie: { hello: { authority_serial: 0n } },
    });
    yes('tells-2', 'its peer holds the first, and gets the second', { own: { chain: chainOf(A1, A2) } });
    yes('tells-2-and-3', 'its peer holds the first, and gets two more', { own: { chain: chainOf(A1, A2, A3) } });
    yes('tells-nothing', 'its peer says that it holds serial 9: nothing to tell', {
      lie: { hello: { authority_serial: 9n } },
    });
    yes('tells-nothing-max', 'its peer says that it holds serial 2^53 - 1', {
      lie: { hello: { authority_serial: (1n << 53n) - 1n } },
    });
    yes('known', 'it gets the record that it holds: known', {
      own: { chain: chainOf(A1, A2) },
      peer: { chain: chainOf(A1, A2) },
      lie: { chain: chainOf(A2) },
    });
    yes('new-issuer', 'the second record names another issuer, of whom the principal record is', {
      peer: { chain: chainOf(A1, A2_ISSUER), record: issuedBy(w, ISSUER_2) },
    });
    const no = (id: string, comment: string, more: Partial<Setup>, error: string, f: string[] = flags): void =>
      runs.bad(w, id, comment, more, error, { spec: ['link.9', 'link.10'], flags: f });
    no(
      'none-and-told-none',
      'it holds no record, and gets none',
      { own: { chain: [] }, lie: { chain: [] } },
      'E_SENDER',
    );
    no(
      'first-is-2',
      'it holds no record, and the second comes first',
      { own: { chain: [] }, lie: { chain: chainOf(A2) } },
      'E_EPOCH',
    );
    no('gap', 'it holds the first, and gets the third', { lie: { chain: chainOf(A3) } }, 'E_EPOCH');
    no('order', 'the third before the second', { lie: { chain: chainOf(A3, A2) } }, 'E_EPOCH');
    no(
      'too-old',
      'it holds three, and gets the second',
      { own: { chain: chainOf(A1, A2, A3) }, lie: { chain: chainOf(A2) } },
      'E_EPOCH',
      ['Rollback'],
    );
    no(
      'fork',
      'another second record than the one that it holds, rightly signed',
      {
        own: { chain: chainOf(A1, A2) },
        lie: { chain: chainOf(A2_ISSUER) },
      },
      'E_FORK',
      ['Fork'],
    );
    no(
      'issuer-dropped',
      'the second record does not delegate the issuer of the principal record',
      { peer: { chain: chainOf(A1, A2_ISSUER) } },
      'E_SENDER',
      ['Delegation'],
    );
    no(
      'old-holder',
      'it holds a later record, in which the issuer of its peer is gone',
      { own: { chain: chainOf(A1, A2_ISSUER) } },
      'E_SENDER',
      ['Delegation'],
    );
    no(
      'stranger',
      'a second record that a stranger signed',
      { lie: { chain: chainOf(next(2, A1, DELEGATIONS, {}, [STRANGER])) } },
      'E_SIG',
    );
    no('broken', 'a second record with a broken signature', { lie: { chain: [flip(A2.bytes, -1)] } }, 'E_SIG', [
      'Tampered',
    ]);
    no(
      'not-the-hash',
      'a first record that is not that of the authority',
      {
        own: { chain: [] },
        lie: {
          chain: [
            encodeObject(
              KIND.authority,
              ID,
              firstAuthority(authorityFields(1, 1, [STRANGER], DELEGATIONS), [STRANGER]).object.body,
              [{ seed: STRANGER.seed, label: 'authority' }],
            ).bytes,
          ],
        },
      },
      'E_BINDING',
    );
    no('empty', 'an authority record of no bytes', { lie: { chain: [zeros(0)] } }, 'E_LENGTH', ['Truncated']);
    no('trailing', 'a byte behind the second record', { lie: { chain: [cat(A2.bytes, zeros(1))] } }, 'E_LENGTH', [
      'Trailing',
    ]);
    no(
      'principal-as-authority',
      'a principal record among the authority records',
      { lie: { chain: [peerRecord(w)] } },
      'E_ENCODING',
      ['SignedShell'],
    );
    no(
      'second-of-two',
      'the first of two records is right, the other is not',
      { lie: { chain: [A2.bytes, flip(A3.bytes, -1)] } },
      'E_SIG',
      ['Tampered'],
    );
  }
}

// ---- Principal records

function principals(runs: Runs): void {
  runs.only(TR, ['ends-within-skew', 'expired', 'not-yet', 'stranger', 'own-signature', 'newer', 'older', 'fork']);
  const S = ['link.10'];
  for (const w of [TR, NI]) {
    const yes = (id: string, comment: string, rec: Bytes, flags: string[], more: Partial<Setup> = {}): void =>
      runs.good(w, id, comment, { ...more, peer: { record: rec } }, { spec: S, flags });
    const no = (
      id: string,
      comment: string,
      rec: Bytes,
      error: string,
      flags: string[],
      more: Partial<Setup> = {},
    ): void => runs.bad(w, id, comment, { ...more, peer: { record: rec } }, error, { spec: S, flags });
    const V = ['Validity'];
    yes('ends-within-skew', 'a record that ended 30 s ago', peerRecord(w, { not_after_ms: NOW - SKEW }), V);
    yes('begins-within-skew', 'a record that begins in 30 s', peerRecord(w, { not_before_ms: NOW + SKEW }), V);
    no(
      'expired',
      'a record that ended a millisecond before that (S26)',
      peerRecord(w, { not_after_ms: NOW - SKEW - 1n }),
      'E_EXPIRED',
      V,
    );
    no(
      'not-yet',
      'a record that begins a millisecond later (S26)',
      peerRecord(w, { not_before_ms: NOW + SKEW + 1n }),
      'E_EXPIRED',
      V,
    );
    no(
      'expired-long-ago',
      'a record of last month',
      peerRecord(w, { not_before_ms: NOW - 30n * DAY, not_after_ms: NOW - 2n * DAY }),
      'E_EXPIRED',
      V,
    );
    yes(
      'tenant',
      'a record with a tenant and a field that v1 does not know',
      encodeObject(
        KIND.principal,
        ID,
        cat(
          encodeBody('PrincipalRecord', {
            key: { alg: 1, public_key: peerKey(w).publicKey },
            ...peerFields(w, { tenant: 'acme' }),
          }),
          wire.number(1024, 7),
        ),
        [
          { seed: peerKey(w).seed, label: 'principal' },
          { seed: ISSUER.seed, label: 'issuer' },
        ],
      ).bytes,
      ['UnknownField'],
    );
    const D = ['Delegation'];
    no('stranger', 'a record that a stranger issued', issuedBy(w, STRANGER), 'E_SENDER', D);
    no('status-key', 'a record that the status key issued', issuedBy(w, STATUS), 'E_POLICY', D);
    no(
      'issuer-expired',
      'the delegation of the issuer has ended; the record has not',
      peerRecord(w, { not_after_ms: NOW + 29n * DAY }),
      'E_EXPIRED',
      D,
      {
        now: NOW + 7n * DAY,
      },
    );
    const right = peerRecord(w);
    no('issuer-signature', 'a broken signature of the issuer', flip(right, -1), 'E_SIG', ['Tampered']);
    no('own-signature', 'a broken signature of the subject (S18)', flip(right, -97), 'E_SIG', ['Tampered']);
    no(
      'other-authority',
      'a record of another authority',
      principalRecord(seeded('another authority', 32), peerKey(w), ISSUER, peerFields(w)).bytes,
      'E_BINDING',
      ['SignedShell'],
    );
    no('authority-record', 'an authority record in place of a principal record', A1.bytes, 'E_ENCODING', [
      'SignedShell',
    ]);
    no('cut', 'a record without its last byte', right.slice(0, -1), 'E_LENGTH', ['Truncated']);
    no(
      'role-8',
      'a role that is not defined',
      peerRecord(w, { roles: w.side === 'initiator' ? 10 : 9 }),
      'E_ENCODING',
      ['Reserved'],
    );
    const held = (...records: Bytes[]): Partial<Setup> => ({ own: { held: records } });
    yes('held', 'the record that it holds', right, ['Rollback'], held(right));
    yes('newer', 'a newer record than the one that it holds', peerRecord(w, {}, 2), ['Rollback'], held(right));
    no(
      'older',
      'an older record than the one that it holds',
      right,
      'E_EXPIRED',
      ['Rollback'],
      held(peerRecord(w, {}, 2)),
    );
    no(
      'fork',
      'another record with the serial that it holds',
      peerRecord(w, { tenant: 'other' }),
      'E_FORK',
      ['Fork'],
      held(right),
    );
  }
}

function revoked(runs: Runs): void {
  runs.only(TR, ['own-serial', 'serial-4']);
  const S = ['link.10'];
  const flags = ['RevokedList'];
  const held = (...entries: { keyId: Bytes; minSerial: bigint }[]): Partial<Party> => {
    const list = encodeRevoked(entries);
    const head = makeHead(ID, STATUS, {
      headSeq: 5n,
      issued: NOW,
      freshUntil: NOW + 60_000n,
      policyVersion: 1n,
      policyHash: seeded('policy hash', 32),
      groupsRoot: seeded('groups root', 32),
      revokedHash: H(list),
      prevHeadHash: zeros(32),
    });
    return { held: [head.bytes, list] };
  };
  const FOREVER = (1n << 53n) - 1n;
  for (const w of [TR, NI]) {
    const { keyId } = peerKey(w);
    const peer = { record: peerRecord(w, {}, 3) };
    const yes = (id: string, comment: string, own: Partial<Party>): void =>
      runs.good(w, id, comment, { own, peer }, { spec: S, flags });
    const no = (id: string, comment: string, own: Partial<Party>): void =>
      runs.bad(w, id, comment, { own, peer }, 'E_REVOKED', { spec: S, flags });
    yes('empty-list', 'nobody is revoked', held());
    yes('other', 'somebody else is revoked', held({ keyId: STRANGER.keyId, minSerial: FOREVER }));
    yes('own-serial', 'records below 3 are revoked, and this is 3', held({ keyId, minSerial: 3n }));
    no('serial-4', 'records below 4 are revoked, and this is 3', held({ keyId, minSerial: 4n }));
    no('forever', 'the key is revoked for good', held({ keyId, minSerial: FOREVER }));
    no(
      'among-others',
      'it stands between others',
      held(
        { keyId: STRANGER.keyId, minSerial: 1n },
        { keyId, minSerial: FOREVER },
        { keyId: ROOT.keyId, minSerial: 1n },
      ),
    );
  }
}

// ---- Certificates

function certificates(runs: Runs): void {
  runs.only(TI, ['beside-others', 'none', 'stranger', 'two', 'upper-case', 'own', 'record-of-another']);
  const S = ['link.15'];
  for (const w of [TI, TR]) {
    const name = `tdc:${hex(peerKey(w).keyId)}`;
    const stranger = `tdc:${hex(STRANGER.keyId)}`;
    const yes = (id: string, comment: string, list: string[]): void =>
      runs.good(w, id, comment, { certificates: list }, { spec: S });
    const no = (id: string, comment: string, list: string[], more: Partial<Setup> = {}): void =>
      runs.bad(w, id, comment, { ...more, certificates: list }, 'E_BINDING', { spec: S, flags: ['Impersonation'] });
    yes('beside-others', 'other URIs beside the name', ['https://broker.example/', name, 'spiffe://example/broker']);
    yes('upper-scheme-beside', 'a name that begins with TDC: is another URI', [stranger.replace('tdc', 'TDC'), name]);
    no('none', 'no URI (S25b)', []);
    no('others-only', 'other URIs alone', ['https://broker.example/', 'urn:tdc:1']);
    no('stranger', "a stranger's key id (S25b)", [stranger]);
    no('two', 'two names (S25b)', [name, stranger]);
    no('two-other-order', 'two names, the right one last', [stranger, name]);
    no('twice', 'the right name twice', [name, name]);
    no('upper-case', 'hex in upper case', [`tdc:${hex(peerKey(w).keyId).toUpperCase()}`]);
    no('upper-scheme', 'TDC:', [name.replace('tdc', 'TDC')]);
    no('nothing-behind', 'tdc: and nothing', ['tdc:']);
    no('cut', 'a digit too few', [name.slice(0, -1)]);
    no('longer', 'a digit too many', [`${name}0`]);
    no('sender-id', 'the first 16 bytes alone', [name.slice(0, 36)]);
    no('space-before', 'a space before it', [` ${name}`]);
    no('space-behind', 'a space behind it', [`${name} `]);
    no('slashes', 'tdc://', [name.replace('tdc:', 'tdc://')]);
    no('own', 'the key id of the end under test', [`tdc:${hex((w.side === 'initiator' ? CLIENT : BROKER).key.keyId)}`]);
    no('record-of-another', 'a certificate of the peer, and the auth of another principal, validly signed', [name], {
      lie: {
        record: principalRecord(ID, STRANGER, ISSUER, peerFields(w)).bytes,
        signer: STRANGER,
        signedKeyId: STRANGER.keyId,
      },
    });
  }
}

// ---- Signatures

/** What the peer would sign, as it is handed to `bound`. */
function boundOf(setup: Setup): Bytes {
  let seen = zeros(0);
  const bound = (right: Bytes): Bytes => {
    seen = right;
    return right;
  };
  meet({ ...setup, lie: { ...setup.lie, bound } });
  return seen;
}

function signatures(runs: Runs): void {
  const core = ['flipped-s', 'stranger', 'side-flipped', 'other-mode', 'other-key-id', 'other-record', 'other-bound'];
  runs.only(TI, [...core, 'other-exporter', 'exporter-alone', 'earlier-session', 'earlier-hello', 'size', 'channel']);
  runs.only(NR, [...core, 'earlier-session', 'static-swapped', 'transcript-signed']);
  const S = ['link.10'];
  const I = ['Impersonation'];
  for (const w of ALL) {
    const code = w.mode === MODE.T ? 'E_BINDING' : 'E_HANDSHAKE';
    const no = (id: string, comment: string, lie: Lie, flags: string[] = I, more: Partial<Setup> = {}): void =>
      runs.bad(w, id, comment, { ...more, lie }, code, { spec: S, flags });
    no('flipped-r', 'one bit of R', { signature: (s) => flip(s, 0) }, ['Tampered']);
    no('flipped-s', 'one bit of S', { signature: (s) => flip(s, 40) }, ['Tampered']);
    no('zeros', 'a signature of zeros', { signature: () => zeros(64) }, ['SmallOrder']);
    no(
      's-not-reduced',
      'S + L',
      { signature: (s) => cat(s.slice(0, 32), littleEndian(fromLittleEndian(s.slice(32)) + L, 32)) },
      ['NonCanonical'],
    );
    no('stranger', 'a stranger signs', { signer: STRANGER });
    no('side-flipped', 'the side of the end under test is signed (S24)', { signedSide: SIDE[w.side] });
    no(
      'other-mode',
      `what ${w.mode === MODE.T ? 'N' : 'T'} signs: the label is another`,
      { signedMode: w.mode === MODE.T ? MODE.N : MODE.T },
      ['LabelConfusion'],
    );
    no('other-key-id', 'the key id of another stands in what is signed', { signedKeyId: STRANGER.keyId });
    no('other-record', 'it signs one record of its own, and sends another', { signedRecord: peerRecord(w, {}, 2) });
    no(
      'swapped-halves',
      'H(side) and H(record) exchanged',
      { input: (right) => cat(right.slice(0, -64), right.slice(-32), right.slice(-64, -32)) },
      ['LabelConfusion'],
    );
    no('no-label', 'what is signed lacks its label', { input: (right) => right.slice(9) }, ['LabelConfusion']);
    no('other-bound', `another ${w.mode === MODE.T ? 'connection' : 'handshake'} is signed`, {
      bound: () => seeded('another bound', 32),
    });
    if (w.mode === MODE.T) {
      no('other-exporter', 'the exporter of another connection (S25)', {
        exporter: seeded('exporter of another connection', 32),
      });
      const swap = H(meet({ mode: w.mode, side: w.side }).transcript, seeded('tls exporter', 32));
      no('exporter-behind', 'the transcript before the exporter', { bound: () => swap });
      no('exporter-alone', 'the exporter alone', { bound: () => seeded('tls exporter', 32) });
      no('transcript-alone', 'the transcript alone', { bound: () => meet({ mode: w.mode, side: w.side }).transcript });
      const earlier = boundOf({
        mode: w.mode,
        side: w.side,
        exporter: seeded('exporter of last week', 32),
        own: { nonce: seeded('nonce of last week', 32) },
      });
      no('earlier-session', 'the auth of an earlier session (S23)', { bound: () => earlier }, ['Replayed']);
      const sameTls = boundOf({ mode: w.mode, side: w.side, own: { nonce: seeded('nonce of last week', 32) } });
      no(
        'earlier-hello',
        'the auth of an earlier exchange on the same TLS connection: the nonce was another (S23)',
        { bound: () => sameTls },
        ['Replayed'],
      );
    } else {
      const earlier = boundOf({ mode: w.mode, side: w.side, own: { nonce: seeded('nonce of last week', 32) } });
      no('earlier-session', 'the auth of an earlier session (S23)', { bound: () => earlier }, ['Replayed']);
      const honest = boundOf({ mode: w.mode, side: w.side });
      no(
        'static-swapped',
        'somebody with another static key passes on the auth that was made under the right one (S22)',
        {
          staticSecret: seeded('static of mallory', 32),
          bound: () => honest,
        },
      );
      const script = meet({ mode: w.mode, side: w.side }).transcript;
      no('transcript-signed', 'the transcript is signed in place of h32', { bound: () => script });
    }
  }
  // S24: what the end under test wrote itself comes back
  const met = meet({ mode: TR.mode, side: TR.side });
  const opening = 12 + Number(BigInt(`0x${hex((met.answers[0]?.out ?? zeros(12)).slice(8, 12))}`));
  const own = (met.answers[0]?.out ?? zeros(0)).slice(opening);
  runs.bad(TR, 'reflected', 'its own auth comes back (S24)', { lie: { authFrame: () => own } }, 'E_BINDING', {
    spec: S,
    flags: I,
  });
  runs.bad(
    TR,
    'reflected-own-certificate',
    'its own auth comes back, on a connection whose certificate is its own (S24): the signature is of side 2',
    { lie: { authFrame: () => own }, certificates: [`tdc:${hex(BROKER_KEY.keyId)}`] },
    'E_BINDING',
    { spec: S, flags: I },
  );
  for (const w of [TR, TI]) {
    const auth = (id: string, comment: string, lie: Lie, error: string, spec: string[], flags: string[]): void =>
      runs.bad(w, id, comment, { lie }, error, { spec: ['link.7', ...spec], flags });
    auth(
      'size',
      'the header of an auth of 49,153 bytes',
      { authFrame: () => rawFrameHeader(TYPE.auth, 0, 0, 49_153) },
      'E_LIMIT',
      ['messages.9'],
      LIMIT,
    );
    auth(
      'size-max',
      'the header of an auth of 2^32 - 1 bytes (D01)',
      { authFrame: () => rawFrameHeader(TYPE.auth, 0, 0, 2 ** 32 - 1) },
      'E_LIMIT',
      ['framing.7', 'messages.9'],
      LIMIT,
    );
    auth(
      'flags',
      'flags in the header of auth',
      { authFrame: (f) => put(f, 1, u8(0x80)) },
      'E_ENCODING',
      ['framing.9'],
      ['Reserved'],
    );
    auth('channel', 'an auth on channel 1', { authFrame: (f) => put(f, 2, u16(1)) }, 'E_ENCODING', ['messages.4'], []);
  }
  const body = (
    id: string,
    comment: string,
    change: (right: Bytes) => Bytes,
    error: string,
    flags: string[] = ['BodyForm'],
  ): void => runs.bad(NI, id, comment, { lie: { auth: change } }, error, { spec: ['messages.2', ...S], flags });
  body('empty', 'an auth of no bytes', () => zeros(0), 'E_ENCODING');
  body('unknown-field', 'field 4', (b) => cat(b, wire.number(4, 1)), 'E_ENCODING', ['UnknownField']);
  body('no-record', 'no principal record', (b) => b.slice(-66), 'E_ENCODING');
  body('no-signature', 'no signature', (b) => b.slice(0, -66), 'E_ENCODING');
  body('signature-63', 'a signature of 63 bytes', (b) => cat(b.slice(0, -65), u8(63), b.slice(-63)), 'E_ENCODING');
  body('cut', 'its last byte is missing', (b) => b.slice(0, -1), 'E_ENCODING', ['Truncated']);
  body(
    'records-257',
    '257 authority records',
    (b) => cat(b, ...count(257).map(() => wire.bytes(3, zeros(0)))),
    'E_LIMIT',
    LIMIT,
  );
  runs.good(
    NI,
    'ignored-field',
    'a field of auth that v1 does not know',
    { lie: { auth: (b) => cat(b, wire.bytes(1024, text('later'))) } },
    {
      spec: ['messages.2', ...S],
      flags: ['UnknownField'],
    },
  );
}

// ---- Who the peer may be

function peers(runs: Runs): void {
  runs.only(TI, ['roles-3', 'roles-1', 'name-localhost', 'name-other', 'versions-2-1', 'versions-1-2', 'versions-2-2']);
  runs.only(NR, ['roles-2', 'roles-7', 'any-name', 'own-key', 'own-key-other-record', 'versions-2-1', 'versions-2-2']);
  runs.only(TR, ['roles-4', 'own-key', 'versions-2-1', 'versions-1-2', 'versions-2-2']);
  const roles = (w: Where, value: number): Partial<Setup> => ({
    peer: { record: peerRecord(w, { roles: value }), roles: value },
  });
  for (const w of [TI, NI]) {
    const S = ['link.11'];
    const F = ['Impersonation'];
    for (const r of [3, 6, 7])
      runs.good(w, `roles-${r}`, `a responder with the roles ${r}, broker among them`, roles(w, r), { spec: S });
    for (const r of [1, 4, 5])
      runs.bad(w, `roles-${r}`, `a responder with the roles ${r}, without broker`, roles(w, r), 'E_HANDSHAKE', {
        spec: S,
        flags: F,
      });
    const named = (id: string, comment: string, name: string, wanted: string, good = false): void => {
      const more: Partial<Setup> = { peer: { record: peerRecord(w, { name }), name }, name: wanted };
      if (good) runs.good(w, id, comment, more, { spec: S });
      else runs.bad(w, id, comment, more, 'E_HANDSHAKE', { spec: S, flags: F });
    };
    named('name-localhost', 'the name localhost', 'localhost', 'localhost', true);
    named('name-umlaut', 'a name that is not ASCII', 'büro', 'büro', true);
    named('name-255', 'a name of 255 bytes', 'n'.repeat(255), 'n'.repeat(255), true);
    named('name-other', 'another broker of the same authority', 'other.example', HOST);
    named('name-prefix', 'a name that begins with the one that was meant', `${HOST}.evil.example`, HOST);
    named('name-suffix', 'a name that ends with the one that was meant', `evil.${HOST}`, HOST);
    named('name-shorter', 'a name that is the beginning of the one that was meant', 'broker', HOST);
    named('name-case', 'the same name in other case: names are compared as they are', 'Broker.Example', HOST);
    named('name-dot', 'a dot behind it', `${HOST}.`, HOST);
    named('name-nul', 'a zero byte behind it', `${HOST}\0`, HOST);
    named('name-bom', 'a byte order mark before it', `\ufeff${HOST}`, HOST);
    named('name-normal-form', 'the same name in another normal form', 'bu\u0308ro', 'b\u00fcro');
    named('name-star', 'a star', '*', HOST);
  }
  for (const w of [TR, NR]) {
    for (const r of [2, 4, 7])
      runs.good(w, `roles-${r}`, `an initiator with the roles ${r}`, roles(w, r), { spec: ['link.11'] });
    runs.good(
      w,
      'any-name',
      'an initiator of any name',
      { peer: { record: peerRecord(w, { name: HOST }), name: HOST } },
      { spec: ['link.11', 'link.13'] },
    );
    const own = { key: BROKER_KEY, record: brokerRecord(), name: HOST, roles: 2 };
    runs.bad(w, 'own-key', 'an initiator with its own key id, validly signed', { peer: own }, 'E_HANDSHAKE', {
      spec: ['link.13'],
      flags: ['Impersonation'],
    });
    runs.bad(
      w,
      'own-key-other-record',
      'the same with a newer record',
      { peer: { ...own, record: brokerRecord({}, 2) } },
      'E_HANDSHAKE',
      {
        spec: ['link.13'],
        flags: ['Impersonation'],
      },
    );
  }
  for (const w of ALL) {
    const versions = (theirs: number, mine: number): Partial<Setup> => ({
      peer: { record: peerRecord(w, { max_version: theirs }) },
      own: {
        record: w.side === 'initiator' ? clientRecord({ max_version: mine }) : brokerRecord({ max_version: mine }),
      },
    });
    for (const [theirs, mine] of [
      [2, 1],
      [1, 2],
      [0xffff_ffff, 1],
    ] as [number, number][])
      runs.good(
        w,
        `versions-${theirs}-${mine}`,
        `the peer speaks up to ${theirs}, it itself up to ${mine}`,
        versions(theirs, mine),
        { spec: ['link.12'] },
      );
    for (const [theirs, mine] of [
      [2, 2],
      [3, 2],
      [2, 3],
    ] as [number, number][])
      runs.bad(
        w,
        `versions-${theirs}-${mine}`,
        `the peer speaks up to ${theirs}, it itself up to ${mine}: somebody made them choose 1`,
        versions(theirs, mine),
        'E_HANDSHAKE',
        { spec: ['link.12'], flags: ['Downgrade'] },
      );
  }
}

/** Two faults; the one that link.10 names first answers. */
function orders(runs: Runs): void {
  runs.only(TI, ['principal-certificate', 'certificate-peer', 'signature-peer']);
  const S = ['link.10'];
  const O = ['Order'];
  const expired = (w: Where): Bytes => peerRecord(w, { not_after_ms: NOW - DAY + 1n });
  const list = (w: Where): Bytes => encodeRevoked([{ keyId: peerKey(w).keyId, minSerial: 9n }]);
  const held = (w: Where): Bytes[] => [
    makeHead(ID, STATUS, {
      headSeq: 5n,
      issued: NOW,
      freshUntil: NOW + 60_000n,
      policyVersion: 1n,
      policyHash: seeded('policy hash', 32),
      groupsRoot: seeded('groups root', 32),
      revokedHash: H(list(w)),
      prevHeadHash: zeros(32),
    }).bytes,
    list(w),
  ];
  const zero = (): Bytes => zeros(64);
  for (const w of [TI, TR, NI]) {
    const no = (id: string, comment: string, more: Partial<Setup>, error: string): void =>
      runs.bad(w, id, comment, more, error, { spec: S, flags: O });
    no(
      'form-authority',
      'field 4 in the auth, and an authority record that skips',
      { lie: { chain: chainOf(A3), auth: (b) => cat(b, wire.number(4, 1)) } },
      'E_ENCODING',
    );
    no(
      'authority-principal',
      'an authority record that skips, and an expired principal record',
      { peer: { record: expired(w) }, lie: { chain: chainOf(A3) } },
      'E_EPOCH',
    );
    no(
      'principal-revoked',
      'an expired principal record of a revoked principal',
      { peer: { record: expired(w) }, own: { held: held(w) } },
      'E_EXPIRED',
    );
    no(
      'principal-signature',
      'a principal record with a broken signature, and an auth with one',
      { peer: { record: flip(peerRecord(w), -1) }, lie: { signature: zero } },
      'E_SIG',
    );
    no(
      'revoked-signature',
      'a revoked principal, and a signature of zeros',
      { own: { held: held(w) }, lie: { signature: zero } },
      'E_REVOKED',
    );
    no(
      'revoked-peer',
      'a revoked principal, in a version that was cut down',
      {
        own: {
          held: held(w),
          record: w.side === 'initiator' ? clientRecord({ max_version: 2 }) : brokerRecord({ max_version: 2 }),
        },
        peer: { record: peerRecord(w, { max_version: 2 }) },
      },
      'E_REVOKED',
    );
    if (w.mode === MODE.N) continue;
    const stranger = { certificates: [`tdc:${hex(STRANGER.keyId)}`] };
    no(
      'principal-certificate',
      "an expired principal record, and a stranger's certificate",
      { ...stranger, peer: { record: expired(w) } },
      'E_EXPIRED',
    );
    no(
      'revoked-certificate',
      "a revoked principal, and a stranger's certificate",
      { ...stranger, own: { held: held(w) } },
      'E_REVOKED',
    );
    const max = (mine: Bytes): Partial<Setup> => ({
      own: { record: mine },
      peer: { record: peerRecord(w, { max_version: 2 }) },
    });
    const two = w.side === 'initiator' ? clientRecord({ max_version: 2 }) : brokerRecord({ max_version: 2 });
    no(
      'certificate-peer',
      "a stranger's certificate, and a version that was cut down",
      { ...stranger, ...max(two) },
      'E_BINDING',
    );
    no(
      'signature-peer',
      'a signature of zeros, and a version that was cut down',
      { ...max(two), lie: { signature: zero } },
      'E_BINDING',
    );
  }
}
