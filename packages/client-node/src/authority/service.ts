import { Authority, TridcommError, type PrincipalFields } from '@tridcomm/core';
import { type AuthorityMemory, hexOf, limits, principalRoles, readSnapshot } from '@tridcomm/core/internal';
import { Archive } from './archive.ts';
import { systemClock, type Clock } from './clock.ts';
import { groupsOf, type RememberedGroup } from './group-memory.ts';
import {
  authorityOptions,
  closeAll,
  firstLife,
  nextLife,
  noConnections,
  providerOf,
  systemRandom,
  type Life,
} from './life.ts';
import { validRecord } from './principal-lookup.ts';
import { Publisher, type PublishedBundles } from './publisher.ts';
import type { Findings } from './restore-sources.ts';
import type {
  Connections,
  DurableServiceOptions,
  GroupStatus,
  ServiceEvent,
  ServiceOptions,
  ServiceStatus,
} from './service-options.ts';
import { ServicePrincipal } from './service-principal.ts';
import { bodyOfRequest, writeSignRequest } from './sign-request.ts';
import type { CertifierState } from './state-content.ts';
import { StateDirectory } from './state-directory.ts';

/**
 * Runs an authority: gives it its time, keeps what it must not forget, and hands what it publishes to brokers.
 *
 * Every operation is written before anybody hears of it: the state, then the archive, then brokers. So a process that is killed at any moment
 * has handed out nothing that the next one does not know of. What cannot be written does not go out; the operation fails with StoreError, but
 * the authority has moved on, and it goes out as soon as the disk takes it.
 *
 * Every life but the first begins as after a restore, by the rule in `start-rule.ts`.
 */
export class AuthorityService {
  readonly #options: ServiceOptions;
  readonly #clock: Clock;
  readonly #self: ServicePrincipal;
  readonly #serviceSeed32: Uint8Array;
  /** Authenticates what was proposed to principals elsewhere; of one life, as no serial of another counts. */
  readonly #requestKey32: Uint8Array;
  readonly #directory: StateDirectory | undefined;
  readonly #connections: Connections;
  readonly #publisher: Publisher;
  readonly #findings: Findings | undefined;
  readonly #authority: Authority;
  /** Of the operation that runs. */
  #made: Uint8Array[] = [];
  /** What the disk has not taken yet. */
  #unwritten: PublishedBundles | undefined;
  #certifier: CertifierState | undefined;
  #handedOutSeq: number;
  #archivedSeq: number;
  /** When the record of the service itself ends. */
  #selfEndsMs: number;
  #failedGroups: ReadonlySet<string> = new Set();
  #isClosed = false;
  #callOff: () => void = () => {};

