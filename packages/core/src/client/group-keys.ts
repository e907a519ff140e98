import { TridcommError } from '../errors.ts';
import type { GroupRecord } from '../keys/group-record.ts';
import { MemberKeys, type MemberKeysOptions, type OpenedBlock, type OwnSuites } from '../keys/member-keys.ts';
import type { Holdings } from './holdings.ts';
import type { OpenEpoch } from './open-epoch.ts';

/**
 * The keys of the member in one group, in a durable member with their place in its store: what is taken counts when it is stored, and
 * where storing throws, nothing has been taken.
 */
export class GroupKeys {
  readonly #holdings: Holdings;
  readonly #groupId: string;
  #keys: MemberKeys | undefined;

  constructor(holdings: Holdings, groupId: string) {
    this.#holdings = holdings;
    this.#groupId = groupId;
  }

  /** Whether the newest block has a rival. */
  get isForked(): boolean {
    return this.#keys?.isForked === true;
  }

  /**
   * @param newest - the highest epoch that is open
   * @throws TridcommError as `MemberKeys` does; `E_POLICY` without a principal record of one's own
   */
  takeEnrolment(bytes: Uint8Array, settings: GroupRecord, newest: OpenEpoch | undefined): 'held' | 'known' {
    const keys = this.#keysFor(settings, newest);
    const before = keys.export();
    const taken = keys.takeEnrolment(bytes, settings);
    if (taken === 'held') this.#commit(keys, before);
    before.fill(0);
    return taken;
  }

  /**
   * @param begin - called with what the block opened to, before the keys are stored: after a crash between the two, they are brought up to
   *   the newest epoch before they take anything else
   * @throws TridcommError as {@link takeEnrolment}
   */
  takeBlock(
    bytes: Uint8Array,
    settings: GroupRecord,
    newest: OpenEpoch | undefined,
    begin: (opened: OpenedBlock) => void,
  ): 'held' | 'known' {
    const keys = this.#keysFor(settings, newest);
    const wasForked = keys.isForked;
    const before = keys.export();
    try {
      const opened = keys.takeBlock(bytes, settings);
      if (opened === 'known') return 'known';
      this.#commit(keys, before, () => begin(opened));
      return 'held';
    } catch (error) {
      // The one thing that a refusal changes: it only keeps from sealing, so it counts at once.
      if (keys.isForked && !wasForked) this.#store(keys);
      throw error;
    } finally {
      before.fill(0);
    }
  }

  /** Overwrites the secrets in memory. */
  erase(): void {
    for (const { nodeKeys } of this.#keys?.enrolments ?? []) nodeKeys.fill(0);
    this.#keys = undefined;
  }

  /** The keys, by the principal record that the member has now. */
  #keysFor(settings: GroupRecord, newest: OpenEpoch | undefined): MemberKeys {
    const { trust, keyId32, store } = this.#holdings;
    const own = trust.principal(keyId32);
    if (own === undefined) throw new TridcommError('E_POLICY', 'no principal record of our own');
    if (this.#keys === undefined) {
      this.#keys = this.#restored(own, store?.get(`member/${this.#groupId}`));
      this.#catchUp(this.#keys, settings, newest);
    }
    this.#keys.useOwnSuites(own);
    return this.#keys;
  }

  /** Stores keys that have changed, after what goes before them; where that throws, they are what they were before. */
  #commit(keys: MemberKeys, before: Uint8Array, first?: () => void): void {
    try {
      first?.();
      this.#store(keys);
    } catch (error) {
      this.erase();
      const own = this.#holdings.trust.principal(this.#holdings.keyId32)!;
      this.#keys = this.#restored(own, before);
      throw error;
    }
  }

  #restored({ suites, suiteFloor }: OwnSuites, stored: Uint8Array | undefined): MemberKeys {
    const { provider, authorityId32, keyId32, identity, psks } = this.#holdings;
    const groupId = this.#groupId;
    const options: MemberKeysOptions = {
      provider,
      authorityId32,
      keyId32,
      prekeys: identity.prekeys,
      suites,
      suiteFloor,
      // It may come later than the first block.
      get psk32() {
        return psks.get(groupId);
      },
    };
    return stored === undefined ? new MemberKeys(options) : MemberKeys.restore(options, stored);
  }

  /** Brings keys up to the newest epoch that is stored: they are behind it where a crash came between the two. */
  #catchUp(keys: MemberKeys, settings: GroupRecord, newest: OpenEpoch | undefined): void {
    const bytes = newest?.storedBlock();
    if (bytes === undefined) return;
    try {
      const opened = keys.takeBlock(bytes, settings);
      if (opened === 'known') return;
      opened.epochSecret32.fill(0);
      this.#store(keys);
    } catch (error) {
      // The prekey that opened it may be gone; the epoch itself is open all the same.
      if (!(error instanceof TridcommError)) throw error;
    }
  }

  #store(keys: MemberKeys): void {
    this.#holdings.store?.put(`member/${this.#groupId}`, keys.export());
  }
}
