/** The vector files in the order of the manifest. */
import { derive } from './areas/derive.ts';
import { ed25519 } from './areas/ed25519.ts';
import { errors } from './areas/errors.ts';
import { extensions } from './areas/extensions.ts';
import { framing } from './areas/framing.ts';
import { freshness } from './areas/freshness.ts';
import { header } from './areas/header.ts';
import { merkle } from './areas/merkle.ts';
import { open } from './areas/open.ts';
import { parse } from './areas/parse.ts';
import { receiver } from './areas/receiver.ts';
import { records } from './areas/records.ts';
import { replay } from './areas/replay.ts';
import { schedule } from './areas/schedule.ts';
import { seal } from './areas/seal.ts';
import { topics } from './areas/topics.ts';
import { x25519 } from './areas/x25519.ts';
import type { VectorFile } from './cases.ts';

export const AREAS: readonly { name: string; make: () => VectorFile }[] = [
  { name: 'framing', make: framing },
  { name: 'header', make: header },
  { name: 'extensions', make: extensions },
  { name: 'records', make: records },
  { name: 'merkle', make: merkle },
  { name: 'parse', make: parse },
  { name: 'ed25519', make: ed25519 },
  { name: 'x25519', make: x25519 },
  { name: 'schedule', make: schedule },
  { name: 'seal', make: seal },
  { name: 'derive', make: derive },
  { name: 'open', make: open },
  { name: 'receiver', make: receiver },
  { name: 'replay', make: replay },
  { name: 'freshness', make: freshness },
  { name: 'topics', make: topics },
  { name: 'errors', make: errors },
];
