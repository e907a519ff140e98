/** A receiver, two senders who may write to it, and envelopes that they sealed: the ground truth of the open targets. */
import { must } from '../core.mjs';
import { toHex } from '../seeds.mjs';

/** @typedef {import('../core.mjs').Core} Core */
/** @typedef {import('@tridcomm/core').Message} Message */
/** @typedef {import('@tridcomm/core').Receiver} Receiver */

/** @typedef {{ seed32: Uint8Array, publicKey32: Uint8Array, keyId32: Uint8Array, mayWrite: boolean }} Sender */
/** @typedef {{ keySource: import('@tridcomm/core').KeySource, topicTag16: Uint8Array }} Topic */
/** @typedef {{ bytes: Uint8Array, messages: readonly Message[] }} Sealed what opens, and what it then must hold */

/** The receiver's clock. */
export const nowMs = 1_800_000_000_000;
export const epoch = 7;

/** @typedef {ReturnType<typeof makeWorld>} World */

/** Sealed with fixed randomness, so that an input means the same in every run. @param {Core} core */
export function makeWorld(core) {
  const { nodeProvider: provider, suites } = core;
  const senders = [1, 2, 3].map((n) => makeSender(core, n));
  const topics = [suites.x25519ChaCha20Poly1305Ed25519, suites.x25519Aes256GcmEd25519].map((suite, i) => ({
    keySource: {
      suite,
      sourceSecret32: filled(32, 0x40 + i),
      groupContext32: filled(32, 0x50 + i),
      bind32: filled(32, 0x60 + i),
    },
    topicTag16: filled(16, 0x70 + i),
  }));
  const byTag = new Map(topics.map((topic) => [toHex(topic.topicTag16), topic]));
  const bySenderId = new Map(senders.map((sender) => [toHex(sender.keyId32.subarray(0, 16)), sender]));

  /** @type {Sealed[]} */
  const envelopes = [];
  /** @type {Sealed[]} */
  const canaries = [];
  for (const topic of topics) {
    const sealer = makeSealer(core, topic, /** @type {Sender} */ (senders[0]));
    canaries.push(sealer({ form: 'single', messages: messages(1), timestampMs: nowMs }));
    envelopes.push(...forms().map(sealer));
  }
  // A sender without the right: its envelopes are sound, and refused.
  const [topic] = topics;
  const unwelcome = makeSealer(core, /** @type {Topic} */ (topic), /** @type {Sender} */ (senders[2]));
  const refused = unwelcome({ form: 'single', messages: messages(1), timestampMs: nowMs }).bytes;

  /** A receiver that has seen nothing, with a count of the calls to its replay state. */
  const newReceiver = () => {
    const calls = { lookUp: 0, commit: 0 };
    const guard = new core.ReplayGuard({ hashKey16: filled(16, 9), life: { kind: 'volatile', bootMs: 0 } });
    /** @type {Receiver} */
    const receiver = {
      provider,
      freshness: {},
      replay: counting(guard, calls),
      findTopic: (tag) => {
        const found = byTag.get(toHex(tag));
        return found && { keySource: (wanted) => (wanted === epoch ? found.keySource : undefined) };
      },
      findSender: (senderId) => bySenderId.get(toHex(senderId)),
      mayWrite: ({ keyId32 }) => bySenderId.get(toHex(keyId32.subarray(0, 16)))?.mayWrite === true,
    };
    return { receiver, calls };
  };

  return {
    envelopes,
    jobs: envelopes.flatMap((envelope) => jobsOf(core, envelope)),
    refused,
    canaries,
    newReceiver,
    topicOf: (/** @type {Uint8Array} */ tag) => byTag.get(toHex(tag)),
    senderOf: (/** @type {Uint8Array} */ senderId) => bySenderId.get(toHex(senderId)),
  };
}

/** The guard with its calls counted. @template {object} T @param {T} guard @param {Record<string, number>} calls @returns {T} */
function counting(guard, calls) {
  return new Proxy(guard, {
    get(target, name) {
      const member = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (/** @type {unknown[]} */ ...given) => {
        calls[String(name)] = (calls[String(name)] ?? 0) + 1;
        return member.apply(target, given);
      };
    },
  });
}

/** @param {Core} core @param {number} n @returns {Sender} */
function makeSender({ nodeProvider: provider, keyId, keyAlgorithms }, n) {
  const seed32 = filled(32, n);
  const publicKey32 = provider.publicKey('ed25519', seed32);
  return { seed32, publicKey32, keyId32: keyId(provider, keyAlgorithms.ed25519, publicKey32), mayWrite: n < 3 };
}

/**
 * @param {Core} core @param {Topic} topic @param {Sender} sender
 * @returns {(input: import('@tridcomm/core').SealInput) => Sealed}
 */
function makeSealer({ nodeProvider: provider, StreamSealer, patternKinds }, { keySource, topicTag16 }, sender) {
  let draws = 0;
  const sealer = new StreamSealer({
    provider,
    random: (length) => filled(length, ++draws),
    keySource,
    senderKeyId32: sender.keyId32,
    hedgeSecret32: filled(32, 8),
    patternKind: patternKinds.pubSub.data,
    topicTag16,
    epoch,
  });
  return (input) => {
    const unsigned = sealer.seal(input);
    return {
      bytes: unsigned.finish(provider.ed25519Sign(sender.seed32, unsigned.signInput)),
      messages: input.messages,
    };
  };
}

/** One of each form, with and without what may be added. @returns {import('@tridcomm/core').SealInput[]} */
function forms() {
  const timestampMs = nowMs;
  const extensions = [
    { number: 4, value: u64(nowMs + 1_000) },
    { number: 6, value: filled(32, 1) },
    { number: 9, value: filled(32, 2) },
  ];
  return [
    { form: 'single', timestampMs, messages: messages(1) },
    { form: 'single', timestampMs, messages: messages(1), extensions, recordCommit: true, keyinfo: filled(20, 3) },
    { form: 'batch', timestampMs, messages: messages(3) },
    { form: 'batch', timestampMs, messages: messages(5), padded: true, extensions },
    { form: 'merkle', timestampMs, messages: messages(5), jobsPerLeaf: 2 },
    {
      form: 'merkle',
      timestampMs,
      messages: messages(3),
      jobsPerLeaf: 1,
      padded: true,
      extensions,
      recordCommit: true,
    },
  ];
}

/** @param {number} count @returns {Message[]} */
function messages(count) {
  return Array.from({ length: count }, (_, i) => ({
    timestampMs: count === 1 ? nowMs : nowMs - 100 * i,
    payload: filled(5 * i + 3, i),
  }));
}

/** @param {Core} core @param {Sealed} sealed @returns {Sealed[]} its leaves, if it has some */
function jobsOf({ nodeProvider: provider, parseEnvelope, SplitBatch }, { bytes, messages }) {
  const envelope = parseEnvelope(bytes);
  const { merkle } = envelope.extensions;
  if (merkle === undefined) return [];
  const batch = new SplitBatch(provider, envelope);
  must(batch.leafCount === merkle.leafCount, 'a batch with another number of leaves');
  return Array.from({ length: batch.leafCount }, (_, leaf) => ({
    bytes: batch.job(leaf),
    messages: messages.slice(leaf * merkle.jobsPerLeaf, (leaf + 1) * merkle.jobsPerLeaf),
  }));
}

/** @param {number} length @param {number} value */
function filled(length, value) {
  return new Uint8Array(length).fill(value);
}

/** @param {number} value */
function u64(value) {
  const out = Buffer.alloc(8);
  out.writeBigUInt64BE(BigInt(value));
  return out;
}
