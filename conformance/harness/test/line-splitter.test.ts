import { expect, it } from 'vitest';

import { LineSplitter } from '../src/line-splitter.ts';
import { StderrTail } from '../src/stderr-tail.ts';

it('lines are the same wherever the chunks are cut', () => {
  const bytes = Buffer.from('eins\n\nzwei äöü 🜁\nrest');
  for (let cut = 0; cut <= bytes.length; cut++) {
    const splitter = new LineSplitter();
    const lines = [...splitter.push(bytes.subarray(0, cut)), ...splitter.push(bytes.subarray(cut))];
    expect(lines).toEqual(['eins', '', 'zwei äöü 🜁']);
  }
});

it('a line that is not UTF-8 is refused, after those before it', () => {
  const lines: string[] = [];
  expect(() => {
    for (const line of new LineSplitter().push(Buffer.from([0x61, 0x0a, 0xff, 0x0a]))) lines.push(line);
  }).toThrow('not UTF-8');
  expect(lines).toEqual(['a']);
});

it('a line may have 16 MiB and no byte more', () => {
  const limit = Buffer.alloc(16 * 1024 * 1024, 'a');
  expect([...new LineSplitter().push(Buffer.concat([limit, Buffer.from('\n')]))]).toHaveLength(1);
  const splitter = new LineSplitter();
  expect([...splitter.push(limit)]).toEqual([]);
  expect(() => [...splitter.push(Buffer.from('a'))]).toThrow('more than 16777216 bytes');
});

it('the tail of stderr has 20 lines and gives each once', () => {
  const tail = new StderrTail();
  for (let n = 1; n <= 30; n++) tail.push(`line ${n}\n`);
  tail.push('un');
  tail.push('finished');
  const lines = tail.take();
  expect(lines).toHaveLength(20);
  expect(lines.at(0)).toBe('line 12');
  expect(lines.at(-1)).toBe('unfinished');
  expect(tail.take()).toEqual([]);
});
