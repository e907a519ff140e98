import { expect, test } from 'vitest';
import { parseArguments } from '../src/args.ts';

const suites = ['pubsub', 'idle'];

test('without arguments everything runs, in full, as text', () => {
  expect(parseArguments([], suites)).toEqual({ names: suites, help: false, json: false, quick: false, svg: undefined });
});

test('names and options stand in any order', () => {
  const asked = parseArguments(['--json', 'idle', '--svg', 'plot.svg', '--quick', 'pubsub'], suites);
  expect(asked).toEqual({ names: ['idle', 'pubsub'], help: false, json: true, quick: true, svg: 'plot.svg' });
});

test.each([[['fast']], [['--fast']], [['idle', 'Idle']]])('%j: refused, with what there is', (args) => {
  expect(() => parseArguments(args, suites)).toThrow(/pubsub, idle, --help, --json, --quick, --svg FILE/);
});

test.each([[['--svg']], [['--svg', '--quick']]])('%j: the file is lacking', (args) => {
  expect(() => parseArguments(args, suites)).toThrow('--svg needs the name of a file');
});
