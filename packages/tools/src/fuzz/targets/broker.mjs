/** The broker's engine behind a link that has opened: whatever its peer says. */
import { answerOf, loadBroker, must } from '../core.mjs';
import { makeNodeWorld, nowMs } from './node-world.mjs';

/** @typedef {import('../core.mjs').Core} Core */
/** @typedef {import('../engine.mjs').Target} Target */
/** @typedef {import('@tridcomm/core/link').LinkMessage} LinkMessage */
/** @typedef {import('./node-world.mjs').Node} Node */
/** @typedef {import('../../../../core/src/codepoints/frame-types.gen.ts').FrameType} FrameType */

const mostQueuedBytes = 1_048_576;
/** Types of frames that stand for something else than a frame. */
const turnType = 0xfe;
const timeType = 0xfd;

/**
 * Input: u8 who ‖ frames. Type 0xfe lets a turn pass, 0xfd so many ms as its channel says.
 * @param {Core} core @param {unknown} _tests @param {unknown} _world @param {string} folder @returns {Promise<Target>}
 */
export async function brokerTarget(core, _tests, _world, folder) {
  const broker = await loadBroker(folder);
  const world = makeNodeWorld(core);
  /** Members without any right, who may write, who may read, and the authority. */
  const peers = [world.other, world.writer, world.reader, world.source];
  return {
    name: 'broker',
    files: /^broker\/engine\/|^relay\//,
    seeds: peers.flatMap((_, who) => seedsOf(core, world).map((frames) => Buffer.concat([Uint8Array.of(who), frames]))),
    slowMs: 400,
    // Everything of the authority is verified anew for each input.
    reservedBytes: 8 * 1_048_576,
    async run(input) {
      const scene = newScene(core, broker, world);
      const node = peers[(input[0] ?? 0) % peers.length] ?? world.other;
      const peer = scene.connect(node, 1_000_000);
      const serial = scene.engine.trust.authorityRecord?.serial;
      let numbered = 0;
      for (const frame of framesIn(input.subarray(1))) {
        if (frame.type === turnType) await scene.turn();
        else if (frame.type === timeType) scene.advance(frame.channel);
        else {
          const { value } = answerOf(core, () =>
            core.decodeMessage('initiator', /** @type {FrameType} */ (frame.type), frame.channel, frame.body),
          );
          if (value === undefined) continue;
          if (value.type === 'bundle' || (value.type === 'envelope' && value.durability > 0)) numbered++;
          peer.connection?.receive(value);
        }
        checkBounds(scene, peer);
      }
      for (let i = 0; i < 4; i++) await scene.turn();
      must(scene.faults.length === 0, `a mistake of the broker: ${scene.faults.join()}`);
      checkAnswers(peer, numbered);
      checkHonest(scene, world, node);
      must(
        node === world.source || scene.engine.trust.authorityRecord?.serial === serial,
        'somebody else than the authority changed what is believed',
      );
      peer.connection?.lost('peer', 'E_TRANSPORT');
      must(scene.engine.connectionCount === 1 && scene.engine.subCount === 1, 'a link that has ended leaves something');
    },
  };
}

/** @param {Scene} scene @param {Peer} peer */
function checkBounds({ engine }, { connection }) {
  must(engine.queuedBytes <= 2 * mostQueuedBytes, `${engine.queuedBytes} bytes wait`);
  must((connection?.subs.size ?? 0) <= 4_096, `${connection?.subs.size} subs`);
  must((connection?.outbox.waitingAddresses ?? 0) <= 8_192, 'addresses that wait');
}

/** Each numbered frame at most once, acks in their order. @param {Peer} peer @param {number} numbered */
function checkAnswers({ messages }, numbered) {
  let acked = 0;
  const rejected = new Set();
  for (const message of messages) {
    if (message.type === 'ack') {
      must(message.number > acked && message.number <= numbered, `ack ${message.number} after ${acked} of ${numbered}`);
      acked = message.number;
    }
    if (message.type !== 'reject' || message.about !== 'numbered') continue;
    must(message.number > acked && message.number <= numbered, `reject ${message.number} after ack ${acked}`);
    must(!rejected.has(message.number), `reject ${message.number} twice`);
    rejected.add(message.number);
  }
}

/** Who reads gets what a writer said, and nothing that somebody without a right did. @param {Scene} scene @param {import('./node-world.mjs').NodeWorld} world @param {Node} node */
function checkHonest({ reader }, world, node) {
  must(reader.closed === undefined, `the honest reader is cut off with ${reader.closed}`);
  for (const message of reader.messages) {
    if (message.type !== 'envelope') continue;
    // A writer may send what does not verify, up to 63 of 64 times; that is for receivers to see.
    must(node === world.writer || world.isSealed(message.envelope), 'an envelope of nobody who may write');
  }
}

/** @typedef {ReturnType<typeof newScene>} Scene */
/** @typedef {ReturnType<Scene['connect']>} Peer */

