/**
 * Seals whatever bytes have the form of an envelope, as a member with a bad implementation would: header, extensions and
 * plaintexts are taken as they are, keys, tags, root and signature are right.
 */
import { answerOf } from '../core.mjs';
import { rootOfPath } from './merkle-reference.mjs';
import { epoch } from './world.mjs';

/** @typedef {import('../core.mjs').Core} Core */
/** @typedef {import('@tridcomm/core').Message} Message */
/** @typedef {import('./world.mjs').World} World */
/** @typedef {import('@tridcomm/core').EnvelopeView | import('@tridcomm/core').JobView} View */

/**
 * @param {Core} core
 * @param {World} world
 * @param {Uint8Array} input plaintexts where ciphertexts are, and 16 bytes for each tag
 * @param {{ asJob: boolean, wrongCommitment: boolean }} how
 * @returns {{ bytes: Uint8Array, isProvable: boolean, messages: () => readonly Message[] } | undefined} undefined where the form
 *   is none, or names no key or sender that is known; not provable is a job whose leaf and path fit no root
 */
export function sealAsMember(core, world, input, { asJob, wrongCommitment }) {
  const bytes = new Uint8Array(input);
  const opened = prepare(core, world, bytes, asJob);
  if (opened === undefined) return undefined;
  const { view, topic, sender, recordKey, parts } = opened;
  const { nodeProvider: provider } = core;
  const plaintexts = parts.map(({ sealed }) => sealed.slice(0, -16));
  if (!wrongCommitment) view.extensions.value(11)?.set(core.commitRecordKey(provider, recordKey));
  for (const [i, { sealed, nonce, aad }] of parts.entries()) {
    sealed.set(provider.aeadSeal(topic.algorithm, recordKey.key32, nonce, aad(), plaintexts[i] ?? sealed));
  }
  const root = rootOver(core, view);
  if (root !== undefined) view.extensions.merkle?.root32.set(root);
  const signedBody = 'body' in view && view.extensions.merkle === undefined ? view.body : new Uint8Array(0);
  const { bind32 } = topic.keySource;
  const toSign = core.signInput(provider, sender.keyId32, bind32, view.protectedHeader, view.keyinfo, signedBody);
  view.signature.set(provider.ed25519Sign(sender.seed32, toSign));
  const isProvable = root !== undefined || view.extensions.merkle === undefined;
  return { bytes, isProvable, messages: () => messagesIn(view, plaintexts) };
}

/**
 * The input that {@link sealAsMember} makes a sound envelope or job of.
 * @param {Core} core @param {World} world @param {Uint8Array} sealed @param {boolean} asJob
 */
export function unsealForMember(core, world, sealed, asJob) {
  const bytes = new Uint8Array(sealed);
  const opened = prepare(core, world, bytes, asJob);
  for (const { sealed: part, nonce, aad } of opened?.parts ?? []) {
    const { algorithm = 'aes-256-gcm' } = opened?.topic ?? {};
    const plaintext = core.nodeProvider.aeadOpen(algorithm, opened?.recordKey.key32 ?? part, nonce, aad(), part);
    if (plaintext === undefined) throw new Error('the world does not open');
    part.set(plaintext);
  }
  return bytes;
}

/** Everything that sealing in place needs. @param {Core} core @param {World} world @param {Uint8Array} bytes @param {boolean} asJob */
function prepare(core, world, bytes, asJob) {
  const view = answerOf(core, () => (asJob ? core.parseJob(bytes) : core.parseEnvelope(bytes))).value;
  if (view === undefined) return undefined;
  const { header, extensions, protectedHeader } = view;
  const found = world.topicOf(header.topicTag);
  const sender = world.senderOf(header.senderId);
  if (found === undefined || sender === undefined || header.epoch !== epoch) return undefined;
  const { keySource } = found;
  const { nodeProvider: provider } = core;
  const streamSecret = core.deriveStreamSecret(
    provider,
    keySource.sourceSecret32,
    keySource.groupContext32,
    sender.keyId32,
    header.streamId,
  );
  const recordKey = core.deriveRecordKey(provider, streamSecret, header.salt);
  const { merkle } = extensions;
  const leaves =
    'body' in view ? (merkle ? core.leavesOf(view.body, merkle.leafCount) : [{ leaf: -1, sealed: view.body }]) : [view];
  const parts = Array.from(leaves, ({ leaf, sealed }) => ({
    sealed,
    nonce: leaf < 0 ? recordKey.nonce12 : core.leafNonce(recordKey.nonce12, leaf),
    // Read when it is used: the commitment stands in it and comes first.
    aad: () =>
      leaf < 0
        ? Buffer.concat([protectedHeader, keySource.bind32])
        : core.leafAad(core.aadHeaderOf(protectedHeader, extensions), keySource.bind32, leaf),
  }));
  /** @type {import('@tridcomm/core').AeadAlgorithm} */
  const algorithm = keySource.suite === 1 ? 'chacha20-poly1305' : 'aes-256-gcm';
  return { view, topic: { keySource, algorithm }, sender, recordKey, parts };
}

/** The root that makes the leaves, or the leaf and its path, right; undefined where none does. @param {Core} core @param {View} view */
function rootOver(core, view) {
  const { nodeProvider: provider } = core;
  if (view.extensions.merkle === undefined) return undefined;
  const { leafCount } = view.extensions.merkle;
  if ('body' in view) {
    const hashes = Array.from(core.leavesOf(view.body, leafCount), ({ leaf, sealed }) =>
      core.hashLeaf(provider, leaf, sealed),
    );
    return new core.MerkleTree(provider, hashes).root;
  }
  return rootOfPath(provider, core.hashLeaf(provider, view.leaf, view.sealed), view.leaf, leafCount, view.path);
}

/** What the plaintexts hold, read by a decoder of its own that assumes they are sound. @param {View} view @param {readonly Uint8Array[]} plaintexts @returns {Message[]} */
function messagesIn({ header, extensions, ...view }, plaintexts) {
  const { flags, count, timestampMs } = header;
  if ((flags & 1) === 0) return plaintexts.map((payload) => ({ timestampMs, payload }));
  const perLeaf = extensions.merkle?.jobsPerLeaf ?? count;
  const first = 'leaf' in view ? view.leaf : 0;
  return plaintexts.flatMap((plaintext, i) => {
    let at = 0;
    const varint = () => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = plaintext[at++] ?? 0;
        value += (byte & 127) * scale;
        if (byte < 128) return value;
      }
    };
    return Array.from({ length: Math.min(perLeaf, count - (first + i) * perLeaf) }, () => {
      at++;
      const madeMs = timestampMs - varint();
      const length = varint();
      at += length;
      return { timestampMs: madeMs, payload: plaintext.subarray(at - length, at) };
    });
  });
}
