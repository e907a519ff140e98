import { frameTypes, type FrameType } from '../codepoints/frame-types.gen.ts';
import { limits } from '../codepoints/limits.gen.ts';
import { checkLimit, TridcommError } from '../errors.ts';

/*
 * The tables of chapter 04: who sends which frame, on which channels, and how large.
 */

/** Which end of a link: who opened the connection, or who took it. */
export type LinkSide = 'initiator' | 'responder';

/** The channels that a side may use: the lowest and the highest. */
type Channels = readonly [number, number];

interface FrameForm {
  readonly maxBytes: number;
  /** Absent where that side does not send the frame. */
  readonly initiator?: Channels;
  readonly responder?: Channels;
}

const zero: Channels = [0, 0];
const asksOrAnswers: Channels = [0, 1];
const numberOfSub: Channels = [1, 0xffff];
const { controlBytes } = limits;

/** By type; what chapter 04 does not have is not there. */
const forms: ReadonlyMap<number, FrameForm> = new Map<FrameType, FrameForm>([
  [frameTypes.hello, { maxBytes: limits.helloBytes, initiator: zero, responder: zero }],
  [frameTypes.auth, { maxBytes: limits.authBytes, initiator: zero, responder: zero }],
  [frameTypes.reject, { maxBytes: controlBytes, responder: zero }],
  [frameTypes.envelope, { maxBytes: limits.envelopeBytes, initiator: [0, 3], responder: zero }],
  [frameTypes.job, { maxBytes: limits.storedBytes, responder: numberOfSub }],
  [frameTypes.stored, { maxBytes: limits.storedBytes, responder: numberOfSub }],
  [frameTypes.leased, { maxBytes: limits.storedBytes, responder: numberOfSub }],
  [frameTypes.object, { maxBytes: limits.objectFrameBytes, responder: zero }],
  [frameTypes.bundle, { maxBytes: limits.bundleBytes, initiator: zero }],
  [frameTypes.watch, { maxBytes: controlBytes, initiator: asksOrAnswers }],
  [frameTypes.sub, { maxBytes: controlBytes, initiator: numberOfSub }],
  [frameTypes.unsub, { maxBytes: controlBytes, initiator: numberOfSub }],
  [frameTypes.credit, { maxBytes: controlBytes, initiator: zero }],
  [frameTypes.ack, { maxBytes: controlBytes, responder: zero }],
  [frameTypes.work, { maxBytes: controlBytes, initiator: numberOfSub }],
  [frameTypes.settle, { maxBytes: controlBytes, initiator: numberOfSub }],
  [frameTypes.ping, { maxBytes: controlBytes, initiator: asksOrAnswers, responder: asksOrAnswers }],
  [frameTypes.close, { maxBytes: controlBytes, initiator: zero, responder: zero }],
]);

/** The other end. */
export function peerOf(side: LinkSide): LinkSide {
  return side === 'initiator' ? 'responder' : 'initiator';
}

/**
 * The largest body of a type, whatever cap was announced.
 *
 * @spec messages.9
 */
export function largestBody(type: number): number {
  return forms.get(type)?.maxBytes ?? limits.frameHardCapBytes;
}

/**
 * Meets a body with the size of its type.
 *
 * @throws TridcommError `E_LIMIT`
 * @spec messages.9
 */
export function checkSize(type: number, lengthBytes: number): void {
  checkLimit('frame body bytes', lengthBytes, largestBody(type));
}

/**
 * Whether a side sends frames of a type on an open link.
 *
 * @throws TridcommError `E_ENCODING` where it does not
 * @spec messages.7
 */
export function checkType(from: LinkSide, type: number): void {
  const isOfOpening = type === frameTypes.hello || type === frameTypes.auth;
  if (isOfOpening || forms.get(type)?.[from] === undefined) {
    throw new TridcommError('E_ENCODING', `frame type ${type} from the ${from} of an open link`);
  }
}

/** Whether a side may use a channel with a type. */
export function hasChannel(from: LinkSide, type: number, channel: number): boolean {
  const channels = forms.get(type)?.[from];
  return channels !== undefined && channel >= channels[0] && channel <= channels[1];
}

/**
 * Makes sure of the channel of a frame that was received.
 *
 * @throws TridcommError `E_ENCODING`
 * @spec messages.4
 */
export function checkChannel(from: LinkSide, type: number, channel: number): void {
  if (!hasChannel(from, type, channel)) {
    throw new TridcommError('E_ENCODING', `channel ${channel} of frame type ${type} from the ${from}`);
  }
}