/** A broker that knows its authority, with an honest reader. @param {Core} core @param {import('../core.mjs').Broker} broker @param {import('./node-world.mjs').NodeWorld} world */
function newScene(core, broker, world) {
  let clockMs = nowMs;
  /** @type {(() => void)[]} */
  const deferred = [];
  /** @type {string[]} */
  const faults = [];
  const engine = new broker.BrokerEngine({
    provider: world.provider,
    authorityId32: world.authorityId32,
    random: new core.SeededRandom(31).bytes,
    now: () => clockMs,
    defer: (work) => void deferred.push(work),
    store: { log: new broker.MemoryLog({ now: () => clockMs }), isDurable: true },
    mostQueuedBytes,
    onEvent: (event) => {
      if (event.type === 'internalError') faults.push(`${event.where} ${event.name}`);
    },
  });
  must(engine.restore(world.objects, nowMs) === 0, 'a world that does not hold');

  /** @param {Node} node @param {number} creditBytes */
  const connect = (node, creditBytes) => {
    const record = core.decodePrincipalRecord(
      world.provider,
      core.parseObject(world.provider, node.record, core.objectKinds.principalRecord),
    );
    /** @type {LinkMessage[]} */
    const messages = [];
    const peer = {
      messages,
      bufferedBytes: 0,
      /** @type {string | undefined} */
      closed: undefined,
      /** @type {import('../../../../broker/src/engine/connection.ts').Connection | undefined} */
      connection: undefined,
      /** @param {LinkMessage} message */
      send(message) {
        must(peer.closed === undefined, 'sent to a link that was closed');
        messages.push(message);
      },
      /** @param {{ code: string } | undefined} error */
      close: (error) => void (peer.closed = error?.code ?? 'none'),
      setReading: () => {},
    };
    peer.connection = engine.connect(record, creditBytes, peer);
    return peer;
  };
  const reader = connect(world.reader, 1e9);
  reader.connection?.receive({ type: 'sub', sub: 1, match: world.match, from: 0 });
  must(engine.subCount === 1, 'the honest reader may not read');
  return {
    engine,
    faults,
    reader,
    connect,
    async turn() {
      for (const work of deferred.splice(0)) work();
      await new Promise((resolve) => setImmediate(resolve));
    },
    /** @param {number} ms */
    advance(ms) {
      clockMs += ms;
      engine.tick();
    },
  };
}

/** @param {Uint8Array} bytes @returns {{ type: number, channel: number, body: Uint8Array }[]} */
function framesIn(bytes) {
  const from = Buffer.from(bytes);
  const frames = [];
  for (let at = 0; at + 8 <= from.length && frames.length < 64;) {
    const length = Math.min(from.readUInt32BE(at + 4), from.length - at - 8);
    const body = new Uint8Array(from.subarray(at + 8, at + 8 + length));
    frames.push({ type: from.readUInt8(at), channel: from.readUInt16BE(at + 2), body });
    at += 8 + length;
  }
  return frames;
}

/** What a member, and an authority, would say. @param {Core} core @param {import('./node-world.mjs').NodeWorld} world */
function seedsOf(core, { envelopes, match, objects, bundles }) {
  const turn = Uint8Array.of(turnType, 0, 0, 0, 0, 0, 0, 0);
  const aSecond = Uint8Array.of(timeType, 0, 3, 232, 0, 0, 0, 0);
  /** @param {...LinkMessage} messages */
  const said = (...messages) =>
    Buffer.concat([
      ...messages.flatMap((message) => core.encodeMessage('initiator', message, core.limits.frameHardCapBytes)),
      turn,
      turn,
    ]);
  const addresses = objects.slice(0, 20).map(({ address16 }) => address16);
  const [small = new Uint8Array(1)] = [...bundles].sort((a, b) => a.length - b.length);
  const [first = small, second = small] = envelopes;
  return [
    said({ type: 'sub', sub: 1, match, from: 0 }, { type: 'sub', sub: 2, match, from: 1 }, { type: 'unsub', sub: 1 }),
    ...[0, 1, 2, 3].map((durability) => said({ type: 'envelope', durability, envelope: first })),
    said({ type: 'envelope', durability: 2, envelope: first }, { type: 'envelope', durability: 1, envelope: second }),
    said({ type: 'watch', keeps: true, addresses }, { type: 'watch', keeps: false, addresses }),
    said({ type: 'bundle', bundle: small }),
    said({ type: 'credit', bytes: 1_000_001 }, { type: 'ping', answers: false, token: 1, timeMs: nowMs }),
    said({ type: 'close', code: 'E_EXPIRED', retryMs: 1 }),
    Buffer.concat([
      said({ type: 'sub', sub: 7, match, from: 1 }),
      aSecond,
      said({ type: 'ping', answers: true, token: 2, timeMs: 1 }),
    ]),
  ];
}
