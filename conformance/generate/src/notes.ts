/** Each flag that a case may carry, explained once. */
export interface Note {
  bugType: string;
  description: string;
  effect: string;
  spec: string[];
}

export const NOTES: Readonly<Record<string, Note>> = {
  NonMinimal: {
    bugType: 'MALLEABILITY',
    description: 'A longer encoding of the same value.',
    effect: 'Two byte strings with one meaning.',
    spec: ['conventions.2'],
  },
  Limit: {
    bugType: 'RESOURCE',
    description: 'A value at its limit, or one above it.',
    effect: 'Memory or time that an attacker chooses; or honest input that is lost.',
    spec: ['envelope.34', 'envelope.36', 'framing.7'],
  },
  Truncated: {
    bugType: 'PARSING',
    description: 'The input ends early.',
    effect: 'Reads beyond the input, or waits for ever.',
    spec: ['framing.12', 'envelope.34'],
  },
  Trailing: {
    bugType: 'MALLEABILITY',
    description: 'Bytes stand after the end.',
    effect: 'Two byte strings with one meaning.',
    spec: ['envelope.34'],
  },
  Grease: {
    bugType: 'EXTENSIBILITY',
    description: 'A code point that is reserved so that nobody relies on its absence.',
    effect: 'New code points cannot be introduced later.',
    spec: ['framing.10', 'envelope.12'],
  },
  Chunking: {
    bugType: 'PARSING',
    description: 'The same bytes in other pieces.',
    effect: 'The answer depends on the network.',
    spec: ['framing.13'],
  },
  Reserved: {
    bugType: 'PARSING',
    description: 'A value that v1 reserves.',
    effect: 'A later version gives it a meaning that this receiver does not honour.',
    spec: ['envelope.33'],
  },
  Order: {
    bugType: 'ORDER_OF_CHECKS',
    description: 'Two defects; the one that is met first decides.',
    effect: 'Two implementations give two answers; memory or state is touched too early.',
    spec: ['envelope.27', 'errors.2'],
  },
  Criticality: {
    bugType: 'EXTENSIBILITY',
    description: 'The critical bit is not that of the registry.',
    effect: 'An extension that must be honoured is ignored.',
    spec: ['envelope.13'],
  },
  UnknownCritical: {
    bugType: 'EXTENSIBILITY',
    description: 'An unknown extension with the critical bit.',
    effect: 'A message is opened without what its sender asked for.',
    spec: ['envelope.11'],
  },
  Tampered: {
    bugType: 'AUTHENTICATION',
    description: 'Something was changed after the signature was made.',
    effect: 'A broker rewrites messages.',
    spec: ['suites.18'],
  },
  SmallOrder: {
    bugType: 'SIGNATURE_FORGERY',
    description: 'A point of small order as key or as R.',
    effect: 'A signature that is valid for many messages, or whose validity depends on the library.',
    spec: ['suites.6', 'suites.7'],
  },
  NonCanonical: {
    bugType: 'MALLEABILITY',
    description: 'A coordinate or scalar that is not reduced.',
    effect: 'A second encoding of the same key or signature.',
    spec: ['suites.6', 'suites.7'],
  },
  MixedOrder: {
    bugType: 'SIGNATURE_FORGERY',
    description: 'A point with a component of small order.',
    effect: 'Cofactored and cofactorless verifiers disagree.',
    spec: ['suites.8'],
  },
  Impersonation: {
    bugType: 'AUTHENTICATION',
    description: 'Signed by somebody other than the sender that the header names, or bound to something else.',
    effect: 'One member speaks for another.',
    spec: ['suites.17', 'suites.18', 'suites.19'],
  },
  BrokenSender: {
    bugType: 'CONFORMANCE',
    description: 'Validly signed by the sender, who made the content wrongly.',
    effect: 'A member makes others accept what no sender may write.',
    spec: ['envelope.19', 'envelope.20', 'suites.14'],
  },
  MerkleProof: {
    bugType: 'AUTHENTICATION',
    description: 'A leaf, path or root that does not fit.',
    effect: 'A broker invents, moves or doubles jobs.',
    spec: ['envelope.25', 'envelope.26'],
  },
  SaltHedge: {
    bugType: 'NONCE_REUSE',
    description: 'The same random bytes with other content.',
    effect: 'With a dead or cloned random source one key and nonce serve two messages.',
    spec: ['suites.10', 'suites.16'],
  },
  Commitment: {
    bugType: 'KEY_COMMITMENT',
    description: 'The committed record key is another.',
    effect: 'One ciphertext has two readings.',
    spec: ['suites.15'],
  },
  Replayed: {
    bugType: 'REPLAY',
    description: 'Something that was accepted before comes again.',
    effect: 'An action is done twice.',
    spec: ['replay.7', 'replay.19', 'replay.20'],
  },
  WindowAbuse: {
    bugType: 'DENIAL_OF_SERVICE',
    description: 'A message that fails must not move the window.',
    effect: 'A stranger makes honest messages too old.',
    spec: ['replay.9', 'envelope.28'],
  },
  Reordered: {
    bugType: 'AVAILABILITY',
    description: 'Honest messages out of order.',
    effect: 'Honest messages are lost.',
    spec: ['replay.8'],
  },
  Fork: {
    bugType: 'EQUIVOCATION',
    description: 'One number, two contents, both validly signed.',
    effect: 'A cloned or dishonest sender tells two stories.',
    spec: ['replay.12', 'replay.13', 'replay.14'],
  },
  Restart: {
    bugType: 'REPLAY',
    description: 'What a receiver accepted before it restarted.',
    effect: 'A crash re-opens the door to replay.',
    spec: ['replay.22', 'replay.23', 'replay.25'],
  },
  Admission: {
    bugType: 'REPLAY',
    description: 'Which streams are held, and what forgetting one means.',
    effect: 'Forgotten streams can be replayed, or honest ones are locked out.',
    spec: ['replay.15', 'replay.16'],
  },
  Race: {
    bugType: 'RACE',
    description: 'Two messages pass the look-up before either is accepted.',
    effect: 'Both are delivered.',
    spec: ['envelope.28', 'envelope.30'],
  },
  Freshness: {
    bugType: 'REPLAY',
    description: 'Too old, too far ahead, or past its expiry; and the boundaries of each.',
    effect: 'A message acts long after it was meant to.',
    spec: ['replay.2', 'replay.3', 'replay.4'],
  },
  Unicode: {
    bugType: 'MALLEABILITY',
    description: 'Text in more than one encoding or normal form.',
    effect: 'Two names that look the same are different, or the reverse.',
    spec: ['topics.3'],
  },
  Wildcard: {
    bugType: 'AUTHORIZATION',
    description: 'What a pattern matches, and where wildcards may stand.',
    effect: 'A subscriber gets more or less than was granted.',
    spec: ['topics.5', 'topics.7'],
  },
  Oracle: {
    bugType: 'SIDE_CHANNEL',
    description: 'What a peer learns from a refusal.',
    effect: 'Keys, members or memory can be probed.',
    spec: ['errors.3', 'errors.4'],
  },
  Downgrade: {
    bugType: 'DOWNGRADE',
    description: 'Another version or suite than agreed.',
    effect: 'An attacker chooses the weaker one.',
    spec: ['envelope.32', 'suites.2', 'suites.3'],
  },
  KeyUse: {
    bugType: 'KEY_VALIDATION',
    description: 'A key that must not be used.',
    effect: 'A shared secret or a signature that anyone can make.',
    spec: ['suites.4', 'suites.5', 'suites.6'],
  },
  TestRandomness: {
    bugType: 'RANDOMNESS',
    description: 'Which random bytes are drawn, and what happens when they run out.',
    effect: 'Predictable or repeated secrets.',
    spec: ['conventions.5', 'conventions.6'],
  },
};
