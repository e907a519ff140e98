/** Chapter 07: bodies, the shell of a signed object around them, and the own part of a group. */
import { answerOf, must, same } from '../core.mjs';
import { fromHex, seedsOf } from '../seeds.mjs';

/** @typedef {import('../core.mjs').Core} Core */
/** @typedef {import('../engine.mjs').Target} Target */
/** @typedef {import('../seeds.mjs').VectorTest} VectorTest */
/** @typedef {keyof Core['messages']} MessageName */

/** Input: u8 message ‖ body. What is taken is written again as it was, but for fields of later versions. @param {Core} core @param {readonly VectorTest[]} tests @returns {Target} */
export function bodyTarget(core, tests) {
  const names = /** @type {readonly MessageName[]} */ (Object.keys(core.messages));
  return {
    name: 'body',
    files: /^keys\/body/,
    seeds: seedsOf(tests, 'body.decode', ({ message, bytes }) => [
      Buffer.concat([Uint8Array.of(names.indexOf(/** @type {MessageName} */ (message))), fromHex(bytes)]),
    ]),
    maxBytes: 2_048,
    // It is read, written, and read once more.
    slowMs: 5,
    run(input) {
      const name = names[(input[0] ?? 0) % names.length] ?? 'Key';
      const body = input.subarray(1);
      const { value, code } = answerOf(core, () => core.decodeBody(name, body));
      if (code !== undefined) return;
      must(same(core.encodeBody(name, value), withoutLater(core, name, body)), `${name} is not written as it was read`);
    },
  };
}

/** Input: u8 expected kind ‖ object. @param {Core} core @param {readonly VectorTest[]} tests @returns {Target} */
export function objectTarget(core, tests) {
  const { nodeProvider: provider } = core;
  return {
    name: 'object',
    files: /^keys\/signed-object/,
    seeds: objectSeeds(tests).map((object) => Buffer.concat([object.subarray(5, 6), object])),
    run(input) {
      const kind = input[0] ?? 0;
      const bytes = input.subarray(1);
      const { value, code } = answerOf(core, () => core.parseObject(provider, bytes, kind));
      if (code !== undefined) return;
      const { prefix44, body, signatures, hash32 } = value;
      must(value.kind === kind && prefix44[5] === kind, 'an object of another kind');
      must(signatures.length <= 16, `${signatures.length} signatures`);
      const signed = signatures.flatMap(({ signerKeyId32, signature64 }) => [signerKeyId32, signature64]);
      const parts = [prefix44, body, Uint8Array.of(signatures.length), ...signed];
      must(same(Buffer.concat(parts), bytes), 'the parts are not the whole');
      must(same(provider.sha256(Buffer.from('tdc1 object\0'), prefix44, body), hash32), 'the hash of something else');
    },
  };
}

/** Input: u8 bit 0: topic chains ‖ body. @param {Core} core @param {readonly VectorTest[]} tests @returns {Target} */
export function groupPrivateTarget(core, tests) {
  const route_secrets = [{ from_period: 0, secret32: new Uint8Array(32) }];
  return {
    name: 'group-private',
    files: /^keys\/group-private/,
    seeds: [
      ...seedsOf(tests, 'body.decode', ({ message, bytes }) => (message === 'GroupPrivate' ? [fromHex(bytes)] : [])),
      ...['a/*', 'a/**'].map((pattern) => core.encodeBody('GroupPrivate', { patterns: [pattern], route_secrets })),
      ...seedsOf(tests, 'block.make', (input) => [fromHex(input['private'])]),
    ].flatMap((body) => [0, 1].map((chains) => Buffer.concat([Uint8Array.of(chains), body]))),
    run(input) {
      const chains = ((input[0] ?? 0) & 1) === 1;
      const body = input.subarray(1);
      const { value, code } = answerOf(core, () => core.decodeGroupPrivate(body, chains));
      if (code !== undefined) return;
      const { patterns, routeSecrets } = value;
      for (const { segments } of patterns) {
        must(!segments.includes('*') && (chains || !segments.includes('**')), 'a pattern that the group cannot have');
      }
      const encoded = core.encodeGroupPrivate(
        patterns.map(({ text }) => text),
        routeSecrets,
      );
      must(same(encoded, withoutLater(core, 'GroupPrivate', body)), 'an own part is not written as it was read');
    },
  };
}

/** The signed objects of the vectors, in their order. @param {readonly VectorTest[]} tests */
function objectSeeds(tests) {
  return seedsOf(tests, 'trust.run', ({ steps }) =>
    (Array.isArray(steps) ? steps : []).flatMap((step) => ('object' in step ? [fromHex(step.object)] : [])),
  );
}

/**
 * A body that was taken, without the fields that a later version may add; read by a decoder that assumes it is sound.
 * @param {Core} core @param {MessageName} name @param {Uint8Array} body @returns {Uint8Array}
 */
export function withoutLater(core, name, body) {
  /** @type {readonly { number: number, message?: MessageName }[]} */
  const fields = core.messages[name];
  /** @type {Uint8Array[]} */
  const kept = [];
  for (let at = 0; at < body.length;) {
    const start = at;
    const varint = () => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = body[at++] ?? 0;
        value += (byte & 127) * scale;
        if (byte < 128) return value;
      }
    };
    const tag = varint();
    const tagEnd = at;
    const value = varint();
    const contentAt = at;
    if (tag % 8 === 2) at += value;
    const number = Math.floor(tag / 8);
    if (number >= 1_024) continue;
    const message = fields.find((field) => field.number === number)?.message;
    if (message === undefined) {
      kept.push(body.subarray(start, at));
      continue;
    }
    const inner = withoutLater(core, message, body.subarray(contentAt, at));
    const length = new Uint8Array(core.varintLength(inner.length));
    core.writeVarint(length, 0, inner.length);
    kept.push(body.subarray(start, tagEnd), length, inner);
  }
  return Buffer.concat(kept);
}
