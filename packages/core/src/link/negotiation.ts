import { equalBytes } from '../bytes/bytes.ts';
import { linkModes } from '../codepoints/link-modes.gen.ts';
import { TridcommError } from '../errors.ts';
import { encodeFrame } from '../wire/frame.ts';
import { frameTypes } from '../codepoints/frame-types.gen.ts';
import type { Chosen } from './auth.ts';
import { encodeHello, type Hello } from './opening-bodies.ts';
import type { LinkSetup } from './options.ts';

/**
 * The own hello, as a whole frame; the caller's.
 *
 * @param suites - in T none, in N those offered or the one chosen; in any order
 * @param authoritySerial - of the newest authority record held, or 0
 * @spec link.2
 */
export function makeHello(setup: LinkSetup, suites: readonly number[], authoritySerial: number): Uint8Array {
  const { random, mode, own, frameCapBytes, creditBytes } = setup;
  const body = encodeHello({
    versions: [linkVersion],
    mode,
    suites: suites.toSorted((a, b) => a - b),
    nonce32: random(32),
    authorityId32: own.authorityId32,
    authoritySerial,
    frameCapBytes,
    creditBytes,
  });
  return encodeFrame(frameTypes.hello, 0, body);
}

/** The suites that the own hello offers. */
export function offeredSuites({ mode, suites }: LinkSetup): readonly number[] {
  return mode === linkModes.noise ? suites : [];
}

/**
 * What a responder chooses of an offer.
 *
 * @throws TridcommError `E_HANDSHAKE`
 * @spec link.3, link.4
 */
export function choose(setup: LinkSetup, offer: Hello): Chosen {
  checkMeeting(setup, offer);
  if (!offer.versions.includes(linkVersion)) throw refusal('no version that both ends speak');
  if (setup.mode === linkModes.tls) return { version: linkVersion, suite: undefined };
  const suite = setup.suites.find((known) => offer.suites.includes(known));
  if (suite === undefined) throw refusal('no suite that both ends know');
  return { version: linkVersion, suite };
}

/**
 * What a responder chose, where it may choose that.
 *
 * @throws TridcommError `E_HANDSHAKE`
 * @spec link.5
 */
export function checkChoice(setup: LinkSetup, { versions, suites, ...meeting }: Hello): Chosen {
  checkMeeting(setup, meeting);
  if (versions.length !== 1 || versions[0] !== linkVersion) throw refusal('not one of the versions offered');
  if (setup.mode === linkModes.tls) {
    if (suites.length > 0) throw refusal('suites in mode T');
    return { version: linkVersion, suite: undefined };
  }
  if (suites.length !== 1 || !setup.suites.includes(suites[0]!)) throw refusal('not one of the suites offered');
  return { version: linkVersion, suite: suites[0] };
}

function checkMeeting({ mode, own }: LinkSetup, hello: Pick<Hello, 'mode' | 'authorityId32'>): void {
  if (hello.mode !== mode) throw refusal(`link mode ${hello.mode} on a connection of mode ${mode}`);
  if (!equalBytes(hello.authorityId32, own.authorityId32)) throw refusal('another authority');
}

function refusal(detail: string): TridcommError {
  return new TridcommError('E_HANDSHAKE', detail);
}

/** The one version there is. */
const linkVersion = 1;
