import type { PlantedBug } from './planted.ts';

/** Bugs of core and client that the run with requests, jobs and surveys finds. */
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
    seed: 23,
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
    from: 'if (reply.status !== replyStatus.inProgress)\n                this.#settle(record, stream);',
    to: '',
    also: [
      {
        file: 'client/pool-asking.js',
        from: "if (heard.status !== 'in progress')\n            this.#waiting.delete(nameOfRecord(name));",
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
];
