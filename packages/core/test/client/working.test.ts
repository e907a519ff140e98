import { describe, expect, it, vi } from 'vitest';
import { addressTypes } from '../../src/codepoints/address-types.gen.ts';
import type { Lease } from '../../src/client/carrier.ts';
import { Client } from '../../src/client/client.ts';
import { MemoryStore } from '../../src/client/store.ts';
import { nobleProvider } from '../../src/crypto/noble.ts';
import type { WorkDelivery } from '../../src/client/work-delivery.ts';
import { refusedOutcome } from '../../src/client/working.ts';
import { SplitBatch } from '../../src/envelope/split.ts';
import { TridcommError } from '../../src/errors.ts';
import { typeOfObject } from '../../src/relay/object-form.ts';
import { LeafBudget } from '../../src/replay/leaves.ts';
import { parseEnvelope } from '../../src/wire/envelope.ts';
import { job, openShop, otherTopic, PoolWorld, request, shown, textOf, topic, type Workshop } from './pool-world.ts';
import { codeOf, encode, type Member } from './world.ts';

const second = 1_000;

function poolOfThree() {
  const world = new PoolWorld();
  const caller = world.caller();
  return { world, caller, one: world.worker('one'), two: world.worker('two') };
}

const done = (delivery: WorkDelivery, { member }: Workshop): void => member.client.settle(delivery.lease, 'done');

