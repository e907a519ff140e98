import { TridcommError, type CryptoProvider, type RandomSource, type SigningKey } from '@tridcomm/core';
import type { AddressedObject } from '@tridcomm/core/internal';
import type { SeededRandom } from '@tridcomm/core/testing';
import {
  BrokerProcess,
  SegmentLog,
  SimulatedDisk,
  type BrokerEvent,
  type DiskOperation,
} from '@tridcomm/broker/testing';
import type { BrokerLife } from './oracle.ts';
import type { BrokerEnd, DiskTrouble, NetworkPlan } from './plan.ts';
import type { Switchboard } from './switchboard.ts';
import { Machine, type VirtualTime } from './virtual-time.ts';

/** What the broker's machine needs of its world. */
export interface BrokerHostParts {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly provider: CryptoProvider;
  readonly source: RandomSource;
  readonly plan: NetworkPlan;
  readonly switchboard: Switchboard;
  readonly authorityId32: Uint8Array;
  readonly key: SigningKey;
  readonly principalRecord: Uint8Array;
  onEvent(event: BrokerEvent): void;
  /** Objects of a bundle came, and are to be kept. */
  onKeep(objects: readonly AddressedObject[]): void;
  onBroken(error: unknown): void;
}

/** The machine of the broker: its disk stays, its processes come and go. */
export class BrokerHost {
  process: BrokerProcess | undefined;
  life: BrokerLife | undefined;
  log: SegmentLog | undefined;
  readonly disk: SimulatedDisk;
  readonly #parts: BrokerHostParts;
  /** What is kept of the authority: it outlives power. */
  readonly #kept: { readonly objects: readonly AddressedObject[]; readonly keptMs: number }[] = [];
  #machine: Machine;
  #keeping: Promise<void> = Promise.resolve();
  #lives = 0;
  #trouble: DiskTrouble | undefined;
  /** When there was some, as far as was looked. */
  #troubleMs = 0;
  /** Whether it is to run: it is started again until it does. */
  #isWanted = true;

  constructor(parts: BrokerHostParts) {
    this.#parts = parts;
    this.#machine = new Machine(parts.time);
    const { random, plan } = parts;
    this.disk = new SimulatedDisk({
      random: random.fork(),
      schedule: (run) => this.#machine.after(random.between(0, plan.diskMs), run),
    });
    this.disk.fault = (operation) => this.#faultOf(operation);
  }

  /** Begins a life. */
  start(): void {
    const { time, plan } = this.#parts;
    const machine = new Machine(time, plan.brokerSkewMs);
    this.#machine = machine;
    this.#keeping = Promise.resolve();
    this.#isWanted = true;
    const life: BrokerLife = { number: ++this.#lives, endedMs: Infinity, logFailedMs: Infinity };
    machine.after(1, () => {
      this.#begin(machine, life).catch((error: unknown) => {
        if (!(error instanceof TridcommError)) this.#parts.onBroken(error);
        // Whoever runs it tries again.
        machine.kill();
        time.clock.after(againMs, () => {
          if (this.#isWanted && this.process === undefined) this.start();
        });
      });
    });
  }

  /** Whether its log takes nothing any more, although the disk would: somebody has to start it anew. */
  get wantsRestart(): boolean {
    return this.#trouble === undefined && this.log?.failure !== undefined && this.#isWanted;
  }

  /** Whether its disk did not do all that it was asked for a moment ago, or it was ending. */
  get hasTrouble(): boolean {
    if (this.#trouble !== undefined || this.log?.failure !== undefined || !this.#isWanted) {
      this.#troubleMs = this.#parts.time.nowMs;
    }
    return this.#parts.time.nowMs <= this.#troubleMs + echoMs;
  }

