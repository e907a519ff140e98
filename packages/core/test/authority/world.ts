import { Authority } from '../../src/authority/authority.ts';
import type { AuthorityOptions, GrantFields, GroupFields, PrincipalFields } from '../../src/authority/options.ts';
import { Identity } from '../../src/client/identity.ts';
import type { CryptoProvider, RandomSource } from '../../src/crypto/provider.ts';
import { TridcommError } from '../../src/errors.ts';
import type { RouteSecret } from '../../src/keys/compile-policy.ts';
import { nodeProvider } from '../../src/node/index.ts';
import { chanceOf } from '../replay/chance.ts';
import { Receiver, type Arrival } from './receiver.ts';

/** When tests begin. */
export const startMs = 1_760_000_000_000;

/** Bytes that follow from a seed. */
export function randomOf(seed: number): RandomSource {
  const chance = chanceOf(seed);
  return (length) => Uint8Array.from({ length }, () => chance(256));
}

/** One authority, and one receiver that gets and verifies everything that it publishes. */
export class World {
  readonly provider: CryptoProvider = nodeProvider;
  readonly random: RandomSource;
  readonly authority: Authority;
  readonly receiver: Receiver;
  nowMs = startMs;
  /** Whether bundles are lost. */
  isDown = false;
  /** Every object that came. */
  readonly arrivals: Arrival[] = [];

  constructor(seed = 1, options: Partial<AuthorityOptions> = {}) {
    this.random = randomOf(seed);
    const early: Uint8Array[] = [];
    let isReady = false;
    const publish = (bundle: Uint8Array): void => {
      if (!isReady) early.push(bundle);
      else if (this.isDown) throw new Error('carrier is down');
      else this.take(bundle);
    };
    this.authority = Authority.create({ provider: this.provider, random: this.random, publish, ...options }, startMs);
    this.receiver = new Receiver(this.provider, this.authority.authorityId32, startMs);
    isReady = true;
    for (const bundle of early) this.take(bundle);
  }

  /** Gives a bundle to the receiver. */
  take(bundle: Uint8Array): void {
    this.receiver.nowMs = this.nowMs;
    this.receiver.take(bundle);
    this.arrivals.push(...this.receiver.last);
  }

  /** Route secrets of the newest block, as a member reads them. */
  secretsOf(groupId16: Uint8Array, who: Identity): readonly RouteSecret[] {
    const opening = this.receiver.opening(groupId16, who.key.keyId32);
    if (typeof opening !== 'object') throw new Error(`not open: ${opening}`);
    return opening.private.routeSecrets;
  }

  /** A principal with a record and a key record; the receiver opens blocks for it. */
  member(name: string, fields: Partial<PrincipalFields> = {}, psk32?: Uint8Array): Identity {
    const identity = Identity.create(this.provider, this.random, this.nowMs);
    const { keyId32 } = identity.key;
    const { prekeys } = identity;
    this.receiver.watch(psk32 === undefined ? { keyId32, prekeys } : { keyId32, prekeys, psk32 });
    this.authority.issue(identity.key, { name, ...fields }, this.nowMs);
    this.sendKeys(identity);
    return identity;
  }

  sendKeys(identity: Identity): void {
    const { serial } = this.receiver.trust.principal(identity.key.keyId32)!;
    this.authority.takeKeyRecord(identity.keyRecord(this.authority.authorityId32, serial, this.nowMs), this.nowMs);
  }

  group(fields: Partial<GroupFields> = {}): Uint8Array {
    return this.authority.addGroup({ patterns: ['orders/**'], ...fields }, this.nowMs);
  }

  /** A front with its crew. */
  pool(fields: Partial<GroupFields> = {}): { readonly front: Uint8Array; readonly crew: Uint8Array } {
    const front = this.group({ patterns: ['jobs/resize', 'jobs/print'], purpose: 'front', ...fields });
    return { front, crew: this.receiver.trust.groupRecord(front)!.crewId16! };
  }

  grant(who: Identity, action: GrantFields['action'], pattern = 'orders/**', join: 'next' | 'now' = 'next'): void {
    this.authority.grant({ keyId32: who.key.keyId32, action, pattern, join }, this.nowMs);
  }

  /** Whether the newest block of the group opened for a member. */
  opens(groupId16: Uint8Array, who: Identity): boolean {
    return typeof this.receiver.opening(groupId16, who.key.keyId32) === 'object';
  }

  /** The newest block of a group. */
  block(groupId16: Uint8Array) {
    return this.receiver.group(groupId16).blocks.at(-1)!;
  }
}

/** The code of a refusal; undefined where nothing is refused. */
export function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof TridcommError) return error.code;
    throw error;
  }
}
