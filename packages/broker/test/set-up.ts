import { connect as connectTcp, type Socket } from 'node:net';
import { Authority, Client, Identity, Trust, type TopicMatch } from '@tridcomm/core';
import { decodeBundle, objectKinds } from '@tridcomm/core/internal';
import { linkModes, principalRoles, type LinkMessage } from '@tridcomm/core/link';
import { createBroker, type Broker, type BrokerConfig } from '../src/broker.ts';
import type { BrokerEvent } from '../src/engine/events.ts';
import type { BrokerIdentity } from '../src/identity.ts';
import { provider, random, TestLink, type Person } from './listeners/world.ts';

/** An authority that hands its bundles to whatever broker it has a link to. */
export class Setting {
  readonly authority: Authority;
  readonly authorityId: string;
  readonly brokerPerson: Person;
  readonly authorityPerson: Person;
  readonly bundles: Uint8Array[] = [];
  readonly events: BrokerEvent[] = [];
  readonly brokers: Broker[] = [];
  link: TestLink | undefined;

  constructor() {
    let take = (bundle: Uint8Array): void => void this.bundles.push(bundle);
    this.authority = Authority.create({ provider, random, publish: (bundle) => take(bundle) }, Date.now());
    this.authorityId = Buffer.from(this.authority.authorityId32).toString('hex');
    this.brokerPerson = this.person('localhost', principalRoles.broker);
    this.authorityPerson = this.person('authority', principalRoles.authority);
    take = (bundle) => {
      this.bundles.push(bundle);
      if (this.link?.ended === undefined) this.link?.engine.send({ type: 'bundle', bundle });
    };
  }

  get identity(): BrokerIdentity {
    const { identity, record } = this.brokerPerson;
    return { key: identity.key, principalRecord: record };
  }

  person(name: string, roles: number = principalRoles.member): Person {
    const identity = Identity.create(provider, random, Date.now());
    const record = this.authority.issue(identity.key, { name, roles }, Date.now());
    this.authority.takeKeyRecord(identity.keyRecord(this.authority.authorityId32, 1, Date.now()), Date.now());
    return { identity, record, keyId: Buffer.from(identity.key.keyId32).toString('hex') };
  }

  group(pattern: string, people: readonly Person[]): void {
    this.authority.addGroup({ patterns: [pattern] }, Date.now());
    const grants = people.flatMap(({ identity }) =>
      (['publish', 'subscribe'] as const).map((action) => ({ keyId32: identity.key.keyId32, action, pattern })),
    );
    this.authority.grantAll(grants, Date.now());
  }

  /** A broker on a free port. */
  async start(config: Partial<BrokerConfig> = {}): Promise<Broker> {
    const broker = await createBroker(
      {
        identity: this.identity,
        authorityId: this.authorityId,
        listeners: [{ type: 'noise', host: '127.0.0.1', port: 0 }],
        ...config,
      },
      { onEvent: (event) => this.events.push(event) },
    );
    this.brokers.push(broker);
    return broker;
  }

  /** The authority's link to it, over which everything goes that it has published. */
  async lead(broker: Broker): Promise<void> {
    this.link = await this.open(broker, this.authorityPerson);
    this.authority.republish(Date.now());
    await this.link.pinged();
  }

  /** A link of somebody. */
  async open(broker: Broker, person: Person, creditBytes = 1e9): Promise<TestLink & { readonly socket: Socket }> {
    const socket = connectTcp(broker.addresses[0]!.port!, '127.0.0.1');
    const { authorityId32 } = this.authority;
    const trust = new Trust({ provider, authorityId32 });
    const records = this.records();
    for (const bytes of records) trust.takeAuthorityRecord(bytes, Date.now());
    const link = new TestLink(
      {
        provider,
        random,
        now: Date.now,
        side: 'initiator',
        mode: linkModes.noise,
        key: person.identity.key,
        principalRecord: person.record,
        trust,
        authorityRecords: (after) => records.slice(after),
        expectedName: 'localhost',
        creditBytes,
      },
      (bytes) => socket.write(bytes),
    );
    socket.on('data', (chunk) => link.receive(chunk));
    socket.on('error', () => link.cut());
    socket.on('close', () => link.cut());
    await new Promise((resolve) => socket.once('connect', resolve));
    return Object.assign(await link.start().opened(), { socket });
  }

  /** A client of core on a link, with what it received. */
  client(link: TestLink, person: Person): { client: Client; texts: string[]; matches: TopicMatch[] } {
    const texts: string[] = [];
    const matches: TopicMatch[] = [];
    let sub = 0;
    const say = (message: LinkMessage): void => {
      if (link.ended === undefined) link.engine.send(message);
    };
    const client = new Client({
      provider,
      random,
      authorityId32: this.authority.authorityId32,
      identity: person.identity,
      // Nobody here had an earlier life.
      startMs: person.identity.createdMs,
      carrier: {
        publish: (envelope) => say({ type: 'envelope', durability: 2, envelope }),
        subscribe: (match, source) => {
          matches.push(match);
          say({ type: 'sub', sub: ++sub, match, from: source === 'log' ? 1 : 0 });
        },
        unsubscribe: () => undefined,
        watch: (address16) => say({ type: 'watch', keeps: true, addresses: [address16] }),
        fetch: (address16) => say({ type: 'watch', keeps: false, addresses: [address16] }),
      },
      onEvent: (event) => {
        if (event.type !== 'message') return;
        for (const { payload } of event.delivery.messages) texts.push(new TextDecoder().decode(payload));
      },
    });
    const receiver = client.receiver(Date.now);
    const { messages } = link;
    link.onMessage = (message) => {
      if (message.type === 'envelope') receiver.envelope(message.envelope);
      else if (message.type === 'stored') receiver.stored(message.envelope, message.position);
      else if (message.type === 'object') receiver.object(message.address16, message.object);
      else messages.push(message);
    };
    client.start(Date.now());
    return { client, texts, matches };
  }

  async close(): Promise<void> {
    for (const broker of this.brokers) await broker.close();
  }

  /** The chain, from the state of the authority. */
  records(): Uint8Array[] {
    return authorityRecordsIn(this.bundles);
  }
}

function authorityRecordsIn(bundles: readonly Uint8Array[]): Uint8Array[] {
  const seen = new Map<string, Uint8Array>();
  for (const { bytes } of bundles.flatMap((bundle) => decodeBundle(bundle))) {
    const isRecord =
      Buffer.from(bytes.subarray(0, 4)).toString() === 'TDOB' && bytes[5] === objectKinds.authorityRecord;
    if (isRecord) seen.set(Buffer.from(bytes).toString('hex'), bytes);
  }
  return [...seen.values()];
}
