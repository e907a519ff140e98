import { describe, expect, it } from 'vitest';
import type { ProvenHead, Testimony } from '../../src/authority/restore-sources.ts';
import { checkStart, type StartCase } from '../../src/authority/start-rule.ts';
import { codeOf, startMs } from './world.ts';

const hourMs = 3_600_000;

function head(headSeq: number, name = 'a', issuedMs = startMs - hourMs): ProvenHead {
  return { headSeq, issuedMs, hash32: Buffer.from(`${headSeq} ${name}`) } as unknown as ProvenHead;
}

function shows(headSeq: number, name?: string, issuedMs?: number): Testimony {
  return { name: 'b', kind: 'head', head: head(headSeq, name, issuedMs) };
}

const says = (kind: 'nothing' | 'unproven' | 'silent'): Testimony => ({ name: 'b', kind, head: undefined });

/** A state of which head 100 was handed out, with an archive that has it. */
const usual: StartCase = {
  archive: shows(100),
  sources: [shows(100)],
  stateSeq: 100,
  handedOutSeq: 100,
  archivedSeq: 100,
  handsOut: true,
  acceptsSingleSource: false,
};
/** One that was never handed out. */
const fresh: StartCase = { ...usual, handedOutSeq: 0, sources: [says('nothing')] };
const one: Partial<StartCase> = { acceptsSingleSource: true };

describe('the rule of a start', () => {
  const cases: readonly (readonly [string, StartCase, string | undefined])[] = [
    ['archive and broker', usual, undefined],
    ['a broker that is behind', { ...usual, sources: [shows(90)] }, undefined],
    ['archive alone', { ...usual, sources: [] }, 'E_USAGE'],
    ['archive alone, accepted', { ...usual, ...one, sources: [] }, undefined],
    ['a broker that is silent', { ...usual, sources: [says('silent')] }, 'E_USAGE'],
    ['a broker that shows what does not verify', { ...usual, sources: [says('unproven')] }, 'E_USAGE'],
    ['a broker that lost everything', { ...usual, sources: [says('nothing')] }, 'E_USAGE'],
    ['a broker that lost everything, accepted', { ...usual, ...one, sources: [says('nothing')] }, undefined],
    ['no archive', { ...usual, archive: says('nothing') }, 'E_USAGE'],
    ['no archive, accepted', { ...usual, ...one, archive: says('nothing') }, undefined],
    ['no archive, two brokers', { ...usual, archive: says('nothing'), sources: [shows(100), shows(100)] }, undefined],
    ['nothing at all, accepted', { ...usual, ...one, archive: says('nothing'), sources: [] }, 'E_USAGE'],
    ['an archive that is behind the state', { ...usual, archive: shows(99) }, 'E_USAGE'],
    [
      'an archive that is one crash behind',
      { ...usual, archive: shows(99), archivedSeq: 99, sources: [shows(99)] },
      undefined,
    ],
    ['an archive behind the state alone, accepted', { ...usual, ...one, archive: shows(99), sources: [] }, 'E_USAGE'],
    ['a backup, and one broker that knows better', { ...usual, sources: [shows(150)] }, 'E_USAGE'],
    ['a backup, and one broker, accepted', { ...usual, ...one, sources: [shows(150)] }, undefined],
    ['a backup, and two brokers', { ...usual, sources: [shows(150), shows(100)] }, undefined],
    ['a state of before, and its archive', { ...usual, stateSeq: 50, handedOutSeq: 50, archivedSeq: 50 }, undefined],
    ['one that lives', { ...usual, ...one, sources: [shows(150, 'a', startMs - 69_000)] }, 'E_FORK'],
    [
      'one that lived until a moment ago',
      { ...usual, ...one, sources: [shows(150, 'a', startMs - 70_000)] },
      undefined,
    ],
    ['our own last head, of a moment ago', { ...usual, sources: [shows(100, 'a', startMs - 1)] }, undefined],
    ['two heads under one number', { ...usual, sources: [shows(100, 'other')] }, 'E_FORK'],
    ['two brokers with two heads under one number', { ...usual, sources: [shows(90), shows(90, 'other')] }, 'E_FORK'],
    ['a state that went on', { ...usual, stateSeq: 200, archivedSeq: 200, archive: shows(200) }, undefined],
    [
      'a state that went on from a backup',
      { ...usual, ...one, stateSeq: 200, archivedSeq: 200, archive: shows(200), sources: [shows(150)] },
      'E_STALE',
    ],
    ['what was never handed out', fresh, undefined],
    ['what was never handed out, and a silent broker', { ...fresh, sources: [says('silent')] }, 'E_USAGE'],
    ['what was never handed out, alone', { ...fresh, sources: [] }, 'E_USAGE'],
    ['what was never handed out and is not now', { ...fresh, sources: [], handsOut: false }, undefined],
    ['what was handed out and is not now', { ...usual, sources: [], handsOut: false }, 'E_USAGE'],
    ['what was never handed out by us', { ...fresh, ...one, sources: [shows(50)] }, 'E_STALE'],
  ];
  it.each(cases)('%s', async (_, start, code) => {
    expect(await codeOf(() => checkStart(start, startMs))).toBe(code);
  });
});
