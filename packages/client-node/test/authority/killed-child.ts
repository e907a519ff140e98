/*
 * A process that runs an authority on a directory, and is killed when its broker is to get one bundle more than it may:
 * `directory key-file number-of-bundles`. Each bundle that the broker gets is a line in hex on standard output.
 */
import { AuthorityService } from '../../src/authority/service.ts';
import { readKeyFile } from '../../src/authority/state-secret.ts';
import { killedMember } from './killed-member.ts';

const [directory, keyFile, count] = process.argv.slice(2) as [string, string, string];
let left = Number(count);
const service = await AuthorityService.open({
  directory,
  secret: readKeyFile(keyFile),
  acceptSingleSource: true,
  connect: () => ({
    sinks: [
      {
        name: 'killer',
        publish: async (bundle) => {
          left--;
          if (left < 0) process.kill(process.pid, 'SIGKILL');
          await new Promise<void>((resolve) => {
            process.stdout.write(`${Buffer.from(bundle).toString('hex')}\n`, () => resolve());
          });
        },
      },
    ],
    sources: [],
  }),
});
if (service.status().groups.length === 0) {
  const { identity, pattern } = killedMember();
  const { keyId32 } = identity.key;
  service.perform((authority, nowMs) => {
    authority.addGroup({ patterns: [pattern] }, nowMs);
    // Records of the first life that is restored begin above its number of heads.
    authority.issue(identity.key, { name: 'member' }, nowMs);
    authority.takeKeyRecord(identity.keyRecord(authority.authorityId32, authority.head.headSeq + 1_000, nowMs), nowMs);
    authority.grant({ keyId32, action: 'subscribe', pattern }, nowMs);
  });
}
for (;;) {
  service.perform((authority, nowMs) => authority.rotate(authority.groupIds[0]!, nowMs));
  await service.rest();
}
