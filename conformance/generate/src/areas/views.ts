/** views.json: heads, views, rotation and what a node does while it is behind. */
import { VectorFile } from '../cases.ts';
import { ANNA, BEN, CARA, OTHER_CONTROLLER } from '../groupworld.ts';
import * as w from '../nodeworld.ts';
import { flip, seeded, zeros } from '../twin/bytes.ts';
import { ADDRESS, edKey, groupHead, makeHead } from '../twin/objects.ts';
import { H } from '../twin/hash.ts';
import { NOW } from '../world.ts';
import { adder, type Add } from './nodes.ts';

export function views(): VectorFile {
  const file = new VectorFile('views');
  const run = (id: string): Add => adder(file.group(id, 'node.run', 'node', 'source'));
  rotation(run('rotation'));
  forks(run('forks'));
  whole(run('views'));
  heads(run('heads'));
  freshness(run('fresh'));
  gossip(run('gossip'));
  return file;
}

const S = w.stage();
const START = w.start(S);
const at7 = { epoch: 7, headSeq: 10n };
const view = (headSeq: bigint, epoch = 7, fresh = true, now: bigint = NOW): w.Step =>
  w.sees({ headSeq, epoch, fresh }, now);

function rotation(add: Add): void {
  const R = ['groups.25', 'groups.26'];
  const drain = { notBefore: NOW + 10_000n, drainUntil: NOW + 20_000n };
  const next = w.stage({ block: { epoch: 8, ...drain } }, S);
  const at8 = { epoch: 8, headSeq: 11n };
  const before = { epoch: 7, headSeq: 11n };
  const t = (ms: bigint): bigint => NOW + ms;
  const of7 = (ms: bigint, name: string, from = BEN): w.Made => w.envelope(S, { timestamp: t(ms), name, from });
  const of8 = (ms: bigint, name: string, from = BEN): w.Made => w.envelope(next, { timestamp: t(ms), name, from });
  add(
    'seal',
    'Sealed under epoch 7 until the block of epoch 8 begins, and under 8 from then on',
    [
      ...START,
      w.publish(at7),
      ...w.news(next),
      view(11n, 8),
      w.publish(before, t(9_999n)),
      w.publish(at8, t(10_000n)),
      w.publish(at8, t(50_000n)),
    ],
    ['groups.25', 'principals.31'],
  );
  const at_once = w.stage({ block: { epoch: 8, flags: 1, ...drain } }, S);
  add(
    'seal-revocation',
    'A revocation block counts at once, though it begins later',
    [...START, ...w.news(at_once), w.publish(at8)],
    ['groups.25', 'groups.21'],
  );
  const second = w.stage({ block: { epoch: 9, notBefore: NOW + 20_000n, drainUntil: NOW + 30_000n } }, next);
  add(
    'seal-two-ahead',
    'Two blocks that begin later: sealed under the highest epoch that has begun',
    [
      ...START,
      ...w.news(next),
      ...w.news(second),
      w.publish({ epoch: 7, headSeq: 12n }, t(9_999n)),
      w.publish({ epoch: 8, headSeq: 12n }, t(10_000n)),
      w.publish({ epoch: 8, headSeq: 12n }, t(19_999n)),
      w.publish({ epoch: 9, headSeq: 12n }, t(20_000n)),
    ],
    ['groups.25'],
  );
  const withoutHead = [ADDRESS.groupHead, ADDRESS.head];
  add(
    'seal-unseen',
    'A block that its head has not named yet: no sealing from its not_before on, until the head is there',
    [
      ...START,
      ...w.news(next, NOW, withoutHead),
      w.publish(at7, t(4_999n)),
      w.publish(at7, t(9_999n)),
      w.publish('E_STALE', t(10_000n)),
      w.delivered(of8(10_000n, 'u'), { now: t(10_000n) }),
      ...w.news(next, t(10_001n)).slice(-1),
      w.publish(at8, t(10_001n)),
    ],
    ['groups.28'],
    { flags: ['Freshness'] },
  );
  add(
    'seal-unseen-revocation',
    'A revocation block that its head has not named yet: no sealing at once',
    [
      ...START,
      ...w.news(at_once, NOW, withoutHead),
      w.publish('E_STALE'),
      ...w.news(at_once).slice(-1),
      w.publish(at8),
    ],
    ['groups.28'],
    { flags: ['Freshness'] },
  );
  const short = w.stage({ block: { notAfter: NOW + 5_000n } });
  const gap = w.stage({ block: { epoch: 8, notAfter: NOW + 3_600_000n, ...drain } }, short);
  add(
    'seal-between',
    'Epoch 7 is over and epoch 8 has not begun',
    [
      ...w.start(short),
      ...w.news(gap),
      w.publish(before, t(5_000n)),
      w.publish('E_EPOCH', t(5_001n)),
      w.publish('E_EPOCH', t(9_999n)),
      w.publish(at8, t(10_000n)),
    ],
    ['groups.25'],
    { flags: ['Freshness'] },
  );
  add(
    'seal-over',
    'The only epoch is over',
    [...w.start(short), w.publish(at7, t(5_000n)), w.publish('E_EPOCH', t(5_001n))],
    ['groups.25'],
    { flags: ['Freshness'] },
  );
  const begins = w.stage({ block: { notBefore: NOW + 10_000n } });
  add(
    'seal-not-yet',
    'The only epoch has not begun',
    [...w.start(begins), w.publish('E_EPOCH', t(9_999n)), w.publish(at7, t(10_000n))],
    ['groups.25'],
    { flags: ['Freshness'] },
  );
  add(
    'drain',
    'Both epochs are open until drain_until of the second has passed',
    [
      ...START,
      ...w.news(next),
      w.delivered(of7(0n, 'a')),
      w.delivered(of8(0n, 'b')),
      w.delivered(of7(15_000n, 'c'), { now: t(15_000n) }),
      w.delivered(of8(15_000n, 'd'), { now: t(15_000n) }),
      w.delivered(of7(20_000n, 'e'), { now: t(20_000n) }),
      w.refused(of7(20_001n, 'f'), 'E_EPOCH', t(20_001n)),
      w.refused(of7(1_000n, 'g'), 'E_EPOCH', t(20_001n)),
      w.delivered(of8(20_001n, 'h'), { now: t(20_001n) }),
    ],
    [...R, 'storage.1'],
    { flags: ['Freshness'] },
  );
  const ahead = w.stage({ block: { epoch: 8, notBefore: NOW + 40_000n, drainUntil: NOW + 50_000n } }, S);
  add(
    'ahead',
    'A block that came ahead of its time: its epoch opens at not_before less skew',
    [
      ...START,
      ...w.news(ahead),
      w.refused(w.envelope(ahead, { timestamp: t(9_999n), name: 'x' }), 'E_EPOCH', t(9_999n)),
      w.delivered(w.envelope(ahead, { timestamp: t(10_000n), name: 'y' }), { now: t(10_000n) }),
      w.delivered(of7(10_000n, 'z'), { now: t(10_000n) }),
    ],
    R,
    { flags: ['Freshness'] },
  );
  const third = w.stage({ block: { epoch: 9, notBefore: NOW + 10_000n, drainUntil: NOW + 40_000n } }, next);
  const two = [...START, ...w.news(next), ...w.news(third)];
  add(
    'drain-of-next',
    'Of three epochs the drain of each is that of the one after it',
    [
      ...two,
      w.delivered(of7(20_000n, 'a'), { now: t(20_000n) }),
      w.refused(of7(20_001n, 'b'), 'E_EPOCH', t(20_001n)),
      w.delivered(of8(20_001n, 'c'), { now: t(20_001n) }),
      w.delivered(of8(40_000n, 'd'), { now: t(40_000n) }),
      w.refused(of8(40_001n, 'e'), 'E_EPOCH', t(40_001n)),
    ],
    R,
    { flags: ['Freshness'] },
  );
  add(
    'drain-of-skipped',
    'The block in between never came: the drain is that of the next one accepted',
    [
      ...START,
      ...w.news(third, NOW, [ADDRESS.group]),
      w.delivered(of7(40_000n, 'a'), { now: t(40_000n) }),
      w.refused(of7(40_001n, 'b'), 'E_EPOCH', t(40_001n)),
      w.refused(of8(0n, 'c'), 'E_EPOCH'),
    ],
    R,
    { flags: ['Freshness'] },
  );
  const g2 = w.stage({ block: { epoch: 8, generation: 2, baseEpoch: 8, ...drain } }, S);
  add(
    'generation',
    'A new generation drains the former one like any epoch',
    [
      ...START,
      ...w.news(g2),
      w.delivered(of7(20_000n, 'a'), { now: t(20_000n) }),
      w.refused(of7(20_001n, 'b'), 'E_EPOCH', t(20_001n)),
      w.publish(at8, t(20_001n)),
    ],
    R,
  );

  // groups.27
  const three = [w.writer(ANNA), w.writer(BEN), w.writer(CARA)];
  const wide = w.stage({ writers: three });
  const without = w.stage(
    { version: 4n, writers: [w.writer(ANNA), w.writer(BEN)], block: { epoch: 8, flags: 1, ...drain } },
    wide,
  );
  const begun = w.start(wide, [w.CARAS]);
  const old = (name: string, from = CARA): w.Made => w.envelope(wide, { from, name });
  add(
    'removed-writer',
    'A writer that the new view does not name writes nothing more, not even in the drain; the others do',
    [
      ...begun,
      w.delivered(old('before')),
      ...w.news(without),
      w.refused(old('in the drain'), 'E_POLICY'),
      w.delivered(old('ben', BEN)),
      w.refused(w.envelope(without, { from: CARA, name: 'eight' }), 'E_POLICY'),
      w.delivered(w.envelope(without, { name: 'ben eight' })),
      w.refused(w.envelope(wide, { from: CARA, name: 'after', timestamp: t(20_001n) }), 'E_EPOCH', t(20_001n)),
    ],
    ['groups.27'],
    { flags: ['Impersonation'] },
  );
  const added = w.stage({ version: 4n, writers: three, block: { epoch: 8, ...drain } }, S);
  add(
    'added-writer',
    'A writer that only the new view names does not write in the former epoch',
    [
      ...w.start(S, [w.CARAS]),
      ...w.news(added),
      w.refused(w.envelope(S, { from: CARA, name: 'seven' }), 'E_POLICY'),
      w.delivered(w.envelope(added, { from: CARA, name: 'eight' })),
      w.delivered(w.envelope(S, { name: 'ben' })),
    ],
    ['groups.27'],
    { flags: ['Impersonation'] },
  );
  const revoked = w.stage(
    {
      version: 4n,
      writers: [w.writer(ANNA), w.writer(BEN)],
      revoked: [{ keyId: CARA.keyId, minSerial: w.FOREVER }],
      block: { epoch: 8, flags: 1, ...drain },
    },
    wide,
  );
  add(
    'revoked-writer',
    'A revoked principal in the drain',
    [
      ...begun,
      w.delivered(old('before')),
      ...w.news(revoked),
      w.refused(old('in the drain'), 'E_REVOKED'),
      w.delivered(old('ben', BEN)),
    ],
    ['principals.24', 'groups.27'],
    { flags: ['Impersonation'] },
  );
  const excluding = w.stage(
    {
      version: 4n,
      writers: [w.writer(BEN)],
      block: {
        epoch: 8,
        flags: 1,
        recipients: [seeded('somebody else', 32).map((b, i) => (i === 31 ? b & 0x7f : b))],
        ...drain,
      },
    },
    S,
  );
  add(
    'shut-out',
    'The node itself is shut out: the block does not open, the view stays, and after 5 s it does not publish',
    [
      ...START,
      ...w.news(excluding, NOW, [ADDRESS.block, ADDRESS.groupHead]),
      w.take(ADDRESS.block, excluding.block.bytes, 'E_REVOKED'),
      w.take(ADDRESS.groupHead, excluding.groupHead),
      view(10n),
      w.publish('E_STALE', t(5_000n)),
      w.delivered(of7(5_000n, 'still'), { now: t(5_000n) }),
      w.refused(w.envelope(excluding), 'E_EPOCH'),
    ],
    ['groups.10', 'principals.32', 'principals.34'],
  );
}

