import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TridcommError, type ClientStore, type Identity, type RandomSource } from '@tridcomm/core';
import { nodeProvider } from '@tridcomm/core/node';
import type { ForeignCarrier } from '../carriers/foreign-carrier.ts';
import { parseAddress } from '../links/address.ts';
import { dial, type Dial, type TlsFiles } from '../links/dial.ts';
import type { StreamTarget } from '../links/over-stream.ts';
import { FileStore } from '../store/file-store.ts';
import { authorityIdOf, identityOf, names, parseAuthorityId, tlsFileNames } from '../store/identity-store.ts';
import { checkDurability, TridcommClient, type ClientParts } from './client.ts';
import { accessBy } from './enrol.ts';
import type { ConnectOptions } from './options.ts';
import type { Durability } from './publish-outcome.ts';
import { random } from './random.ts';
import type { AuthorityAccess } from './renewals.ts';
import { SealedIds } from './sealed-ids.ts';

/**
 * Connects to a broker as the principal that an identity belongs to.
 *
 * @param address - `tls://host:port`, `noise://host:port`, `wss://host:port/path` or `unix:path`; streams of your own, by `overStream`; or a
 *   messaging server of somebody else, by `overNats` or `overMqtt`, which say what it cannot do
 * @returns resolves with the client when its link is open; `ready()` waits for what the authority says
 * @throws TridcommError `E_USAGE` for options that cannot be, and for an identity that is in use; `E_POLICY` for a durability that a carrier has
 *   not; `E_TRANSPORT`, `E_HANDSHAKE`, `E_BINDING` and
 *   others where no link comes about, each with what to do; the reason of `signal`
 *
 * @example
 * const client = await connect('noise://broker.example', { identity: '/var/lib/orders/identity' });
 * await client.publish('orders/new', 'two coffees');
 * for await (const message of client.subscribe('orders/**')) console.log(message.text(), message.sender.name);
 * await client.close();
 */
export async function connect(
  address: string | StreamTarget | ForeignCarrier,
  options: ConnectOptions,
): Promise<TridcommClient> {
  if (typeof address === 'string' || !('dial' in address)) return connectIn(machine, address, options);
  return connectIn({ ...machine, dial: address.dial }, address.address, options);
}

/** What of its machine a client is given; the clock and the timers it takes from Node. */
export interface Surroundings {
  readonly random: RandomSource;
  readonly dial: Dial;
  /** More than the largest envelope. */
  readonly leastWindowBytes: number;
}

/** The same in given surroundings. */
export async function connectIn(
  surroundings: Surroundings,
  address: string | ForeignCarrier,
  options: ConnectOptions,
): Promise<TridcommClient> {
  const { signal, durability = 'memory', lingerMs = 0, windowBytes = defaultWindowBytes } = options;
  signal?.throwIfAborted();
  // Before anything is opened for it.
  if (typeof address === 'string') parseAddress(address, options.allowPlainLoopback);
  else checkOfCarrier(address, durability, options);
  if (!(windowBytes >= surroundings.leastWindowBytes && Number.isSafeInteger(windowBytes))) {
    throw new TridcommError('E_USAGE', `windowBytes ${windowBytes}, at least ${surroundings.leastWindowBytes}`);
  }
  if (!(lingerMs >= 0)) throw new TridcommError('E_USAGE', `lingerMs ${lingerMs}, from 0 on`);
  const { store, close } = storeOf(options.identity);
  const end = () => void client.close();
  const onClose = () => {
    signal?.removeEventListener('abort', end);
    close();
  };
  let client: TridcommClient;
  try {
    const ids = new SealedIds(options.provider ?? nodeProvider);
    const { provider } = ids;
    const authorityId32 = authorityOf(store, options.authorityId);
    const identity = identityOf(store, provider, surroundings.random);
    client = new TridcommClient({
      target: typeof address === 'string' ? linkTarget(surroundings, address, options, store) : address,
      member: { provider, random: surroundings.random, authorityId32, identity, startMs: Date.now() },
      ids,
      store,
      durability,
      lingerMs,
      windowBytes,
      access: accessOf(options, store, identity, authorityId32),
      onClose,
    });
  } catch (error) {
    close();
    throw error;
  }
  try {
    await client.start(signal);
  } catch (error) {
    await client.close();
    throw error;
  }
  signal?.addEventListener('abort', end);
  if (signal?.aborted === true) end();
  return client;
}

function linkTarget(
  { dial: opens }: Surroundings,
  address: string,
  { brokerName, tls, allowPlainLoopback }: ConnectOptions,
  store: ClientStore,
): ClientParts['target'] {
  return { address, brokerName, tls: tls ?? tlsOf(store), allowsPlain: allowPlainLoopback, dial: opens };
}

/** @throws TridcommError `E_USAGE` for options of links, `E_POLICY` for a durability that a carrier has not */
function checkOfCarrier({ kind }: ForeignCarrier, durability: Durability, options: ConnectOptions): void {
  for (const name of ['brokerName', 'tls', 'allowPlainLoopback'] as const) {
    if (options[name] !== undefined) throw new TridcommError('E_USAGE', `${name} is of links; ${kind} has none`);
  }
  checkDurability(durability, kind);
}

/** Who renews the records of the identity. */
function accessOf(
  { authoritySocket, onKeyRecord }: ConnectOptions,
  store: ClientStore,
  identity: Identity,
  authorityId32: Uint8Array,
): AuthorityAccess {
  const stored = store.get(names.socket);
  const socket = authoritySocket ?? (stored && Buffer.from(stored).toString());
  const access = socket === undefined ? undefined : accessBy(socket, store, identity, authorityId32);
  return { keyRecord: onKeyRecord ?? access?.keyRecord, principalRecord: access?.principalRecord };
}

function storeOf(identity: string | ClientStore): { readonly store: ClientStore; readonly close: () => void } {
  if (typeof identity !== 'string') return { store: identity, close: () => {} };
  // Opening would make one.
  if (!existsSync(identity)) throw new TridcommError('E_USAGE', `there is no identity in ${identity}: enrol first`);
  const store = FileStore.open(identity);
  return { store, close: () => store.close() };
}

function authorityOf(store: ClientStore, given: string | Uint8Array | undefined): Uint8Array {
  if (given instanceof Uint8Array) {
    if (given.length !== 32) throw new TridcommError('E_USAGE', `authorityId of ${given.length} bytes, not 32`);
    return given;
  }
  if (given !== undefined) return parseAuthorityId(given, 'authorityId');
  const named = store instanceof FileStore ? authorityIdOf(store) : undefined;
  if (named === undefined) throw new TridcommError('E_USAGE', 'authorityId is missing, and the identity names none');
  return named;
}

/** Certificates beside the identity, as enrolment puts them there. */
function tlsOf(store: ClientStore): TlsFiles {
  if (!(store instanceof FileStore)) return {};
  const files = Object.entries(tlsFileNames).flatMap(([name, file]) => {
    const path = join(store.directory, file);
    return existsSync(path) ? [[name, readFileSync(path)] as const] : [];
  });
  return Object.fromEntries(files);
}

const defaultWindowBytes = 4 * 1024 * 1024;
/** More than the largest envelope. */
const leastWindowBytes = 1024 * 1024 + 8;
const machine: Surroundings = { random, dial, leastWindowBytes };
