import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isLoopback } from '@tridcomm/client-node/internal';
import { TridcommError } from '@tridcomm/core';
import type { BrokerEngine } from './engine/broker-engine.ts';
import type { Counters } from './engine/counters.ts';
import type { BrokerEvent } from './engine/events.ts';
import { listening, Sockets } from './listeners/listener.ts';
import type { Openings } from './listeners/openings.ts';

/** What is measured besides what is counted. */
export interface Measured {
  readonly engine: BrokerEngine;
  readonly openings: Openings;
}

/**
 * Counts events, and tells all counts in the text form of Prometheus. Labels are codes and kinds, never somebody's name.
 *
 * @spec errors.5
 */
export class Metrics {
  readonly #events = new Map<string, number>();

  note(event: BrokerEvent): void {
    const labels = {
      type: event.type,
      ...('what' in event && { what: event.what }),
      ...('code' in event && { code: event.code }),
    };
    const text = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
    const key = `{${text.join(',')}}`;
    this.#events.set(key, (this.#events.get(key) ?? 0) + 1);
  }

  text({ engine, openings }: Measured): string {
    const { log } = engine;
    const gauges: readonly (readonly [string, string, number])[] = [
      ['links', 'Open links', engine.connectionCount],
      ['openings', 'Connections that are not open links yet', openings.count],
      ['subs', 'Subscriptions of all links', engine.subCount],
      ['queued_bytes', 'Live envelopes that wait for links', engine.queuedBytes],
      ['log_first_position', 'Oldest position of the log', log?.firstPosition ?? 0],
      ['log_next_position', 'Next position of the log', log?.nextPosition ?? 0],
      ['memory_bytes', 'Resident memory of the process', process.memoryUsage.rss()],
    ];
    const counted = Object.entries(engine.counters) as [keyof Counters, number][];
    return [
      ...counted.flatMap(([name, value]) => lines(`${snakeOf(name)}_total`, 'counter', helps[name], [['', value]])),
      ...gauges.flatMap(([name, help, value]) => lines(name, 'gauge', help, [['', value]])),
      ...lines('events_total', 'counter', 'Decisions of the broker, by type and code', [...this.#events]),
      '',
    ].join('\n');
  }
}

/** A page with the metrics. */
export interface MetricsPage {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves the metrics on this machine, and to nobody else.
 *
 * @throws TridcommError `E_USAGE` for a host that is not this machine, or an address that cannot be had
 */
export async function serveMetrics(host: string, port: number, text: () => string): Promise<MetricsPage> {
  if (!isLoopback(host)) throw new TridcommError('E_USAGE', 'metrics: only a loopback address is taken');
  const sockets = new Sockets();
  const server = createServer({ requestTimeout: 5_000 }, (request, response) => answer(request, response, text));
  server.on('connection', (socket) => sockets.add(socket));
  await listening(server, 'metrics', () => server.listen(port, host));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: async () => {
      sockets.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function answer({ method, url, headers }: IncomingMessage, response: ServerResponse, text: () => string): void {
  // A page of somebody else's that got this machine's address for its own name asks under that name.
  const isHere = isLoopback((headers.host ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1'));
  const status = !isHere ? 403 : url !== '/metrics' ? 404 : method !== 'GET' ? 405 : 200;
  response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', connection: 'close' });
  response.end(status === 200 ? text() : '');
}

function lines(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  values: readonly (readonly [string, number])[],
): string[] {
  const full = `tridcomm_broker_${name}`;
  return [
    `# HELP ${full} ${help}`,
    `# TYPE ${full} ${type}`,
    ...values.map(([labels, value]) => `${full}${labels} ${value}`),
  ];
}

function snakeOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const helps: Readonly<Record<keyof Counters, string>> = {
  envelopesTaken: 'Envelopes that passed the edge check',
  messagesTaken: 'Messages in them, by their headers',
  envelopeBytesTaken: 'Bytes of them',
  envelopesDelivered: 'Envelopes sent to links, each link counted',
  envelopeBytesDelivered: 'Bytes of them',
  storedDelivered: 'Those of them that came from the log',
  objectsDelivered: 'Objects of the authority sent to links',
  unitsLeased: 'Requests, messages of dealers and jobs given to links, each time counted',
  forwardsDropped: 'Forwards of routers dropped for a link without room',
  signaturesVerified: 'Signatures of envelopes verified',
  envelopesStored: 'Envelopes appended to the log',
  acksSent: 'Ack frames sent',
};
