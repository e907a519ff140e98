import { describe, expect, test } from 'vitest';
import { matchKinds } from '@tridcomm/core/link';
import { matchPath } from '../../src/carriers/names.ts';
import { OrderedAnswers } from '../../src/carriers/ordered-answers.ts';
import { OrderedValues } from '../../src/carriers/ordered-values.ts';
import { decodeValue, encodeValue } from '../../src/carriers/retained-value.ts';
import { sealInParts } from '../../src/carriers/seal-in-parts.ts';
import type { Sealed } from '../../src/client/publisher.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);
const address = (value: number) => new Uint8Array(16).fill(value);
const hex = (value: number) => Buffer.from(address(value)).toString('hex');

test('delivery.1: answers that come in any order become answers up to a number', () => {
  const answers = new OrderedAnswers();
  expect([answers.give(), answers.give(), answers.give()]).toEqual([1, 2, 3]);
  expect(answers.answer(2)).toBeUndefined();
  expect(answers.answer(1)).toBe(2);
  expect(answers.give()).toBe(4);
  expect(answers.answer(4)).toBeUndefined();
  expect(answers.answer(3)).toBe(4);
  expect(answers.answer(3)).toBeUndefined();
});

describe('bindings.17: values come in the order in which they were asked for', () => {
  const scene = () => {
    const handed: string[] = [];
    const values = new OrderedValues((at, value) => handed.push(`${at.slice(0, 2)} ${value[0]}`));
    return { values, handed };
  };

  test('whatever the order of the answers', () => {
    const { values, handed } = scene();
    for (const one of [1, 2, 3]) expect(values.ask(address(one))).toBe(true);
    expect(values.ask(address(2))).toBe(false);
    values.answered(hex(3), bytes(3));
    values.answered(hex(2), undefined);
    expect(handed).toEqual([]);
    values.answered(hex(1), bytes(1));
    expect(handed).toEqual(['01 1', '03 3']);
    expect(values.ask(address(2))).toBe(true);
  });

  test('what comes by itself waits for what was asked before, and stands for the answer', () => {
    const { values, handed } = scene();
    values.came(hex(9), bytes(9));
    for (const one of [1, 2]) values.ask(address(one));
    values.came(hex(2), bytes(22));
    values.came(hex(9), bytes(99));
    values.answered(hex(1), bytes(1));
    values.answered(hex(2), bytes(2));
    expect(handed).toEqual(['09 9', '01 1', '02 22', '09 99']);
  });
});

test('bindings.6: a match asks for the place of its tag or of the value of its level', () => {
  const match16 = address(0xab);
  expect(matchPath({ matchKind: matchKinds.exact, level: 0, match16 })).toEqual([hex(0xab)]);
  expect(matchPath({ matchKind: matchKinds.prefix, level: 0, match16 })).toEqual([undefined, hex(0xab)]);
  expect(matchPath({ matchKind: matchKinds.prefix, level: 2, match16 })).toEqual([
    undefined,
    undefined,
    undefined,
    hex(0xab),
  ]);
});

test('bindings.9, bindings.10: a value is the bundle of its address and of no other', () => {
  const objects = [bytes(1, 2, 3), bytes(), bytes(4)];
  const value = encodeValue(address(1), objects);
  expect(decodeValue(address(1), value)).toEqual(objects);
  expect(() => decodeValue(address(2), value)).toThrow('E_BINDING');
  for (let end = 0; end < value.length; end++) {
    expect(() => decodeValue(address(1), value.subarray(0, end))).toThrow(/E_LENGTH|E_ENCODING/);
  }
});

describe('bindings.14: what a server does not take for its size', () => {
  const sealing = () => {
    const parts: number[][] = [];
    const seal = (payloads: readonly Uint8Array[]): Sealed => {
      parts.push(payloads.map(({ length }) => length));
      const envelope = bytes(parts.length);
      return { envelopes: [envelope], ids: [envelope] };
    };
    return { parts, seal };
  };

  test('goes in several envelopes', () => {
    const { parts, seal } = sealing();
    const payloads = Array.from({ length: 10 }, () => new Uint8Array(988));
    const { envelopes, ids } = sealInParts(3_072 + 4_000, payloads, seal);
    expect(parts).toEqual([
      [988, 988, 988, 988],
      [988, 988, 988, 988],
      [988, 988],
    ]);
    expect([envelopes, ids]).toEqual([
      [bytes(1), bytes(2), bytes(3)],
      [bytes(1), bytes(2), bytes(3)],
    ]);
  });

  test('or is refused before anything is sealed', () => {
    const { parts, seal } = sealing();
    const payloads = [new Uint8Array(10), new Uint8Array(3_989)];
    expect(() => sealInParts(3_072 + 4_000, payloads, seal)).toThrow('E_LIMIT');
    expect(parts).toEqual([]);
    expect(sealInParts(undefined, payloads, seal).ids).toHaveLength(1);
  });
});
