import type { AdapterProcess } from './adapter-process.ts';
import { CannotRun } from './cannot-run.ts';
import { excerpt } from './excerpt.ts';
import type { LineCheck } from './line-check.ts';
import { parseLine, readHelloReply } from './parse-line.ts';
import { ProtocolFault } from './protocol.ts';
import type { HelloLine, HelloReply } from './protocol.ts';

/**
 * Says hello to a fresh process and waits for its answer.
 *
 * @throws {@link CannotRun} with what the adapter did instead of answering; the process is ended then
 */
export async function greet(
  adapter: AdapterProcess,
  hello: HelloLine,
  timeoutMs: number,
  check: LineCheck | undefined,
): Promise<HelloReply> {
  try {
    const reply = readReply(await firstLine(adapter, hello, timeoutMs), check);
    const wireVersion = hello.spec.find((version) => !reply.spec.includes(version));
    if (wireVersion === undefined) return reply;
    throw new ProtocolFault(
      `doesn't list wire version ${wireVersion} of the vectors in its spec: ${reply.spec.join(', ')}`,
    );
  } catch (fault) {
    if (!(fault instanceof ProtocolFault)) throw fault;
    adapter.kill();
    const stderr = adapter.stderr.take().map((line) => `\n  stderr | ${line}`);
    const slow = fault instanceof TimedOut ? ' If it only starts slowly, raise --timeout.' : '';
    throw new CannotRun(`the adapter ${fault.message}${stderr.join('')}\n${advice(hello)}${slow}`, { cause: fault });
  }
}

class TimedOut extends ProtocolFault {}

function firstLine(adapter: AdapterProcess, hello: HelloLine, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const lines: string[] = [];
    const fail = (why: string): void => {
      clearTimeout(timer);
      reject(new ProtocolFault(why));
    };
    const timer = setTimeout(
      () => reject(new TimedOut(`didn't answer hello within ${timeoutMs} ms${adapter.unendedLine}`)),
      timeoutMs,
    );
    adapter.listener = {
      line: (text) => lines.push(text),
      drained: () => {
        const [first, second] = lines;
        if (first === undefined) return;
        if (second !== undefined) fail(`wrote a second line before it was asked to run anything: ${excerpt(second)}`);
        clearTimeout(timer);
        resolve(first);
      },
      end: (why) => fail(`${why} before it answered hello`),
    };
    adapter.send(hello);
  });
}

function readReply(text: string, check: LineCheck | undefined): HelloReply {
  const line = parseLine(text, 1);
  const violation = check?.('helloReply', line);
  if (violation !== undefined) throw new ProtocolFault(`answered hello against the schema: ${violation}`);
  return readHelloReply(line);
}

function advice(hello: HelloLine): string {
  const example: HelloReply = {
    protocol: hello.protocol,
    name: 'my-tridcomm',
    version: '0.1.0',
    language: 'go',
    spec: hello.spec,
    features: ['codec'],
  };
  return [
    'It gets this line on stdin:',
    `  ${JSON.stringify(hello)}`,
    'and must answer on stdout with one line such as this, ended by a line feed and flushed:',
    `  ${JSON.stringify(example)}`,
    'Logs belong on stderr.',
  ].join('\n');
}
