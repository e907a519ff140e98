import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { TridcommError } from '@tridcomm/core';
import fc from 'fast-check';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { FileStore } from '../../src/store/file-store.ts';
import { bundle } from '../bundled.ts';

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

function freshDirectory(): string {
  const directory = join(mkdtempSync(join(tmpdir(), 'tridcomm-store-')), 'identity');
  directories.push(join(directory, '..'));
  return directory;
}

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof TridcommError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

/** What a store in a directory holds, by name. */
function contentOf(directory: string): Record<string, string> {
  const store = FileStore.open(directory);
  const content = store.entries('').map(([name, value]) => [name, Buffer.from(value).toString('latin1')] as const);
  store.close();
  return Object.fromEntries(content);
}

const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));

test('what was put is there after it is opened again', () => {
  const directory = freshDirectory();
  const store = FileStore.open(directory);
  store.put('a', bytes('1'));
  store.put('b/1', bytes('2'));
  store.put('b/ü', bytes(''));
  store.put('a', bytes('3'));
  store.put('gone', bytes('4'));
  store.delete('gone');
  store.delete('never');
  expect(store.get('a')).toEqual(bytes('3'));
  expect(store.get('gone')).toBeUndefined();
  expect(store.entries('b/').map(([name]) => name)).toEqual(['b/1', 'b/ü']);
  store.close();
  expect(contentOf(directory)).toEqual({ a: '3', 'b/1': '2', 'b/ü': '' });
});

test('a value is copied, and one that is held already is not written', () => {
  const directory = freshDirectory();
  const store = FileStore.open(directory);
  const value = bytes('abc');
  store.put('a', value);
  value.fill(0);
  expect(store.get('a')).toEqual(bytes('abc'));
  const { size } = statSync(join(directory, 'store'));
  store.put('a', bytes('abc'));
  store.delete('b');
  expect(statSync(join(directory, 'store')).size).toBe(size);
  store.put('a', bytes('abd'));
  expect(statSync(join(directory, 'store')).size).toBeGreaterThan(size);
  store.close();
});

test('directory and file are for their user alone', () => {
  const directory = freshDirectory();
  FileStore.open(directory).close();
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(statSync(join(directory, 'store')).mode & 0o777).toBe(0o600);
});

test.each([
  ['a directory that a group may read', (directory: string) => chmodSync(directory, 0o750)],
  ['a file that others may read', (directory: string) => chmodSync(join(directory, 'store'), 0o604)],
  [
    'a symbolic link in place of the file',
    (directory: string) => {
      renameSync(join(directory, 'store'), join(directory, 'elsewhere'));
      symlinkSync('elsewhere', join(directory, 'store'));
    },
  ],
  [
    'a directory in place of the file',
    (directory: string) => {
      rmSync(join(directory, 'store'));
      mkdirSync(join(directory, 'store'), 0o700);
    },
  ],
])('%s is refused', (_name, change) => {
  const directory = freshDirectory();
  FileStore.open(directory).close();
  change(directory);
  let thrown: unknown;
  try {
    FileStore.open(directory);
  } catch (error) {
    thrown = error;
  }
  const isUsage = thrown instanceof TridcommError && thrown.code === 'E_USAGE';
  expect(isUsage || (thrown as NodeJS.ErrnoException).code === 'EISDIR').toBe(true);
  expect(existsSync(join(directory, 'lock'))).toBe(false);
});

/** A store with three writes, and where its file ended after each. */
function threeWrites(): { readonly directory: string; readonly file: Buffer; readonly ends: number[] } {
  const directory = freshDirectory();
  const store = FileStore.open(directory);
  const path = join(directory, 'store');
  const ends = [statSync(path).size];
  for (const value of ['one', 'two', 'three']) {
    store.put('a', bytes(value));
    ends.push(statSync(path).size);
  }
  store.close();
  return { directory, file: readFileSync(path), ends };
}

test('a torn tail of any length costs the last write and nothing else', () => {
  const { directory, file, ends } = threeWrites();
  for (let length = ends[0]!; length <= file.length; length++) {
    writeFileSync(join(directory, 'store'), file.subarray(0, length));
    const whole = ends.filter((end) => end <= length).length - 1;
    expect(contentOf(directory)).toEqual(whole === 0 ? {} : { a: ['one', 'two', 'three'][whole - 1] });
    expect(statSync(join(directory, 'store')).size).toBe(ends[whole]);
  }
});

test('writing goes on behind a torn tail', () => {
  const { directory, file, ends } = threeWrites();
  writeFileSync(join(directory, 'store'), file.subarray(0, ends[3]! - 1));
  const store = FileStore.open(directory);
  store.put('b', bytes('next'));
  store.close();
  expect(contentOf(directory)).toEqual({ a: 'two', b: 'next' });
});

test('garbage behind the last record is cut off', () => {
  const { directory, file } = threeWrites();
  appendFileSync(join(directory, 'store'), 'TR\0\0\0\u0004garbage and TR again');
  expect(contentOf(directory)).toEqual({ a: 'three' });
  expect(readFileSync(join(directory, 'store'))).toEqual(file);
});

