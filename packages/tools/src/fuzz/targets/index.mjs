/** Everything in core that takes bytes from outside, one target a decoder. */
import { blockTarget, enrolmentTarget, memberStateTarget } from './blocks.mjs';
import { bodyTarget, groupPrivateTarget, objectTarget } from './bodies.mjs';
import { extensionsTarget, merkleTarget, recordsTarget, varintTarget } from './codec.mjs';
import { envelopeTarget, jobTarget, splitTarget } from './envelopes.mjs';
import { frameTarget, prefaceTarget } from './frames.mjs';
import { controllerTarget, groupMemberTarget } from './group-member.mjs';
import { keyIdTarget, signatureTarget } from './keys.mjs';
import { accessListTarget, bundleTarget, headTarget, revocationListTarget } from './lists.mjs';
import { memberTarget, openTarget } from './open.mjs';
import { matchTarget, topicTarget } from './topics.mjs';
import { signerTarget, trustTarget } from './trust.mjs';
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
  body: bodyTarget,
  object: objectTarget,
  'access-list': accessListTarget,
  'revocation-list': revocationListTarget,
  head: headTarget,
  bundle: bundleTarget,
  trust: trustTarget,
  signer: signerTarget,
  block: blockTarget,
  enrolment: enrolmentTarget,
  'group-private': groupPrivateTarget,
  'member-state': memberStateTarget,
  'group-member': groupMemberTarget,
  controller: controllerTarget,
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
