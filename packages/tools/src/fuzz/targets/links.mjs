/** Chapter 05: one end of a link as a state machine, from its first byte on and from its opening on. */
import { answerOf, must, same } from '../core.mjs';
import { toHex } from '../seeds.mjs';
import { sides } from './link-bodies.mjs';
import { brokerName, makeNodeWorld, nowMs, seededProvider } from './node-world.mjs';

/** @typedef {import('../core.mjs').Core} Core */
/** @typedef {import('../engine.mjs').Target} Target */
/** @typedef {import('@tridcomm/core/link').LinkSide} LinkSide */
/** @typedef {import('@tridcomm/core/link').LinkMessage} LinkMessage */

const exporter32 = new Uint8Array(32).fill(7);

/** What an input begins with. @param {Uint8Array} input */
function choiceOf(input) {
  const choice = input[0] ?? 0;
  return { side: sides[choice & 1] ?? 'initiator', mode: 1 + ((choice >> 1) & 1), pieceBytes: 1 + (choice >> 2) };
}

/** @param {LinkSide} side @param {number} mode @param {Uint8Array} bytes @param {number} pieceBytes */
function inputOf(side, mode, bytes, pieceBytes = 64) {
  return Buffer.concat([Uint8Array.of(sides.indexOf(side) | ((mode - 1) << 1) | ((pieceBytes - 1) << 2)), bytes]);
}

/** Input: u8 side, mode and size of pieces ‖ what the peer sends. @param {Core} core @returns {Target} */
export function linkOpeningTarget(core) {
  const world = makeLinks(core);
  return {
    name: 'link-opening',
    files: /^(link|noise)\//,
    seeds: world.ends.flatMap(({ side, mode, flight }) =>
      [...world.cutsOf(flight), Buffer.concat([flight, Uint8Array.of(0x3f, 0, 0, 0, 0, 0, 0, 0)])].map((bytes) =>
        inputOf(side, mode, bytes),
      ),
    ),
    // Keys are drawn and signatures made for every hello that is in order.
    slowMs: 100,
    // Of one unfinished auth, and of what is said in return.
    reservedBytes: 3 * 65_536,
    run(input) {
      const { side, mode, pieceBytes } = choiceOf(input);
      const end = world.make(side, mode);
      const before = end.sentBytes();
      const { code } = world.feed(end, input.subarray(1), pieceBytes);
      const { engine } = end;
      must((code === undefined) === (engine.state !== 'closed') || end.hasClose(), 'a refusal without an end');
      must(engine.peer === undefined || same(engine.peer.key.keyId32, world.keyOf(side)), 'a link with somebody else');
      must(world.holdsAsBefore(end), 'what is believed has changed');
      if (code === undefined) return;
      if (engine.peer === undefined)
        must(end.sentBytes() - before <= 65_536, 'much is said before the peer has shown who it is');
      const { code: again } = answerOf(core, () => engine.receive(Uint8Array.of(0), () => {}));
      must(again === 'E_CLOSED', `after the end ${again}`);
    },
  };
}

/** Input: u8 side, mode and size of pieces ‖ what comes on the open link; in N records. @param {Core} core @returns {Target} */
export function linkTarget(core) {
  const world = makeLinks(core);
  return {
    name: 'link',
    files: /^link\/(engine|messages|records|forms)|^wire\/frame-decoder/,
    seeds: world.ends.flatMap(({ side, mode, traffic }) =>
      [...world.cutsOf(traffic), traffic].map((bytes) => inputOf(side, mode, bytes)),
    ),
    // Two links are opened for each input.
    slowMs: 200,
    // A frame whose body comes in pieces is gathered: the largest for the side is reserved once its header is there.
    reservedBytes: 4 * 16_777_216,
    run(input) {
      const { side, mode, pieceBytes } = choiceOf(input);
      const bytes = input.subarray(1);
      const whole = openEnd(side, mode, bytes.length);
      const pieces = openEnd(side, mode, pieceBytes);
      must(whole.code === pieces.code, `whole ${whole.code}, in pieces ${pieces.code}`);
      must(whole.messages.join() === pieces.messages.join(), 'other messages in pieces');
      must(whole.sent === pieces.sent, 'another answer in pieces');

      /** @param {LinkSide} ofSide @param {number} ofMode @param {number} cutBytes */
      function openEnd(ofSide, ofMode, cutBytes) {
        const end = world.open(ofSide, ofMode);
        const { code } = world.feed(end, bytes, Math.max(1, cutBytes));
        must((end.engine.state === 'closed') === (code !== undefined || end.hasClose()), `state ${end.engine.state}`);
        if (end.engine.state === 'closed') {
          const { code: later } = answerOf(core, () => end.engine.receive(Uint8Array.of(1), () => {}));
          must(later === 'E_CLOSED', `after the end ${later}`);
          const { code: sending } = answerOf(core, () =>
            end.engine.send({ type: 'ping', answers: true, token: 1, timeMs: 1 }),
          );
          must(sending === 'E_CLOSED', `sent after the end: ${sending}`);
        }
        return { code, messages: end.messages.map((one) => text(one)), sent: end.sentAfterOpening() };
      }
    },
  };
}

/** @param {LinkMessage} message */
function text(message) {
  return JSON.stringify(message, (_, value) => (value instanceof Uint8Array ? toHex(value) : value));
}

