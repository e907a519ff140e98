import { createInterface } from 'node:readline';
import { TridcommError, type CryptoProvider } from '@tridcomm/core';
import { nobleProvider } from '@tridcomm/core/noble';
import { nodeProvider } from '@tridcomm/core/node';
import { codecOperations } from './codec.ts';
import { cryptoOperations } from './crypto.ts';
import { errorOperations } from './errors.ts';
import { groupOperations } from './groups.ts';
import { linkOperations } from './link.ts';
import { messageOperations } from './messages.ts';
import { nodeOperations } from './node.ts';
import { noiseOperations } from './noise.ts';
import { openOperations } from './open.ts';
import { poolOperations } from './pools.ts';
import { principalOperations } from './principals.ts';
import { relayOperations } from './relay.ts';
import { replayOperations } from './replay.ts';
import { routerOperations } from './routers.ts';
import { sealOperations } from './seal.ts';
import { surveyOperations } from './surveys.ts';
import { topicOperations } from './topics.ts';
import { Input, type Operation, type Value } from './values.ts';

/*
 * Answers the harness with @tridcomm/core: JSON lines on standard input and output, adapter protocol version 1.
 * node dist/adapter.js --provider noble|node
 */

const providers: Readonly<Record<string, CryptoProvider>> = { noble: nobleProvider, node: nodeProvider };
const providerName = process.argv[process.argv.indexOf('--provider') + 1] ?? 'node';
const provider = providers[providerName];
if (provider === undefined) {
  process.stderr.write(`unknown provider ${providerName}; known: ${Object.keys(providers).join(', ')}\n`);
  process.exit(2);
}

const operations: Readonly<Record<string, Operation>> = {
  ...codecOperations(provider),
  ...cryptoOperations(provider),
  ...sealOperations(provider),
  ...openOperations(provider),
  ...replayOperations(),
  ...topicOperations(provider),
  ...errorOperations,
  ...principalOperations(provider),
  ...groupOperations(provider),
  ...nodeOperations(provider),
  ...messageOperations,
  ...noiseOperations(provider),
  ...linkOperations(provider),
  ...poolOperations(provider),
  ...surveyOperations(provider),
  ...routerOperations(provider),
  ...relayOperations(provider),
};

const hello = {
  protocol: 1,
  name: `tridcomm-core-${provider.name}`,
  version: '0.1.0',
  language: 'typescript',
  spec: ['1.0'],
  features: [
    'codec',
    'schedule',
    'ed25519',
    'x25519',
    'seal',
    'open',
    'replay',
    'topics',
    'errors',
    'principals',
    'groups',
    'node',
    'messages',
    'noise',
    'link',
    'pools',
    'surveys',
    'routers',
    'relay',
  ],
};

for await (const line of createInterface({ input: process.stdin })) {
  const message = new Input(JSON.parse(line) as Value);
  const command = message.text('cmd');
  if (command === 'hello') answer(hello);
  else if (command === 'run') answer(run(message));
  else if (command === 'bye') break;
}

function run(message: Input): Value {
  const id = message.text('id');
  const operation = operations[message.text('op')];
  if (operation === undefined) return { id, skip: `no operation ${message.text('op')}` };
  try {
    return { id, out: operation(message.object('in')) };
  } catch (error) {
    // Anything else is a mistake of ours: the process ends, and the harness shows it.
    if (!(error instanceof TridcommError)) throw error;
    return { id, error: { code: error.code, detail: error.message } };
  }
}

function answer(value: Value): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
