import { describe, expect, it } from 'vitest';

import { fixture, run, writeVectors } from './support.ts';

const vectors = writeVectors();
const broken = async (command: readonly string[], ...options: readonly string[]): Promise<string> => {
  const outcome = await run('vectors', '--vectors-dir', vectors, ...options, '--', ...command);
  expect(outcome).toMatchObject({ status: 2, out: '' });
  return outcome.err;
};

describe('an adapter that does not work at all gives exit status 2', () => {
  it('when its program does not exist', async () => {
    const message = await broken(['/nowhere/adapter']);
    expect(message).toContain('could not be started: spawn /nowhere/adapter ENOENT');
    expect(message).not.toContain('--timeout');
  });

  it('when it exits before hello, and its stderr is shown', async () => {
    const message = await broken([process.execPath, '-e', 'console.error("no licence"); process.exit(7)']);
    expect(message).toContain('exited with status 7 before it answered hello');
    expect(message).toContain('stderr | no licence');
  });

  it('when its answer to hello has no line feed', async () => {
    const message = await broken([process.execPath, '-e', 'process.stdout.write("{}")']);
    expect(message).toContain('exited with status 0 (its last line has no line feed: "{}") before it answered hello');
    const stays = [process.execPath, '-e', 'process.stdout.write("{}"); setInterval(() => {}, 1000)'];
    expect(await broken(stays, '--timeout', '300')).toContain('within 300 ms (its last line has no line feed: "{}")');
  });

  it('when it never answers hello: within the timeout, with the lines that were expected', async () => {
    const start = performance.now();
    const message = await broken(fixture('no-hello'), '--timeout', '300');
    expect(performance.now() - start).toBeLessThan(2000);
    expect(message).toContain("didn't answer hello within 300 ms");
    expect(message).toContain('stderr | waiting for a database');
    expect(message).toContain('{"cmd":"hello","protocol":1,"vectors":"1.2.0","spec":["1.0"]}');
    expect(message).toContain('"name":"my-tridcomm"');
    expect(message).toContain('raise --timeout');
  });

  it.each([
    ['hello', 'no JSON object in line 1: "hello"'],
    ['[]', 'no JSON object in line 1'],
    ['{"protocol":2}', 'speaks protocol 2, not 1'],
    ['{"protocol":1,"version":"1"}', 'name (absent)'],
    ['{"protocol":1,"name":"a","version":1}', 'version 1, which is no text'],
    ['{"protocol":1,"name":"a","version":"1","language":"c","spec":["1.0"],"features":"core"}', 'features "core"'],
    ['{"protocol":1,"name":"a","version":"1","language":"c","spec":["1.0"],"features":[1]}', 'features[0] 1'],
    [
      '{"protocol":1,"name":"a","version":"1","language":"c","spec":["2.0"],"features":[]}',
      "doesn't list wire version 1.0",
    ],
  ])('when it answers hello with %s', async (answer, message) => {
    const said = await broken(fixture('bad-hello', answer));
    expect(said).toContain(message);
    expect(said).not.toContain('--timeout');
  });

  it('when it writes more than one line to hello', async () => {
    const good = '{"protocol":1,"name":"a","version":"1","language":"c","spec":["1.0"],"features":[]}';
    expect(await broken(fixture('bad-hello', `${good}\nready`))).toContain('second line before it was asked to run');
  });

  it('with --validate also when hello has a member that the schema does not know', async () => {
    const line = '{"protocol":1,"name":"a","version":"1","language":"c","spec":["1.0"],"features":[],"colour":"red"}';
    expect(await broken(fixture('bad-hello', line), '--validate')).toContain('colour is not in the schema');
  });
});

it('a slow hello within the timeout is fine', async () => {
  expect(await run('vectors', '--vectors-dir', vectors, '--', ...fixture('slow-hello'))).toMatchObject({ status: 0 });
});
