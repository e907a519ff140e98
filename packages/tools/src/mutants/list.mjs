/** All mutants. Each takes away one thing that a requirement asks for, and nothing else. */
import { brokerMutants } from './list/brokers.mjs';
import { clientMutants } from './list/clients.mjs';
import { cryptoMutants } from './list/crypto.mjs';
import { envelopeMutants } from './list/envelope.mjs';
import { groupMutants } from './list/groups.mjs';
import { linkMutants } from './list/links.mjs';
import { memberMutants } from './list/members.mjs';
import { patternMutants } from './list/patterns.mjs';
import { principalMutants } from './list/principals.mjs';
import { replayMutants } from './list/replay.mjs';
import { topicMutants } from './list/topics.mjs';
import { wireMutants } from './list/wire.mjs';

/** By the name of their file. @type {Readonly<Record<string, readonly import('./mutate.mjs').Mutant[]>>} */
export const lists = {
  wire: wireMutants,
  crypto: cryptoMutants,
  envelope: envelopeMutants,
  replay: replayMutants,
  topics: topicMutants,
  principals: principalMutants,
  groups: groupMutants,
  links: linkMutants,
  clients: clientMutants,
  brokers: brokerMutants,
  members: memberMutants,
  patterns: patternMutants,
};

export const mutants = Object.values(lists).flat();
