import {
  keyAlgorithms,
  keyId,
  TridcommError,
  type CryptoProvider,
  type KeySource,
  type RandomSource,
  type RoutingEpoch,
  type RoutingInput,
  type SealInput,
} from '@tridcomm/core';
import { deriveStreamSecret, sealEnvelope } from '@tridcomm/core/internal';
import { readMessages } from './codec.ts';
import { toHex, type Input, type Operation } from './values.ts';

/** The operation of feature `seal`. */
export function sealOperations(provider: CryptoProvider): Record<string, Operation> {
  return {
    'envelope.seal': (input) => {
      const seed = input.bytes('seed');
      const source = input.object('source');
      const senderKeyId32 = keyId(provider, keyAlgorithms.ed25519, provider.publicKey('ed25519', seed));
      const keySource = readKeySource(source, input.integer('suite'));
      const streamId8 = input.bytes('streamId');
      const { sourceSecret32, groupContext32 } = keySource;
      const stream = {
        provider,
        random: testRandom(input.bytes('rng')),
        keySource,
        senderKeyId32,
        hedgeSecret32: input.bytes('hedgeSecret'),
        patternKind: input.integer('patternKind'),
        topicTag16: input.bytes('topicTag'),
        epoch: input.integer('epoch'),
        streamId8,
        streamSecret32: deriveStreamSecret(provider, sourceSecret32, groupContext32, senderKeyId32, streamId8),
      };
      const unsigned = sealEnvelope(stream, input.decimal('seq'), readSealInput(input));
      const envelope = unsigned.finish(provider.ed25519Sign(seed, unsigned.signInput));
      return { envelope: toHex(envelope), id: toHex(unsigned.id32) };
    },
  };
}

/** A key source, whose suite stands beside it in some inputs and inside it in others. */
export function readKeySource(source: Input, suite: number): KeySource {
  return {
    suite,
    sourceSecret32: source.bytes('sourceSecret'),
    groupContext32: source.bytes('groupCtx'),
    bind32: source.bytes('bind'),
  };
}

/** An epoch of a front that routing data are sealed under. */
export function readRoutingEpoch(input: Input): RoutingEpoch {
  return {
    suite: input.integer('suite'),
    epochSecret32: input.bytes('epochSecret'),
    groupContext32: input.bytes('groupCtx'),
  };
}

/** What extension 12 is to say. */
export function readRouting(input: Input): RoutingInput {
  return { data: input.bytes('data'), epoch: { ...readRoutingEpoch(input), number: input.integer('epoch') } };
}

function readSealInput(input: Input): SealInput {
  return {
    form: input.text('form') as SealInput['form'],
    messages: readMessages(input),
    timestampMs: input.decimal('timestamp'),
    padded: input.flag('padded'),
    ...(input.has('jobsPerLeaf') ? { jobsPerLeaf: input.integer('jobsPerLeaf') } : {}),
    extensions: input
      .objects('extensions')
      .map((one) => ({ number: one.integer('number'), value: one.bytes('value') })),
    recordCommit: input.flag('recordCommit'),
    ...(input.has('routing') ? { routing: readRouting(input.object('routing')) } : {}),
    ...(input.has('keyinfo') ? { keyinfo: input.bytes('keyinfo') } : {}),
  };
}

/**
 * The test source of chapter 00: the given bytes from the front, and no others.
 *
 * @spec conventions.5, conventions.6
 */
export function testRandom(bytes: Uint8Array): RandomSource {
  let offset = 0;
  return (length) => {
    if (offset + length > bytes.length) throw new TridcommError('E_USAGE', 'the test randomness ran out');
    offset += length;
    return bytes.slice(offset - length, offset);
  };
}
