import { expect, it } from 'vitest';
import { nobleProvider } from '@tridcomm/core/noble';
import { enrolmentSignInput, makeEnrolment, parseEnrolment } from '../../src/keys/enrolment.ts';
import { extended, flip, refusedWith } from '../property/support.ts';
import { nodeProvider } from '@tridcomm/core/node';
import {
  authorityId32,
  controllerKey,
  counted,
  groupId16,
  memberKeyId,
  newMember,
  prekey,
  settings,
  TestController,
} from './controller.ts';

const bytes = new TestController(3).enrol(5, 1);
const parse = (input: Uint8Array) => refusedWith(() => parseEnrolment(input));

function patched(at: number, ...values: readonly number[]): Uint8Array {
  const out = new Uint8Array(bytes);
  out.set(values, at);
  return out;
}

it('groups.13 refuses every truncation and every byte too many', () => {
  for (let length = 0; length < bytes.length; length++)
    expect(parse(bytes.subarray(0, length)), `${length}`).toBe('E_LENGTH');
  expect(parse(extended(bytes, 0))).toBe('E_LENGTH');
  expect(bytes.length).toBe(304 + 3 * 32);
});

it('groups.13 refuses each bit that is turned, and takes the right bytes afterwards', () => {
  const member = newMember(1);
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    expect(
      refusedWith(() => member.takeEnrolment(flip(bytes, bit), settings())),
      `bit ${bit}`,
    ).toMatch(/^E_/);
  }
  expect(member.takeEnrolment(bytes, settings())).toBe('held');
  expect(member.takeEnrolment(bytes, settings())).toBe('known');
});

it('groups.13 has the codes of the form in their order', () => {
  const big = [0, 0x20, 0, 0, 0, 0, 0, 0];
  const cases: [string, Uint8Array, string][] = [
    ['magic', patched(0, 0, 0, 0, 0, 9), 'E_ENCODING'],
    ['version', patched(4, 2, 9), 'E_VERSION'],
    ['kind', patched(5, 1, 9, 9), 'E_ENCODING'],
    ['suite', patched(6, 0, 3), 'E_SUITE'],
    ['zero bytes', patched(33, 0, 0, 0, 0, 0, 0, 1), 'E_ENCODING'],
    ['leaf', patched(40, ...big), 'E_LIMIT'],
    ['issued', patched(144, ...big), 'E_LIMIT'],
    ['policy_version', patched(152, ...big), 'E_LIMIT'],
    ['height', patched(32, 25), 'E_LIMIT'],
    ['leaf in the tree', patched(47, 8), 'E_ENCODING'],
    ['length', patched(32, 4), 'E_LENGTH'],
  ];
  for (const [name, input, code] of cases) expect(parse(input), name).toBe(code);
});

it('groups.1 groups.13 groups.15 has the codes of the rest in their order', () => {
  const other = new Uint8Array(16);
  const takes = (input: Uint8Array, over = {}, member = newMember(1)) =>
    refusedWith(() => member.takeEnrolment(input, settings(over)));
  const forged = flip(bytes, 8 * bytes.length - 1);
  expect(takes(forged, { groupId16: other })).toBe('E_BINDING');
  expect(takes(forged, {}, newMember(2))).toBe('E_BINDING');
  const { controller } = settings();
  expect(takes(forged, { controller: { ...controller, keyId32: new Uint8Array(32) } })).toBe('E_POLICY');
  expect(takes(forged, { blockKind: 1 })).toBe('E_POLICY');
  expect(takes(forged, { suite: 2 })).toBe('E_POLICY');
  expect(takes(forged, {}, newMember(1, { suites: [2] }))).toBe('E_POLICY');
  expect(takes(forged, {}, newMember(1, { suiteFloor: 2 }))).toBe('E_POLICY');
  expect(takes(forged)).toBe('E_SIG');
  expect(takes(bytes, {}, newMember(1, { authorityId32: new Uint8Array(32) }))).toBe('E_SIG');
  const toAnother = new TestController(3).enrol(5, 2, { memberKeyId32: memberKeyId(1) });
  expect(takes(toAnother)).toBe('E_KEY');
  // The key is refused behind the place.
  const member = newMember(1);
  member.takeEnrolment(bytes, settings());
  expect(takes(toAnother, {}, member)).toBe('E_EPOCH');
});

it('groups.13 refuses node keys that do not open with E_AEAD', () => {
  const wrong = { ...prekey(1).key, publicKey32: prekey(2).key.publicKey32 };
  const fields = {
    suite: 1,
    groupId16,
    generation: 1,
    epoch: 1,
    height: 0,
    leaf: 0,
    memberKeyId32: memberKeyId(1),
    issuedMs: 0,
    policyVersion: 0,
  };
  const make = (over = {}, key = wrong, nodeKeys = new Uint8Array(32)) =>
    makeEnrolment(nodeProvider, { ...fields, ...over }, controllerKey, authorityId32, key, nodeKeys, counted(1));
  const member = newMember(1);
  expect(refusedWith(() => member.takeEnrolment(make(), settings()))).toBe('E_AEAD');
  expect(member.enrolments).toEqual([]);
  expect(refusedWith(() => make({ height: 25 }))).toBe('E_LIMIT');
  expect(refusedWith(() => make({ leaf: 1 }))).toBe('E_USAGE');
  expect(refusedWith(() => make({ suite: 3 }))).toBe('E_USAGE');
  expect(refusedWith(() => make({ groupId16: new Uint8Array(15) }))).toBe('E_USAGE');
  expect(refusedWith(() => make({}, { ...wrong, alg: 1 }))).toBe('E_USAGE');
  expect(refusedWith(() => make({}, wrong, new Uint8Array(64)))).toBe('E_USAGE');
});

it('groups.13 refuses an enc that makes the shared secret zero with E_AEAD, like any other that is wrong', () => {
  const changed = new Uint8Array(bytes).fill(0, 160, 192);
  const signature = controllerKey.sign(enrolmentSignInput(nodeProvider, parseEnrolment(changed), authorityId32));
  changed.set(signature, changed.length - 64);
  for (const provider of [nodeProvider, nobleProvider]) {
    expect(refusedWith(() => newMember(1, { provider }).takeEnrolment(changed, settings()))).toBe('E_AEAD');
  }
});

it('groups.13 makes the same enrolment with both providers', () => {
  expect(new TestController(3, 1, nobleProvider).enrol(5, 1)).toEqual(bytes);
  expect(newMember(1, { provider: nobleProvider }).takeEnrolment(bytes, settings())).toBe('held');
});
