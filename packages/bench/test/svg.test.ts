import { expect, test } from 'vitest';
import type { Row } from '../src/report.ts';
import { escapeXml, plotOf } from '../src/svg.ts';

const rows: readonly Row[] = [
  { name: 'rate: one', value: 50, unit: '/s' },
  { name: 'rate: two', value: 100, unit: '/s', goal: 'P1', atLeast: 200 },
  { name: 'rate: three', value: undefined, unit: '/s', note: 'absent' },
  { name: 'cost: one & <two>', value: 3, unit: 'µs', goal: 'P2', atMost: 4 },
];

test('text cannot leave its place', () => {
  expect(escapeXml(`<&>"'`)).toBe('&#60;&#38;&#62;&#34;&#39;');
  const plot = plotOf('a "title" & <more>', rows);
  expect(plot).toContain('>a &#34;title&#34; &#38; &#60;more&#62;</text>');
  expect(plot).toContain('>one &#38; &#60;two&#62;</text>');
  expect(plot).not.toContain('<two>');
});

test('bars of one block share a scale, which the goal is on too', () => {
  const widths = [...plotOf('', rows).matchAll(/<rect x="\d+" y="\d+" width="([\d.]+)"/g)].map(([, width]) =>
    Number(width),
  );
  // Of 200, 200 and 4.
  expect(widths).toEqual([100, 200, 300]);
});

test('goals show by colour and in words, and what was not measured has no bar', () => {
  const plot = plotOf('', rows);
  expect(plot).toContain('100  P1 MISSED');
  expect(plot).toContain('3.00  P2 met');
  expect(plot.match(/#c62828/g)).toHaveLength(1);
  expect(plot.match(/#2e7d32/g)).toHaveLength(1);
  expect(plot).not.toContain('three');
});

test('nothing makes an empty plot, and a figure of 0 no bar of another length', () => {
  expect(plotOf('', [])).toMatch(/^<svg [^>]*>\n<rect [^>]*\/>\n<text [^>]*><\/text>\n<\/svg>\n$/);
  expect(plotOf('', [{ name: 'a: b', value: 0, unit: '' }])).toContain('width="0.0"');
});