test('a flipped bit anywhere before the last record is refused, one in the last record costs that', () => {
  const { directory, file, ends } = threeWrites();
  for (let at = 0; at < file.length; at++) {
    const damaged = Buffer.from(file);
    damaged[at]! ^= 0x40;
    writeFileSync(join(directory, 'store'), damaged);
    if (at >= ends[2]!) expect(contentOf(directory)).toEqual({ a: 'two' });
    else if (at >= 8 && at < 16) expect(contentOf(directory), 'another salt is another file').toEqual({});
    else expect(['E_ENCODING', 'E_VERSION'], `byte ${at}`).toContain(codeOf(() => contentOf(directory)));
  }
});

test('records of another file do not count', () => {
  const [one, other] = [threeWrites(), threeWrites()];
  writeFileSync(
    join(one.directory, 'store'),
    Buffer.concat([one.file.subarray(0, one.ends[2]), other.file.subarray(other.ends[2])]),
  );
  expect(contentOf(one.directory)).toEqual({ a: 'two' });
});

test('a newer format is said to be one', () => {
  const { directory, file } = threeWrites();
  const newer = Buffer.from(file);
  newer[7] = 2;
  writeFileSync(join(directory, 'store'), newer);
  expect(codeOf(() => FileStore.open(directory))).toBe('E_VERSION');
});

test('a file that grew is compacted, and holds the same', () => {
  const directory = freshDirectory();
  const store = FileStore.open(directory);
  const path = join(directory, 'store');
  store.put('kept', bytes('k'));
  const value = new Uint8Array(64 * 1024);
  let highest = 0;
  for (let i = 0; i < 100; i++) {
    value.fill(i);
    store.put(`floor/${i % 2}`, value);
    highest = Math.max(highest, statSync(path).size);
  }
  expect(highest).toBeGreaterThan(512 * 1024);
  expect(highest).toBeLessThan(1024 * 1024 + 70_000);
  const before = store.entries('');
  store.put('after', bytes('a'));
  store.close();
  expect(existsSync(`${path}.new`)).toBe(false);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const again = FileStore.open(directory);
  expect(new Map(again.entries(''))).toEqual(new Map([...before, ['after', bytes('a')]]));
  again.close();
});

test('a compaction that cannot be done is put off, and costs nothing', () => {
  const directory = freshDirectory();
  const store = FileStore.open(directory);
  mkdirSync(join(directory, 'store.new', 'in-the-way'), { recursive: true });
  const value = new Uint8Array(256 * 1024);
  let failure: unknown;
  try {
    for (let i = 0; i < 10; i++) store.put('a', value.fill(i));
  } catch (error) {
    failure = error;
  }
  expect(failure).toBeUndefined();
  store.close();
  rmSync(join(directory, 'store.new'), { recursive: true });
  expect(contentOf(directory).a).toBe('\u0009'.repeat(value.length));
});

test('what a compaction left behind is no store', () => {
  const { directory, file } = threeWrites();
  writeFileSync(join(directory, 'store.new'), file.subarray(0, 20), { mode: 0o600 });
  expect(contentOf(directory)).toEqual({ a: 'three' });
  expect(existsSync(join(directory, 'store.new'))).toBe(false);
});

test('it answers as a map does, whatever is done, also after it is opened again', () => {
  const step = fc.record({
    name: fc.constantFrom('a', 'b', 'a/b', ''),
    value: fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined }),
    reopens: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const directory = freshDirectory();
      const model = new Map<string, Uint8Array>();
      let store = FileStore.open(directory);
      for (const { name, value, reopens } of steps) {
        if (value === undefined) {
          model.delete(name);
          store.delete(name);
        } else {
          model.set(name, value);
          store.put(name, value);
        }
        if (reopens) {
          store.close();
          store = FileStore.open(directory);
        }
        expect(new Map(store.entries(''))).toEqual(model);
      }
      store.close();
    }),
    { numRuns: 30 },
  );
});

test('a value of 16 MiB fits, a larger one and too long a name do not', () => {
  const directory = freshDirectory();
  const store = FileStore.open(directory);
  store.put('large', new Uint8Array(16 * 1024 * 1024));
  expect(codeOf(() => store.put('larger', new Uint8Array(16 * 1024 * 1024 + 1)))).toBe('E_LIMIT');
  expect(codeOf(() => store.put('n'.repeat(0x1_0000), bytes('')))).toBe('E_LIMIT');
  store.put('after', bytes('1'));
  store.close();
  expect(Object.keys(contentOf(directory))).toEqual(['large', 'after']);
});

test('a closed store can be read and not written', () => {
  const directory = freshDirectory();
  const store = FileStore.open(directory);
  store.put('a', bytes('1'));
  store.close();
  store.close();
  expect(store.get('a')).toEqual(bytes('1'));
  expect(() => store.put('a', bytes('2'))).toThrow('closed');
  expect(contentOf(directory)).toEqual({ a: '1' });
});

