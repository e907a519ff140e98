import type { LinkMessage } from '@tridcomm/core/link';
import { expect, test, vi } from 'vitest';
import { Publisher } from '../../src/client/publisher.ts';
import type { Link } from '../../src/links/link.ts';

test('messages whose batch became several envelopes wait for all of them, also for one that goes out again', async () => {
  const sent: LinkMessage[] = [];
  const link: Link = {
    send: (message) => sent.push(message),
    isFull: false,
    close: () => {},
    peer: {} as Link['peer'],
  };
  const envelopes = [new Uint8Array([1]), new Uint8Array([2])] as const;
  const publisher = new Publisher({
    seal: () => ({
      published: { groupId16: new Uint8Array(16), envelopes } as unknown as ReturnType<
        ConstructorParameters<typeof Publisher>[0]['seal']
      >['published'],
      ids: [new Uint8Array(32), new Uint8Array(32)],
    }),
    link: () => link,
    lingerMs: 0,
  });
  publisher.opened();
  const settled = vi.fn();
  const done = publisher.publish('a', [new Uint8Array(1)], 'memory', undefined).then(settled);
  await vi.waitFor(() => expect(sent.length).toBe(2));
  publisher.rejected(1, 'E_LIMIT', 20);
  publisher.acknowledged(2);
  await new Promise((resolve) => setImmediate(resolve));
  expect(settled).not.toHaveBeenCalled();
  await vi.waitFor(() => expect(sent.length).toBe(3));
  publisher.acknowledged(3);
  await done;
  expect(settled).toHaveBeenCalledOnce();
});