describe('work', () => {
  it('delivery.21 delivery.23: is given to one of many, and to no more than has room', () => {
    const { world, caller, one, two } = poolOfThree();
    const shops = [openShop(one, { capacity: 2 }), openShop(two, { capacity: 1 })];
    for (const text of ['a', 'b', 'c', 'd', 'e']) caller.client.push(topic, [job(text)], world.nowMs);
    // Of those with room the one with the most, of equals the one that waited longest.
    expect(shops.map((shop) => shop.texts())).toEqual([['a', 'c'], ['b']]);
    // A subscription to the same tag gets none of it.
    two.holds = true;
    two.link.subscribe(world.worksOf(one)[0]!);
    caller.client.push(topic, [job('f')], world.nowMs);
    expect(two.held).toEqual([]);
    two.client.settle(two.units[0]!.lease, 'done');
    expect(shops.map((shop) => shop.texts())).toEqual([[], ['d']]);
    one.client.settle(one.units[0]!.lease, 'given back');
    // What waits goes before what was given back, which comes to the same one no sooner than after a second.
    const verdicts = () => shops.map((shop) => shop.deliveries.splice(0).map(({ verdict }) => verdict));
    expect(verdicts()).toEqual([['new'], []]);
    // Settling once more ends nothing else.
    one.client.settle(one.units[0]!.lease, 'done');
    expect(one.units.length).toBe(3);
    for (const { lease } of one.units.slice(1, 3)) one.client.settle(lease, 'done');
    expect(verdicts()).toEqual([['new'], []]);
    world.advance(second);
    expect(verdicts()).toEqual([['again'], []]);
  });

  it('decision 0034: is of exact topics, each taken once by a member', () => {
    const { world, caller, one } = poolOfThree();
    const { client } = one;
    const work = (of: string, capacity = 1) => codeOf(() => client.work(of, world.nowMs, undefined, { capacity }));
    expect([work('jobs/*'), work('jobs/**'), work('')]).toEqual(['E_ENCODING', 'E_ENCODING', 'E_ENCODING']);
    expect([work(topic, -1), work(topic, 0.5), work(topic, 2 ** 32)]).toEqual(['E_USAGE', 'E_USAGE', 'E_USAGE']);
    expect([work(topic), work(topic), work(otherTopic)]).toEqual([undefined, 'E_USAGE', undefined]);
    // A topic of no pool leads nowhere, until there is one.
    expect(work('later')).toBe(undefined);
    world.authority.addGroup({ patterns: ['later'], purpose: 'front' }, world.nowMs);
    for (const [member, action] of [[one, 'subscribe'] as const, [caller, 'publish'] as const]) {
      world.authority.grant({ keyId32: member.keyId32, action, pattern: 'later' }, world.nowMs);
    }
    world.advance(2 * second);
    caller.client.push('later', [job('x')], world.nowMs);
    expect(one.events.flatMap((event) => (event.type === 'work' ? [event.delivery.topic] : []))).toEqual(['later']);
  });

  it('of a Merkle batch goes to workers leaf by leaf, by the names that who pushed knows', () => {
    const { world, caller, one, two } = poolOfThree();
    const shops = [openShop(one, { capacity: 2 }), openShop(two, { capacity: 2 })];
    const jobs = ['a', 'b', 'c', 'd', 'e'].map((text) => job(text));
    const { names, envelopes } = caller.client.push(topic, jobs, world.nowMs, { jobsPerLeaf: 2 });
    expect(envelopes.length).toBe(1);
    expect(names.map(({ leaf, index }) => [leaf, index])).toEqual([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
      [2, 0],
    ]);
    const deliveries = shops.flatMap((shop) => shop.deliveries);
    expect(deliveries.map(({ kind, leaf }) => `${kind} ${leaf}`).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
      'job 0',
      'job 1',
      'job 2',
    ]);
    const byName = new Map(
      deliveries.flatMap(({ works }) =>
        works.map(({ leaf, index, body }): [string, string] => [`${leaf}/${index}`, textOf(body)]),
      ),
    );
    expect(names.map(({ leaf, index }) => byName.get(`${leaf}/${index}`))).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(deliveries.every(({ works }) => works.every(({ deadlineMs, isLate }) => deadlineMs === 0 && !isLate))).toBe(
      true,
    );
    // No answer is made to a job.
    const reply = () =>
      one.client.reply(shops[0]!.deliveries[0]!, [{ leaf: 0, index: 0, status: 'in progress' }], world.nowMs);
    expect(codeOf(reply)).toBe('E_USAGE');
  });

  it('suites.7: leaves of a batch are verified once, and a byte that is changed in a later one is refused all the same', () => {
    const { world, caller, one } = poolOfThree();
    const shop = openShop(one, { capacity: 0 });
    const jobs = ['a', 'b', 'c'].map((text) => job(text));
    const [envelope] = caller.client.push(topic, jobs, world.nowMs, { jobsPerLeaf: 1 }).envelopes;
    const batch = new SplitBatch(world.provider, parseEnvelope(envelope!));
    const verify = vi.spyOn(world.provider, 'ed25519Verify');
    try {
      const take = (bytes: Uint8Array) => () => one.client.leased(bytes, 'job', { settle: () => {} }, world.nowMs);
      take(batch.job(0))();
      expect([shop.texts(), verify.mock.calls.length]).toEqual([['a'], 1]);
      for (let at = 0; at < batch.job(1).length; at++) {
        const changed = batch.job(1);
        changed[at]! ^= 1;
        // A tag that is nobody's leads nowhere, and is no refusal.
        codeOf(take(changed));
        expect(shop.texts(), `byte ${at}`).toEqual([]);
      }
      const forged = verify.mock.calls.length;
      expect(verify.mock.results.slice(1).every(({ value }) => value === false)).toBe(true);
      take(batch.job(1))();
      take(batch.job(2))();
      expect([shop.texts(), verify.mock.calls.length]).toEqual([['b', 'c'], forged]);
    } finally {
      verify.mockRestore();
    }
  });

  it('replay.21: of which others got the other leaves takes no place for longer than freshness lets them come', () => {
    const { world, caller, one, two } = poolOfThree();
    for (const member of [one, two]) openShop(member, { capacity: 1 }, done);
    const removed = vi.spyOn(LeafBudget.prototype, 'remove');
    try {
      const jobs = ['a', 'b'].map((text) => job(text));
      caller.client.push(topic, jobs, world.nowMs, { jobsPerLeaf: 1 });
      expect([one.units.length, two.units.length]).toEqual([1, 1]);
      world.advance(150 * second, second);
      expect(removed).toHaveBeenCalledTimes(0);
      world.advance(second);
      expect(removed).toHaveBeenCalledTimes(2);
    } finally {
      removed.mockRestore();
    }
  });

  it('delivery.24: of who goes away, or takes no more, goes to another', () => {
    const { world, caller, one, two } = poolOfThree();
    const first = openShop(one, { capacity: 4 });
    caller.client.push(topic, [job('a')], world.nowMs);
    caller.client.push(topic, [job('b')], world.nowMs);
    const next = openShop(two, { capacity: 4 }, done);
    expect(next.texts()).toEqual([]);
    first.subscription.setCapacity(0, world.nowMs);
    caller.client.push(topic, [job('c')], world.nowMs);
    expect([first.texts(), next.texts()]).toEqual([['a', 'b'], ['c']]);
    one.client.settle(one.units[0]!.lease, 'done');
    first.subscription.close(world.nowMs);
    expect(next.texts()).toEqual(['b']);
    first.subscription.close(world.nowMs);
    first.subscription.setCapacity(4, world.nowMs);
    caller.client.push(topic, [job('d')], world.nowMs);
    two.end();
    caller.client.push(topic, [job('e')], world.nowMs);
    const third = openShop(one, { capacity: 4 }, done);
    expect([third.texts(), next.texts()]).toEqual([['e'], ['d']]);
  });

  it('delivery.24: that nobody settled goes to another after a while', () => {
    const { world, caller, one, two } = poolOfThree();
    openShop(one, { capacity: 1 });
    caller.client.push(topic, [job('a')], world.nowMs);
    const shop = openShop(two, { capacity: 1 }, done);
    world.advance(29 * second);
    expect(shop.texts()).toEqual([]);
    world.advance(second);
    expect(shop.texts()).toEqual(['a']);
  });

  it('delivery.22: of a topic that a member may not work on is refused, and asked for under the next policy', () => {
    const { world, caller } = poolOfThree();
    const idle = world.join('idle');
    const shop = openShop(caller);
    expect(caller.refusals()).toEqual(['subscription E_POLICY']);
    world.authority.grant({ keyId32: caller.keyId32, action: 'subscribe', pattern: '**' }, world.nowMs);
    world.advance(2 * second);
    caller.client.push(topic, [job('a')], world.nowMs);
    expect(shop.texts()).toEqual(['a']);
    expect(idle.refusals()).toEqual([]);
    // As a broker elsewhere says it, later.
    const [match] = world.worksOf(caller);
    const error = expect.objectContaining({ code: 'E_POLICY' }) as never;
    caller.client.workRefused({ ...match!, match16: new Uint8Array(16) }, error, world.nowMs);
    expect(caller.refusals()).toEqual([]);
  });

  it('is nothing that every carrier brings', () => {
    const { world, one } = poolOfThree();
    const { provider, random } = world;
    const nothing = (): void => undefined;
    const client = new Client({
      provider,
      random,
      authorityId32: world.authority.authorityId32,
      identity: one.identity,
      carrier: { publish: nothing, subscribe: nothing, unsubscribe: nothing, watch: nothing, fetch: nothing },
      startMs: 0,
    });
    expect(codeOf(() => client.work(topic, world.nowMs, undefined, { capacity: 1 }))).toBe('E_POLICY');
  });

  it('patterns.20: that is late is marked', () => {
    const { world, caller, one } = poolOfThree();
    const untilMs = world.nowMs + 5 * second;
    const heard: string[] = [];
    caller.client.request(topic, [request('a', untilMs), request('b', untilMs + 60 * second)], world.nowMs, (reply) =>
      heard.push(shown(reply)),
    );
    caller.client.push(topic, [job('c', { deadlineMs: untilMs }), job('d')], world.nowMs);
    world.nowMs = untilMs + 1;
    const shop = openShop(one);
    expect(shop.deliveries.map(({ works }) => works.map(({ isLate }) => isLate))).toEqual([
      [true, false],
      [true, false],
    ]);
    const [late] = shop.deliveries[0]!.works;
    one.client.reply(shop.deliveries[0]!, [{ ...late!, status: 'refused', code: 'E_EXPIRED' }], world.nowMs);
    // Its deadline is as over for who asked, who has not ticked yet.
    expect(heard).toEqual(['0 refused E_EXPIRED']);
  });
});

