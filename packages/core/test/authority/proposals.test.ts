import { describe, expect, it } from 'vitest';
import { Identity } from '../../src/client/identity.ts';
import { addressTypes } from '../../src/codepoints/address-types.gen.ts';
import { objectKinds } from '../../src/codepoints/object-kinds.gen.ts';
import { decodePrincipalRecord } from '../../src/keys/principal-record.ts';
import { readProposal, type RecordProposal } from '../../src/keys/principal-proposal.ts';
import { parseObject } from '../../src/keys/signed-object.ts';
import { codeOf, World } from './world.ts';

const dayMs = 86_400_000;

function someone(world: World): Identity {
  return Identity.create(world.provider, world.random, world.nowMs);
}

function propose(world: World, who: Identity, name = 'alice'): RecordProposal {
  return world.authority.proposeRecord(who.key.publicKey32, { name }, world.nowMs);
}

function issueProposed(world: World, who: Identity, proposal: RecordProposal): Uint8Array {
  return world.authority.issueProposed(proposal, who.key.sign(proposal.signInput), world.nowMs);
}

/** Runs what is to be refused; checks that the world is as before. */
function refused(world: World, work: () => unknown): string | undefined {
  const bundles = world.receiver.bundles.length;
  const snapshot = world.authority.snapshot();
  const code = codeOf(work);
  expect(world.receiver.bundles).toHaveLength(bundles);
  expect(world.authority.snapshot()).toEqual(snapshot);
  return code;
}

