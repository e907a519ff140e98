/** A client of a broker that says whatever it likes, once the link is open. */
import { loadClientNode, must } from '../core.mjs';
import { brokerName, makeNodeWorld, nowMs, topic } from './node-world.mjs';

/** @typedef {import('../core.mjs').Core} Core */
/** @typedef {import('../engine.mjs').Target} Target */
/** @typedef {import('@tridcomm/core/link').LinkMessage} LinkMessage */

const exporter32 = new Uint8Array(32).fill(9);

/**
 * Input: u8 1 the broker hands over first what it retains, 0 it does not ‖ frames on a link of mode T.
 * @param {Core} core @param {unknown} _tests @param {unknown} _world @param {string} folder @returns {Promise<Target>}
 */
export async function clientTarget(core, _tests, _world, folder) {
  const clientNode = await loadClientNode(folder);
  const world = makeNodeWorld(core);
  // The client asks the platform, and this thread has one target alone.
  Date.now = () => nowMs;
  return {
    name: 'client',
    files: /^client-node\/(client|links)\/|^client\//,
    seeds: seedsOf(core, world),
    maxBytes: 16_384,
    slowMs: 500,
    reservedBytes: 64 * 1_048_576,
    async run(input) {
      const scene = newScene(core, world);
      /** @type {string[]} */
      const faults = [];
      const client = await clientNode.connectIn(
        { random: new core.SeededRandom(51).bytes, dial: scene.dial, leastWindowBytes: 1_048_584 },
        'tls://broker.example:1',
        {
          identity: scene.store(clientNode.names),
          authorityId: world.authorityId32,
          brokerName,
          tls: {},
          windowBytes: 1_048_584,
        },
      );
      client.addEventListener('status', ({ status }) => {
        if (status.type === 'failed') faults.push(`${status.what}: ${String(status.error)}`);
        if (status.type === 'disconnected' && status.error !== undefined) checkCode(core, faults, status.error.code);
        if (status.type === 'refused') checkCode(core, faults, status.error.code);
      });
      /** @param {import('@tridcomm/client-node').MessageBatch} batch */
      const onBatch = ({ records, sender }) => {
        if (sender.name !== 'writer') faults.push(`a message of ${sender.name}`);
        for (const { payload } of records) if (!world.isPayload(payload)) faults.push('a payload that nobody sealed');
      };
      client.subscribe(topic, { onBatch });
      client.subscribe(topic, { onBatch, from: 1 });
      if (((input[0] ?? 0) & 1) === 1) scene.say(...objectMessages(world));
      await settle();
      scene.sayBytes(input.subarray(1));
      await settle();
      await client.close();
      must(faults.length === 0, faults.join('; '));
    },
  };
}

/** @param {Core} core @param {string[]} faults @param {string} code */
function checkCode({ errorTable }, faults, code) {
  if (!Object.hasOwn(errorTable, code) || code === 'E_INTERNAL' || code === 'E_USAGE')
    faults.push(`refused with ${code}`);
}