function forks(add: Add): void {
  const other = w.stage({ block: { epoch: 7, name: 'other' } });
  const F = ['groups.8'];
  const eight = w.stage({ block: { epoch: 8 } }, S);
  add(
    'stops-sealing',
    'Two blocks of one epoch: it goes on reading, and does not seal until a block of a higher epoch',
    [
      ...START,
      w.publish(at7),
      w.take(ADDRESS.block, other.block.bytes, 'E_FORK'),
      w.publish('E_FORK'),
      w.delivered(w.envelope(S)),
      w.refused(w.envelope(other, { name: 'other' }), 'E_SIG'),
      ...w.news(eight),
      w.publish({ epoch: 8, headSeq: 11n }),
    ],
    F,
    { flags: ['Fork'] },
  );
  add(
    'first-known',
    'The first of the two comes again: known, and still no sealing',
    [
      ...START,
      w.take(ADDRESS.block, other.block.bytes, 'E_FORK'),
      w.take(ADDRESS.block, S.block.bytes, { known: true }),
      w.publish('E_FORK'),
    ],
    F,
    { flags: ['Fork'] },
  );
  const stranger = w.stage({ block: { epoch: 7, name: 'unsigned', bend: { signSeed: BEN.seed } } });
  add(
    'forged',
    'A second block that the controller did not sign stops nothing',
    [...START, w.take(ADDRESS.block, stranger.block.bytes, 'E_SIG'), w.publish(at7)],
    F,
    { flags: ['Fork', 'Impersonation'] },
  );
  const broken = w.stage({ block: { epoch: 8, prevBlockHash: other.block.blockHash } }, S);
  add(
    'prev',
    'A block that does not follow the one held, and the head that names it: the view stays',
    [
      ...START,
      w.take(ADDRESS.block, broken.block.bytes, 'E_FORK'),
      w.take(ADDRESS.groupHead, broken.groupHead),
      view(10n),
    ],
    ['groups.9', 'principals.34'],
    { flags: ['Fork'] },
  );
  const lower = w.stage({ block: { epoch: 6 } });
  add(
    'rollback',
    'A block of a lower epoch, and the one held again',
    [
      ...START,
      w.take(ADDRESS.block, lower.block.bytes, 'E_EPOCH'),
      w.take(ADDRESS.block, S.block.bytes, { known: true }),
      w.publish(at7),
    ],
    ['groups.7'],
    { flags: ['Replayed'] },
  );
  const members = w.stage({ block: { epoch: 8, bend: { controllerKeyId: BEN.keyId, signSeed: BEN.seed } } }, S);
  add(
    'by-member',
    'A block of a member that is no controller',
    [...START, w.take(ADDRESS.block, members.block.bytes, 'E_POLICY'), w.publish(at7)],
    ['groups.1', 'groups.2'],
    { flags: ['Impersonation'] },
  );
  const controllers = w.stage(
    { record: { serial: 2, controller: edKey(OTHER_CONTROLLER.publicKey) }, version: 4n, block: { epoch: 8 } },
    S,
  );
  add(
    'controller-replaced',
    'A new group record names another controller: blocks of the former are over',
    [
      ...START,
      ...w.news(controllers, NOW, [ADDRESS.block, ADDRESS.groupHead]),
      w.take(ADDRESS.block, controllers.block.bytes, 'E_POLICY'),
      w.delivered(w.envelope(S)),
    ],
    ['groups.1'],
    { flags: ['Impersonation'] },
  );
}

