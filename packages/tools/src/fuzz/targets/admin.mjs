/** What an authority is asked over its socket. */
import { loadClientNode, must } from '../core.mjs';
import { nowMs, seededProvider } from './node-world.mjs';

/** @typedef {import('../core.mjs').Core} Core */
/** @typedef {import('../engine.mjs').Target} Target */
/** @typedef {import('../../../../client-node/src/authority/service.ts').AuthorityService} Service */

/**
 * Input: u8 scope ‖ one line. A refusal changes nothing, and tells no fault of the authority.
 * @param {Core} core @param {unknown} _tests @param {unknown} _world @param {string} folder @returns {Promise<Target>}
 */
export async function adminTarget(core, _tests, _world, folder) {
  const clientNode = await loadClientNode(folder);
  const newService = () => {
    const service = clientNode.AuthorityService.inMemory({
      provider: seededProvider(core, 61),
      random: new core.SeededRandom(62).bytes,
      // Nothing happens behind a request.
      clock: { nowMs: () => nowMs, after: () => () => {} },
    });
    const key = core.Identity.create(core.nodeProvider, new core.SeededRandom(63).bytes, nowMs).key;
    service.perform((authority, atMs) => authority.issue(key, { name: 'somebody' }, atMs));
    const groupId16 = service.perform((authority, atMs) => authority.addGroup({ patterns: ['orders/**'] }, atMs));
    return { service, key, groupId: hexOf(groupId16) };
  };
  const first = newService();
  /** Until something has changed it. @type {Service | undefined} */
  let service = first.service;
  return {
    name: 'admin',
    files: /^client-node\/authority\/(admin|sign-request)/,
    seeds: linesOf(first).flatMap((line) =>
      [0, 1].map((scope) => Buffer.concat([Uint8Array.of(scope), Buffer.from(JSON.stringify(line))])),
    ),
    maxBytes: 2_048,
    slowMs: 500,
    reservedBytes: 4 * 1_048_576,
    async run(input) {
      service ??= newService().service;
      const scope = ((input[0] ?? 0) & 1) === 0 ? 'admin' : 'enrol';
      const line = input.subarray(1);
      const before = shown(service);
      try {
        const { op, given } = clientNode.readRequest(line);
        const operation = clientNode.findOperation(op, scope);
        const result = await operation(service, new clientNode.AdminArguments(given), { scope, bundles: [] });
        must(JSON.parse(JSON.stringify(result)) !== undefined, 'a result that is no JSON');
        if (!harmless.has(op)) service = undefined;
      } catch (error) {
        if (!(error instanceof core.TridcommError)) throw error;
        must(error.code !== 'E_INTERNAL', 'a mistake of ours');
        const id = clientNode.idOf(line);
        must(id === null || typeof id === 'string' || Number.isSafeInteger(id), `id ${String(id)}`);
        must(clientNode.errorOf(error).code === error.code, 'another code is told');
        must(shown(service) === before, 'a refusal has changed the authority');
      }
    },
  };
}

/** @param {Service} service */
function shown(service) {
  return JSON.stringify(service.status(), (_, value) => (value instanceof Uint8Array ? hexOf(value) : value));
}

/** @param {Uint8Array} bytes */
function hexOf(bytes) {
  return Buffer.from(bytes).toString('hex');
}

/** Operations that change nothing. */
const harmless = new Set(['status', 'bundle']);

/** @param {{ key: { keyId32: Uint8Array, publicKey32: Uint8Array }, groupId: string }} known */
function linesOf({ key, groupId }) {
  const [keyId, publicKey] = [hexOf(key.keyId32), hexOf(key.publicKey32)];
  const pattern = 'orders/**';
  return [
    { id: 1, op: 'status' },
    { id: 'a', op: 'propose', publicKey, name: 'somebody', tenant: 't', notAfterMs: nowMs + 1_000, roles: ['member'] },
    { id: 2, op: 'propose', publicKey: '11'.repeat(32), name: 'somebody' },
    { id: 3, op: 'enrol', request: 'AAAA', signature: '00'.repeat(64) },
    { id: 4, op: 'keyRecord', record: '5444' },
    { id: 5, op: 'grant', keyId, action: 'publish', pattern, join: 'now', notAfterMs: nowMs + 1 },
    { id: 6, op: 'withdraw', keyId, action: 'subscribe', pattern },
    { id: 7, op: 'revoke', keyId },
    { id: 8, op: 'rotate', groupId },
    {
      id: 9,
      op: 'addGroup',
      patterns: ['a/b'],
      kind: 'list',
      maxHeadAgeMs: 60_000,
      epochLifeMs: 1_000_000,
      staleOk: true,
    },
    { id: 10, op: 'bundle', index: 0 },
    { id: 11, op: 'nothing' },
  ];
}
