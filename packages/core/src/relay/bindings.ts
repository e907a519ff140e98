import { patternKinds } from '../codepoints/patterns.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import { decodePoolKeyinfo, poolInfo } from '../patterns/pool-stream.ts';
import { replyContext } from '../patterns/replies.ts';
import { surveyInfo } from '../patterns/survey.ts';
import type { EnvelopeView } from '../wire/envelope.ts';
import type { Retained } from './retained.ts';

/**
 * What the signature of an envelope is bound to, as far as a broker can know: for every pattern, all of it.
 *
 * @param groupId - in hex, of the group whose edge list allows the envelope
 * @returns 32 bytes, or undefined where nothing is retained of the epoch
 * @throws TridcommError `E_SIG` for a keyinfo that the pattern does not have: no signature is bound to it
 * @spec delivery.7
 */
export function bindingOf(
  provider: CryptoProvider,
  retained: Retained,
  senderKeyId32: Uint8Array,
  { header, keyinfo }: EnvelopeView,
  groupId: string,
  nowMs: number,
): Uint8Array | undefined {
  const { patternKind, suite, epoch } = header;
  switch (patternKind) {
    case patternKinds.reqRep.request:
    case patternKinds.pipeline.push:
    case patternKinds.routerDealer.message: {
      const startedMs = startOf(keyinfo);
      const poolHash32 = retained.poolHash32(groupId, epoch, nowMs);
      return poolHash32 && provider.sha256(poolInfo({ suite, poolHash32, senderKeyId32 }, startedMs));
    }
    case patternKinds.reqRep.reply:
    case patternKinds.routerDealer.reply: {
      checkLength(keyinfo, 32);
      const poolHash32 = retained.poolHash32(groupId, epoch, nowMs);
      return poolHash32 && replyContext(provider, keyinfo, poolHash32);
    }
    case patternKinds.survey.reply: {
      checkLength(keyinfo, 64);
      const questionId32 = keyinfo.subarray(0, 32);
      return provider.sha256(surveyInfo({ suite, questionId32, responderKeyId32: senderKeyId32 }));
    }
    default:
      // What is sealed by an epoch has none: messages, questions, forwards.
      checkLength(keyinfo, 0);
      return retained.epochCommit32(groupId, epoch, nowMs);
  }
}

function startOf(keyinfo: Uint8Array): number {
  try {
    return decodePoolKeyinfo(keyinfo).startedMs;
  } catch (cause) {
    throw new TridcommError('E_SIG', 'keyinfo of no pool stream', { cause });
  }
}

function checkLength({ length }: Uint8Array, lengthBytes: number): void {
  if (length !== lengthBytes) throw new TridcommError('E_SIG', `keyinfo of ${length} bytes, not ${lengthBytes}`);
}
