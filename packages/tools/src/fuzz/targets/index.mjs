/** Everything in core that takes bytes from outside, one target a decoder. */
import { extensionsTarget, merkleTarget, recordsTarget, varintTarget } from './codec.mjs';
import { envelopeTarget, jobTarget, splitTarget } from './envelopes.mjs';
import { frameTarget, prefaceTarget } from './frames.mjs';
import { keyIdTarget, signatureTarget } from './keys.mjs';
import { memberTarget, openTarget } from './open.mjs';
import { matchTarget, topicTarget } from './topics.mjs';
import { makeWorld } from './world.mjs';

const makers = {
  preface: prefaceTarget,
  varint: varintTarget,
  frame: frameTarget,
  extensions: extensionsTarget,
  envelope: envelopeTarget,
  job: jobTarget,
  records: recordsTarget,
  merkle: merkleTarget,
  split: splitTarget,
  topic: topicTarget,
  match: matchTarget,
  'key-id': keyIdTarget,
  signature: signatureTarget,
  open: openTarget,
  member: memberTarget,
};

export const targetNames = Object.keys(makers);

/**
 * @param {string} name one of {@link targetNames}
 * @param {import('../core.mjs').Core} core
 * @param {readonly import('../seeds.mjs').VectorTest[]} tests
 * @returns {import('../engine.mjs').Target}
 */
export function makeTarget(name, core, tests) {
  const make = makers[/** @type {keyof typeof makers} */ (name)];
  return make(core, tests, makeWorld(core));
}