/** principals.34 to principals.36 */
function whole(add: Add): void {
  const V = ['principals.34'];
  const next = w.stage(
    {
      version: 4n,
      writers: [w.writer(ANNA), w.writer(BEN), w.writer(CARA)],
      revoked: [{ keyId: seeded('somebody', 32), minSerial: 1n }],
      block: { epoch: 8, notBefore: NOW + 5_500n },
    },
    S,
  );
  const object: Record<string, [number, Uint8Array]> = {
    policy: [ADDRESS.policy, next.policy.bytes],
    block: [ADDRESS.block, next.block.bytes],
    revocations: [ADDRESS.revoked, next.revoked],
    writers: [ADDRESS.writers, next.list],
  };
  for (const [name, [type, bytes]] of Object.entries(object)) {
    const but = name === 'policy' ? [ADDRESS.policy, ADDRESS.writers] : [type];
    add(
      `withheld-${name}`,
      `The head is there and ${name} are held back: the former view, no sealing after 5 s; the whole step once they come`,
      [
        ...START,
        ...w.news(next, NOW, but),
        view(10n),
        w.publish(at7, NOW + 4_999n),
        w.publish('E_STALE', NOW + 5_000n),
        w.delivered(w.envelope(S, { timestamp: NOW + 5_000n }), { now: NOW + 5_000n }),
        w.take(type, bytes, w.HELD, NOW + 6_000n),
        ...(name === 'policy'
          ? [view(10n, 7, true, NOW + 6_000n), w.take(ADDRESS.writers, next.list, w.HELD, NOW + 6_000n)]
          : []),
        view(11n, 8, true, NOW + 6_000n),
        w.publish({ epoch: 8, headSeq: 11n }, NOW + 6_000n),
      ],
      ['principals.34', 'principals.32'],
    );
  }
  add(
    'withheld-for-good',
    'A block that never comes: at the end of the former head the node neither seals nor delivers',
    [
      ...START,
      ...w.news(next, NOW, [ADDRESS.block]),
      w.delivered(w.envelope(S, { timestamp: NOW + 60_000n }), { now: NOW + 60_000n }),
      w.refused(w.envelope(S, { timestamp: NOW + 60_001n, name: 'late' }), 'E_STALE', NOW + 60_001n),
      w.publish('E_STALE', NOW + 60_001n),
      view(10n, 7, false, NOW + 60_001n),
    ],
    ['principals.29', 'principals.30', 'principals.34'],
  );
  const bare = makeHead(w.AUTHORITY_ID, w.STATUS, {
    headSeq: 12n,
    issued: NOW + 20_000n,
    freshUntil: NOW + 80_000n,
    policyVersion: 4n,
    policyHash: next.policy.hash,
    groupsRoot: H(zeros(0)),
    revokedHash: H(next.revoked),
    prevHeadHash: next.head.hash,
  });
  add(
    'fresh-head-alone',
    'A fresh head without the leaf of the group makes no view fresher',
    [
      ...START,
      w.take(ADDRESS.head, bare.bytes, w.HELD, NOW + 20_000n),
      view(10n, 7, true, NOW + 20_000n),
      view(10n, 7, false, NOW + 60_001n),
      w.refused(w.envelope(S, { timestamp: NOW + 60_001n }), 'E_STALE', NOW + 60_001n),
    ],
    V,
  );
  const same = w.stage({ issued: NOW + 20_000n }, S);
  add(
    'same-state',
    'A newer head that names the same things: the view is fresh for longer',
    [
      ...START,
      w.take(ADDRESS.groupHead, same.groupHead, w.HELD, NOW + 20_000n),
      view(11n, 7, true, NOW + 80_000n),
      w.publish({ epoch: 7, headSeq: 11n }, NOW + 80_000n),
      w.publish('E_STALE', NOW + 80_001n),
    ],
    [...V, 'principals.29', 'principals.31'],
  );
  const elsewhere = w.stage({ leafHash: seeded('another block', 32) }, S);
  add(
    'other-block',
    'The leaf names a block that nobody has',
    [...START, ...w.news(elsewhere), view(10n), w.publish('E_STALE', NOW + 5_000n)],
    ['principals.34', 'principals.32'],
  );
  const forked = w.stage({ block: { name: 'two' } });
  const forkHead = w.stage({ leafHash: forked.block.blockHash }, S);
  add(
    'forked-block',
    'The leaf names the other of two blocks of one epoch, which the node refused',
    [...START, w.take(ADDRESS.block, forked.block.bytes, 'E_FORK'), ...w.news(forkHead), view(10n)],
    ['principals.34', 'groups.8'],
    { flags: ['Fork'] },
  );
  const root = w.stage(
    { version: 4n, policyRoot: seeded('another root', 32), block: { epoch: 8, notBefore: NOW + 10_000n } },
    S,
  );
  add(
    'policy-root',
    'A block whose policy_root32 is not the root of the writers',
    [
      ...START,
      ...w.news(root, NOW, [ADDRESS.groupHead]),
      w.take(ADDRESS.groupHead, root.groupHead, 'E_POLICY'),
      view(10n),
      w.publish(at7, NOW + 4_999n),
      w.publish('E_STALE', NOW + 5_000n),
    ],
    ['principals.35', 'principals.32'],
    { flags: ['BrokenSender'] },
  );
  const widened = w.stage({ version: 4n, writers: [w.writer(ANNA), w.writer(BEN), w.writer(CARA)] }, S);
  add(
    'policy-ahead',
    'A policy with other writers, and the block of the former ones',
    [
      ...START,
      ...w.news(widened, NOW, [ADDRESS.groupHead]),
      w.take(ADDRESS.groupHead, widened.groupHead, 'E_POLICY'),
      view(10n),
    ],
    ['principals.35'],
  );
  const own = w.stage(
    { version: 4n, privateHash: seeded('another own part', 32), block: { epoch: 8, notBefore: NOW + 10_000n } },
    S,
  );
  add(
    'own-part',
    'A block whose own part is not the one that the policy states',
    [
      ...START,
      ...w.news(own, NOW, [ADDRESS.groupHead]),
      w.take(ADDRESS.groupHead, own.groupHead, 'E_POLICY'),
      view(10n),
    ],
    ['principals.35'],
    { flags: ['BrokenSender'] },
  );
  const first = w.stage({ policyRoot: seeded('another root', 32) });
  add(
    'policy-root-first',
    'The same for the first view: there is none',
    [
      ...w.start(first, [], [ADDRESS.groupHead]),
      w.take(ADDRESS.groupHead, first.groupHead, 'E_POLICY'),
      w.sees(undefined),
      w.publish('E_POLICY'),
    ],
    ['principals.35'],
  );
  const higher = w.stage({ version: 4n }, S);
  const back = makeHead(w.AUTHORITY_ID, w.STATUS, {
    headSeq: 12n,
    issued: NOW,
    freshUntil: NOW + 60_000n,
    policyVersion: 3n,
    policyHash: S.policy.hash,
    groupsRoot: S.head.bytes.slice(104, 136),
    revokedHash: H(S.revoked),
    prevHeadHash: higher.head.hash,
  });
  const leaf = { groupId: w.GROUP_ID, generation: 1, epoch: 7, blockHash: S.block.blockHash };
  add(
    'back',
    'A newer head that names an older policy',
    [
      ...START,
      ...w.news(higher),
      view(11n),
      w.take(ADDRESS.groupHead, groupHead(back.bytes, [leaf], w.GROUP_ID), 'E_EPOCH'),
      view(11n),
      w.take(ADDRESS.policy, S.policy.bytes, 'E_EPOCH'),
    ],
    ['principals.36'],
    { flags: ['Replayed'] },
  );
  const wrongList = w.stage({ writers: [w.writer(ANNA), w.writer(BEN), w.writer(CARA)] });
  add(
    'other-writers',
    'A list of writers that is not the one that the policy states',
    [...START, w.take(ADDRESS.writers, wrongList.list, 'E_POLICY'), w.publish(at7), w.delivered(w.envelope(S))],
    ['principals.21', 'principals.34'],
    { flags: ['Impersonation'] },
  );
  add(
    'records',
    'A later group record turns stale_ok on: it counts with the view that names it',
    (() => {
      const later = w.stage({ version: 4n, issued: NOW + 30_000n, record: { serial: 2, stale_ok: true } }, S);
      return [
        ...START,
        ...w.news(later, NOW, [ADDRESS.groupHead]),
        w.refused(w.envelope(S, { timestamp: NOW + 60_001n }), 'E_STALE', NOW + 60_001n),
        w.take(ADDRESS.groupHead, later.groupHead, w.HELD, NOW + 60_001n),
        w.delivered(w.envelope(S, { timestamp: NOW + 60_001n }), { now: NOW + 60_001n }),
        w.delivered(w.envelope(S, { timestamp: NOW + 90_001n, name: 'stale' }), { now: NOW + 90_001n, stale: true }),
      ];
    })(),
    ['principals.34', 'principals.30'],
  );
}

