import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { TridcommError } from '@tridcomm/core';
import { limits } from '@tridcomm/core/internal';
import {
  choice,
  flag,
  integer,
  list,
  object,
  oneOf,
  optional,
  text,
  type DocumentedKey,
  type Field,
} from './config-rules.ts';
import { defaultPrincipalLimits, type PrincipalLimits } from './engine/quotas.ts';

/** Where links are taken. Files are PEM; paths are as the process sees them. */
export type ListenerConfig =
  | {
      readonly type: 'tls';
      /** Undefined for every address. */
      readonly host: string | undefined;
      readonly port: number;
      readonly ca: string | undefined;
      readonly certificate: string | undefined;
      readonly privateKey: string | undefined;
    }
  | { readonly type: 'noise'; readonly host: string | undefined; readonly port: number }
  | {
      readonly type: 'websocket';
      /** Undefined for every address. */
      readonly host: string | undefined;
      readonly port: number;
      readonly path: string;
      /** Undefined for `ws://`, which needs `insecure`. */
      readonly certificate: string | undefined;
      readonly privateKey: string | undefined;
    }
  | { readonly type: 'unix'; readonly path: string; readonly shared: boolean };

/** Where envelopes are kept. */
export type StoreConfig =
  | { readonly type: 'none' }
  | { readonly type: 'memory'; readonly maxBytes: number; readonly maxAgeMs: number | undefined }
  | {
      readonly type: 'disk';
      readonly folder: string;
      readonly maxBytes: number | undefined;
      readonly maxAgeMs: number | undefined;
    };

export interface LimitsConfig {
  /** Connections of all listeners. */
  readonly connections: number;
  /** Those of them that are not open links. */
  readonly openings: number;
  /** Bytes of live envelopes that wait for one link, and of work that is leased to it before it gets no more. */
  readonly queueBytes: number;
  /** Of each principal, over all of its links. */
  readonly principal: PrincipalLimits;
}

/** What a broker's file says. */
export interface BrokerFile {
  /** Directory of the broker's identity. */
  readonly identity: string;
  /** 64 hex digits; default what the directory of the identity names. */
  readonly authorityId: string | undefined;
  readonly listeners: readonly ListenerConfig[];
  readonly store: StoreConfig;
  readonly limits: LimitsConfig;
  readonly metrics: { readonly host: string; readonly port: number } | undefined;
  readonly insecure: 'loopback' | undefined;
}

/**
 * Reads a configuration file. Paths in it count from its directory.
 *
 * @throws TridcommError `E_USAGE` that says where and what; the file's values are in no message
 */
export function readConfigFile(path: string): BrokerFile {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new TridcommError('E_USAGE', `configuration: ${path} cannot be read`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    // What JSON.parse says quotes the file.
    throw new TridcommError('E_USAGE', `configuration: ${path} is not JSON`);
  }
  return inDirectory(parseConfig(value), dirname(resolve(path)));
}

/**
 * Makes sure of a configuration, and fills in what it leaves out.
 *
 * @throws TridcommError `E_USAGE`: an unknown key, or a value that is not allowed
 */
export function parseConfig(value: unknown): BrokerFile {
  const config = brokerFile.read(value, '');
  for (const [i, listener] of config.listeners.entries()) {
    if (listener.type !== 'websocket') continue;
    if ((listener.certificate === undefined) !== (listener.privateKey === undefined)) {
      throw new TridcommError('E_USAGE', `configuration: listeners[${i}]: certificate and privateKey belong together`);
    }
    if (listener.certificate === undefined && config.insecure !== 'loopback') {
      throw new TridcommError(
        'E_USAGE',
        `configuration: listeners[${i}].certificate: absent; without TLS only where insecure is "loopback", on a loopback host`,
      );
    }
  }
  return config;
}

/** Every key of a configuration, for people. */
export function configKeys(): readonly DocumentedKey[] {
  return (brokerFile.keys ?? []).map((key) => ({ ...key, path: key.path.slice(1) }));
}

function inDirectory(config: BrokerFile, directory: string): BrokerFile {
  const at = (path: string): string => resolve(directory, path);
  const { store } = config;
  return {
    ...config,
    identity: at(config.identity),
    store: store.type === 'disk' ? { ...store, folder: at(store.folder) } : store,
    listeners: config.listeners.map((listener) => {
      if (listener.type === 'noise') return listener;
      if (listener.type === 'unix') return { ...listener, path: at(listener.path) };
      const certificate = listener.certificate && at(listener.certificate);
      const privateKey = listener.privateKey && at(listener.privateKey);
      if (listener.type === 'websocket') return { ...listener, certificate, privateKey };
      return { ...listener, certificate, privateKey, ca: listener.ca && at(listener.ca) };
    }),
  };
}

const path = text('a path');
const absent = { value: undefined, text: 'absent' };

