import { resolve } from 'node:path';
import { TridcommError } from '@tridcomm/core';
import { hexOf } from '@tridcomm/core/internal';
import { errorOf } from '../authority/admin-protocol.ts';
import { AdminServer } from '../authority/admin-server.ts';
import { AuthorityService } from '../authority/service.ts';
import type { ServiceEvent } from '../authority/service-options.ts';
import { serviceOptions, socketPath } from './authority-access.ts';
import type { Given, Outcome } from './authority-command.ts';
import { CommandLineError } from './authority-io.ts';
import { explain } from './cli-io.ts';

/**
 * Runs an authority until it is told to end.
 *
 * @throws CommandLineError without a broker; TridcommError `E_CLOSED` where another process has taken the state; those of
 * `AuthorityService.open` and `AdminServer.listen`
 */
export async function serve({ io, access, options, words }: Given): Promise<Outcome | undefined> {
  if (words.length > 0) throw new CommandLineError(`${words.length} arguments, expected nothing`);
  if (access.brokers.length === 0) throw new CommandLineError('--broker is missing: there is nobody to publish to');
  const enrolSocket = options['enrol-socket'];
  const ended = new AbortController();
  const say = (line: string) => io.stderr.write(`tridcomm: ${line}\n`);
  const onEvent = (event: ServiceEvent) => {
    say(describe(event));
    if (event.type === 'tickFailed' && isTaken(event.error)) ended.abort(event.error);
  };
  const service = await AuthorityService.open({ ...(await serviceOptions(io, access)), onEvent });
  const servers: AdminServer[] = [];
  try {
    const onFault = (error: unknown) => say(`a request failed: ${errorOf(error).message}`);
    servers.push(await AdminServer.listen(service, socketPath(access.directory), 'admin', onFault));
    if (typeof enrolSocket === 'string') {
      servers.push(await AdminServer.listen(service, resolve(io.cwd, enrolSocket), 'enrol', onFault));
    }
    const authorityId = hexOf(service.authorityId32);
    const { headSeq } = service.status();
    const ready = { authorityId, headSeq, socket: socketPath(access.directory) };
    io.stdout.write(options['json'] === true ? `${JSON.stringify(ready)}\n` : `serving authority ${authorityId}\n`);
    await aborted(AbortSignal.any([ended.signal, ...(io.signal === undefined ? [] : [io.signal])]));
  } finally {
    await Promise.all(servers.map((server) => server.close()));
    await service.close();
  }
  if (ended.signal.aborted) throw ended.signal.reason;
  return undefined;
}

function describe(event: ServiceEvent): string {
  if (event.type === 'brokerCurrent') return `${event.name} has everything again, up to head ${event.headSeq}`;
  const message = explain(event.error) ?? errorOf(event.error).message;
  if (event.type === 'brokerBehind') return `${event.name} has not taken what was published: ${message}`;
  if (event.type === 'tickFailed') return message;
  return `group ${hexOf(event.groupId16)} could not be changed: ${message}`;
}

function isTaken(error: unknown): boolean {
  return error instanceof TridcommError && error.code === 'E_CLOSED';
}

async function aborted(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