describe('a principal whose key is elsewhere', () => {
  it('is issued the record that it signed', () => {
    const world = new World();
    const alice = someone(world);
    const bundles = world.receiver.bundles.length;
    const proposal = propose(world, alice);
    expect(world.receiver.bundles).toHaveLength(bundles);
    const bytes = issueProposed(world, alice, proposal);
    expect(world.receiver.lastTypes).toEqual([addressTypes.principalRecord]);
    expect(world.receiver.last[0]!.bytes).toEqual(bytes);
    const record = decodePrincipalRecord(
      world.provider,
      parseObject(world.provider, bytes, objectKinds.principalRecord),
    );
    expect(record.object.body).toEqual(proposal.body);
    expect([record.name, record.serial]).toEqual(['alice', 1]);
    // And everything else goes on as for any principal.
    const group = world.group();
    world.receiver.watch({ keyId32: alice.key.keyId32, prekeys: alice.prekeys });
    world.sendKeys(alice);
    world.grant(alice, 'subscribe');
    expect(world.opens(group, alice)).toBe(true);
  });

  it('says the same as a record that is issued in one step', () => {
    const [one, two] = [new World(7), new World(7)];
    const [a, b] = [someone(one), someone(two)];
    expect(issueProposed(two, b, propose(two, b))).toEqual(one.authority.issue(a.key, { name: 'alice' }, one.nowMs));
  });

  it('finds by itself what it signs, and reads what it says', () => {
    const world = new World();
    const alice = someone(world);
    const { body, signInput } = propose(world, alice);
    const read = readProposal(world.provider, world.authority.authorityId32, body);
    expect(read.signInput).toEqual(signInput);
    expect(read.record.key.keyId32).toEqual(alice.key.keyId32);
    expect([read.record.name, read.record.notBeforeMs]).toEqual(['alice', world.nowMs]);
    expect(read.record.object.signatures).toEqual([]);
    const other = readProposal(world.provider, new Uint8Array(32).fill(1), body);
    expect(other.signInput).not.toEqual(signInput);
    expect(codeOf(() => readProposal(world.provider, new Uint8Array(31), body))).toBe('E_USAGE');
    expect(codeOf(() => readProposal(world.provider, world.authority.authorityId32, body.subarray(1)))).toBe(
      'E_ENCODING',
    );
  });

  it('is refused a key that must not be used, and fields that a record cannot say', () => {
    const world = new World();
    const { publicKey32 } = someone(world).key;
    const { authority, nowMs } = world;
    expect(refused(world, () => authority.proposeRecord(new Uint8Array(32), { name: 'a' }, nowMs))).toBe('E_KEY');
    expect(refused(world, () => authority.proposeRecord(publicKey32.subarray(1), { name: 'a' }, nowMs))).toBe('E_KEY');
    expect(refused(world, () => authority.proposeRecord(publicKey32, { name: '' }, nowMs))).toBe(
      codeOf(() => authority.issue(someone(world).key, { name: '' }, nowMs)),
    );
    const fields = { name: 'a', notAfterMs: nowMs + 31 * dayMs };
    expect(refused(world, () => authority.proposeRecord(publicKey32, fields, nowMs))).toBe('E_LIMIT');
  });

  it('is refused a signature that is not its own, or over something else', () => {
    const world = new World();
    const [alice, bob] = [someone(world), someone(world)];
    const proposal = propose(world, alice);
    const { authority, nowMs } = world;
    const sign = (bytes: Uint8Array) => alice.key.sign(bytes);
    const cases: readonly [Uint8Array, string][] = [
      [bob.key.sign(proposal.signInput), 'E_SIG'],
      [sign(proposal.body), 'E_SIG'],
      [sign(readProposal(world.provider, new Uint8Array(32).fill(1), proposal.body).signInput), 'E_SIG'],
      [new Uint8Array(64), 'E_SIG'],
      [new Uint8Array(63), 'E_USAGE'],
    ];
    for (const [signature64, code] of cases) {
      expect(refused(world, () => authority.issueProposed(proposal, signature64, nowMs))).toBe(code);
    }
    // Another body under the signature of the first.
    const changed = propose(world, alice, 'admin');
    const signature64 = sign(proposal.signInput);
    expect(refused(world, () => authority.issueProposed(changed, signature64, nowMs))).toBe('E_SIG');
    // The proposal is as good as before.
    expect(issueProposed(world, alice, proposal).length).toBeGreaterThan(0);
  });

  it('is refused a proposal that another record left behind, that was used before, or whose time is over', () => {
    const world = new World();
    const alice = someone(world);
    const [first, second] = [propose(world, alice), propose(world, alice, 'alice again')];
    issueProposed(world, alice, first);
    expect(refused(world, () => issueProposed(world, alice, first))).toBe('E_STALE');
    expect(refused(world, () => issueProposed(world, alice, second))).toBe('E_STALE');
    const third = propose(world, alice);
    world.nowMs += 31 * dayMs;
    expect(refused(world, () => issueProposed(world, alice, third))).toBe('E_EXPIRED');
    const ahead = world.authority.proposeRecord(alice.key.publicKey32, { name: 'a' }, world.nowMs + 60_000);
    expect(refused(world, () => issueProposed(world, alice, ahead))).toBe('E_EXPIRED');
  });

  it('is refused when its key was ended, before or after the proposal', () => {
    const world = new World();
    const alice = world.member('alice');
    const proposal = propose(world, alice);
    world.authority.revoke(alice.key.keyId32, world.nowMs);
    expect(refused(world, () => issueProposed(world, alice, proposal))).toBe('E_REVOKED');
    expect(refused(world, () => propose(world, alice))).toBe('E_REVOKED');
  });

  it('is refused a proposal of another authority', () => {
    const world = new World();
    const alice = someone(world);
    const other = propose(new World(2), alice);
    // The body is the same, and signed for the other.
    expect(refused(world, () => issueProposed(world, alice, other))).toBe('E_SIG');
  });

  it('that allows less ends the records before (principals.24)', () => {
    const world = new World();
    const alice = world.member('alice');
    const proposal = world.authority.proposeRecord(alice.key.publicKey32, { name: 'alice', suites: [1] }, world.nowMs);
    issueProposed(world, alice, proposal);
    expect(world.receiver.revocations!.isRevoked(alice.key.keyId32, 1)).toBe(true);
    expect(world.receiver.revocations!.isRevoked(alice.key.keyId32, 2)).toBe(false);
  });

  it('signs no bytes that change later', () => {
    const world = new World();
    const alice = someone(world);
    const { body, signInput } = propose(world, alice);
    const given = body.slice();
    const bytes = world.authority.issueProposed({ body: given }, alice.key.sign(signInput), world.nowMs);
    given.fill(0);
    const copy = bytes.slice();
    bytes.fill(0);
    world.authority.republish(world.nowMs);
    const sent = world.receiver.last.find(({ type }) => type === addressTypes.principalRecord)!;
    expect(sent.bytes).toEqual(copy);
  });
});
