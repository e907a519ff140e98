import { deriveRouteKey, matchesTopic, parsePattern, parseTopic, tagTopic, type CryptoProvider } from '@tridcomm/core';
import { routedPeriods, tagAnswers, tagInbox, tokenOfPattern, type AnswerTags } from '@tridcomm/core/internal';
import { toHex, type Input, type Operation, type Value } from './values.ts';

/** The operations of feature `topics`. */
export function topicOperations(provider: CryptoProvider): Record<string, Operation> {
  const routeKeyOf = (input: Input) =>
    deriveRouteKey(provider, input.bytes('routeSecret'), input.bytes('groupId'), input.integer('period'));
  return {
    'topic.parse': (input) => ({ segments: showSegments(parseTopic(input.bytes('topic'))) }),
    'pattern.parse': (input) => ({ segments: showSegments(parsePattern(input.bytes('pattern'))) }),
    'topic.match': (input) => ({
      match: matchesTopic(parsePattern(input.bytes('pattern')), parseTopic(input.bytes('topic'))),
    }),
    'topic.tag': (input) => {
      const topic = parseTopic(input.bytes('topic'));
      const routeKey = routeKeyOf(input);
      const { tag16, chain } = tagTopic(provider, routeKey, input.integer('period'), topic);
      return { routeKey: toHex(routeKey), tag: toHex(tag16), chain: toHex(chain) };
    },
    'topic.token': (input) => {
      const pattern = parsePattern(input.bytes('pattern'));
      const found = tokenOfPattern(provider, routeKeyOf(input), input.integer('period'), pattern);
      const shown = { kind: found.kind, token: toHex(found.token16) };
      return found.kind === 'exact' ? shown : { ...shown, level: found.level };
    },
    'answer.tag': (input) => {
      return showTags(tagAnswers(provider, routeKeyOf(input), input.integer('period'), input.bytes('keyId')));
    },
    'inbox.tag': (input) => {
      return showTags(tagInbox(provider, routeKeyOf(input), input.integer('period'), input.bytes('keyId')));
    },
    'topic.periods': (input) => ({
      periods: routedPeriods(input.decimal('now'), {
        periodMs: input.decimal('periodMs', 86_400_000),
        maxAgeMs: input.decimal('maxAgeMs', 120_000),
        skewMs: input.decimal('skewMs', 30_000),
      }),
    }),
  };
}

function showTags({ tag16, root16, chain }: AnswerTags): Value {
  return { tag: toHex(tag16), root: toHex(root16), chain: toHex(chain) };
}

function showSegments({ segments }: { readonly segments: readonly string[] }): Value {
  return segments.map((segment) => toHex(new TextEncoder().encode(segment)));
}