function heads(add: Add): void {
  const HEAD = ['principals.27'];
  const next = w.stage({}, S);
  const fork = w.stage({ issued: NOW + 1n, seq: 10n });
  const gh = ADDRESS.groupHead;
  add(
    'known',
    'The head of the view comes again',
    [...START, w.take(gh, S.groupHead, { known: true }), view(10n)],
    HEAD,
    { flags: ['Replayed'] },
  );
  add('rollback', 'The former head', [...START, ...w.news(next), w.take(gh, S.groupHead, 'E_EPOCH'), view(11n)], HEAD, {
    flags: ['Replayed'],
  });
  add(
    'fork',
    'Two heads of one number',
    [...START, w.take(gh, fork.groupHead, 'E_FORK'), view(10n), w.publish(at7)],
    HEAD,
    { flags: ['Fork'] },
  );
  const prev = w.stage({ prevHead: fork.head.hash }, S);
  add('prev', 'The next head does not follow', [...START, w.take(gh, prev.groupHead, 'E_FORK'), view(10n)], HEAD, {
    flags: ['Fork'],
  });
  add(
    'late',
    'A head that is past its fresh_until when it comes',
    [
      ...START,
      w.take(gh, next.groupHead, w.HELD, NOW + 60_000n),
      view(11n, 7, true, NOW + 60_000n),
      w.take(gh, w.stage({}, next).groupHead, 'E_STALE', NOW + 60_001n),
      view(11n, 7, false, NOW + 60_001n),
    ],
    HEAD,
    { flags: ['Freshness'] },
  );
  const future = w.stage({ issued: NOW + 30_001n }, S);
  add(
    'future',
    'A head from further ahead than skew',
    [
      ...START,
      w.take(gh, future.groupHead, 'E_FUTURE'),
      view(10n),
      w.take(gh, future.groupHead, w.HELD, NOW + 1n),
      view(11n, 7, true, NOW + 1n),
    ],
    HEAD,
    { flags: ['Freshness'] },
  );
  add(
    'signature',
    'A head with a changed signature, and one by the policy key',
    [
      ...START,
      w.take(gh, flip(next.groupHead, 263), 'E_SIG'),
      w.take(
        gh,
        groupHead(
          makeHead(w.AUTHORITY_ID, w.POLICY, {
            headSeq: 11n,
            issued: NOW,
            freshUntil: NOW + 60_000n,
            policyVersion: 3n,
            policyHash: S.policy.hash,
            groupsRoot: S.head.bytes.slice(104, 136),
            revokedHash: H(S.revoked),
            prevHeadHash: S.head.hash,
          }).bytes,
          [{ groupId: w.GROUP_ID, generation: 1, epoch: 7, blockHash: S.block.blockHash }],
          w.GROUP_ID,
        ),
        'E_POLICY',
      ),
      view(10n),
      w.publish(at7, NOW + 5_000n),
    ],
    HEAD,
    { flags: ['Impersonation'] },
  );
  add(
    'leaf',
    'A group head whose leaf was changed',
    [...START, w.take(gh, flip(next.groupHead, 264 + 30), 'E_PROOF'), view(10n), w.publish(at7, NOW + 5_000n)],
    HEAD,
    { flags: ['MerkleProof'] },
  );
}

