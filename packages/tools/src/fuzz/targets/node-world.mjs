/** An authority with a group, its members, a broker, and what they signed and sealed: the ground truth of the targets of whole nodes. */
import { toHex } from '../seeds.mjs';

/** @typedef {import('../core.mjs').Core} Core */
/** @typedef {import('@tridcomm/core').Identity} Identity */
/** @typedef {{ name: string, identity: Identity, record: Uint8Array }} Node */

/** The clock of everybody, which stands still. */
export const nowMs = 1_800_000_000_000;
export const topic = 'orders/new';
export const brokerName = 'broker.example';

/** @typedef {ReturnType<typeof makeNodeWorld>} NodeWorld */

/** Keys and draws follow from seeds, so that an input means the same in every run. @param {Core} core */
export function makeNodeWorld(core) {
  const random = new core.SeededRandom(11).bytes;
  const provider = seededProvider(core, 12);
  /** @type {Uint8Array[]} */
  const bundles = [];
  const relay = { /** @param {Uint8Array} bundle */ apply: (bundle) => void bundles.push(bundle) };
  const authority = core.Authority.create({ provider, random, publish: (bundle) => relay.apply(bundle) }, nowMs);
  const { authorityId32 } = authority;
  /** @param {string} name @param {number} roles @returns {Node} */
  const join = (name, roles) => {
    const identity = core.Identity.create(provider, random, nowMs);
    const record = authority.issue(identity.key, { name, roles }, nowMs);
    authority.takeKeyRecord(identity.keyRecord(authorityId32, 1, nowMs), nowMs);
    return { name, identity, record };
  };
  const { principalRoles } = core;
  const [writer, reader, other] = [join('writer', 1), join('reader', 1), join('other', 1)];
  const broker = join(brokerName, principalRoles.broker);
  const source = join('authority', principalRoles.authority);
  authority.addGroup({ patterns: [topic] }, nowMs);
  authority.grantAll(
    [
      { keyId32: writer.identity.key.keyId32, action: 'publish', pattern: topic, join: 'now' },
      { keyId32: reader.identity.key.keyId32, action: 'subscribe', pattern: topic, join: 'now' },
    ],
    nowMs,
  );
  const state = new core.RelayState({ provider, authorityId32 });
  for (const bundle of bundles) state.judge(bundle, nowMs).commit(nowMs);
  const objects = state.objects(nowMs);
  const payloads = Array.from({ length: 6 }, (_, i) => new TextEncoder().encode(`message ${i}`));
  const sealed = sealAll(core, { provider, random, authorityId32, bundles, node: writer, payloads });
  return {
    provider,
    authorityId32,
    authorityRecords: state.authorityRecords,
    /** Everything that a broker retains, in the order in which it is needed. */
    objects,
    bundles,
    writer,
    reader,
    other,
    broker,
    source,
    envelopes: sealed.envelopes,
    /** What readers ask a broker for. */
    match: sealed.match,
    /** Whether the writer sealed these bytes. */
    isSealed: (/** @type {Uint8Array} */ bytes) => sealed.known.has(toHex(bytes)),
    /** Whether the writer sealed an envelope with this payload. */
    isPayload: (/** @type {Uint8Array} */ bytes) => payloads.some((one) => Buffer.compare(one, bytes) === 0),
  };
}

/** A provider whose key pairs follow from a seed. @param {Core} core @param {number} seed @returns {Core['nodeProvider']} */
export function seededProvider({ nodeProvider, SeededRandom }, seed) {
  const random = new SeededRandom(seed).bytes;
  return {
    ...nodeProvider,
    generateKeyPair(algorithm) {
      const secretKey = random(32);
      return { secretKey, publicKey: nodeProvider.publicKey(algorithm, secretKey) };
    },
  };
}

/**
 * Envelopes of the writer, each with one payload, and the match that a reader of the topic asks for.
 * @param {Core} core
 * @param {{ provider: Core['nodeProvider'], random: (length: number) => Uint8Array, authorityId32: Uint8Array, bundles: readonly Uint8Array[], node: Node, payloads: readonly Uint8Array[] }} world
 */
function sealAll(core, { provider, random, authorityId32, bundles, node, payloads }) {
  const relay = new core.Relay({ provider, authorityId32, now: () => nowMs });
  for (const bundle of bundles) relay.apply(bundle);
  /** @type {import('@tridcomm/core').TopicMatch[]} */
  const matches = [];
  const client = new core.Client({
    provider,
    random,
    authorityId32,
    identity: node.identity,
    startMs: nowMs,
    carrier: {
      publish: () => {},
      subscribe: (match) => void matches.push(match),
      unsubscribe: () => {},
      watch: (address16) => link.watch(address16),
      fetch: (address16) => link.fetch(address16),
    },
  });
  const link = relay.attach(
    node.identity.key.keyId32,
    client.receiver(() => nowMs),
  );
  client.start(nowMs);
  client.subscribe(topic, nowMs);
  const envelopes = payloads.flatMap((payload) => client.publish(topic, [payload], nowMs).envelopes);
  const [match] = matches;
  if (match === undefined) throw new Error('a world without a match');
  return { envelopes, match, known: new Set(envelopes.map((bytes) => toHex(bytes))) };
}