test('a second opening is refused until the first is closed', () => {
  const directory = freshDirectory();
  const store = FileStore.open(directory);
  expect(codeOf(() => FileStore.open(directory))).toBe('E_USAGE');
  store.put('a', bytes('1'));
  store.close();
  FileStore.open(directory).close();
});

test('who only looks may do so while it is in use, and changes nothing', () => {
  const directory = freshDirectory();
  expect(codeOf(() => FileStore.look(directory))).toBe('E_USAGE');
  const store = FileStore.open(directory);
  store.put('a', bytes('1'));
  store.put('b', bytes('2'));
  store.delete('b');
  appendFileSync(join(directory, 'store'), 'TR on its way');
  const before = readFileSync(join(directory, 'store'));
  expect(FileStore.look(directory).entries('')).toEqual([['a', bytes('1')]]);
  expect(readFileSync(join(directory, 'store'))).toEqual(before);
  chmodSync(join(directory, 'store'), 0o644);
  expect(codeOf(() => FileStore.look(directory))).toBe('E_USAGE');
  store.close();
});

test('who was robbed of the directory writes nothing any more', () => {
  const directory = freshDirectory();
  const store = FileStore.open(directory);
  rmSync(join(directory, 'lock'));
  const thief = FileStore.open(directory);
  expect(() => store.put('a', bytes('1'))).toThrow('taken over');
  store.close();
  thief.put('a', bytes('2'));
  thief.close();
  expect(contentOf(directory)).toEqual({ a: '2' });
});

const holder = (fields: object) =>
  JSON.stringify({ pid: 1, started: 'x', host: hostname(), boot: '', namespace: '', ...fields });

test.each([
  ['of a process of before the machine began', holder({ pid: process.pid, boot: 'another' })],
  ['of a process of before the container began', holder({ pid: process.pid, namespace: 'pid:[1]' })],
])('a lock %s is taken over', (_name, content) => {
  const directory = freshDirectory();
  FileStore.open(directory).close();
  writeFileSync(join(directory, 'lock'), content);
  const store = FileStore.open(directory);
  store.put('a', bytes('1'));
  store.close();
  expect(contentOf(directory)).toEqual({ a: '1' });
});

test.each([
  ['of another machine', holder({ host: 'elsewhere.example' }), 'elsewhere.example'],
  ['that nobody understands', 'hello', 'is no lock'],
  ['with a number that is none', holder({ pid: 0 }), 'is no lock'],
])('a lock %s is left alone', (_name, content, says) => {
  const directory = freshDirectory();
  FileStore.open(directory).close();
  writeFileSync(join(directory, 'lock'), content);
  expect(codeOf(() => FileStore.open(directory))).toBe('E_USAGE');
  expect(() => FileStore.open(directory)).toThrow(says);
  expect(readFileSync(join(directory, 'lock'), 'utf8')).toBe(content);
});

let program: string;
beforeAll(async () => {
  program = await bundle(new URL('counting-process.ts', import.meta.url));
});

test('a lock of a process that has ended is taken over, one of a process that runs is not', async () => {
  const directory = freshDirectory();
  const running = startChild(directory);
  await untilOutput(running, 1);
  expect(codeOf(() => FileStore.open(directory))).toBe('E_USAGE');
  expect(() => FileStore.open(directory)).toThrow(`process ${running.pid} uses this directory`);
  running.kill('SIGKILL');
  await once(running, 'exit');
  expect(existsSync(join(directory, 'lock'))).toBe(true);
  FileStore.open(directory).close();
});

test('nothing that was put is lost by kill -9, at any moment', async () => {
  const directory = freshDirectory();
  let said = 0;
  for (let life = 0; life < 8; life++) {
    const process = startChild(directory);
    const lines = await untilOutput(process, 20 + 37 * life);
    process.kill('SIGKILL');
    await once(process, 'close');
    said = Math.max(said, ...lines());
    const store = FileStore.open(directory);
    const value = store.get('counter');
    const held = Number(Buffer.from(value!).toString('latin1').split(' ')[0]);
    expect(held).toBeGreaterThanOrEqual(said);
    // Of the one that was on its way, all or nothing.
    expect(held).toBeLessThanOrEqual(said + 1);
    expect(value!.length).toBe(2_000);
    store.close();
    said = held;
  }
}, 60_000);

/** A process that counts in the store, says each number after it was put, and never ends. */
function startChild(directory: string): ReturnType<typeof spawn> {
  return spawn(process.execPath, [program, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** @returns the numbers that were said so far */
async function untilOutput(process: ReturnType<typeof spawn>, count: number): Promise<() => number[]> {
  let text = '';
  const lines = () => text.split('\n').slice(0, -1).map(Number);
  process.stdout!.on('data', (chunk: Buffer) => (text += chunk.toString()));
  while (lines().length < count) await once(process.stdout!, 'data');
  return lines;
}
