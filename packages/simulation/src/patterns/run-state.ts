import { createHash } from 'node:crypto';
import { ManualClock, SeededRandom } from '@tridcomm/core/testing';
import type { Broker } from '../broker.ts';
import { hexOf } from '../bytes.ts';
import { CryptoMemory } from '../crypto.ts';
import type { Member } from '../member.ts';
import { Oracle } from '../oracle.ts';
import type { RunResult } from '../run-result.ts';
import { traitorName } from '../schedule.ts';
import { Tally } from '../tally.ts';
import type { HonestBroker } from './honest-broker.ts';
import type { HostileWorks } from './hostile-works.ts';
import { PatternsOracle, type PatternsOracleOptions } from './oracle.ts';
import type { Party } from './party.ts';
import type { PatternsPlan } from './plan.ts';
import { RoutingOracle } from './routing-oracle.ts';
import { settleMs, startMs, tickMs } from './times.ts';

/** What all parts of a run share: its plan and time, who is there, what the oracles know, and what is counted. */
export class RunState {
  readonly plan: PatternsPlan;
  readonly clock: ManualClock = new ManualClock(startMs);
  readonly random: SeededRandom;
  /** Of all that routers do. */
  readonly routingRandom: SeededRandom;
  readonly memory: CryptoMemory = new CryptoMemory();
  /** Of the bus, and of questions. */
  readonly messages: Oracle;
  readonly works: PatternsOracle;
  readonly routing: RoutingOracle;
  readonly parties: Map<string, Party> = new Map<string, Party>();
  readonly faults: Tally = new Tally();
  readonly deeds: Tally = new Tally();
  readonly refusals: Tally = new Tally();
  readonly counts: Counts = { messages: 0, envelopes: 0, deliveries: 0, stales: 0, forks: 0 };
  honest!: HonestBroker;
  hostile: HostileWorks | undefined;
  isBrokerDown = false;
  isHealed = false;
  readonly #hash = createHash('sha256');
  readonly #trace: string[] | undefined;

  constructor(plan: PatternsPlan, keepsTrace: boolean) {
    this.plan = plan;
    this.random = new SeededRandom(plan.seed, 7);
    this.routingRandom = new SeededRandom(plan.seed, 13);
    this.#trace = keepsTrace ? [] : undefined;
    const { maxHeadAgeMs } = plan.groups[0]!;
    const honestBoundMs = plan.setting === 'honest' ? settleMs + this.delayMs : undefined;
    const groups = Array.from({ length: plan.groups.length + 1 }, () => maxHeadAgeMs);
    this.messages = new Oracle({ maxHeadAgeMs: groups, staleOk: groups.map(() => false), honestBoundMs }, traitorName);
    const report: PatternsOracleOptions['report'] = (name, atMs, sentence) =>
      this.messages.report(name, atMs, sentence);
    this.routing = new RoutingOracle({ maxHeadAgeMs, honestBoundMs, report });
    this.works = new PatternsOracle({
      maxHeadAgeMs,
      honestBoundMs,
      tickMs,
      traitor: traitorName,
      routers: plan.routing?.routers.map(({ name }) => name) ?? [],
      routing: this.routing,
      report,
    });
  }

  get nowMs(): number {
    return this.clock.nowMs;
  }

  /** What links add to any time. */
  get delayMs(): number {
    return 4 * this.plan.link.maxDelayMs;
  }

  /** Where members connect. */
  get broker(): Broker {
    return this.isHealed ? this.honest : (this.hostile ?? this.honest);
  }

  get isTraitorCondemned(): boolean {
    return this.works.condemned !== undefined;
  }

  party(name: string): Party {
    return this.parties.get(name)!;
  }

  keyIdOf(name: string): string {
    return hexOf(this.party(name).member.keyId32);
  }

  note(line: () => string): void {
    const text = `${this.nowMs - startMs} ${line()}`;
    this.#hash.update(text);
    this.#trace?.push(text);
  }

  /** Something threw that is no refusal. */
  broken(member: Member, error: unknown): void {
    const sentence = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.messages.report('broken', this.nowMs, `${member.name}: ${sentence}`);
  }

  result(): RunResult {
    for (const { member } of this.parties.values()) {
      const { lost, duplicated, reordered } = member.linkCounts;
      this.faults.add('link loss', lost);
      this.faults.add('link duplicate', duplicated);
      this.faults.add('link reorder', reordered);
    }
    return {
      seed: this.plan.seed,
      setting: `patterns, ${this.plan.setting}`,
      messages: this.counts.messages,
      envelopes: this.counts.envelopes,
      deliveries: this.counts.deliveries,
      gapNumbers: this.messages.gapNumbers,
      staleEvents: this.counts.stales,
      forkEvents: this.counts.forks,
      simulatedMs: this.nowMs - startMs,
      faults: this.faults,
      deeds: this.deeds,
      refusals: this.refusals,
      violations: this.messages.violations.map((one) => ({ ...one, atMs: one.atMs - startMs })),
      traceHash: this.#hash.digest('hex'),
      trace: this.#trace ?? [],
    };
  }
}

interface Counts {
  messages: number;
  envelopes: number;
  deliveries: number;
  stales: number;
  forks: number;
}
