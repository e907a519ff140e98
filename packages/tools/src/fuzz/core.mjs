/** The instrumented copies of the packages, and what every target asks of an answer. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * @typedef {typeof import('@tridcomm/core')
 *   & typeof import('@tridcomm/core/internal')
 *   & typeof import('@tridcomm/core/node')
 *   & typeof import('@tridcomm/core/noble')
 *   & typeof import('@tridcomm/core/link')
 *   & typeof import('@tridcomm/core/testing')
 *   & typeof import('../../../core/src/codepoints/errors.gen.ts')
 *   & typeof import('../../../core/src/crypto/merkle.ts')
 *   & typeof import('../../../core/src/envelope/record-cipher.ts')
 *   & typeof import('../../../core/src/keys/authority-record.ts')
 *   & typeof import('../../../core/src/keys/enrolment.ts')
 *   & typeof import('../../../core/src/keys/group-private.ts')
 *   & typeof import('../../../core/src/keys/head.ts')
 *   & typeof import('../../../core/src/keys/key-block-format.ts')
 *   & typeof import('../../../core/src/keys/key-block.ts')
 *   & typeof import('../../../core/src/keys/member-state.ts')
 *   & typeof import('../../../core/src/keys/sign-input.ts')
 *   & typeof import('../../../core/src/replay/guard.ts')
 *   & typeof import('../../../core/src/topics/grammar.ts')
 *   & typeof import('../../../core/src/wire/envelope.ts')
 *   & typeof import('../../../core/src/wire/extensions.ts')} Core
 */

const modules = [
  'index.js',
  'internal.js',
  'node/index.js',
  'crypto/noble.js',
  'link/index.js',
  'testing/index.js',
  'codepoints/errors.gen.js',
  'crypto/merkle.js',
  'envelope/record-cipher.js',
  'keys/authority-record.js',
  'keys/enrolment.js',
  'keys/group-private.js',
  'keys/head.js',
  'keys/key-block-format.js',
  'keys/key-block.js',
  'keys/member-state.js',
  'keys/sign-input.js',
  'replay/guard.js',
  'topics/grammar.js',
  'wire/envelope.js',
  'wire/extensions.js',
];

/** @param {string} folder with the instrumented copies @returns {Promise<Core>} */
export async function loadCore(folder) {
  return loadModules(join(folder, 'core/dist'), modules);
}

/**
 * @typedef {typeof import('../../../broker/src/config.ts')
 *   & typeof import('../../../broker/src/engine/broker-engine.ts')
 *   & typeof import('../../../broker/src/store/envelope-log.ts')
 *   & typeof import('../../../broker/src/store/memory-log.ts')
 *   & typeof import('../../../broker/src/store/segment-log.ts')
 *   & typeof import('../../../broker/src/testing/disk.ts')} Broker
 */

/** @param {string} folder @returns {Promise<Broker>} */
export async function loadBroker(folder) {
  return loadModules(join(folder, 'broker/dist'), [
    'config.js',
    'engine/broker-engine.js',
    'store/envelope-log.js',
    'store/memory-log.js',
    'store/segment-log.js',
    'testing/disk.js',
  ]);
}

/**
 * @typedef {typeof import('../../../client-node/src/authority/admin-arguments.ts')
 *   & typeof import('../../../client-node/src/authority/admin-operations.ts')
 *   & typeof import('../../../client-node/src/authority/admin-protocol.ts')
 *   & typeof import('../../../client-node/src/authority/archive-file.ts')
 *   & typeof import('../../../client-node/src/authority/service.ts')
 *   & typeof import('../../../client-node/src/authority/state-content.ts')
 *   & typeof import('../../../client-node/src/client/connect.ts')
 *   & typeof import('../../../client-node/src/store/fs-error.ts')
 *   & typeof import('../../../client-node/src/store/identity-store.ts')
 *   & typeof import('../../../client-node/src/store/store-file.ts')} ClientNode
 */

/** @param {string} folder @returns {Promise<ClientNode>} */
export async function loadClientNode(folder) {
  return loadModules(join(folder, 'client-node/dist'), [
    'authority/admin-arguments.js',
    'authority/admin-operations.js',
    'authority/admin-protocol.js',
    'authority/archive-file.js',
    'authority/service.js',
    'authority/state-content.js',
    'client/connect.js',
    'store/fs-error.js',
    'store/identity-store.js',
    'store/store-file.js',
  ]);
}

/** @param {string} folder @param {readonly string[]} paths */
async function loadModules(folder, paths) {
  const loaded = await Promise.all(paths.map((path) => import(pathToFileURL(join(folder, path)).href)));
  return Object.assign({}, ...loaded);
}

/** Codes that no bytes of a peer may cause: they speak of the caller, of this implementation, or of a transport. */
const localCodes = new Set(['E_USAGE', 'E_INTERNAL', 'E_TRANSPORT', 'E_REFUSED']);

/** @template T @typedef {{ value: T, code?: undefined } | { value?: undefined, code: import('@tridcomm/core').ErrorCode }} Answer */

/**
 * What a decoder answers: a value, or the code of its refusal. Anything else that it throws goes on as a crash.
 * @template T
 * @param {Core} core
 * @param {() => T} decode
 * @returns {Answer<T>}
 */
export function answerOf(core, decode) {
  try {
    return { value: decode() };
  } catch (error) {
    if (!(error instanceof core.TridcommError)) throw error;
    if (!Object.hasOwn(core.errorTable, error.code)) {
      throw new Error(`code ${error.code} is not in the registry`, { cause: error });
    }
    if (localCodes.has(error.code)) throw error;
    return { code: error.code };
  }
}

/** @param {boolean} holds @param {string} what would be wrong otherwise @returns {asserts holds} */
export function must(holds, what) {
  if (!holds) throw new Error(what);
}

/** @param {Uint8Array | undefined} a @param {Uint8Array | undefined} b */
export function same(a, b) {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
}