/** principals.29, principals.30 */
function freshness(add: Add): void {
  const F = ['principals.29', 'principals.30'];
  const e = (ms: bigint, name = 'e'): w.Made => w.envelope(S, { timestamp: NOW + ms, name: `${name} ${ms}` });
  add(
    'max-head-age',
    'Fresh until issued + max_head_age, both ways',
    [
      ...START,
      w.publish(at7, NOW + 60_000n),
      w.delivered(e(60_000n), { now: NOW + 60_000n }),
      view(10n, 7, true, NOW + 60_000n),
      w.publish('E_STALE', NOW + 60_001n),
      w.refused(e(60_001n), 'E_STALE', NOW + 60_001n),
      view(10n, 7, false, NOW + 60_001n),
    ],
    F,
    { flags: ['Freshness'] },
  );
  const until = w.stage({ freshUntil: NOW + 20_000n });
  add(
    'fresh-until',
    'Fresh until fresh_until, which comes first',
    [
      ...w.start(until),
      w.publish(at7, NOW + 20_000n),
      w.publish('E_STALE', NOW + 20_001n),
      w.refused(e(20_001n), 'E_STALE', NOW + 20_001n),
    ],
    F,
    { flags: ['Freshness'] },
  );
  const age = w.stage({ record: { max_head_age_ms: 5_000 } });
  add(
    'short-head-age',
    'Fresh for the max_head_age of the group record',
    [...w.start(age), w.publish(at7, NOW + 5_000n), w.publish('E_STALE', NOW + 5_001n)],
    F,
    { flags: ['Freshness'] },
  );
  const long = w.stage({ record: { max_head_age_ms: 86_400_000 }, freshUntil: NOW + 86_400_000n });
  add(
    'long-head-age',
    'A group that takes heads for a day',
    [
      ...w.start(long),
      w.publish(at7, NOW + 3_600_000n),
      view(10n, 7, true, NOW + 86_400_000n),
      view(10n, 7, false, NOW + 86_400_001n),
    ],
    F,
    { flags: ['Freshness'] },
  );
  add(
    'clock-back',
    'The clock jumps back by more than skew: the view is not fresh',
    [
      ...START,
      view(10n, 7, true, NOW - 30_000n),
      view(10n, 7, false, NOW - 30_001n),
      w.publish('E_STALE', NOW - 30_001n),
      w.publish(at7, NOW),
    ],
    F,
    { flags: ['Freshness'] },
  );
  add(
    'clock-forth',
    'The clock jumps an hour ahead and comes back',
    [
      ...START,
      w.publish('E_STALE', NOW + 3_600_000n),
      view(10n, 7, false, NOW + 3_600_000n),
      w.publish(at7, NOW + 1_000n),
      w.delivered(e(1_000n), { now: NOW + 1_000n }),
    ],
    F,
    { flags: ['Freshness'] },
  );
  const ok = w.stage({ record: { stale_ok: true } });
  add(
    'stale-ok',
    'A group that takes stale messages: marked, and no sealing all the same',
    [
      ...w.start(ok),
      w.delivered(w.envelope(ok, { timestamp: NOW + 60_000n, name: 'fresh' }), { now: NOW + 60_000n }),
      w.delivered(w.envelope(ok, { timestamp: NOW + 60_001n, name: 'stale' }), { now: NOW + 60_001n, stale: true }),
      w.publish('E_STALE', NOW + 60_001n),
    ],
    F,
    { flags: ['Freshness'] },
  );
  add(
    'again',
    'A new head, and the node goes on',
    [
      ...START,
      w.publish('E_STALE', NOW + 60_001n),
      w.take(ADDRESS.groupHead, w.stage({ issued: NOW + 60_000n }, S).groupHead, w.HELD, NOW + 60_002n),
      w.publish({ epoch: 7, headSeq: 11n }, NOW + 60_002n),
      w.delivered(e(60_002n), { now: NOW + 60_002n }),
    ],
    F,
    { flags: ['Freshness'] },
  );
  add(
    'policy-before-stale',
    'A topic without a rule, while the view is not fresh',
    [...START, w.publish('E_POLICY', NOW + 60_001n, 'orders/old')],
    ['patterns.2', 'principals.29'],
    { flags: ['Order'] },
  );
}

