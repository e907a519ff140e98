/** Enrolments of chapter 08. */
import { cat, number, same, text, u16, u32, u64, u8, zeros, type Bytes } from './bytes.ts';
import { publicKeyOf, sign } from './ed25519.ts';
import { H } from './hash.ts';
import { sealBase } from './hpke.ts';
import { sigin } from './objects.ts';
import { refuse } from './refusal.ts';
import { ED25519, keyId, rawKeyId, X25519 } from './schedule.ts';

export interface EnrolmentHeader {
  kind: number;
  suite: number;
  groupId: Bytes;
  generation: number;
  epoch: number;
  height: number;
  leaf: bigint;
  issued: bigint;
  policyVersion: bigint;
}

/** Offsets in hdr160. */
export const EN = {
  version: 4,
  kind: 5,
  suite: 6,
  groupId: 8,
  generation: 24,
  epoch: 28,
  height: 32,
  zeros: 33,
  leaf: 40,
  memberKeyId: 48,
  kemKeyId: 80,
  controllerKeyId: 112,
  issued: 144,
  policyVersion: 152,
} as const;

export function enrolInfo(hdr: Bytes): Bytes {
  return cat(text('tdc1 enrol'), u8(0), H(hdr));
}

export interface EnrolmentRecipe {
  header: EnrolmentHeader;
  seed: Bytes;
  memberKeyId: Bytes;
  prekey: Bytes;
  authorityId: Bytes;
  nodeKeys: Bytes[];
  rng: Bytes;
  bend?: {
    hdr?: (right: Bytes) => Bytes;
    sealed?: (right: Bytes) => Bytes;
    label?: string;
    authorityId?: Bytes;
    signSeed?: Bytes;
    controllerKeyId?: Bytes;
    kemKeyId?: Bytes;
  };
}

export function makeEnrolment(r: EnrolmentRecipe): Bytes {
  const bend = r.bend ?? {};
  const h = r.header;
  const controller = bend.controllerKeyId ?? rawKeyId(ED25519, publicKeyOf(r.seed));
  let hdr = cat(
    text('TDEN'),
    u8(1),
    u8(h.kind),
    u16(h.suite),
    h.groupId,
    u32(h.generation),
    u32(h.epoch),
    u8(h.height),
    zeros(7),
    u64(h.leaf),
    r.memberKeyId,
    bend.kemKeyId ?? keyId(X25519, r.prekey),
    controller,
    u64(h.issued),
    u64(h.policyVersion),
  );
  if (hdr.length !== 160) throw new Error(`an enrolment header of ${hdr.length} bytes`);
  if (bend.hdr) hdr = bend.hdr(hdr);
  if (r.rng.length < 32) refuse('E_USAGE', 'conventions.6');
  const { enc, ct } = sealBase(h.suite, r.prekey, enrolInfo(hdr), zeros(0), cat(...r.nodeKeys), r.rng);
  const sealed = bend.sealed ? bend.sealed(cat(enc, ct)) : cat(enc, ct);
  const input = sigin(bend.label ?? 'enrol', controller, bend.authorityId ?? r.authorityId, hdr, sealed);
  return cat(hdr, sealed, sign(bend.signSeed ?? r.seed, input));
}

export interface ParsedEnrolment extends EnrolmentHeader {
  hdr: Bytes;
  memberKeyId: Bytes;
  kemKeyId: Bytes;
  controllerKeyId: Bytes;
  enc: Bytes;
  ct: Bytes;
  signature: Bytes;
}

const MAX_U64: bigint = (1n << 53n) - 1n;

/** The checks up to the length. */
export function parseEnrolment(bytes: Bytes): ParsedEnrolment {
  const int = (at: number, width: number): number => Number(number(bytes.slice(at, at + width)));
  const long = (at: number): bigint => number(bytes.slice(at, at + 8));
  if (bytes.length < 304) refuse('E_LENGTH', 'at least 304');
  if (!same(bytes.slice(0, 4), text('TDEN'))) refuse('E_ENCODING', 'magic');
  if (bytes[4] !== 1) refuse('E_VERSION', 'version');
  if (bytes[5] !== 2) refuse('E_ENCODING', 'kind');
  const suite = int(EN.suite, 2);
  if (suite !== 1 && suite !== 2) refuse('E_SUITE', 'suite');
  if (bytes.slice(33, 40).some((b) => b !== 0)) refuse('E_ENCODING', 'zero bytes');
  const leaf = long(EN.leaf);
  const issued = long(EN.issued);
  const policyVersion = long(EN.policyVersion);
  const height = int(EN.height, 1);
  if ([leaf, issued, policyVersion].some((v) => v > MAX_U64)) refuse('E_LIMIT', 'u64');
  if (height > 24) refuse('E_LIMIT', 'height');
  if (leaf >= 1n << BigInt(height)) refuse('E_ENCODING', 'leaf');
  if (bytes.length !== 160 + 32 + (height + 1) * 32 + 16 + 64) refuse('E_LENGTH', 'length');
  return {
    kind: 2,
    suite,
    groupId: bytes.slice(8, 24),
    generation: int(EN.generation, 4),
    epoch: int(EN.epoch, 4),
    height,
    leaf,
    issued,
    policyVersion,
    hdr: bytes.slice(0, 160),
    memberKeyId: bytes.slice(48, 80),
    kemKeyId: bytes.slice(80, 112),
    controllerKeyId: bytes.slice(112, 144),
    enc: bytes.slice(160, 192),
    ct: bytes.slice(192, bytes.length - 64),
    signature: bytes.slice(bytes.length - 64),
  };
}
