import { type TopicMatch } from '@tridcomm/core';
import { matchKinds, type LinkMessage } from '@tridcomm/core/link';
import { expect, test, vi } from 'vitest';
import { LinkCarrier, type Asker } from '../../src/client/link-carrier.ts';
import type { Link } from '../../src/links/link.ts';

function linkTo(sent: LinkMessage[]): Link {
  return { send: (message) => sent.push(message), isFull: false, close: () => {}, peer: {} as Link['peer'] };
}

const asker = (): Asker => ({
  from: () => 1,
  object: () => {},
  stored: () => {},
  refused: () => {},
  dropped: () => {},
});
const match = (byte: number): TopicMatch => ({
  matchKind: matchKinds.exact,
  level: 0,
  match16: new Uint8Array(16).fill(byte),
});
const subsOf = (sent: readonly LinkMessage[]) =>
  sent.filter((message) => message.type === 'sub').map((message) => message.sub);

test('delivery.20: no number of a link is given twice; when all are used up another link is asked for, and begins anew', async () => {
  const sent: LinkMessage[] = [];
  const onUsedUp = vi.fn();
  const carrier = new LinkCarrier(() => {}, onUsedUp);
  const own = carrier.join(asker(), () => {});
  carrier.opened(linkTo(sent));
  for (let i = 0; i < 0xffff; i++) {
    own.subscribe(match(1));
    own.unsubscribe(match(1));
  }
  expect(new Set(subsOf(sent)).size).toBe(0xffff);
  expect(() => own.subscribe(match(1))).toThrow('E_LIMIT');
  await Promise.resolve();
  expect(onUsedUp).toHaveBeenCalledOnce();
  carrier.lost();
  const next: LinkMessage[] = [];
  carrier.opened(linkTo(next));
  own.subscribe(match(1));
  expect(subsOf(next)).toEqual([1]);
});

test('delivery.19: what is stored for a sub that was never there is a mistake, for one that ended it is not', () => {
  const carrier = new LinkCarrier(
    () => {},
    () => {},
  );
  const stored = vi.fn();
  const reader = carrier.join({ ...asker(), stored });
  const own = carrier.join(asker(), () => {});
  carrier.opened(linkTo([]));
  carrier.settled();
  const envelope = new Uint8Array(1);
  expect(() => carrier.stored(1, 1, envelope)).toThrow('E_ENCODING');
  reader.subscribe(match(1));
  expect(carrier.stored(1, 1, envelope)).toBe(true);
  expect(stored).toHaveBeenCalledWith(match(1), 1, envelope);
  expect(() => carrier.stored(2, 1, envelope)).toThrow('E_ENCODING');
  reader.unsubscribe(match(1));
  expect(carrier.stored(1, 2, envelope)).toBe(false);
  // One that lives on news asked for nothing out of the log.
  own.subscribe(match(2));
  expect(carrier.stored(2, 1, envelope)).toBe(false);
});

test('delivery.19: so is a reject of what was not asked', () => {
  const carrier = new LinkCarrier(
    () => {},
    () => {},
  );
  const own = carrier.join(asker(), () => {});
  carrier.opened(linkTo([]));
  const reject = (about: 'sub' | 'watch', number: number) => () =>
    carrier.checkReject({ type: 'reject', about, number, code: 'E_POLICY', retryMs: 0 });
  for (const about of ['sub', 'watch'] as const) expect(reject(about, 1)).toThrow('E_ENCODING');
  own.subscribe(match(1));
  own.watch(new Uint8Array(16));
  carrier.flush();
  for (const about of ['sub', 'watch'] as const) {
    expect(reject(about, 1)).not.toThrow();
    expect(reject(about, 2)).toThrow('E_ENCODING');
  }
});
