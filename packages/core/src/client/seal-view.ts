import { actions } from '../codepoints/actions.gen.ts';
import { TridcommError } from '../errors.ts';
import type { Topic } from '../topics/grammar.ts';
import { tagPeriod, type AnswerTags, type TopicTag } from '../topics/tags.ts';
import type { Group } from './group.ts';
import type { Holdings } from './holdings.ts';
import { routeSecretAt } from './route-secrets.ts';
import type { View } from './view.ts';

/**
 * The view to seal by.
 *
 * @throws TridcommError `E_STALE`
 * @spec principals.29, principals.32, groups.28
 */
export function viewToSeal({ knownHeads }: Holdings, group: Group, nowMs: number): View {
  const { view } = group;
  if (view === undefined || !group.isFresh(nowMs)) throw new TridcommError('E_STALE', 'view of the group');
  if (group.isBehindBlock(nowMs)) throw new TridcommError('E_STALE', 'block of a later epoch is held');
  if (knownHeads.isBehind(group.id, view.head.headSeq, nowMs)) {
    throw new TridcommError('E_STALE', `view with head ${view.head.headSeq}, a higher one is known`);
  }
  return view;
}

/**
 * The tag of a topic to seal under, and its chain in a group with topic_chains.
 *
 * @throws TridcommError `E_EPOCH` without a route secret for now, `E_POLICY` for a topic that the writers do not let us write
 * @spec patterns.2
 */
export function tagToSeal(
  { keyId32 }: Holdings,
  group: Group,
  view: View,
  topic: Topic,
  nowMs: number,
): Pick<TopicTag, 'tag16'> & { readonly chain: Uint8Array | undefined } {
  const { secret32, period } = routeToSeal(view, nowMs);
  const { tag16, chain } = group.tags.tagOf(secret32, period, topic);
  const ownChain = view.record.topicChains ? chain : undefined;
  if (!view.writers.allowsEnvelope(keyId32, actions.publish, nowMs, tag16, ownChain)) {
    throw new TridcommError('E_POLICY', 'topic that the writers do not let us write');
  }
  return { tag16, chain: ownChain };
}

/**
 * The answer tag and chain of who asked, to seal an answer under.
 *
 * @throws TridcommError `E_EPOCH` without a route secret for now, `E_POLICY` where the writers do not let us respond
 * @spec topics.13
 */
export function answerTagToSeal(
  { keyId32 }: Holdings,
  group: Group,
  view: View,
  askerKeyId32: Uint8Array,
  nowMs: number,
): AnswerTags {
  const { secret32, period } = routeToSeal(view, nowMs);
  const tags = group.tags.answersOf(secret32, period, askerKeyId32);
  if (!view.writers.allowsEnvelope(keyId32, actions.respond, nowMs, tags.tag16, tags.chain)) {
    throw new TridcommError('E_POLICY', 'group that the writers do not let us respond in');
  }
  return tags;
}

/**
 * The inbox tag and chain of a member of the crew, to seal a forward under.
 *
 * @throws TridcommError `E_EPOCH` without a route secret for now, `E_POLICY` where the writers do not let us route
 * @spec patterns.39
 */
export function inboxTagToSeal(
  holdings: Holdings,
  front: Group,
  view: View,
  workerKeyId32: Uint8Array,
  nowMs: number,
): AnswerTags {
  const { secret32, period } = routeToSeal(view, nowMs);
  const tags = front.tags.inboxOf(secret32, period, workerKeyId32);
  checkMayRoute(holdings, view, tags, nowMs);
  return tags;
}

/** @throws TridcommError `E_POLICY` where the writers do not let us route */
export function checkMayRoute(
  { keyId32 }: Holdings,
  { writers }: View,
  { tag16, chain }: Pick<AnswerTags, 'tag16' | 'chain'>,
  nowMs: number,
): void {
  if (writers.allowsEnvelope(keyId32, actions.route, nowMs, tag16, chain)) return;
  throw new TridcommError('E_POLICY', 'front that the writers do not let us route in');
}

function routeToSeal({ record, block }: View, nowMs: number): { secret32: Uint8Array; period: number } {
  const period = tagPeriod(nowMs, record.periodMs);
  const secret32 = routeSecretAt(block.private.routeSecrets, period);
  if (secret32 === undefined) throw new TridcommError('E_EPOCH', `no route secret for period ${period}`);
  return { secret32, period };
}
