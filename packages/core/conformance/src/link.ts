import type { CryptoProvider, KeyPair } from '@tridcomm/core';
import { encodeFrame, limits, RevocationList, signingKeyOf, Trust } from '@tridcomm/core/internal';
import {
  decodeMessage,
  encodeMessage,
  frameTypes,
  LinkEngine,
  linkModes,
  linkSignInput,
  tlsContextOf,
  transcriptOf,
  type LinkMessage,
  type LinkSide,
} from '@tridcomm/core/link';
import { readSide, showFrame, type FrameType } from './messages.ts';
import { toHex, type Input, type Operation, type Value } from './values.ts';

/** The operations of feature `link`. */
export function linkOperations(provider: CryptoProvider): Record<string, Operation> {
  return {
    'link.transcript': (input) => {
      const hellos = (['initiatorHello', 'responderHello'] as const).map((name) =>
        encodeFrame(frameTypes.hello, 0, input.bytes(name)),
      );
      return { transcript: toHex(transcriptOf(provider, hellos[0]!, hellos[1]!)) };
    },
    'link.signInput': (input) => {
      const mode = input.integer('mode');
      const context32 =
        mode === linkModes.tls
          ? tlsContextOf(provider, input.bytes('exporter'), input.bytes('transcript'))
          : input.bytes('handshakeHash');
      const side = input.integer('side') === 1 ? 'initiator' : 'responder';
      const record = input.bytes('principalRecord');
      return { signInput: toHex(linkSignInput(provider, mode, side, input.bytes('keyId'), context32, record)) };
    },
    'link.run': (input) => run(provider, input),
  };
}

function run(provider: CryptoProvider, input: Input): Value {
  const side = readSide(input, 'side');
  const peerSide = side === 'initiator' ? 'responder' : 'initiator';
  const sent: string[] = [];
  const frames: Value[] = [];
  let out: Uint8Array[] = [];
  const engine = newEngine(provider, side, input, (chunks) => out.push(...chunks));
  const messagesToSend = input
    .objects('send')
    .map((frame) =>
      decodeMessage(side, frame.integer('type') as FrameType, frame.integer('channel'), frame.bytes('body')),
    );
  const step = (work: () => void): void => {
    work();
    if (engine.state === 'open') for (const message of messagesToSend.splice(0)) engine.send(message);
    sent.push(toHex(Buffer.concat(out)));
    out = [];
  };
  const note = (message: LinkMessage): void => {
    const chunks = encodeMessage(peerSide, message, limits.frameHardCapBytes);
    frames.push({ type: chunks[0]![0]!, ...showFrame(chunks) });
  };
  step(() => engine.start());
  for (const piece of input.bytesList('receive')) step(() => engine.receive(piece, note));
  if (input.flag('ends')) engine.end();
  const { peer, state } = engine;
  return {
    sent,
    state,
    ...(peer !== undefined && { peer: { keyId: toHex(peer.key.keyId32), name: peer.name, roles: peer.roles } }),
    frames,
  };
}

function newEngine(
  provider: CryptoProvider,
  side: LinkSide,
  input: Input,
  onSend: (chunks: readonly Uint8Array[]) => void,
): LinkEngine {
  const nowMs = input.decimal('now');
  const authorityRecords = input.bytesList('authorityRecords');
  const trust = new Trust({ provider, authorityId32: input.bytes('authorityId') });
  for (const record of authorityRecords) trust.takeAuthorityRecord(record, nowMs);
  const revoked = takeHeld(provider, trust, input.bytesList('held'), nowMs);
  const mode = input.integer('mode');
  return new LinkEngine(
    {
      provider: withKeyPairs(provider, input),
      random: () => input.bytes('nonce'),
      now: () => nowMs,
      side,
      mode,
      key: signingKeyOf(provider, input.bytes('seed')),
      principalRecord: input.bytes('principalRecord'),
      trust,
      authorityRecords: (afterSerial) => authorityRecords.slice(afterSerial),
      isRevoked: (keyId32, serial) => revoked()?.isRevoked(keyId32, serial) === true,
      suites: input.integers('suites'),
      frameCapBytes: input.integer('frameCap'),
      creditBytes: input.decimal('credit'),
      ...(side === 'initiator' && { expectedName: input.text('name') }),
      ...(mode === linkModes.tls && {
        tls: { exporter32: input.bytes('exporter'), certificateNames: input.texts('certificates') },
      }),
    },
    onSend,
  );
}

/** Takes what the end holds besides authority records. @returns the revocation list that the newest head names */
function takeHeld(
  provider: CryptoProvider,
  trust: Trust,
  objects: readonly Uint8Array[],
  nowMs: number,
): () => RevocationList | undefined {
  const lists: RevocationList[] = [];
  for (const object of objects) {
    const magic = Buffer.from(object.subarray(0, 4)).toString('latin1');
    if (magic === 'TDHD') trust.takeHead(object, nowMs);
    else if (magic === 'TDRV') lists.push(RevocationList.decode(provider, object));
    else trust.takePrincipalRecord(object, nowMs);
  }
  return () => {
    const named = trust.head?.revokedHash32;
    return named && lists.find(({ hash32 }) => toHex(hash32) === toHex(named));
  };
}

/** A provider that draws the key pairs of a link: the static one, then the ephemeral one. */
function withKeyPairs(provider: CryptoProvider, input: Input): CryptoProvider {
  const names = ['static', 'ephemeral'];
  return {
    ...provider,
    generateKeyPair: (): KeyPair => {
      const secretKey = input.bytes(names.shift()!);
      return { secretKey, publicKey: provider.publicKey('x25519', secretKey) };
    },
  };
}
