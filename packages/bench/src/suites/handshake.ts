import { median, ratiosOf, spreadOf } from '../measure.ts';
import { aedes, mosquitto } from '../peers/mqtt.ts';
import { nats } from '../peers/nats.ts';
import type { Peer, PeerServer } from '../peers/peer.ts';
import { rawTls } from '../peers/raw.ts';
import { Site } from '../peers/site.ts';
import { tridcomm } from '../peers/tridcomm.ts';
import { Child } from '../processes/child.ts';
import type { Role } from '../processes/role.ts';
import type { Row } from '../report.ts';
import { reasonOf, type Effort } from './suite.ts';

/** P11: connections a second that one process opens and closes, 16 at once, each with both ends authenticated. */
export async function runHandshake(effort: Effort): Promise<readonly Row[]> {
  const [rounds, roundMs] = effort.quick ? [5, 1_000] : [9, 2_000];
  return await Site.with(async (site) => {
    const broker = await site.broker('none');
    const noise = tridcomm(site, broker, { name: 'TriDComm N (Noise)', listener: 'noise', isInMemory: true });
    const tls = tridcomm(site, broker, { name: 'TriDComm T (TLS)', isInMemory: true });
    const [plain, raw] = [nats(site), rawTls(site)];
    const peers = [noise, tls, plain, raw, mosquitto(site), aedes(site)];
    for (const { version } of [noise, ...peers.slice(2)]) effort.note(version);
    const rates = new Map<Peer, number[]>();
    const absent = new Map<Peer, string>();
    const running: { readonly peer: Peer; readonly server: PeerServer; readonly client: Child<Role> }[] = [];
    try {
      for (const peer of peers) {
        if (peer.absent !== undefined) {
          absent.set(peer, peer.absent);
          continue;
        }
        try {
          running.push({ peer, server: await peer.start(0), client: new Child<Role>('processes/role.js') });
        } catch (error) {
          absent.set(peer, reasonOf(error));
        }
      }
      for (let round = -1; round < rounds; round++) {
        for (const { peer, server, client } of running) {
          if (absent.has(peer)) continue;
          try {
            const rate = await client.call('handshakes', server.publisher, round < 0 ? 500 : roundMs, atOnce);
            // The first round is for warmth.
            if (round >= 0) rates.set(peer, [...(rates.get(peer) ?? []), rate]);
          } catch (error) {
            absent.set(peer, reasonOf(error));
            rates.delete(peer);
          }
        }
      }
    } finally {
      for (const { client, server } of running) {
        await client.end();
        await server.end();
      }
    }
    const versus = (over: Peer, under: Peer, atLeast: number): Row => {
      const [numerator, denominator] = [rates.get(over), rates.get(under)];
      const row = { name: `handshakes: ${over.name} ÷ ${under.name}`, unit: '×', goal: 'P11', atLeast };
      if (numerator === undefined || denominator === undefined) {
        return { ...row, value: undefined, note: absent.get(over) ?? absent.get(under)! };
      }
      const ratios = ratiosOf(numerator, denominator);
      return { ...row, value: median(ratios), spread: spreadOf(ratios) };
    };
    return [
      ...peers.map((peer): Row => {
        const found = rates.get(peer);
        const name = `handshakes: ${peer.name}`;
        if (found === undefined) return { name, value: undefined, unit: '/s', note: absent.get(peer)! };
        return { name, value: median(found), unit: '/s', spread: spreadOf(found) };
      }),
      versus(noise, plain, 2),
      versus(tls, raw, 0.75),
    ];
  });
}

const atOnce = 16;
