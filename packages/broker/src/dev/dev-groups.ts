import { groupPurposes, type GroupPurpose } from '@tridcomm/client-node/dev';

/** A group that the authority of a broker for development has from the beginning. */
export interface DevGroup {
  readonly purpose: GroupPurpose;
  readonly pattern: string;
}

/**
 * Reads `--group PURPOSE:PATTERN`, any number of times.
 *
 * @returns undefined for anything else
 */
export function parseDevGroups(args: readonly string[]): readonly DevGroup[] | undefined {
  const groups: DevGroup[] = [];
  for (let i = 0; i < args.length; i += 2) {
    const [purposeName, ...rest] = args[i + 1]?.split(':') ?? [];
    const purpose = groupPurposes.find((name) => name === purposeName);
    const pattern = rest.join(':');
    if (args[i] !== '--group' || purpose === undefined || pattern === '') return undefined;
    groups.push({ purpose, pattern });
  }
  return groups;
}
