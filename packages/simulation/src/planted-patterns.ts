import type { PlantedBug } from './planted.ts';

/** Bugs of core and client that the run with requests, jobs, messages and surveys finds. */
export const plantedInPatterns: readonly PlantedBug[] = [
  {
    // A worker does not look at the deadline.
    name: 'late-work-done',
    in: 'core',
    file: 'patterns/work.js',
    from: 'isLate: deadlineMs !== 0 && nowMs > deadlineMs,',
    to: 'isLate: false,',
    spec: 'patterns.20',
    shows: 'worked late',
    seed: 3,
  },
  {
    // One requester meets the keys of another.
    name: 'effects-of-all-requesters',
    in: 'client-node',
    file: 'effects/effect-memory.js',
    from: 'Buffer.concat([requesterKeyId32, frontId16, key16])',
    to: 'Buffer.concat([frontId16, key16])',
    spec: 'patterns.20',
    shows: 'honest refused',
    seed: 23,
  },
  {
    // Who has done a thing and is asked again does it again, though the store has it.
    name: 'done-work-runs-again',
    in: 'client-node',
    file: 'effects/effect-table.js',
    from: 'if (settled !== undefined) {',
    to: 'if (false) {',
    spec: 'patterns.20',
    shows: 'done twice',
    seed: 11,
  },
  {
    // Where two do the same, as the lease of the first ran out, both commit.
    name: 'overtaken-run-commits',
    in: 'client-node',
    file: 'effects/effect-table.js',
    from: 'for (const run of this.#runs.get(settled.name) ?? [])\n                run.transaction.end();\n            this.#runs.delete(settled.name);',
    to: 'for (const run of this.#runs.get(settled.name) ?? [])\n                if (run.isCommitting)\n                    this.#runs.get(settled.name).delete(run);',
    spec: 'patterns.20',
    shows: 'done twice',
    seed: 27,
  },
  {
    // Of two effects that meet, the second overwrites the first.
    name: 'conflicts-not-seen',
    in: 'client-node',
    file: 'effects/effect-map.js',
    from: 'if (aboutToChange.has(name) || this.#committed.get(name) !== value)',
    to: 'if (false)',
    spec: 'patterns.20',
    shows: 'effect lost',
    seed: 3,
  },
  {
    // Every answer counts, not the first alone.
    name: 'second-answer-taken',
    in: 'core',
    file: 'patterns/requester.js',
    from: 'if (reply.status !== replyStatus.inProgress)\n                this.#settle(reply, stream);',
    to: '',
    also: [
      {
        file: 'client/pool-asking.js',
        from: "if (heard.status !== 'in progress' && heard.status !== 'news')\n            this.#waiting.delete(name);",
        to: '',
      },
    ],
    spec: 'patterns.25',
    shows: 'answered twice',
    seed: 3,
  },
  {
    // An answer is taken for the request that has waited longest.
    name: 'answers-in-order',
    in: 'core',
    file: 'client/pool-asking.js',
    from: 'const name = { id32, leaf, index };',
    to: 'const name = this.#waiting.values().next().value?.name ?? { id32, leaf, index };',
    spec: 'patterns.25',
    shows: 'wrong answer',
    seed: 3,
  },
  {
    // The writers are not asked whether somebody may answer.
    name: 'anybody-answers',
    in: 'core',
    file: 'client/responders.js',
    from: 'return group.view?.writers.allowsEnvelope(keyId32, actions.respond, timestampMs, topicTag, chain) === true;',
    to: 'return true;',
    spec: 'patterns.23',
    shows: 'revoked writer accepted',
    seed: 31,
  },
  {
    // Work goes on being sealed by the key before the newest.
    name: 'old-pool-key',
    in: 'core',
    file: 'client/pools.js',
    from: 'if (newest === undefined || hasBegun(newest, nowMs))',
    to: 'if (newest === undefined || before === undefined)',
    spec: 'patterns.12',
    shows: 'sealed for an old crew',
    seed: 3,
  },
  {
    // A broker waits for ever for who has a lease.
    name: 'lease-never-ends',
    in: 'core',
    file: 'relay/work-queues.js',
    from: 'if (untilMs > nowMs)\n                        break;',
    to: 'break;',
    spec: 'delivery.24',
    shows: 'lost',
    seed: 27,
  },
  {
    // What a worker had when its link ended is gone.
    name: 'work-of-the-dead-dropped',
    in: 'core',
    file: 'relay/work-queues.js',
    from: 'taker.passedOver.delete(work);\n        for (const lease of work.leases.keys())\n            this.#takeBack(queue, work, lease, nowMs);',
    to: 'taker.passedOver.delete(work);',
    spec: 'delivery.24',
    shows: 'lost',
    seed: 267,
  },
  {
    // A reply that comes twice is two.
    name: 'survey-reply-taken-twice',
    in: 'core',
    file: 'patterns/survey-asker.js',
    from: 'if (this.#taken.has(senderOf(header)))',
    to: 'if (false)',
    spec: 'patterns.32',
    shows: 'answered twice',
    seed: 11,
  },
  {
    // Replies are taken after the deadline, until the clock ticks.
    name: 'late-survey-reply-taken',
    in: 'core',
    file: 'patterns/survey-asker.js',
    from: 'if (nowMs > this.deadlineMs)',
    to: 'if (false)',
    spec: 'patterns.31',
    shows: 'answered late',
    seed: 7,
  },
  {
    // Whoever is in the front may forward.
    name: 'anybody-forwards',
    in: 'core',
    file: 'client/forwards-in.js',
    from: 'return front.view?.writers.allowsEnvelope(keyId32, actions.route, timestampMs, topicTag, chain) === true;',
    to: 'return true;',
    spec: 'patterns.40',
    shows: 'revoked writer accepted',
    seed: 183,
  },
  {
    // Routing data are sealed for an epoch that a router still reads that has lost its right.
    name: 'routing-for-an-old-epoch',
    in: 'core',
    file: 'client/pool-asking.js',
    from: 'const { number, keySource } = front.sealingEpoch(nowMs);',
    to: 'const { number, keySource } = front.epochs[0];',
    spec: 'patterns.36',
    shows: 'sealed for a revoked reader',
    seed: 15,
  },
  {
    // Routing data go out as they are.
    name: 'routing-in-clear',
    in: 'core',
    file: 'envelope/routing.js',
    from: 'value.set(sealed, 4);',
    to: 'value.set(data, 4);',
    also: [
      {
        file: 'envelope/routing.js',
        from: 'const data = provider.aeadOpen(requireAead(epoch.suite), key32, nonce12, none, value.subarray(4));',
        to: 'const data = value.slice(4, -tagBytes);',
      },
    ],
    spec: 'patterns.36',
    shows: 'seen in passing',
    seed: 15,
  },
  {
    // A dealer is told of what comes after its deadline, until the clock ticks.
    name: 'late-news-told',
    in: 'core',
    file: 'patterns/requester.js',
    from: '|| (stream.isOfMessages && nowMs > asked.deadlineMs)',
    to: '',
    spec: 'patterns.42',
    shows: 'answered late',
    seed: 115,
  },
  {
    // What one envelope says is told from its end.
    name: 'news-backwards',
    in: 'core',
    file: 'patterns/requester.js',
    from: 'for (const { payload } of records) {',
    to: 'for (const { payload } of [...records].reverse()) {',
    spec: 'patterns.42',
    shows: 'out of order',
    seed: 15,
  },
  {
    // Nobody hears what routers forward.
    name: 'forwards-not-heard',
    in: 'core',
    file: 'client/inbox-tags.js',
    from: '!this.#hasRouters(group)',
    to: 'this.#hasRouters(group)',
    spec: 'patterns.41',
    shows: 'not resumed',
    seed: 79,
  },
  {
    // A broker gives requests to who may route and nothing else.
    name: 'requests-to-routers',
    in: 'core',
    file: 'relay/work-queues.js',
    from: "return isMessage || takes === 'everything';",
    to: 'return true;',
    spec: 'delivery.21',
    shows: 'outsider served',
    seed: 195,
  },
  {
    // A message whose number was seen is taken as if it were not.
    name: 'seen-work-is-new',
    in: 'core',
    file: 'client/crew-of.js',
    from: "replay: new SourcedReplay(open.guard, 'work'),",
    to: 'replay: Object.assign(new AnyNumber(open.guard.freshness), { commit() {} }),',
    also: [
      {
        file: 'client/crew-of.js',
        from: "import { Crew } from '../patterns/crew.js';",
        to: "import { Crew } from '../patterns/crew.js';\nimport { AnyNumber } from '../patterns/any-number.js';",
      },
    ],
    spec: 'replay.7',
    shows: 'delivered twice',
    seed: 15,
  },
];