describe('what a worker refuses', () => {
  const changed = (bytes: Uint8Array, at: number): Uint8Array => {
    const copy = bytes.slice();
    copy[at < 0 ? copy.length + at : at]! ^= 1;
    return copy;
  };

  function arrive(member: Member, bytes: Uint8Array): string[] {
    const outcomes: string[] = [];
    const lease: Lease = { settle: (outcome) => void outcomes.push(outcome) };
    member.events.splice(0);
    member.client.receiver(() => member.world.nowMs).leased(bytes, 'envelope', lease);
    return [...member.refusals(), ...outcomes];
  }

  it('settles what nobody can do, and gives back what another may', () => {
    const { world, caller, one } = poolOfThree();
    const { envelopes } = caller.client.push(topic, [job('a')], world.nowMs);
    const [envelope] = envelopes as [Uint8Array];
    const shop = openShop(one, { capacity: 0 });
    expect(arrive(one, changed(envelope, -1))).toEqual(['envelope E_SIG', 'done']);
    expect(arrive(one, changed(envelope, 0))).toEqual(['envelope E_ENCODING', 'done']);
    expect(arrive(one, changed(envelope, 26))).toEqual(['envelope E_EPOCH', 'given back']);
    expect(arrive(one, changed(envelope, 32))).toEqual(['envelope E_SENDER', 'given back']);
    // A tag that nobody here works on.
    expect(arrive(one, changed(envelope, 8))).toEqual(['given back']);
    expect(shop.deliveries).toEqual([]);
    expect(arrive(one, envelope)).toEqual([]);
    expect(shop.texts()).toEqual(['a']);
    world.nowMs += 200 * second;
    expect(
      ['E_SIG', 'E_EXPIRED', 'E_EPOCH', 'E_REPLAY'].map((code) => refusedOutcome(new TridcommError(code as 'E_SIG'))),
    ).toEqual(['done', 'done', 'given back', 'given back']);
  });

  it('principals.14: gives back what it refuses by what it holds of the sender: another may hold a newer record', () => {
    const { world, caller, one, two } = poolOfThree();
    one.lets = (what, bytes) => what !== 'object' || typeOfObject(bytes) !== addressTypes.principalRecord;
    const issuerId32 = caller.client.trust.principal(caller.keyId32)!.object.signatures[1]!.signerKeyId32;
    world.authority.distrust(issuerId32, world.nowMs);
    for (const { identity, name } of [caller, one, two]) world.authority.issue(identity.key, { name }, world.nowMs);
    world.advance(3 * second);
    const { envelopes } = caller.client.push(topic, [job('a')], world.nowMs);
    const shop = openShop(one, { capacity: 0 });
    expect(arrive(one, envelopes[0]!)).toEqual(['envelope E_EXPIRED', 'given back']);
    one.lets = () => true;
    one.client.reconnected(world.nowMs);
    expect(arrive(one, envelopes[0]!)).toEqual([]);
    expect(shop.texts()).toEqual(['a']);
    // What is too old is that for everybody.
    const { envelopes: others } = caller.client.push(topic, [job('b')], world.nowMs);
    world.advance(121 * second);
    expect(arrive(one, others[0]!)).toEqual(['envelope E_EXPIRED', 'done']);
  });

  it('replay.7: nothing is opened twice: what came again says so, under a valid signature alone', () => {
    const { world, caller, one } = poolOfThree();
    const shop = openShop(one, { capacity: 0 });
    const { envelopes, names } = caller.client.push(topic, [job('a')], world.nowMs);
    const outcomes: string[] = [];
    const lease: Lease = { settle: (outcome) => void outcomes.push(outcome) };
    const take = (bytes: Uint8Array) => one.client.leased(bytes, 'envelope', lease, world.nowMs) as WorkDelivery;
    expect(take(envelopes[0]!).verdict).toBe('new');
    expect(codeOf(() => take(changed(envelopes[0]!, -1)))).toBe('E_REPLAY');
    // Another envelope with the same number is no repetition of anything.
    expect(codeOf(() => take(changed(envelopes[0]!, 72)))).toBe('E_SIG');
    const again = take(envelopes[0]!);
    expect([again.verdict, again.works, again.id32]).toEqual(['again', [], names[0]!.id32]);
    expect(shop.deliveries.length).toBe(2);
    one.client.settle(lease, 'done');
    one.client.settle(lease, 'given back');
    expect(outcomes).toEqual(['done']);
    // Of a leaf, too.
    caller.client.push(topic, [job('b'), job('c')], world.nowMs, { jobsPerLeaf: 1 });
    shop.subscription.setCapacity(4, world.nowMs);
    const unit = one.units.find(({ form }) => form === 'job')!;
    const leaf = one.client.leased(unit.bytes, 'job', lease, world.nowMs) as WorkDelivery;
    expect([leaf.kind, leaf.verdict, leaf.leaf]).toEqual(['job', 'again', 0]);
    world.authority.withdraw({ keyId32: caller.keyId32, action: 'publish', pattern: '**' }, world.nowMs);
    expect(codeOf(() => take(envelopes[0]!))).toBe('E_POLICY');
  });

  it('groups.27 patterns.17: of who lost the right to ask, at once, as the view of the front says', () => {
    const { world, caller, one } = poolOfThree();
    const { envelopes } = caller.client.push(topic, [job('a')], world.nowMs);
    const shop = openShop(one, { capacity: 0 });
    world.authority.withdraw({ keyId32: caller.keyId32, action: 'publish', pattern: '**' }, world.nowMs);
    expect(arrive(one, envelopes[0]!)).toEqual(['envelope E_POLICY', 'given back']);
    world.authority.revoke(caller.keyId32, world.nowMs);
    expect(arrive(one, envelopes[0]!)).toEqual(['envelope E_REVOKED', 'given back']);
    expect(shop.deliveries).toEqual([]);
    one.lets = (what) => what !== 'object';
    world.advance(100 * second);
    expect(arrive(one, envelopes[0]!)).toEqual(['envelope E_STALE', 'given back']);
  });

  it('groups.26: of an epoch of the crew that is over, and what is ahead may open later', () => {
    const world = new PoolWorld({ drainMs: 5_000 });
    const [caller, one] = [world.caller(), world.worker('one')];
    openShop(one, { capacity: 0 });
    const push = () => caller.client.push(topic, [job('a')], world.nowMs).envelopes[0]!;
    const [old, drained] = [push(), push()];
    one.lets = (what, bytes) =>
      what !== 'object' || ![addressTypes.keyBlock, addressTypes.poolRecord].includes(typeOfObject(bytes) as 9);
    world.authority.rotate(world.front, world.nowMs);
    const ahead = push();
    const isAhead = (bytes: Uint8Array) => one.client.isWorkAhead(bytes, 'envelope', world.nowMs);
    expect([arrive(one, ahead), isAhead(ahead), isAhead(old)]).toEqual([
      ['envelope E_EPOCH', 'given back'],
      true,
      false,
    ]);
    // The block without its record is not enough.
    one.lets = (what, bytes) => what !== 'object' || typeOfObject(bytes) !== addressTypes.poolRecord;
    world.advance(2 * second);
    expect([arrive(one, ahead), isAhead(ahead)]).toEqual([['envelope E_EPOCH', 'given back'], true]);
    one.lets = () => true;
    world.advance(2 * second);
    expect([arrive(one, ahead), arrive(one, old)]).toEqual([[], []]);
    expect(isAhead(ahead)).toBe(false);
    // Before anybody has closed it, too.
    world.nowMs += 5 * second;
    expect(arrive(one, drained)).toEqual(['envelope E_EPOCH', 'given back']);
    world.advance(second);
    expect(arrive(one, drained)).toEqual(['envelope E_EPOCH', 'given back']);
    expect(isAhead(drained)).toBe(false);
  });
});