/** Ends of links that always draw the same, and what their peers say to them. @param {Core} core */
function makeLinks(core) {
  const world = makeNodeWorld(core);
  const nodes = { initiator: world.writer, responder: world.broker };
  const peers = { initiator: world.broker, responder: world.writer };

  /** @param {LinkSide} side @param {number} mode */
  const make = (side, mode) => {
    const trust = new core.Trust({ provider: world.provider, authorityId32: world.authorityId32 });
    for (const record of world.authorityRecords) trust.takeAuthorityRecord(record, nowMs);
    /** @type {LinkMessage[]} */
    const messages = [];
    /** @type {Uint8Array[]} */
    const sent = [];
    const engine = new core.LinkEngine(
      {
        provider: seededProvider(core, side === 'initiator' ? 21 : 22),
        random: new core.SeededRandom(side === 'initiator' ? 23 : 24).bytes,
        now: () => nowMs,
        side,
        mode,
        key: nodes[side].identity.key,
        principalRecord: nodes[side].record,
        trust,
        authorityRecords: (afterSerial) => world.authorityRecords.slice(afterSerial),
        creditBytes: 1_000_000,
        ...(side === 'initiator' && { expectedName: brokerName }),
        ...(mode === core.linkModes.tls && {
          tls: { exporter32, certificateNames: [core.certificateNameOf(peers[side].identity.key.keyId32)] },
        }),
      },
      (chunks) => sent.push(...chunks.map((chunk) => new Uint8Array(chunk))),
    );
    engine.start();
    let openedAt = 0;
    return {
      engine,
      trust,
      messages,
      take: () => Buffer.concat(sent.splice(0)),
      sentBytes: () => sent.reduce((sum, { length }) => sum + length, 0),
      opened: () => void (openedAt = sent.length),
      sentAfterOpening: () => toHex(Buffer.concat(sent.slice(openedAt))),
      hasClose: () => messages.some(({ type }) => type === 'close'),
    };
  };
  /** @typedef {ReturnType<typeof make>} End */

  /** @param {End} end @param {Uint8Array} bytes @param {number} pieceBytes */
  const feed = (end, bytes, pieceBytes) =>
    answerOf(core, () => {
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        // What follows a close in another piece is refused; that is asked for by itself.
        if (end.engine.state === 'closed') return;
        end.engine.receive(bytes.slice(at, at + pieceBytes), (message) => void end.messages.push(message));
      }
    });

  /** What a peer says up to the opening, and some of everything afterwards. @param {LinkSide} side @param {number} mode */
  const talk = (side, mode) => {
    const ends = { initiator: make('initiator', mode), responder: make('responder', mode) };
    const [own, peer] = side === 'initiator' ? [ends.initiator, ends.responder] : [ends.responder, ends.initiator];
    /** @type {Uint8Array[]} */
    const heard = [];
    for (let i = 0; i < 4; i++) {
      feed(peer, own.take(), 1e9);
      const said = peer.take();
      heard.push(said);
      feed(own, said, 1e9);
    }
    must(own.engine.state === 'open' && peer.engine.state === 'open', 'a link that does not open');
    for (const message of messagesOf(side === 'initiator' ? 'responder' : 'initiator')) peer.engine.send(message);
    return { side, mode, flight: Buffer.concat(heard), traffic: peer.take() };
  };

  /** One message of each type that a side sends. @param {LinkSide} from @returns {LinkMessage[]} */
  const messagesOf = (from) => {
    const [envelope = new Uint8Array(1)] = world.envelopes;
    const { match } = world;
    const address16 = new Uint8Array(16).fill(3);
    /** @type {LinkMessage} */
    const ping = { type: 'ping', answers: false, token: 5, timeMs: nowMs };
    if (from === 'responder') {
      return [
        { type: 'envelope', durability: 0, envelope },
        { type: 'stored', sub: 1, position: 9, envelope },
        { type: 'object', address16, object: envelope },
        { type: 'ack', number: 1 },
        { type: 'reject', about: 'sub', number: 1, code: 'E_POLICY', retryMs: 5 },
        ping,
      ];
    }
    return [
      { type: 'sub', sub: 1, match, from: 0 },
      { type: 'watch', keeps: true, addresses: [address16] },
      { type: 'envelope', durability: 1, envelope },
      { type: 'bundle', bundle: envelope },
      { type: 'credit', bytes: 2_000_000 },
      { type: 'unsub', sub: 1 },
      ping,
    ];
  };

  const ends = sides.flatMap((side) => [1, 2].map((mode) => talk(side, mode)));
  return {
    ends,
    make,
    feed,
    /** An end that has opened. @param {LinkSide} side @param {number} mode @returns {End} */
    open: (side, mode) => {
      const end = make(side, mode);
      const { flight } = ends.find((one) => one.side === side && one.mode === mode) ?? { flight: new Uint8Array(0) };
      feed(end, flight, 1e9);
      must(end.engine.state === 'open', 'a link that does not open');
      end.opened();
      return end;
    },
    keyOf: (/** @type {LinkSide} */ side) => peers[side].identity.key.keyId32,
    /** Nobody but the authority can make it believe more. */
    holdsAsBefore: (/** @type {End} */ { trust }) => trust.authorityRecord?.serial === world.authorityRecords.length,
    /** Beginnings of a flight. */
    cutsOf: (/** @type {Uint8Array} */ flight) =>
      [4, 12, 40, 200, flight.length - 1].map((at) => flight.subarray(0, at)),
  };
}
