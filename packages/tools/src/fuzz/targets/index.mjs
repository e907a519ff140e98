/** Everything that takes bytes from outside: one target a decoder of core, and one for each node and file that bytes come to. */
import { adminTarget } from './admin.mjs';
import { blockTarget, enrolmentTarget, memberStateTarget } from './blocks.mjs';
import { bodyTarget, groupPrivateTarget, objectTarget } from './bodies.mjs';
import { brokerTarget } from './broker.mjs';
import { clientTarget } from './client.mjs';
import { extensionsTarget, merkleTarget, recordsTarget, varintTarget } from './codec.mjs';
import { configTarget } from './config.mjs';
import { envelopeTarget, jobTarget, splitTarget } from './envelopes.mjs';
import { archiveTarget, stateContentTarget, storeFileTarget } from './files.mjs';
import { frameTarget, prefaceTarget } from './frames.mjs';
import { controllerTarget, groupMemberTarget } from './group-member.mjs';
import { keyIdTarget, signatureTarget } from './keys.mjs';
import { messageTarget, openingBodyTarget } from './link-bodies.mjs';
import { linkOpeningTarget, linkTarget } from './links.mjs';
import { accessListTarget, bundleTarget, headTarget, revocationListTarget } from './lists.mjs';
import { memberTarget, openTarget } from './open.mjs';
import { segmentLogTarget } from './segment-log.mjs';
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
  'opening-body': openingBodyTarget,
  message: messageTarget,
  'link-opening': linkOpeningTarget,
  link: linkTarget,
  broker: brokerTarget,
  'segment-log': segmentLogTarget,
  config: configTarget,
  client: clientTarget,
  admin: adminTarget,
  'store-file': storeFileTarget,
  archive: archiveTarget,
  'state-content': stateContentTarget,
};

export const targetNames = Object.keys(makers);

/** Packages beside core that targets need. @type {Readonly<Record<string, readonly string[]>>} */
const needs = {
  broker: ['client-node', 'broker'],
  'segment-log': ['client-node', 'broker'],
  config: ['client-node', 'broker'],
  client: ['client-node'],
  admin: ['client-node'],
  'store-file': ['client-node'],
  archive: ['client-node'],
  'state-content': ['client-node'],
};

/** @param {string} name one of {@link targetNames} */
export function packagesOf(name) {
  return needs[name] ?? [];
}

/**
 * @param {string} name one of {@link targetNames}
 * @param {import('../core.mjs').Core} core
 * @param {readonly import('../seeds.mjs').VectorTest[]} tests
 * @param {string} folder with the instrumented copies
 * @returns {Promise<import('../engine.mjs').Target>}
 */
export async function makeTarget(name, core, tests, folder) {
  const make = makers[/** @type {keyof typeof makers} */ (name)];
  return make(core, tests, makeWorld(core), folder);
}
