import { Duplex } from 'node:stream';
import { TridcommError } from '@tridcomm/core';
import { expect, test } from 'vitest';
import { connect } from '../../src/client/connect.ts';
import { parseAddress } from '../../src/links/address.ts';
import { dial } from '../../src/links/dial.ts';
import { overStream } from '../../src/links/over-stream.ts';

const quiet = { onData: () => {}, onDrain: () => {}, onEnd: () => {} };

async function dialled(open: () => Duplex | Promise<Duplex>, signal: AbortSignal = new AbortController().signal) {
  const { address, dial: dialStream } = overStream(open);
  return dialStream(parseAddress(address), {}, quiet, signal);
}

function pipe(): Duplex {
  return new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() });
}

test('what cannot open a stream is E_TRANSPORT, a refusal of ours stays what it is', async () => {
  const failing = dialled(() => {
    throw new Error('no tunnel');
  });
  await expect(failing).rejects.toMatchObject({ code: 'E_TRANSPORT', message: expect.stringContaining('no tunnel') });
  await expect(dialled(async () => Promise.reject(new TridcommError('E_CLOSED')))).rejects.toMatchObject({
    code: 'E_CLOSED',
  });
});

test('a stream that is over is E_TRANSPORT', async () => {
  await expect(dialled(() => pipe().destroy())).rejects.toMatchObject({ code: 'E_TRANSPORT' });
});

test('who gives up while a stream is being opened leaves none behind', async () => {
  const abort = new AbortController();
  const stream = pipe();
  let open: (stream: Duplex) => void = () => {};
  const dialling = dialled(async () => new Promise<Duplex>((resolve) => (open = resolve)), abort.signal);
  abort.abort(new Error('enough'));
  open(stream);
  await expect(dialling).rejects.toThrow('enough');
  expect(stream.destroyed).toBe(true);
});

test('inproc: leads nowhere by itself', async () => {
  const signal = new AbortController().signal;
  await expect(dial(parseAddress('inproc:'), {}, quiet, signal)).rejects.toMatchObject({ code: 'E_USAGE' });
  await expect(connect('inproc:x', { identity: 'none' })).rejects.toMatchObject({ code: 'E_USAGE' });
});
