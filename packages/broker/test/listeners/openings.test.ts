import { expect, onTestFinished, test } from 'vitest';
import { Openings, peerOf } from '../../src/listeners/openings.ts';

test('link.8: a peer is an address of IPv4, or a network of 64 bits of IPv6', () => {
  const cases = [
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::FFFF:a00:1', '10.0.0.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['', ''],
  ] as const;
  for (const [address, peer] of cases) expect([address, peerOf(address)]).toEqual([address, peer]);
});

test('link.8: who has a network of IPv6 displaces itself, not others', () => {
  const openings = new Openings(4);
  const ended: string[] = [];
  const add = (address: string) => openings.add(address, () => void ended.push(address));
  const places = [add('10.0.0.1'), add('2001:db8::1'), add('2001:db8::2'), add('10.0.0.2'), add('2001:db8::3')];
  onTestFinished(() => {
    for (const place of places) place.done();
  });
  expect(ended).toEqual(['2001:db8::1']);
  expect(openings.count).toBe(4);
});