  /** Ends a life, and begins the next after a while. */
  end(how: BrokerEnd, downMs: number): void {
    const { time, switchboard } = this.#parts;
    this.#isWanted = false;
    this.#troubleMs = time.nowMs;
    if (how === 'drain' && this.process !== undefined) this.#drain(this.process, this.#machine);
    else {
      this.#over(how);
      for (const wire of switchboard.wiresOf()) {
        if (how === 'power cut') wire.silence();
        else wire.break();
      }
    }
    time.clock.after(downMs + 1, () => this.#startAgain());
  }

  /** The disk does not do this any more. */
  trouble(what: DiskTrouble): void {
    this.#trouble = what;
    this.disk.capacityBytes = what === 'full' ? 0 : Infinity;
  }

  mend(): void {
    this.#trouble = undefined;
    this.disk.capacityBytes = Infinity;
  }

  trim(): void {
    const { log } = this;
    this.#machine.after(0, () => {
      log?.trim().catch((error: unknown) => {
        if (!(error instanceof TridcommError)) this.#parts.onBroken(error);
      });
    });
  }

  async #begin(machine: Machine, life: BrokerLife): Promise<void> {
    const { provider, source, plan, authorityId32, key, principalRecord, switchboard } = this.#parts;
    const { retentionBytes, segmentBytes, mostQueuedBytes } = plan;
    const log = await SegmentLog.open({
      files: this.disk.attach(),
      now: Date.now,
      random: source,
      segmentBytes,
      ...(retentionBytes !== undefined && { retention: { maxBytes: retentionBytes } }),
    });
    const process = new BrokerProcess({
      provider,
      authorityId32,
      random: source,
      identity: { key, principalRecord },
      log,
      mostQueuedBytes,
      keep: async (objects, nowMs) => await this.#keep(machine, objects, nowMs),
      onEvent: (event) => {
        if (event.type === 'logFailed') this.#troubleMs = this.#parts.time.nowMs;
        if (event.type === 'logFailed' && event.what === 'append') {
          life.logFailedMs = Math.min(life.logFailedMs, this.#parts.time.nowMs);
        }
        this.#parts.onEvent(event);
      },
    });
    if (log.failure !== undefined) life.logFailedMs = this.#parts.time.nowMs;
    for (const { objects, keptMs } of this.#kept) process.engine.restore(objects, keptMs);
    this.process = process;
    this.life = life;
    this.log = log;
    switchboard.taker = { machine, keyId32: key.keyId32, accept: (origin, lay) => process.accept(origin, lay) };
    // Machines that call know by now that what they were connected to is gone.
    switchboard.breakSilence();
  }

  async #keep(machine: Machine, objects: readonly AddressedObject[], keptMs: number): Promise<void> {
    this.#parts.onKeep(objects);
    // One after the other, as the file of a broker does.
    const turn = this.#keeping.then(async () => {
      await machine.sleep(this.#parts.random.between(0, 2 * this.#parts.plan.diskMs));
      if (this.#trouble === 'full') throw new TridcommError('E_TRANSPORT', 'disk that is full');
      this.#kept.push({ objects, keptMs });
    });
    this.#keeping = turn.catch(() => undefined);
    await turn;
  }

  #drain(process: BrokerProcess, machine: Machine): void {
    const { switchboard } = this.#parts;
    switchboard.taker = undefined;
    machine.after(0, () => {
      const drained = async (): Promise<void> => {
        await Promise.race([process.drain(), machine.sleep(drainMs)]);
        await machine.sleep(lastBytesMs);
        await Promise.race([this.log!.close(), machine.sleep(drainMs)]);
      };
      drained()
        .catch((error: unknown) => {
          if (!(error instanceof TridcommError)) this.#parts.onBroken(error);
        })
        .finally(() => {
          if (!machine.isAlive) return;
          this.#over('kill');
          for (const wire of switchboard.wiresOf()) wire.break();
          if (this.#isWanted) this.start();
        });
    });
  }

  #over(how: BrokerEnd): void {
    this.#troubleMs = this.#parts.time.nowMs;
    this.#machine.kill();
    this.#parts.switchboard.taker = undefined;
    if (this.life !== undefined) this.life.endedMs = Math.min(this.life.endedMs, this.#parts.time.nowMs);
    this.process = undefined;
    this.log = undefined;
    if (how === 'power cut') this.disk.powerCut();
    else this.disk.kill();
  }

  /** Where it is still draining it begins when that is over. */
  #startAgain(): void {
    this.#isWanted = true;
    if (this.process === undefined) this.start();
  }

  #faultOf({ kind }: DiskOperation): 'EIO' | 'ENOSPC' | undefined {
    if (this.#trouble === 'sync fails') return kind === 'datasync' || kind === 'sync' ? 'EIO' : undefined;
    if (this.#trouble === 'write fails') return kind === 'write' ? 'EIO' : undefined;
    return this.#trouble === 'full' && kind === 'write' ? 'ENOSPC' : undefined;
  }
}

const againMs = 500;
const drainMs = 5_000;
const lastBytesMs = 200;
/** How long a refusal is on its way, at most. */
const echoMs = 3_000;
