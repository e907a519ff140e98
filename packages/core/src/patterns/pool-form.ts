import { equalBytes } from '../bytes/bytes.ts';
import { extensions as numbers } from '../codepoints/extensions.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { patternKinds } from '../codepoints/patterns.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { EnvelopeView, JobView } from '../wire/envelope.ts';
import { flagBits } from '../wire/header.ts';
import { decodePoolKeyinfo, poolStreamId, type PoolKeyinfo } from './pool-stream.ts';
import { refusal } from './refusal.ts';

/**
 * What step 8 asks of a request, job or message in a front, beyond epoch and freshness: everybody judges a stream alike, whatever part of it came.
 *
 * @returns what its keyinfo says; views
 * @throws TridcommError `E_ENCODING`, `E_EXT`, `E_LENGTH`, `E_LIMIT`, `E_EXPIRED`
 * @spec patterns.16
 */
export function checkPoolForm(provider: CryptoProvider, view: EnvelopeView | JobView): PoolKeyinfo {
  const { header, extensions } = view;
  const { flags, patternKind, timestampMs, seq } = header;
  const isJob = patternKind === patternKinds.pipeline.push;
  const isMessage = patternKind === patternKinds.routerDealer.message;
  if (!isJob && !isMessage && patternKind !== patternKinds.reqRep.request) {
    throw refusal('E_ENCODING', 'neither a request nor a job nor a message');
  }
  if (!isJob && (flags & flagBits.merkle) !== 0) throw refusal('E_ENCODING', 'leaves of anything but jobs');
  if ((flags & flagBits.batch) === 0) throw refusal('E_ENCODING', 'request, job or message as a single');
  if (extensions.value(numbers.headSeq) === undefined) throw refusal('E_EXT', 'no extension 8');
  const isRouted = extensions.value(numbers.routing) !== undefined;
  if (isMessage !== isRouted) throw refusal('E_EXT', isMessage ? 'no extension 12' : 'extension 12 without routers');
  const keyinfo = decodePoolKeyinfo(view.keyinfo);
  const { enc32, startedMs } = keyinfo;
  if (!equalBytes(poolStreamId(provider, enc32), header.streamId)) throw refusal('E_ENCODING', 'stream of another enc');
  if (startedMs > timestampMs) throw refusal('E_ENCODING', `stream of ${startedMs}, timestamp ${timestampMs}`);
  if (timestampMs > startedMs + limits.poolStreamMs) throw refusal('E_EXPIRED', `stream of ${startedMs}`);
  if (seq > limits.poolStreamEnvelopes) throw refusal('E_LIMIT', `seq ${seq} of a pool stream`);
  return keyinfo;
}