/** Lets everything happen that needs no time. */
async function settle() {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** A broker that opens a link as it should, and then says what it is told to. @param {Core} core @param {import('./node-world.mjs').NodeWorld} world */
function newScene(core, world) {
  /** @type {import('../../../../client-node/src/links/byte-stream.ts').StreamHandlers | undefined} */
  let handlers;
  let isOver = false;
  let isAsked = false;
  const trust = new core.Trust({ provider: world.provider, authorityId32: world.authorityId32 });
  for (const record of world.authorityRecords) trust.takeAuthorityRecord(record, nowMs);
  const engine = new core.LinkEngine(
    {
      provider: world.provider,
      random: new core.SeededRandom(52).bytes,
      now: () => nowMs,
      side: 'responder',
      mode: core.linkModes.tls,
      key: world.broker.identity.key,
      principalRecord: world.broker.record,
      trust,
      authorityRecords: (afterSerial) => world.authorityRecords.slice(afterSerial),
      creditBytes: 0,
      tls: { exporter32, certificateNames: [core.certificateNameOf(world.reader.identity.key.keyId32)] },
    },
    (chunks) => sayBytes(Buffer.concat(chunks)),
  );
  engine.start();

  /** @param {LinkMessage} message */
  function answer(message) {
    if (message.type !== 'ping' || isAsked) return;
    isAsked = true;
    engine.send({ ...message, answers: true });
  }

  /** @param {Uint8Array} bytes */
  function sayBytes(bytes) {
    if (!isOver && bytes.length > 0) handlers?.onData(new Uint8Array(bytes));
  }
  /** @type {import('../../../../client-node/src/links/byte-stream.ts').ByteStream} */
  const stream = {
    bufferedBytes: 0,
    isFull: false,
    write(chunks) {
      // What the client says after its first question, which shows it that the link is open, is heard by nobody.
      if (!isAsked) queueMicrotask(() => engine.receive(Buffer.concat(chunks), answer));
    },
    setReading: () => {},
    end: () => void (isOver = true),
    destroy: () => void (isOver = true),
  };
  return {
    /** @type {import('../../../../client-node/src/links/dial.ts').Dial} */
    dial: async (_address, _tls, of) => {
      // One link is enough: the next attempt would be another input.
      if (handlers !== undefined) throw new core.TridcommError('E_TRANSPORT', 'no second connection');
      handlers = of;
      const certificateNames = [core.certificateNameOf(world.broker.identity.key.keyId32)];
      return { stream, mode: core.linkModes.tls, tls: { exporter32, certificateNames } };
    },
    /** @param {import('../core.mjs').ClientNode['names']} names */
    store(names) {
      const store = new core.MemoryStore();
      store.put(names.identity, world.reader.identity.export());
      store.put(names.record, world.reader.record);
      return store;
    },
    sayBytes,
    /** @param {...LinkMessage} messages */
    say: (...messages) => {
      for (const message of messages) sayBytes(bytesOf(core, message));
    },
  };
}

/** @param {Core} core @param {LinkMessage} message */
function bytesOf(core, message) {
  return Buffer.concat(core.encodeMessage('responder', message, core.limits.frameHardCapBytes));
}

/** @param {import('./node-world.mjs').NodeWorld} world @returns {LinkMessage[]} */
function objectMessages({ objects }) {
  return objects.map(({ address16, bytes }) => ({ type: 'object', address16, object: bytes }));
}

/** What an honest broker might say, and a dishonest one. @param {Core} core @param {import('./node-world.mjs').NodeWorld} world */
function seedsOf(core, world) {
  const [first = new Uint8Array(1), second = first] = world.envelopes;
  /** @type {LinkMessage[][]} */
  const talks = [
    [{ type: 'envelope', durability: 0, envelope: first }],
    [
      { type: 'envelope', durability: 0, envelope: second },
      { type: 'envelope', durability: 0, envelope: second },
    ],
    [1, 2, 3].map((sub) => ({ type: 'stored', sub, position: 10 + sub, envelope: first })),
    [{ type: 'ack', number: 1 }],
    .../** @type {const} */ (['numbered', 'sub', 'watch']).map((about) => [
      /** @type {LinkMessage} */ ({ type: 'reject', about, number: 1, code: 'E_POLICY', retryMs: 10 }),
    ]),
    [{ type: 'ping', answers: false, token: 1, timeMs: nowMs }],
    [{ type: 'ping', answers: true, token: 1, timeMs: nowMs }],
    [{ type: 'close', code: 'E_LIMIT', retryMs: 100 }],
    objectMessages(world).slice(0, 6),
    objectMessages(world).toReversed().slice(0, 6),
  ];
  return talks.flatMap((talk) => {
    const frames = Buffer.concat(talk.map((message) => bytesOf(core, message)));
    return [0, 1].map((choice) => Buffer.concat([Uint8Array.of(choice), frames]));
  });
}
