import {
  parseEnvelope,
  TridcommError,
  type JobFields,
  type RecordName,
  type Reply,
  type Requested,
} from '@tridcomm/core';
import { extensions, type Client } from '@tridcomm/core/internal';
import { ascii, hexOf, readU32, textOf } from '../bytes.ts';
import { keyOfRecord, type AppHost } from './app.ts';
import type { AskedWork } from './oracle.ts';
import { dealTopic, jobTopic, requestTopic, type PatternsStep, type WorkKind } from './plan.ts';
import { routingDataOf } from './routing-data.ts';

/** A request or message of this life, until it has its answer or its end. */
interface Pending {
  readonly work: AskedWork;
  readonly key16: Uint8Array;
  /** Of a message: what routers are told. */
  readonly routing: string | undefined;
  readonly names: RecordName[];
  isSettled: boolean;
}

/** What was sealed. */
export interface Sealed {
  readonly works: readonly AskedWork[];
  readonly requested: Requested;
}

/**
 * What somebody does who asks a pool and pushes to it: asks again what nobody answers, with the same bytes or sealed anew under the same key.
 *
 * Two askers choose the same keys, which have nothing to do with each other.
 */
export class PoolAsker {
  readonly #host: AppHost;
  #count = 0;

  constructor(host: AppHost) {
    this.#host = host;
  }