  private constructor(options: ServiceOptions, life: Life) {
    const { clock = systemClock } = options;
    this.#options = options;
    this.#clock = clock;
    this.#serviceSeed32 = life.serviceSeed32;
    this.#requestKey32 = (options.random ?? systemRandom)(32);
    this.#directory = life.directory;
    this.#findings = life.findings;
    this.#certifier = life.certifier;
    this.#handedOutSeq = life.handedOutSeq;
    this.#archivedSeq = life.archivedSeq;
    const publish = (bundle: Uint8Array) => void this.#made.push(bundle);
    this.#authority = life.begin({ ...authorityOptions(options), publish }, clock.nowMs());
    const { authorityId32 } = this.#authority;
    const follows = [() => this.#authority.snapshot(), () => this.#certifier] as const;
    const { serviceSeed32 } = life;
    this.#self = life.self ?? new ServicePrincipal(providerOf(options), authorityId32, serviceSeed32, ...follows);
    this.#self.follow(...follows);
    this.#selfEndsMs = this.#self.record?.notAfterMs ?? 0;
    this.#connections = life.connections ?? options.connect?.(this.#self) ?? noConnections;
    const { sinks } = this.#connections;
    const tell = (event: ServiceEvent) => this.#tell(event);
    this.#publisher = new Publisher(sinks, life.archive(authorityId32), clock, () => this.#catchUp(), tell);
  }

  /**
   * A new authority in a directory that holds none. It publishes nothing yet.
   *
   * @returns its id, 32 bytes
   * @throws TridcommError `E_USAGE` where the directory holds an authority, may be entered by others, or is in use; StoreError where the disk
   * does not take it
   */
  static async init(options: DurableServiceOptions): Promise<Uint8Array> {
    const { connect: _, ...alone } = options;
    const directory = await StateDirectory.create(options.directory, options.secret);
    try {
      const service = AuthorityService.#begin(alone, {
        ...firstLife(alone),
        directory,
        archive: (authorityId32) => directory.openArchive(providerOf(alone), authorityId32),
      });
      await service.close();
      return service.authorityId32;
    } catch (error) {
      directory.abandon();
      throw error;
    }
  }

  /** An authority that ends with the process: for development and tests. */
  static inMemory(options: ServiceOptions = {}): AuthorityService {
    return AuthorityService.#begin(options, {
      ...firstLife(options),
      archive: (authorityId32) => Archive.inMemory(providerOf(options), authorityId32),
    });
  }

  /**
   * The authority of a state directory, in its next life; or that of a backup, which may be as old as it likes, given who knows better.
   *
   * @throws TridcommError those of `checkStart` and `Authority.restore`; `E_USAGE` for a directory that is not there, is open to others, or in
   * use; `E_KEY` for another secret, `E_AEAD` and the codes of the form for a state that is damaged; StoreError where the disk does not take
   * what is written
   * @spec groups.22, groups.23, groups.29
   */
  static async open(options: DurableServiceOptions): Promise<AuthorityService> {
    return await nextLife(options, (life) => AuthorityService.#begin(options, life));
  }

  get authorityId32(): Uint8Array {
    return this.#authority.authorityId32;
  }

  /** As whom the service opens links. */
  get self(): ServicePrincipal {
    return this.#self;
  }

  /**
   * Does something with the authority, and hands out what follows when it has been written.
   *
   * @param work - synchronous; what it throws comes out, after what it published before was handed out
   * @throws TridcommError `E_CLOSED` where the service has been closed, or another process has taken its state; StoreError where it could not be
   * written
   */
  perform<T>(work: (authority: Authority, nowMs: number) => T): T {
    return this.#perform(work, false);
  }

  /**
   * What a principal elsewhere has to sign so that a record can be issued to it; text, on one line. See `readSignRequest`. It holds until
   * another record of the key is issued, or the service ends.
   *
   * @throws TridcommError those of `Authority.proposeRecord`
   */
  propose(publicKey32: Uint8Array, fields: PrincipalFields): string {
    const { body } = this.perform((authority, nowMs) => authority.proposeRecord(publicKey32, fields, nowMs));
    return writeSignRequest(this.authorityId32, body, this.#requestKey32);
  }

  /**
   * Issues the record of a request that came back with the signature of its principal.
   *
   * @returns the record
   * @throws TridcommError `E_BINDING`, `E_SIG` for a request that is not one of this life of the authority; those of `Authority.issueProposed`
   */
  enrol(request: string, signature64: Uint8Array): Uint8Array {
    const body = bodyOfRequest(request, this.authorityId32, this.#requestKey32);
    return this.perform((authority, nowMs) => authority.issueProposed({ body }, signature64, nowMs));
  }

  /** Everything that a carrier should retain, in bundles to be applied in order. It counts as handed out. */
  bundles(): readonly Uint8Array[] {
    this.#handedOutSeq = Math.max(this.#handedOutSeq, this.#authority.head.headSeq + 1);
    return this.#perform((authority, nowMs) => {
      const before = this.#made.length;
      authority.republish(nowMs);
      return this.#made.slice(before);
    }, true);
  }

  /**
   * The certificate of a principal for links in mode T, no longer than its record; PEM, with that of the CA. The principal keeps the private
   * key to itself.
   *
   * @param publicKey - SubjectPublicKeyInfo, DER: ECDSA on P-256
   * @param names - of a broker: host names and addresses that it is reached at
   * @throws TridcommError `E_SENDER`, `E_REVOKED`, `E_EXPIRED` for a principal without a record that is valid now; those of `certify`; StoreError
   * where a first CA could not be written
   */
  async certificate(
    keyId32: Uint8Array,
    publicKey: Uint8Array,
    names: readonly string[] = [],
  ): Promise<{ readonly certificate: string; readonly ca: string }> {
    const { certificateOf, certify } = await import('./certificates.ts');
    const certifier = await this.#ownCertifier();
    const nowMs = this.#clock.nowMs();
    const { roles, notAfterMs } = validRecord(providerOf(this.#options), this.memory(), keyId32, nowMs);
    const isBroker = (roles & principalRoles.broker) !== 0;
    const until = { notAfterMs: Math.min(notAfterMs, nowMs + limits.principalRecordMs) };
    const fields = { keyId32, publicKey, isBroker, names, ...until };
    return { certificate: await certify(certifier, fields, nowMs), ca: certificateOf(certifier) };
  }

  /** What the authority remembers: principals, grants, groups. Holds secrets. */
  memory(): AuthorityMemory {
    return readSnapshot(this.#authority.snapshot());
  }

  status(): ServiceStatus {
    const memory = this.memory();
    const { head } = this.#authority;
    return {
      authorityId32: this.authorityId32,
      headSeq: head.headSeq,
      headIssuedMs: head.issuedMs,
      policyVersion: memory.policyVersion,
      principals: memory.principals.length,
      grants: memory.grants.length,
      groups: groupsOf(memory).map((group) => this.#groupStatus(group)),
      brokers: this.#publisher.status(head.headSeq),
      isUnwritten: this.#unwritten !== undefined,
      sources: this.#findings?.testimonies.map(({ name, kind }) => ({ name, kind })) ?? [],
    };
  }

  /** Resolves when every broker has applied all that was published, or has failed. */
  async rest(): Promise<void> {
    await this.#publisher.rest();
  }

  /** Ends the life: nothing more is published. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#callOff();
    this.#publisher.stop();
    this.#directory?.release();
    await closeAll(this.#connections);
  }

  static #begin(options: ServiceOptions, life: Life): AuthorityService {
    const service = new AuthorityService(options, life);
    try {
      service.#perform(() => service.#renewSelf(), true);
      return service;
    } catch (error) {
      service.#isClosed = true;
      service.#callOff();
      service.#publisher.stop();
      throw error;
    }
  }

  /** @param isAll - what it publishes is everything that a carrier should retain */
  #perform<T>(work: (authority: Authority, nowMs: number) => T, isAll: boolean): T {
    if (this.#isClosed) throw new TridcommError('E_CLOSED', 'authority that was closed');
    this.#directory?.checkHeld();
    try {
      // Nothing is begun while the disk does not take what was done before.
      this.#handOut();
      try {
        return work(this.#authority, this.#clock.nowMs());
      } finally {
        const bundles = this.#made;
        this.#made = [];
        if (bundles.length > 0) this.#unwritten = { bundles, isAll };
        this.#handOut();
      }
    } finally {
      this.#schedule();
    }
  }

  /** Writes what was published and not written yet, then hands it out. */
  #handOut(): void {
    if (this.#unwritten === undefined) return;
    const { headSeq } = this.#authority.head;
    if (this.#publisher.hasBrokers) this.#handedOutSeq = headSeq;
    this.#writeState();
    this.#publisher.handOut(this.#unwritten, headSeq);
    this.#unwritten = undefined;
    this.#archivedSeq = headSeq;
  }

  /** The CA, which whoever needs it first has made. */
  async #ownCertifier(): Promise<CertifierState> {
    if (this.#certifier !== undefined) return this.#certifier;
    const { createCertifier } = await import('./certificates.ts');
    const drawn = await createCertifier(this.authorityId32, this.#clock.nowMs());
    // Somebody else may have been first.
    if (this.#certifier !== undefined) return this.#certifier;
    this.#writeState(drawn);
    this.#certifier = drawn;
    return drawn;
  }

  #writeState(certifier = this.#certifier): void {
    this.#directory?.write({
      serviceSeed32: this.#serviceSeed32,
      snapshot: this.#authority.snapshot(),
      handedOutSeq: this.#handedOutSeq,
      archivedSeq: this.#archivedSeq,
      certifier,
    });
  }

  #schedule(): void {
    this.#callOff();
    const nowMs = this.#clock.nowMs();
    const dueMs = this.#unwritten !== undefined ? nowMs + retryMs : this.#authority.nextTickMs(nowMs);
    // A clock that is put back must not put off the next head.
    const delayMs = Math.min(Math.max(dueMs - nowMs, leastDelayMs), longestDelayMs);
    this.#callOff = this.#clock.after(delayMs, () => this.#tick());
  }

  #tick(): void {
    this.#attempt((authority, nowMs) => {
      authority.tick(nowMs);
      this.#renewSelf();
    }, false);
    this.#tellOfGroups();
  }

  #catchUp(): void {
    this.#attempt((authority, nowMs) => authority.republish(nowMs), true);
  }

  /** Does what nobody waits for. */
  #attempt(work: (authority: Authority, nowMs: number) => void, isAll: boolean): void {
    if (this.#isClosed) return;
    try {
      this.#perform(work, isAll);
    } catch (error) {
      this.#tell({ type: 'tickFailed', error });
    }
  }

  /** The service's own record, early enough to be known before the one before ends. */
  #renewSelf(): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs < this.#selfEndsMs - renewBeforeMs) return;
    this.#authority.issue(this.#self.key, { name: 'authority', roles: principalRoles.authority }, nowMs);
    this.#selfEndsMs = nowMs + limits.principalRecordMs;
  }

  #tellOfGroups(): void {
    const { failures } = this.#authority;
    for (const { groupId16, error } of failures) {
      if (!this.#failedGroups.has(hexOf(groupId16))) this.#tell({ type: 'groupFailed', groupId16, error });
    }
    this.#failedGroups = new Set(failures.map(({ groupId16 }) => hexOf(groupId16)));
  }

  #groupStatus({ groupId16, crewId16 = groupId16, ...group }: RememberedGroup): GroupStatus {
    const waiting = this.#authority.waiting(groupId16).length;
    const ids = [groupId16, crewId16].map(hexOf);
    const failure = this.#authority.failures.find((one) => ids.includes(hexOf(one.groupId16)));
    return { groupId16, ...group, waiting, error: failure?.error };
  }

  #tell(event: ServiceEvent): void {
    this.#options.onEvent?.(event);
  }
}

/** What the disk did not take is tried again so much later. */
const retryMs = 1_000;
const leastDelayMs = 20;
const longestDelayMs = 20_000;
const renewBeforeMs = limits.principalRecordMs / 2;
