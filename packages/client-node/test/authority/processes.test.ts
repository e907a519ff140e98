import { appendFileSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { addressOf, addressTypes, Client, decodeBundle, Relay } from '@tridcomm/core';
import { Archive } from '../../src/authority/archive.ts';
import { AuthorityService } from '../../src/authority/service.ts';
import { createKeyFile, readKeyFile, type StateSecret } from '../../src/authority/state-secret.ts';
import { bundle, ended, start } from '../bundled.ts';
import { killedMember } from './killed-member.ts';
import { codeOf, provider, temporaryDirectory } from './world.ts';

let killed: string;
beforeAll(async () => {
  killed = await bundle(new URL('killed-child.ts', import.meta.url));
}, 120_000);

interface Place {
  readonly directory: string;
  readonly keyFile: string;
  readonly secret: StateSecret;
  readonly authorityId32: Uint8Array;
}

async function place(): Promise<Place> {
  const root = temporaryDirectory();
  const [directory, keyFile] = [join(root, 'a'), join(root, 'key')];
  createKeyFile(keyFile);
  const secret = readKeyFile(keyFile);
  const authorityId32 = await AuthorityService.init({ directory, secret });
  return { directory, keyFile, secret, authorityId32 };
}

/** Number of the head in a bundle; 0 without. */
function headSeqOf(bytes: Uint8Array): number {
  const heads = decodeBundle(bytes).filter((one) => Buffer.from(one.bytes.subarray(0, 4)).toString() === 'TDHD');
  return Math.max(0, ...heads.map((one) => Number(Buffer.from(one.bytes).readBigUInt64BE(40))));
}

describe('a process that is killed', { timeout: 180_000 }, () => {
  it('between writing and handing out has handed out nothing that the next one does not know', async () => {
    const { directory, keyFile, secret, authorityId32 } = await place();
    const relay = new Relay({ provider, authorityId32, now: () => Date.now() });
    const { identity, pattern } = killedMember();
    const link = relay.attach(identity.key.keyId32, {
      envelope: () => {},
      object: (address16, bytes) => receiver.object(address16, bytes),
    });
    const forks: string[] = [];
    const client = new Client({
      provider,
      random: (length) => new Uint8Array(length).fill(3),
      authorityId32,
      identity,
      carrier: link,
      startMs: Date.now(),
      onEvent: ({ type }) => {
        if (type === 'fork') forks.push(type);
      },
    });
    const receiver = client.receiver(() => Date.now());
    client.start(Date.now());
    const viewOf = () => client.view(client.groupIds[0]!, Date.now())!;
    let highest = 0;
    let epoch = 0;
    for (const count of [7, 0, 1, 2, 4]) {
      const end = await ended(start(killed, [directory, keyFile, String(count)]));
      expect(end.signal, end.stderr).toBe('SIGKILL');
      const bundles = end.stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => new Uint8Array(Buffer.from(line, 'hex')));
      expect(bundles).toHaveLength(count);
      // A broker takes each, life after life: nothing goes back.
      for (const bytes of bundles) {
        relay.apply(bytes);
        if (headSeqOf(bytes) === 0) continue;
        expect(headSeqOf(bytes)).toBeGreaterThan(highest);
        highest = headSeqOf(bytes);
      }
      // Neither does the member.
      client.tick(Date.now());
      const view = viewOf();
      expect(view.headSeq).toBe(highest);
      expect(view.epoch).toBeGreaterThanOrEqual(epoch);
      epoch = view.epoch;
      // What was to be handed out and was not is in the archive.
      const archive = Archive.open(provider, authorityId32, join(directory, 'archive'));
      const address16 = addressOf(provider, authorityId32, addressTypes.head, new Uint8Array(0));
      const archived = Number(Buffer.from(archive.under(address16)[0]!).readBigUInt64BE(40));
      archive.close();
      expect(archived).toBeGreaterThan(highest);
    }
    const service = await AuthorityService.open({
      directory,
      secret,
      connect: () => ({
        sinks: [{ name: 'relay', publish: async (bytes) => await Promise.resolve(relay.apply(bytes)) }],
        sources: [{ name: 'relay', retained: async (address16) => await Promise.resolve(relay.retained(address16)) }],
      }),
    });
    await service.rest();
    const { headSeq, brokers } = service.status();
    expect(headSeq).toBeGreaterThan(highest + 2 ** 20 - 1);
    expect(brokers[0]).toMatchObject({ isCurrent: true, error: undefined });
    client.tick(Date.now());
    expect(viewOf()).toMatchObject({ headSeq, fresh: true });
    expect(viewOf().epoch).toBeGreaterThan(epoch + 2 ** 16 - 1);
    client.subscribe(pattern, Date.now());
    expect(forks).toEqual([]);
    client.stop();
    await service.close();
  });

  it('while it wrote the archive loses what was not written whole, and nothing else', async () => {
    const { directory, secret, authorityId32 } = await place();
    const sink: Uint8Array[] = [];
    const options = {
      directory,
      secret,
      acceptSingleSource: true,
      connect: () => ({
        sinks: [{ name: 'b', publish: async (bytes: Uint8Array) => void (await Promise.resolve(sink.push(bytes))) }],
        sources: [],
      }),
    };
    const archivePath = join(directory, 'archive');
    const service = await AuthorityService.open(options);
    const before = readFileSync(archivePath);
    service.perform((authority, nowMs) => authority.addGroup({ patterns: ['orders/**'] }, nowMs));
    await service.rest();
    const { headSeq } = service.status();
    await service.close();
    const after = readFileSync(archivePath);
    // State written, archive half: the state knows more than the archive, by one step.
    for (const length of [
      before.length,
      before.length + 1,
      Math.floor((before.length + after.length) / 2),
      after.length - 1,
    ]) {
      writeFileSync(archivePath, after.subarray(0, length));
      copyFileSync(join(directory, 'authority.state'), join(directory, 'state.kept'));
      const next = await AuthorityService.open(options);
      expect(next.status().headSeq).toBeGreaterThan(headSeq + 2 ** 20 - 1);
      expect(next.status().groups).toHaveLength(1);
      await next.close();
      copyFileSync(join(directory, 'state.kept'), join(directory, 'authority.state'));
    }
    // Two steps behind is no crash.
    writeFileSync(archivePath, before.subarray(0, before.length - 1));
    expect(await codeOf(() => AuthorityService.open(options))).toBe('E_USAGE');
    writeFileSync(archivePath, after);
    appendFileSync(archivePath, 'x'.repeat(20));
    expect(await codeOf(() => AuthorityService.open(options))).toBe('E_ENCODING');
    expect(authorityId32).toHaveLength(32);
  });

  it('leaves no lock that keeps the next one out, and one that lives keeps it out', async () => {
    const { directory, keyFile, secret } = await place();
    const options = { directory, secret, acceptSingleSource: true };
    const child = start(killed, [directory, keyFile, '1000000']);
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    expect(await codeOf(() => AuthorityService.open(options))).toBe('E_USAGE');
    child.stdout!.resume();
    const end = ended(child);
    child.kill('SIGKILL');
    expect((await end).signal).toBe('SIGKILL');
    await (await AuthorityService.open(options)).close();
  });
});