describe('replies', () => {
  it('patterns.21: say what became of each request, also those that came twice, on a stream of their own', () => {
    const { world, caller, one, two } = poolOfThree();
    const shop = openShop(one);
    const heard: string[] = [];
    const untilMs = world.nowMs + 60 * second;
    const fields = ['a', 'b', 'c'].map((text) => request(text, untilMs));
    caller.client.request(topic, fields, world.nowMs, (reply) => heard.push(shown(reply)));
    const [delivery] = shop.deliveries as [WorkDelivery];
    const [a, b, c] = delivery.works as [WorkDelivery['works'][0], WorkDelivery['works'][0], WorkDelivery['works'][0]];
    const { client } = one;
    const first = client.reply(delivery, [{ ...a, status: 'in progress' }], world.nowMs);
    const next = client.reply(
      delivery,
      [
        { ...a, status: 'final', body: encode('A') },
        { ...b, status: 'refused', code: 'E_EXPIRED' },
        { ...c, status: 'refused', code: 'E_SIG' },
      ],
      world.nowMs,
    );
    expect(heard).toEqual(['0 in progress', '0 final A', '1 refused E_EXPIRED', '2 refused E_REFUSED']);
    const headers = [first, next].map(({ envelopes }) => parseEnvelope(envelopes[0]!).header);
    expect(headers.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(headers[0]!.streamId).toEqual(headers[1]!.streamId);
    expect(codeOf(() => two.client.reply(delivery, [{ ...a, status: 'in progress' }], world.nowMs))).toBe('E_USAGE');
    expect(codeOf(() => client.reply(delivery, [], world.nowMs))).toBe('E_USAGE');
    // In as many envelopes as it takes.
    const large = [a, b].map((work) => ({ ...work, status: 'final' as const, body: new Uint8Array(600_000) }));
    expect(client.reply(delivery, large, world.nowMs).envelopes.length).toBe(2);
  });

  it('patterns.21: are refused before sealing by a view that is stale, a right that is gone, and an epoch that is closed', () => {
    const world = new PoolWorld({ drainMs: 5_000 });
    const [caller, one] = [world.caller(), world.worker('one')];
    const shop = openShop(one);
    caller.client.request(topic, [request('a', world.nowMs + 600 * second)], world.nowMs);
    const [delivery] = shop.deliveries as [WorkDelivery];
    const reply = () =>
      codeOf(() => one.client.reply(delivery, [{ leaf: 0, index: 0, status: 'in progress' }], world.nowMs));
    expect(reply()).toBe(undefined);
    world.authority.rotate(world.front, world.nowMs);
    expect(reply()).toBe(undefined);
    world.advance(6 * second);
    expect(reply()).toBe('E_EPOCH');
    world.authority.grant({ keyId32: one.keyId32, action: 'publish', pattern: '**' }, world.nowMs);
    world.authority.withdraw({ keyId32: one.keyId32, action: 'subscribe', pattern: '**' }, world.nowMs);
    world.advance(2 * second);
    expect(reply()).toBe('E_POLICY');
    one.lets = (what) => what !== 'object';
    world.advance(100 * second);
    expect(reply()).toBe('E_STALE');
  });

  it('delivery.7: a broker verifies them, and requests, by what it retains', () => {
    const { world, caller, one } = poolOfThree();
    const shop = openShop(one);
    const asked = caller.client.request(topic, [request('a', world.nowMs + second)], world.nowMs).envelopes[0]!;
    const jobs = caller.client.push(topic, [job('a'), job('b')], world.nowMs, { jobsPerLeaf: 1 }).envelopes[0]!;
    const [delivery] = shop.deliveries as [WorkDelivery];
    const answered = one.client.reply(delivery, [{ ...delivery.works[0]!, status: 'in progress' }], world.nowMs)
      .envelopes[0]!;
    const state = world.brokerState();
    const verify = (bytes: Uint8Array, sender: Member, groupId16 = world.front, atMs = world.nowMs) =>
      codeOf(() =>
        state.verifyEnvelope(sender, sender.identity.key.publicKey32, parseEnvelope(bytes), groupId16, atMs),
      );
    expect([verify(asked, caller), verify(jobs, caller), verify(answered, one)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    const flip = (bytes: Uint8Array, at: number) => {
      const copy = bytes.slice();
      copy[at]! ^= 1;
      return copy;
    };
    const keyinfoAt = (bytes: Uint8Array) => parseEnvelope(bytes).protectedHeader.length;
    for (const [bytes, sender] of [[asked, caller] as const, [jobs, caller] as const, [answered, one] as const]) {
      expect(verify(flip(bytes, keyinfoAt(bytes)), sender)).toBe('E_SIG');
      expect(verify(flip(bytes, bytes.length - 65), sender)).toBe(bytes === jobs ? undefined : 'E_SIG');
      expect(verify(flip(bytes, bytes.length - 1), sender)).toBe('E_SIG');
      expect(verify(flip(bytes, 24), sender)).toBe('E_EPOCH');
      expect(verify(bytes, sender, world.crew)).toBe('E_EPOCH');
    }
    expect(verify(answered, caller)).toBe('E_SIG');
  });
});

describe('the keys of a crew', () => {
  it('patterns.13: of which a record says others is a fork, and works for neither', () => {
    const world = new PoolWorld();
    const caller = world.caller();
    const one = world.worker('one');
    const shop = openShop(one);
    const push = () => caller.client.push(topic, [job('a')], world.nowMs);
    push();
    expect(shop.texts()).toEqual(['a']);
    // Who has the controller's key leads those who ask elsewhere.
    world.forgePoolRecords({ publicKey32: world.provider.generateKeyPair('x25519').publicKey });
    one.events.splice(0);
    world.authority.rotate(world.front, world.nowMs);
    const forks = one.events.flatMap((event) => (event.type === 'fork' ? [event.groupId16] : []));
    expect(forks).toEqual([world.front]);
    expect(one.refusals()).toContain('object E_FORK');
    // Nor does a member of the crew ask by it.
    world.authority.grant({ keyId32: one.keyId32, action: 'publish', pattern: '**' }, world.nowMs);
    expect(codeOf(() => one.client.checkRequest(topic, world.nowMs))).toBe('E_FORK');
    one.events.splice(0);
    push();
    expect([shop.texts(), one.refusals()]).toEqual([[], ['envelope E_EPOCH']]);
    world.alter = (object) => object;
    world.authority.rotate(world.front, world.nowMs);
    push();
    expect(shop.texts()).toEqual(['a']);
  });

  it('groups.12: are overwritten when their epoch is closed, and at the end', () => {
    const world = new PoolWorld({ drainMs: 5_000 });
    const [caller, one] = [world.caller(), world.worker('one')];
    const shop = openShop(one, {}, (delivery, own) => own.answer(delivery));
    const secrets: Uint8Array[] = [];
    const agree = vi.spyOn(world.provider, 'x25519');
    agree.mockImplementation((secretKey32, publicKey32) => {
      secrets.push(secretKey32);
      return nobleProvider.x25519(secretKey32, publicKey32);
    });
    try {
      const ask = () => caller.client.request(topic, [request('a', world.nowMs + second)], world.nowMs);
      ask();
      expect(shop.texts()).toEqual(['a']);
      const own = secrets.filter((secret) => secret.some((byte) => byte !== 0));
      expect(own.length).toBe(1);
      world.authority.rotate(world.front, world.nowMs);
      world.advance(6 * second);
      expect(own[0]).toEqual(new Uint8Array(32));
      secrets.splice(0);
      ask();
      const next = secrets.filter((secret) => secret.some((byte) => byte !== 0));
      expect(next.length).toBe(1);
      one.end();
      expect(next[0]).toEqual(new Uint8Array(32));
    } finally {
      agree.mockRestore();
    }
  });

  it('replay.35: a durable worker goes on after a restart, with what its earlier life may have had, and takes nothing twice in a life', () => {
    const world = new PoolWorld();
    const caller = world.caller();
    const store = new MemoryStore();
    const one = world.worker('one', store);
    const first = openShop(one);
    caller.client.push(topic, [job('a')], world.nowMs);
    const { bytes } = one.units[0]!;
    expect([...store.entries(`object/${addressTypes.poolRecord}/`)].length).toBeGreaterThan(0);
    one.end();
    world.advance(second);
    caller.client.push(topic, [job('b')], world.nowMs);
    // Whatever a broker says: what is stored is enough for the pool.
    one.lets = (what, object) => what !== 'object' || typeOfObject(object) !== addressTypes.poolRecord;
    one.begin();
    const shop = openShop(one);
    world.advance(second);
    expect(shop.deliveries.map(({ verdict }) => verdict)).toEqual(['redelivered', 'redelivered']);
    expect([first.texts(), shop.texts().sort()]).toEqual([['a'], ['a', 'b']]);
    const lease: Lease = { settle: () => undefined };
    expect(one.client.leased(bytes, 'envelope', lease, world.nowMs)!.verdict).toBe('again');
    // Another stream is new.
    caller.client.request(topic, [request('c', world.nowMs + second)], world.nowMs);
    expect(shop.deliveries.at(-1)!.verdict).toBe('new');
    expect(shop.texts()).toEqual(['c']);
    one.lets = () => true;
    for (let i = 0; i < 4; i++) {
      world.authority.rotate(world.front, world.nowMs);
      world.advance(700 * second, 5 * second);
    }
    expect([...store.entries(`object/${addressTypes.poolRecord}/`)].length).toBe(2);
  });
});
