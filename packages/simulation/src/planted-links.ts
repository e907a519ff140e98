import type { PlantedBug } from './planted.ts';

/** Bugs of broker and client that the run over links finds. */
export const plantedInLinks: readonly PlantedBug[] = [
  {
    // A power cut takes what was acknowledged.
    name: 'acknowledged-before-sync',
    in: 'broker',
    file: 'store/segment-log.js',
    from: 'await this.#file.datasync();',
    to: '',
    spec: 'storage.8',
    shows: 'acknowledged and lost',
    seed: 6,
  },
  {
    // A disk that answers with an error is believed.
    name: 'failed-sync-acknowledged',
    in: 'broker',
    file: 'store/segment-log.js',
    from: 'await this.#file.datasync();',
    to: 'await this.#file.datasync().catch(() => undefined);',
    spec: 'storage.16',
    shows: 'acknowledged and lost',
    seed: 208,
  },
  {
    // What waits in memory to be written is acknowledged as if it were on the disk.
    name: 'acknowledged-before-written',
    in: 'broker',
    file: 'engine/broker-engine.js',
    from: 'if (!one.isDurable)\n                    this.#settleOne(one);',
    to: 'this.#settleOne(one);',
    spec: 'delivery.3',
    shows: 'acknowledged and lost',
    seed: 6,
  },
  {
    // A reader that is behind is given what is new, and never what is between.
    name: 'log-offered-while-behind',
    in: 'broker',
    file: 'engine/stored-pump.js',
    from: 'if (!sub.isCaughtUp || position < sub.next)',
    to: 'if (position < sub.next)',
    spec: 'delivery.10',
    shows: 'acknowledged and lost',
    seed: 12,
  },
  {
    // A reader that takes nothing is sent all the same.
    name: 'credit-ignored',
    in: 'broker',
    file: 'engine/outbox.js',
    from: ' && this.#sentBytes + bodyBytes <= this.#grantedBytes',
    to: '',
    spec: 'delivery.14',
    shows: 'honest refused',
    seed: 2,
  },
  {
    // Who is revoked goes on until its link is looked at by chance.
    name: 'revoked-link-goes-on',
    in: 'broker',
    file: 'engine/broker-engine.js',
    from: 'this.#checkAll(nowMs, (connection) => isForAll || keyIds.has(connection.keyId));',
    to: '',
    spec: 'link.22',
    shows: 'revoked link served',
    seed: 4,
  },
  {
    // A reader that ends before it acknowledges goes on behind what it was given.
    name: 'cursor-before-acknowledgement',
    in: 'client-node',
    file: 'client/log-progress.js',
    from: 'matches[name] = { doneTo, readTo:',
    to: 'matches[name] = { doneTo: readTo, readTo:',
    spec: 'delivery.10',
    shows: 'acknowledged and lost',
    seed: 84,
  },
  {
    // A reader that has another link asks for what follows what it has, and leaves one out.
    name: 'log-asked-one-too-far',
    in: 'client-node',
    file: 'client/log-progress.js',
    from: 'return this.#laneOf(match).seenTo;',
    to: 'return this.#laneOf(match).seenTo + 1;',
    spec: 'delivery.10',
    shows: 'acknowledged and lost',
    seed: 6,
  },
  {
    // What an earlier life may have got is called new.
    name: 'redelivered-called-new',
    in: 'client-node',
    file: 'client/log-reader.js',
    from: "const isAgain = delivery.verdict === 'redelivered' || this.#progress.isAgain(match, position);",
    to: 'const isAgain = false;',
    spec: 'replay.30',
    shows: 'delivered twice',
    seed: 16,
  },
  {
    // What was sent and not answered is forgotten with the link.
    name: 'outbox-dropped-at-reconnect',
    in: 'client-node',
    file: 'client/publisher.js',
    from: 'this.#outbox.reset();',
    to: 'this.#outbox.clear();',
    spec: 'delivery.13',
    shows: 'never settled',
    seed: 2,
  },
  {
    // What was sealed last is repeated first.
    name: 'repeated-in-reverse',
    in: 'client-node',
    file: 'client/outbox.js',
    from: '.sort((a, b) => a.place - b.place)',
    to: '.sort((a, b) => b.place - a.place)',
    spec: 'delivery.13',
    shows: 'out of order',
    seed: 2,
  },
  {
    // Bytes of the link before count against the credit of the next.
    name: 'credit-not-begun-anew',
    in: 'client-node',
    file: 'client/credit.js',
    from: 'this.#receivedBytes = 0;\n        this.#grantedBytes',
    to: 'this.#grantedBytes',
    spec: 'delivery.14',
    shows: 'honest refused',
    seed: 2,
  },
  {
    // A subscription that the link before had is taken for one of the next.
    name: 'not-subscribed-again',
    in: 'client-node',
    file: 'client/link-carrier.js',
    from: 'carrier.numbers.clear();',
    to: '',
    spec: 'delivery.9',
    shows: 'not resumed',
    seed: 2,
  },
  {
    // The first attempt that fails is the last.
    name: 'reconnects-once',
    in: 'client-node',
    file: 'client/connection.js',
    from: 'this.#retry(reason, 0);',
    to: '',
    spec: 'link.21',
    shows: 'not resumed',
    seed: 2,
  },
];