  /** @throws TridcommError what it is refused with */
  request(client: Client, step: PatternsStep & { readonly do: 'request' }): Sealed {
    const { member } = this.#host;
    const deadlineMs = member.localMs + step.forMs;
    const topic = step.isAmongMessages === true ? dealTopic : requestTopic;
    const pending = Array.from({ length: step.count }, (): Pending => {
      const work = this.#newWork('request', topic, deadlineMs);
      return { work, key16: this.#keyOf(work.content), routing: undefined, names: [], isSettled: false };
    });
    return this.#ask(client, pending, deadlineMs);
  }

  /** @throws TridcommError what it is refused with */
  deal(client: Client, step: PatternsStep & { readonly do: 'deal' }): Sealed {
    const deadlineMs = this.#host.member.localMs + step.forMs;
    const pending = step.to.map((worker): Pending => {
      const work = this.#newWork('message', dealTopic, deadlineMs);
      const routing = routingDataOf(worker, work.asker);
      return { work, key16: this.#keyOf(work.content), routing, names: [], isSettled: false };
    });
    return this.#ask(client, pending, deadlineMs);
  }

  /** @throws TridcommError what it is refused with */
  push(client: Client, step: PatternsStep & { readonly do: 'push' }): Sealed {
    const { member, oracle } = this.#host;
    const deadlineMs = step.forMs === 0 ? 0 : member.localMs + step.forMs;
    const works = Array.from({ length: step.count }, () => this.#newWork('job', jobTopic, deadlineMs));
    const jobs = works.map(({ content }): JobFields => {
      return { body: ascii(content), deadlineMs, key16: this.#keyOf(content) };
    });
    const { jobsPerLeaf } = step;
    const options = jobsPerLeaf === undefined ? {} : { jobsPerLeaf };
    // The broker may answer inside of the call.
    const requested = client.push(jobTopic, jobs, member.localMs, options);
    for (const [i, work] of works.entries()) {
      if (step.isRepeated) work.mayRunAgain = true;
      const name = keyOfRecord(requested.names[i]!);
      oracle.asked(work, [name], member.life, requested.epoch, this.#host.sceneOf('pool'));
    }
    this.#host.note(
      () => `${member.name} pushes ${works.map(({ content }) => content).join()}, epoch ${requested.epoch}`,
    );
    if (step.isRepeated)
      this.#host.after(this.#host.random.between(100, 9_000), () => member.repeat(requested.envelopes[0]!));
    return { works, requested };
  }

  #ask(client: Client, pending: readonly Pending[], deadlineMs: number): Sealed {
    const requested = this.#seal(client, pending);
    this.#againLater(requested.envelopes, pending, deadlineMs, this.#host.member.localMs);
    return { works: pending.map(({ work }) => work), requested };
  }

  #newWork(kind: WorkKind, topic: string, deadlineMs: number): AskedWork {
    const { member, effects, random } = this.#host;
    // Somebody takes his time over those that end so.
    const end = random.chance(0.06) ? '!' : '';
    const content = `${member.name}${signs[kind]}${++this.#count}.${random.u32().toString(36)}${end}`;
    const mayRunAgain = end !== '';
    return { kind, content, asker: member.name, topic, deadlineMs, effects: effects[kind], mayRunAgain };
  }

  #keyOf(content: string): Uint8Array {
    const { random } = this.#host;
    if (random.chance(0.5)) return random.bytes(16);
    const number = content.slice(content.search(/[?+&]/u), content.indexOf('.'));
    return ascii(number.padEnd(16, '.'));
  }

  #seal(client: Client, pending: readonly Pending[]): Requested {
    const { member, oracle } = this.#host;
    const fields = pending.map(({ work, key16 }) => {
      return { body: ascii(work.content), deadlineMs: work.deadlineMs, key16 };
    });
    const messages = fields.map((field, i) => ({ ...field, routing: ascii(pending[i]!.routing ?? '') }));
    const { kind, topic } = pending[0]!.work;
    const hear = (reply: Reply): void => this.#hear(client, pending[reply.place]!, reply);
    const requested =
      kind === 'message'
        ? client.deal(topic, messages, member.localMs, hear)
        : client.request(topic, fields, member.localMs, hear);
    if (kind === 'message') this.#dealt(pending, requested);
    for (const [i, { work, names }] of pending.entries()) {
      const name = requested.names[i]!;
      names.push(name);
      oracle.asked(work, [keyOfRecord(name)], member.life, requested.epoch, this.#host.sceneOf('pool'));
    }
    this.#host.note(() => {
      const contents = pending.map(({ work }) => work.content).join();
      return `${member.name} asks ${contents}, epoch ${requested.epoch}, head ${requested.headSeq}`;
    });
    return requested;
  }

  #dealt(pending: readonly Pending[], { names, envelopes }: Requested): void {
    const { member, routing } = this.#host;
    const ids = new Map(names.map(({ id32 }, place) => [hexOf(id32), pending[place]!.routing!]));
    for (const [i, [id, text]] of [...ids].entries()) {
      const frontEpoch = readU32(parseEnvelope(envelopes[i]!).extensions.value(extensions.routing)!, 0);
      routing.dealt(id, { dealer: member.name, routing: text, frontEpoch }, this.#host.sceneOf('pool'));
    }
  }

  #hear(client: Client, pending: Pending, reply: Reply): void {
    const { member, oracle } = this.#host;
    const { status } = reply;
    const sender = status === 'late' ? '' : reply.sender.name;
    const body = 'body' in reply ? textOf(reply.body) : 'code' in reply ? reply.code : '';
    this.#host.note(() => `${member.name} hears of ${pending.work.content}: ${status} ${body} ${sender}`);
    this.#host.count(`reply ${status}`);
    const name = keyOfRecord(reply.name);
    oracle.heard(this.#host.sceneOf('pool'), name, { status, sender, body });
    // The handler that was given with the request has to be told of that request.
    if (!pending.names.some((one) => keyOfRecord(one) === name)) {
      oracle.misled(this.#host.sceneOf('pool'), pending.work.content);
    }
    if (status === 'in progress' || status === 'news' || pending.isSettled) return;
    if (status === 'late' && member.localMs <= pending.work.deadlineMs) return;
    pending.isSettled = true;
    const others = pending.names.filter((one) => keyOfRecord(one) !== name);
    if (others.length === 0) return;
    client.cancel(others);
    oracle.cancelled(others.map(keyOfRecord));
  }

  #againLater(
    envelopes: readonly Uint8Array[],
    pending: readonly Pending[],
    deadlineMs: number,
    sealedMs: number,
  ): void {
    const { member, random } = this.#host;
    this.#host.after(random.between(4_000, 9_000), (client) => {
      const open = pending.filter(({ isSettled }) => !isSettled);
      const { localMs } = member;
      if (open.length === 0 || localMs >= deadlineMs) return;
      for (const { work } of open) work.mayRunAgain = true;
      let [again, againMs] = [envelopes, sealedMs];
      if (localMs < sealedMs + freshMs && random.chance(0.7)) {
        this.#host.count('asked again');
        for (const envelope of envelopes) member.repeat(envelope);
      } else {
        try {
          [again, againMs] = [this.#seal(client, open).envelopes, localMs];
          this.#host.count('sealed anew');
        } catch (error) {
          if (!(error instanceof TridcommError)) throw error;
          this.#host.refused('seal', error);
        }
      }
      this.#againLater(again, open, deadlineMs, againMs);
    });
  }
}

/** What tells them apart in what they say. */
const signs: Readonly<Record<WorkKind, string>> = { request: '?', job: '+', message: '&' };
/** So long receivers take an envelope, whatever their clocks say. */
const freshMs = 90_000;
