/** All mutants. Each takes away one thing that a requirement asks for, and nothing else. */
import { cryptoMutants } from './list/crypto.mjs';
import { envelopeMutants } from './list/envelope.mjs';
import { groupMutants } from './list/groups.mjs';
import { principalMutants } from './list/principals.mjs';
import { replayMutants } from './list/replay.mjs';
import { topicMutants } from './list/topics.mjs';
import { wireMutants } from './list/wire.mjs';

export const mutants = [
  ...wireMutants,
  ...cryptoMutants,
  ...envelopeMutants,
  ...replayMutants,
  ...topicMutants,
  ...principalMutants,
  ...groupMutants,
];
