/** bulk.json: links at the limits of what they carry. */
import { VectorFile } from '../cases.ts';
import { NI, NR, Runs, TR } from '../linkruns.ts';
import { AUTHORITY, BROKER, DELEGATIONS } from '../linkworld.ts';
import { ROOT } from '../authority.ts';
import { cat, seeded, zeros, type Bytes } from '../twin/bytes.ts';
import { encodeFrame, type Frame } from '../twin/frame.ts';
import { authBody } from '../twin/link.ts';
import { TYPE } from '../twin/messages.ts';
import {
  authorityFields,
  encodeBody,
  encodeObject,
  KIND,
  padded,
  rootSigners,
  wire,
  type SignedObject,
} from '../twin/objects.ts';
import { grease, PONG } from './traffic.ts';

const AUTH_BYTES = 49_152;
const RECORD_BYTES = 65_519;

/** An authority record of `bytes` bytes: a field that v1 does not know fills it. */
function recordOf(serial: number, previous: SignedObject, bytes: number): SignedObject {
  const fields = authorityFields(serial, 1, [ROOT], DELEGATIONS, { previous_hash32: previous.hash });
  const make = (fill: number): SignedObject =>
    encodeObject(
      KIND.authority,
      AUTHORITY.authorityId,
      cat(encodeBody('AuthorityRecord', fields), wire.bytes(1024, seeded(`fill ${serial}`, fill))),
      rootSigners([ROOT]),
    );
  const base = make(16_384).bytes.length - 16_384;
  const out = make(bytes - base);
  if (out.bytes.length !== bytes) throw new Error('an authority record of another length');
  return out;
}

export function bulk(): VectorFile {
  const file = new VectorFile('bulk');
  const runs = (name: string): Runs => new Runs(file.group(name, 'link.run', 'link', 'link'));
  fits(runs('auth'));
  largest(runs('records'));
  return file;
}

/** link.9: as many records as fit. */
function fits(runs: Runs): void {
  const first = AUTHORITY.object;
  const without = authBody(BROKER.record, zeros(64), []).length;
  // Two records, each behind a tag of one byte and a length of three.
  const half = 20_000;
  const second = recordOf(2, first, half);
  const rest = AUTH_BYTES - without - (4 + half) - 4;
  const chain = (bytes: number): Bytes[] => [first.bytes, second.bytes, recordOf(3, second, bytes).bytes];
  const more = (bytes: number): { own: { chain: Bytes[] } } => ({ own: { chain: chain(bytes) } });
  const S = { spec: ['link.9', 'messages.9'], flags: ['Limit'] };
  runs.good(TR, 'fits', 'the two authority records that its peer lacks make an auth of 49,152 bytes', more(rest), S);
  runs.good(TR, 'does-not-fit', 'with one byte more the second of them stays behind', more(rest + 1), S);
}

function largest(runs: Runs): void {
  const S = { spec: ['link.16'], flags: ['Limit'] };
  const envelope = (bytes: number): Frame => ({
    type: TYPE.envelope,
    channel: 0,
    body: seeded('long envelope', bytes),
  });
  runs.good(
    NR,
    'sends-full-and-one',
    'a frame of 65,520 bytes with its header: a full record, and one of a single byte (ambiguous: the sender may cut elsewhere)',
    { send: [envelope(RECORD_BYTES - 7)] },
    S,
  );
  runs.good(
    NI,
    'takes-full',
    'a record as long as may be: a GREASE frame that fills all but a ping',
    {},
    {
      ...S,
      after: (m) => [m.pack(cat(grease(0x0a, RECORD_BYTES - 8 - 24), encodeFrame(PONG)))],
    },
    { frames: [PONG] },
  );
  runs.bad(
    NR,
    'auth-49153',
    'message 3 with an auth of 49,153 bytes, whole: by its length, or by the auth in it (ambiguous: an auth in N has no frame header)',
    { lie: { auth: (b) => padded(b, AUTH_BYTES + 1) } },
    ['E_LIMIT', 'E_HANDSHAKE'],
    { spec: ['messages.9', 'link.7'], flags: ['Limit'] },
  );
  runs.good(
    NR,
    'auth-49152',
    'message 3 with an auth of 49,152 bytes',
    { lie: { auth: (b) => padded(b, AUTH_BYTES) } },
    { spec: ['messages.9'], flags: ['Limit'] },
  );
}