const host: Field<string | undefined> = {
  rule: optional(text('a host name or address')),
  about: 'what to listen on',
  fallback: { value: undefined, text: 'every address' },
};

function port(fallback: number): Field<number> {
  return {
    rule: integer(0, 65_535),
    about: '0 for any that is free',
    fallback: { value: fallback, text: String(fallback) },
  };
}

function file(about: string): Field<string | undefined> {
  return { rule: optional(path), about, fallback: absent };
}

const listener = oneOf<ListenerConfig>({
  tls: {
    host,
    port: port(7301),
    ca: {
      ...file('CA of the certificates of members, PEM'),
      fallback: { value: undefined, text: 'tls-ca.pem of the identity' },
    },
    certificate: { ...file('its own, PEM'), fallback: { value: undefined, text: 'tls-cert.pem of the identity' } },
    privateKey: {
      ...file('of the certificate, PEM'),
      fallback: { value: undefined, text: 'tls-key.pem of the identity' },
    },
  },
  noise: { host, port: port(7302) },
  websocket: {
    host,
    port: port(7303),
    path: {
      rule: text('a path that begins with /', /^\/[\w./~-]*$/),
      about: 'of the address',
      fallback: { value: '/', text: '/' },
    },
    certificate: file('PEM; without it ws://, which needs `insecure`'),
    privateKey: file('of the certificate, PEM'),
  },
  unix: {
    path: { rule: path, about: 'of the socket' },
    shared: {
      rule: flag(),
      about: 'whether other users of the machine may open it',
      fallback: { value: false, text: 'false' },
    },
  },
});

const maxAgeMs: Field<number | undefined> = {
  rule: optional(integer(1, limits.safeInteger)),
  about: 'how long envelopes are kept, ms',
  fallback: { value: undefined, text: 'for ever' },
};

const store = oneOf<StoreConfig>({
  none: {},
  memory: {
    maxBytes: {
      rule: integer(1, limits.safeInteger),
      about: 'how much is kept',
      fallback: { value: 64 * 1024 * 1024, text: '67108864' },
    },
    maxAgeMs,
  },
  disk: {
    folder: { rule: path, about: 'for the log, and for what the authority said' },
    maxBytes: {
      rule: optional(integer(1, limits.safeInteger)),
      about: 'how much is kept, in bytes of files',
      fallback: { value: undefined, text: 'everything' },
    },
    maxAgeMs,
  },
});

function count(fallback: number, about: string, least = 1, most = 1e9): Field<number> {
  return { rule: integer(least, most), about, fallback: { value: fallback, text: String(fallback) } };
}

const principalLimits = object<PrincipalLimits>({
  connections: count(defaultPrincipalLimits.connections, 'links'),
  subs: count(defaultPrincipalLimits.subs, 'subscriptions'),
  messagesPerSecond: count(defaultPrincipalLimits.messagesPerSecond, 'messages, as the headers count them'),
  envelopesPerSecond: count(defaultPrincipalLimits.envelopesPerSecond, 'envelopes'),
  bytesPerSecond: count(defaultPrincipalLimits.bytesPerSecond, 'bytes of envelopes', 1, 1e12),
});

const limitsRule = object<LimitsConfig>({
  connections: count(10_000, 'connections of all listeners'),
  openings: count(1_000, 'those of them that are not open links yet'),
  queueBytes: count(
    4 * 1024 * 1024,
    'bytes of live envelopes that wait for a link, and of its work',
    limits.envelopeBytes,
  ),
  principal: {
    rule: principalLimits,
    about: 'of each principal, over all of its links',
    fallback: { value: defaultPrincipalLimits, text: 'as below' },
  },
});

const brokerFile = object<BrokerFile>({
  identity: { rule: path, about: 'directory of the broker’s identity' },
  authorityId: {
    rule: optional(text('64 hex digits', /^[0-9a-f]{64}$/)),
    about: 'the authority that the broker serves',
    fallback: { value: undefined, text: 'authority-id of the identity' },
  },
  listeners: { rule: list(listener, 1, 64), about: 'where links are taken' },
  store: { rule: store, about: 'where envelopes are kept', fallback: { value: { type: 'none' }, text: 'none' } },
  limits: {
    rule: limitsRule,
    about: 'what one broker, and one principal, may take',
    fallback: { value: limitsRule.read({}, 'limits'), text: 'as below' },
  },
  metrics: {
    rule: optional(
      object<{ readonly host: string; readonly port: number }>({
        host: {
          rule: text('a loopback host name or address'),
          about: 'what to listen on',
          fallback: { value: '127.0.0.1', text: '127.0.0.1' },
        },
        port: port(9464),
      }),
    ),
    about: 'a page with metrics at /metrics, on this machine only',
    fallback: absent,
  },
  insecure: {
    rule: optional(choice('loopback')),
    about: 'takes ws:// on a loopback host',
    fallback: absent,
  },
});
