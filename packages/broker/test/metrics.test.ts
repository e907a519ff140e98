import { afterEach, expect, test } from 'vitest';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Metrics, serveMetrics, type MetricsPage } from '../src/metrics.ts';
import { Openings } from '../src/listeners/openings.ts';
import { World } from './engine/world.ts';

let page: MetricsPage | undefined;

afterEach(async () => {
  await page?.close();
  page = undefined;
});

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Reads the text form of Prometheus, as strictly as its description: every sample belongs to a family with help and type. */
function parse(text: string): Map<string, { type: string; samples: Sample[] }> {
  expect(text.endsWith('\n')).toBe(true);
  const families = new Map<string, { type: string; samples: Sample[] }>();
  let help = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const [, helpName] = /^# HELP ([a-z_]+) \S.*$/.exec(line) ?? [];
    const [, typeName, type] = /^# TYPE ([a-z_]+) (counter|gauge)$/.exec(line) ?? [];
    if (helpName !== undefined) {
      help = helpName;
    } else if (typeName !== undefined) {
      expect(typeName).toBe(help);
      expect(families.has(typeName)).toBe(false);
      families.set(typeName, { type: type!, samples: [] });
    } else {
      const [, name, labelText = '', value] = /^([a-z_]+)(?:\{([^}]*)\})? (\d+(?:\.\d+)?)$/.exec(line) ?? [];
      expect([line, name]).not.toEqual([line, undefined]);
      const labels = Object.fromEntries(
        [...labelText.matchAll(/([a-z_]+)="([^"\\]*)"(?:,|$)/g)].map(([, key, label]) => [key!, label!]),
      );
      families.get(name!)!.samples.push({ labels, value: Number(value) });
    }
  }
  return families;
}

async function measured(): Promise<{ world: World; text: () => string; metrics: Metrics }> {
  const metrics = new Metrics();
  const world = new World({ onEvent: (event) => metrics.note(event) });
  const [alice, bob] = [world.join('alice'), world.join('bob')];
  world.group('orders/**', [alice], [bob]);
  await world.settle();
  bob.subscribe('orders/**');
  alice.publish('orders/new', 'a', 'b');
  alice.peer.publish(new Uint8Array(3));
  await world.settle();
  const openings = new Openings(10);
  return { world, metrics, text: () => metrics.text({ engine: world.engine, openings }) };
}

test('metrics parse, and say what happened', async () => {
  const { text } = await measured();
  const families = parse(text());
  const value = (name: string): number | undefined => families.get(`tridcomm_broker_${name}`)?.samples[0]?.value;
  expect(value('links')).toBe(3);
  expect(value('envelopes_taken_total')).toBe(1);
  expect(value('messages_taken_total')).toBe(3);
  expect(value('envelopes_delivered_total')).toBe(1);
  expect(value('subs')).toBe(1);
  const events = families.get('tridcomm_broker_events_total')!;
  expect(events.type).toBe('counter');
  expect(events.samples).toContainEqual({ labels: { type: 'refused', what: 'envelope', code: 'E_LENGTH' }, value: 1 });
});

interface Answer {
  readonly status: number;
  readonly body: string;
}

async function get(port: number, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request({ port, host: '127.0.0.1', path, headers, method }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode!, body }));
    });
    asking.on('error', reject);
    asking.end();
  });
}

test('the page is for this machine: not on other addresses, not under other names, and nothing but a GET', async () => {
  const { text } = await measured();
  await expect(serveMetrics('0.0.0.0', 0, text)).rejects.toMatchObject({ code: 'E_USAGE' });
  await expect(serveMetrics('::', 0, text)).rejects.toMatchObject({ code: 'E_USAGE' });
  page = await serveMetrics('127.0.0.1', 0, text);
  const { port } = page;
  const { status, body } = await get(port, '/metrics');
  expect([status, parse(body).size]).toEqual([200, parse(text()).size]);
  expect(await get(port, '/metrics', { host: `localhost:${port}` })).toMatchObject({ status: 200 });
  expect(await get(port, '/metrics', { host: '[::1]:1' })).toMatchObject({ status: 200 });
  expect(await get(port, '/metrics', { host: 'evil.example' })).toEqual({ status: 403, body: '' });
  expect(await get(port, '/metrics', { host: '127.0.0.1.evil.example' })).toEqual({ status: 403, body: '' });
  expect(await get(port, '/')).toEqual({ status: 404, body: '' });
  expect(await get(port, '/metrics', {}, 'POST')).toEqual({ status: 405, body: '' });
});

test('a port that is taken stops the start with a code', async () => {
  const { text } = await measured();
  page = await serveMetrics('127.0.0.1', 0, text);
  const { port }: Pick<AddressInfo, 'port'> = page;
  await expect(serveMetrics('127.0.0.1', port, text)).rejects.toMatchObject({ code: 'E_USAGE' });
});
