import { readU32 } from '../../src/bytes/bytes.ts';
import { hexOf } from '../../src/client/hex.ts';
import { routeSecretAt } from '../../src/client/route-secrets.ts';
import { patternKinds } from '../../src/codepoints/patterns.gen.ts';
import { StreamSealer } from '../../src/envelope/stream-sealer.ts';
import { decodeGroupPrivate } from '../../src/keys/group-private.ts';
import { parseBlock } from '../../src/keys/key-block-format.ts';
import { openPrivate } from '../../src/keys/key-block.ts';
import { pubSubInput } from '../../src/patterns/pub-sub.ts';
import { parseTopic } from '../../src/topics/grammar.ts';
import { deriveRouteKey, tagPeriod, tagTopic } from '../../src/topics/tags.ts';
import { encode, type Member } from './world.ts';

/** An envelope that a durable member would not make: with a head that there is not. */
export function lieOf(member: Member, groupId16: Uint8Array, topicText: string, headSeq: number): Uint8Array {
  const { provider, random, nowMs } = member.world;
  const value = [...member.store!.entries(`epoch/${hexOf(groupId16)}/`)].map(([, held]) => held).at(-1)!;
  const end = 4 + readU32(value, 0);
  const block = parseBlock(provider, value.slice(4, end));
  const sourceSecret32 = value.slice(end);
  const { routeSecrets } = decodeGroupPrivate(openPrivate(provider, block, sourceSecret32)!, true);
  const period = tagPeriod(nowMs, 86_400_000);
  const topic = parseTopic(topicText);
  const routeKey32 = deriveRouteKey(provider, routeSecretAt(routeSecrets, period)!, groupId16, period);
  const tag = tagTopic(provider, routeKey32, period, topic);
  const { suite, epoch } = block.header;
  const { groupContext32, epochCommit32: bind32 } = block;
  const sealer = new StreamSealer({
    provider,
    random,
    keySource: { suite, sourceSecret32, groupContext32, bind32 },
    senderKeyId32: member.keyId32,
    hedgeSecret32: random(32),
    patternKind: patternKinds.pubSub.data,
    topicTag16: tag.tag16,
    epoch,
  });
  const fields = { topic, chain: tag.chain, headSeq, timestampMs: nowMs };
  const unsigned = sealer.seal(pubSubInput(fields, [{ timestampMs: nowMs, payload: encode('x') }]));
  return unsigned.finish(member.identity.key.sign(unsigned.signInput));
}
