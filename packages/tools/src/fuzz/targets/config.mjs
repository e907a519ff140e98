/** The configuration of a broker: text of whoever runs it. */
import { loadBroker, must } from '../core.mjs';

/** @typedef {import('../core.mjs').Core} Core */
/** @typedef {import('../engine.mjs').Target} Target */

/**
 * Input: a configuration in JSON. What is wrong is `E_USAGE`, and no message says a value.
 * @param {Core} core @param {unknown} _tests @param {unknown} _world @param {string} folder @returns {Promise<Target>}
 */
export async function configTarget(core, _tests, _world, folder) {
  const broker = await loadBroker(folder);
  return {
    name: 'config',
    files: /^broker\/config/,
    seeds: samples.map((sample) => new TextEncoder().encode(JSON.stringify(sample))),
    slowMs: 5,
    run(input) {
      /** @type {unknown} */
      let value;
      try {
        value = JSON.parse(new TextDecoder().decode(input));
      } catch {
        // `readConfigFile` says so before anything else.
        return;
      }
      const text = JSON.stringify(value);
      try {
        check(broker.parseConfig(value));
      } catch (error) {
        if (!(error instanceof core.TridcommError) || error.code !== 'E_USAGE') throw error;
        for (const secret of valuesIn(value)) {
          must(!error.message.includes(secret), `the message says a value: ${error.message}`);
        }
      }
      must(JSON.stringify(value) === text, 'a configuration is changed by being read');
      must(Object.keys(Object.prototype).length === 0, 'objects have got another prototype');
    },
  };
}

/** @param {import('../../../../broker/src/config.ts').BrokerFile} config */
function check({ listeners, limits, authorityId, store, insecure }) {
  must(listeners.length > 0 && listeners.length <= 64, `${listeners.length} listeners`);
  for (const listener of listeners) {
    if (listener.type !== 'unix') must(listener.port >= 0 && listener.port <= 65_535, `port ${listener.port}`);
    const isPlain = listener.type === 'websocket' && listener.certificate === undefined;
    must(!isPlain || insecure === 'loopback', 'a listener without TLS');
  }
  const { principal, ...ofBroker } = limits;
  for (const limit of [...Object.values(ofBroker), ...Object.values(principal)]) {
    must(Number.isInteger(limit) && limit > 0, `limit ${limit}`);
  }
  must(authorityId === undefined || /^[0-9a-f]{64}$/.test(authorityId), 'an authority of another form');
  must(store.type !== 'disk' || store.folder.length > 0, 'a store without a folder');
}

/** Texts in a value that nobody would expect in a message. @param {unknown} value @returns {string[]} */
function valuesIn(value) {
  if (typeof value === 'string') return /^[a-z]{0,9}$|^.{0,5}$/s.test(value) ? [] : [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(valuesIn) : [];
}

const identity = '/var/lib/tridcomm/broker-identity';
const authorityId = '0123456789abcdef'.repeat(4);
const samples = [
  { identity, listeners: [{ type: 'noise' }] },
  { identity, authorityId, listeners: [{ type: 'tls', host: '127.0.0.1', port: 7301, ca: 'ca-file.pem' }] },
  { identity, listeners: [{ type: 'websocket', path: '/links', port: 0 }], insecure: 'loopback' },
  { identity, listeners: [{ type: 'websocket', certificate: 'cert-file.pem', privateKey: 'key-file.pem' }] },
  {
    identity,
    listeners: [{ type: 'unix', path: 'broker.sock', shared: true }],
    metrics: { host: '127.0.0.1', port: 9464 },
  },
  {
    identity,
    listeners: [
      { type: 'noise', port: 65_535 },
      { type: 'unix', path: '/run/tridcomm.sock' },
    ],
    store: { type: 'disk', folder: '/var/lib/tridcomm/log', maxBytes: 1_000_000_000, maxAgeMs: 86_400_000 },
    limits: {
      connections: 100,
      openings: 10,
      queueBytes: 4_194_304,
      principal: { connections: 2, subs: 3, messagesPerSecond: 4, envelopesPerSecond: 5, bytesPerSecond: 6 },
    },
  },
  { identity, listeners: [{ type: 'noise' }], store: { type: 'memory', maxBytes: 1 } },
];
