/** errors.json: what a peer gets, chapter 14 with registries/errors.json. */
import { VectorFile } from '../cases.ts';

const SAME = ['E_LENGTH', 'E_LIMIT', 'E_ENCODING', 'E_VERSION', 'E_SUITE', 'E_EXT', 'E_REFUSED', 'E_CLOSED'];
const REFUSED = [
  'E_EPOCH',
  'E_SENDER',
  'E_POLICY',
  'E_EXPIRED',
  'E_FUTURE',
  'E_REPLAY',
  'E_TOO_OLD',
  'E_FORK',
  'E_REPLAY_STATE',
  'E_KEY',
  'E_SIG',
  'E_PROOF',
  'E_COMMIT',
  'E_AEAD',
  'E_STALE',
  'E_REVOKED',
  'E_BINDING',
  'E_HANDSHAKE',
];
const NEVER = ['E_TRANSPORT', 'E_USAGE', 'E_INTERNAL'];

export function errors(): VectorFile {
  const file = new VectorFile('errors');
  const g = file.group('outward', 'error.outward', 'errors', 'key', false);
  const name = (code: string): string => code.slice(2).toLowerCase().replaceAll('_', '-');
  for (const code of SAME) {
    g.valid(name(code), {
      comment: `${code} depends on nothing but the bytes, or is itself the outward code: it travels`,
      in: { code },
      out: { outward: code },
      spec: ['errors.3'],
    });
  }
  for (const code of REFUSED) {
    g.valid(name(code), {
      comment: `${code} depends on keys, members or memory: a peer gets E_REFUSED (I12)`,
      in: { code },
      out: { outward: 'E_REFUSED' },
      spec: ['errors.3', 'errors.4'],
      flags: ['Oracle'],
    });
  }
  for (const code of NEVER) {
    g.valid(name(code), {
      comment: `${code} is never sent`,
      in: { code },
      out: {},
      spec: ['errors.3'],
      flags: ['Oracle'],
    });
  }
  return file;
}
