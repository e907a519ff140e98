/** The vector files in the order of the manifest. */
import { ed25519 } from './areas/ed25519.ts';
import { errors } from './areas/errors.ts';
import { framing } from './areas/framing.ts';
import { freshness } from './areas/freshness.ts';
import { replay } from './areas/replay.ts';
import { schedule } from './areas/schedule.ts';
import { topics } from './areas/topics.ts';
import { x25519 } from './areas/x25519.ts';
import type { VectorFile } from './cases.ts';

export const AREAS: readonly { name: string; make: () => VectorFile }[] = [
  { name: 'framing', make: framing },
  { name: 'ed25519', make: ed25519 },
  { name: 'x25519', make: x25519 },
  { name: 'schedule', make: schedule },
  { name: 'topics', make: topics },
  { name: 'replay', make: replay },
  { name: 'freshness', make: freshness },
  { name: 'errors', make: errors },
];
