import type { LinkMessage } from '@tridcomm/core/link';
import { expect, test, vi } from 'vitest';
import { Connection } from '../../src/client/connection.ts';
import { openLink, type LinkHandlers, type MemberOfLink, type ProvenLink } from '../../src/links/link.ts';

vi.mock(import('../../src/links/link.ts'), () => ({ openLink: vi.fn() }));

test('delivery.17: a ping is answered, but answers do not pile up on a link that is full', async () => {
  const sent: LinkMessage[] = [];
  const link = { isFull: false, send: (message: LinkMessage) => sent.push(message), close: () => {} };
  let handlers!: LinkHandlers;
  vi.mocked(openLink).mockImplementation(async (_target, _member, given) => {
    handlers = given;
    given.onOpen(link as unknown as ProvenLink);
    return Promise.resolve();
  });
  const nothing = () => {};
  const connection = new Connection({ address: 'noise://a' }, () => ({}) as MemberOfLink, {
    onConnecting: nothing,
    onOpen: nothing,
    onMessage: nothing,
    onDrain: nothing,
    onLost: nothing,
    onClock: nothing,
  });
  await connection.start();
  handlers.onMessage({ type: 'ping', answers: false, token: 7, timeMs: 0 });
  expect(sent).toMatchObject([{ type: 'ping', answers: true, token: 7 }]);
  link.isFull = true;
  handlers.onMessage({ type: 'ping', answers: false, token: 8, timeMs: 0 });
  expect(sent.length).toBe(1);
  connection.close();
});