/** principals.31, principals.32 */
function gossip(add: Add): void {
  const G = ['principals.32'];
  const tells = (headSeq: bigint, name = 'tells', ms = 0n): w.Made =>
    w.envelope(S, { headSeq, name, timestamp: NOW + ms });
  const next = w.stage({ issued: NOW + 8_000n }, S);
  add(
    'higher',
    'An envelope with a higher head_seq: no sealing from 5 s on, until the head is there',
    [
      ...START,
      w.delivered(tells(11n)),
      w.publish(at7, NOW + 4_999n),
      w.publish('E_STALE', NOW + 5_000n),
      w.publish('E_STALE', NOW + 7_999n),
      w.take(ADDRESS.groupHead, next.groupHead, w.HELD, NOW + 8_000n),
      w.publish({ epoch: 7, headSeq: 11n }, NOW + 8_000n),
    ],
    [...G, 'principals.31'],
  );
  add(
    'reads-on',
    'It goes on delivering while it does not seal',
    [
      ...START,
      w.delivered(tells(11n)),
      w.publish('E_STALE', NOW + 5_000n),
      w.delivered(w.envelope(S, { timestamp: NOW + 5_000n, name: 'later' }), { now: NOW + 5_000n }),
    ],
    G,
  );
  add(
    'same',
    'The number of its own view, and a lower one',
    [...START, w.delivered(tells(10n)), w.delivered(tells(9n, 'lower')), w.publish(at7, NOW + 5_000n)],
    G,
  );
  add(
    'forged',
    'A higher number under a signature that does not verify',
    [...START, w.refused(flip(tells(99n).sealed.bytes, -1), 'E_SIG'), w.publish(at7, NOW + 5_000n)],
    G,
    { flags: ['Impersonation'] },
  );
  add(
    'stranger',
    'A higher number by one whom the writers do not name',
    [
      ...w.start(S, [w.CARAS]),
      w.refused(w.envelope(S, { from: CARA, headSeq: 99n }), 'E_POLICY'),
      w.publish(at7, NOW + 5_000n),
    ],
    G,
    { flags: ['Impersonation'] },
  );
  add(
    'first-counts',
    'The 5 s count from the first that it learnt of',
    [
      ...START,
      w.delivered(tells(11n)),
      w.delivered(tells(12n, 'again', 4_000n), { now: NOW + 4_000n }),
      w.publish(at7, NOW + 4_999n),
      w.publish('E_STALE', NOW + 5_000n),
    ],
    G,
  );
  add(
    'not-high-enough',
    'A head comes, lower than what it learnt of',
    [
      ...START,
      w.delivered(tells(12n)),
      w.take(ADDRESS.groupHead, next.groupHead, w.HELD, NOW + 8_000n),
      view(11n, 7, true, NOW + 8_000n),
      w.publish('E_STALE', NOW + 8_000n),
    ],
    G,
  );
  const jump = w.stage({ seq: 15n, issued: NOW + 8_000n }, S);
  add(
    'higher-than-learnt',
    'A head comes, higher than what it learnt of',
    [
      ...START,
      w.delivered(tells(12n)),
      w.take(ADDRESS.groupHead, jump.groupHead, w.HELD, NOW + 8_000n),
      w.publish({ epoch: 7, headSeq: 15n }, NOW + 8_000n),
    ],
    G,
  );
  const early = w.stage({ issued: NOW + 29_999n }, S);
  const shows = w.stage({ issued: NOW + 30_000n }, early);
  add(
    'false',
    'A number that a writer made up: a head issued skew later shows it to be false',
    [
      ...START,
      w.delivered(tells(1_000_000n)),
      w.publish('E_STALE', NOW + 5_000n),
      w.take(ADDRESS.groupHead, early.groupHead, w.HELD, NOW + 30_000n),
      w.publish('E_STALE', NOW + 30_000n),
      w.take(ADDRESS.groupHead, shows.groupHead, w.HELD, NOW + 30_001n),
      w.publish({ epoch: 7, headSeq: 12n }, NOW + 30_001n),
    ],
    G,
    { flags: ['BrokenSender'] },
  );
  add(
    'false-again',
    'Made up once more by the same writer: it is not believed any more',
    [
      ...START,
      w.delivered(tells(1_000_000n)),
      w.take(ADDRESS.groupHead, early.groupHead, w.HELD, NOW + 30_000n),
      w.take(ADDRESS.groupHead, shows.groupHead, w.HELD, NOW + 30_001n),
      w.delivered(tells(1_000_000n, 'again', 30_002n), { now: NOW + 30_002n }),
      w.publish({ epoch: 7, headSeq: 12n }, NOW + 35_002n),
      w.publish({ epoch: 7, headSeq: 12n }, NOW + 50_000n),
    ],
    [...G, 'principals.41'],
    { flags: ['BrokenSender'] },
  );
  const three = w.stage({ writers: [w.writer(ANNA), w.writer(BEN), w.writer(CARA)] });
  const earlier = w.stage({ issued: NOW + 29_999n }, three);
  const later = w.stage({ issued: NOW + 30_000n }, earlier);
  const says = (name: string, from: typeof BEN, ms: bigint): w.Made =>
    w.envelope(three, { headSeq: 1_000_000n, name, from, timestamp: NOW + ms });
  add(
    'false-other',
    'One writer was found to make numbers up; another one is still believed',
    [
      ...w.start(three, [w.CARAS]),
      w.delivered(says('tells', BEN, 0n)),
      w.take(ADDRESS.groupHead, earlier.groupHead, w.HELD, NOW + 30_000n),
      w.take(ADDRESS.groupHead, later.groupHead, w.HELD, NOW + 30_001n),
      w.delivered(says('too', CARA, 30_002n), { now: NOW + 30_002n }),
      w.publish({ epoch: 7, headSeq: 12n }, NOW + 35_001n),
      w.publish('E_STALE', NOW + 35_002n),
    ],
    [...G, 'principals.41'],
    { flags: ['BrokenSender'] },
  );
  const bare = makeHead(w.AUTHORITY_ID, w.STATUS, {
    headSeq: 11n,
    issued: NOW,
    freshUntil: NOW + 60_000n,
    policyVersion: 3n,
    policyHash: S.policy.hash,
    groupsRoot: S.head.bytes.slice(104, 136),
    revokedHash: H(S.revoked),
    prevHeadHash: S.head.hash,
  });
  const leaf = { groupId: w.GROUP_ID, generation: 1, epoch: 7, blockHash: S.block.blockHash };
  add(
    'head-alone',
    'A higher head without the leaf of the group is learnt of too',
    [
      ...START,
      w.take(ADDRESS.head, bare.bytes),
      w.publish(at7, NOW + 4_999n),
      w.publish('E_STALE', NOW + 5_000n),
      w.take(ADDRESS.groupHead, groupHead(bare.bytes, [leaf], w.GROUP_ID), w.HELD, NOW + 6_000n),
      w.publish({ epoch: 7, headSeq: 11n }, NOW + 6_000n),
    ],
    G,
  );
  add(
    'head-alone-refused',
    'A higher head that does not verify is nothing learnt',
    [...START, w.take(ADDRESS.head, flip(bare.bytes, -1), 'E_SIG'), w.publish(at7, NOW + 5_000n)],
    G,
    { flags: ['Impersonation'] },
  );
}
