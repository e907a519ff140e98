/** noise.json: handshakes of Noise_XX_25519 with both AEADs and SHA-256, and the keys after Split. */
import { VectorFile, type Group } from '../cases.ts';
import type { Members } from '../json.ts';
import { hex, seeded, text, unhex, zeros, type Bytes } from '../twin/bytes.ts';
import { Cipher, NOISE_AEADS, runNoise, type NoiseRun, type NoiseSecrets } from '../twin/noise.ts';

const SPEC = ['link.9', 'link.10'];

/**
 * The XX vectors of cacophony.txt in mcginty/snow (tests/vectors, commit 8ac60f5), restated: the twin must come to the
 * hash of the handshake and to the first transport message of either direction. Not written into the vectors.
 */
const CACOPHONY: readonly { aead: string; hash: string; fromResponder: string; fromInitiator: string }[] = [
  {
    aead: 'chacha20poly1305',
    hash: 'c8e5f64e846193be2a834104c2a009868d6c9f3bd3c186299888b488b2f1f58e',
    fromResponder: '96763ed773f8e47bb3712f0e29b3060ffc956ffc146cee53d5e1df',
    fromInitiator: '3e40f15f6f3a46ae446b253bf8b1d9ffb6ed9b174d272328ff91a7e2e5c79c07f5',
  },
  {
    aead: 'aes256gcm',
    hash: '1b7aefb1125762aa21a252890d00af54519638b76437444538f9a52f21e2e0dc',
    fromResponder: 'bc3fa77f6aca3e8466d7dc6bea10013e88a6a29add5132b461806c',
    fromInitiator: '250b01074cdfe0df2ecf8ccbf1737b15a2ddb5b52fd9a396604e9c793cee3b3bb9',
  },
];

function checkTwin(): void {
  const secrets: NoiseSecrets = {
    initiatorStatic: unhex('e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1'),
    initiatorEphemeral: unhex('893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a'),
    responderStatic: unhex('4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893'),
    responderEphemeral: unhex('bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b'),
  };
  const payloads = ['Ludwig von Mises', 'Murray Rothbard', 'F. A. Hayek'].map(text);
  for (const known of CACOPHONY) {
    const suite = NOISE_AEADS[known.aead] ?? 0;
    const run = runNoise(suite, text('John Galt'), secrets, payloads);
    const got = [
      run.handshakeHash,
      new Cipher(suite, run.responderKey).seal(zeros(0), text('Carl Menger')),
      new Cipher(suite, run.initiatorKey).seal(zeros(0), text('Jean-Baptiste Say')),
    ].map(hex);
    if (got.join() !== [known.hash, known.fromResponder, known.fromInitiator].join())
      throw new Error(`the twin's Noise with ${known.aead} is not that of cacophony`);
  }
}

const SECRETS: NoiseSecrets = {
  initiatorStatic: seeded('noise initiator static', 32),
  initiatorEphemeral: seeded('noise initiator ephemeral', 32),
  responderStatic: seeded('noise responder static', 32),
  responderEphemeral: seeded('noise responder ephemeral', 32),
};
const PROLOGUE: Bytes = seeded('noise prologue', 32);
const NOTHING: Bytes = zeros(0);
const payload = (length: number, name = 'noise payload'): Bytes => seeded(name, length);

const input = (aead: string, prologue: Bytes, secrets: NoiseSecrets, payloads: Bytes[]): Members => ({
  aead,
  prologue: hex(prologue),
  initiatorStatic: hex(secrets.initiatorStatic),
  initiatorEphemeral: hex(secrets.initiatorEphemeral),
  responderStatic: hex(secrets.responderStatic),
  responderEphemeral: hex(secrets.responderEphemeral),
  payloads: payloads.map(hex),
});
const output = (run: NoiseRun): Members => ({
  messages: run.messages.map(hex),
  hashes: run.hashes.map(hex),
  handshakeHash: hex(run.handshakeHash),
  initiatorKey: hex(run.initiatorKey),
  responderKey: hex(run.responderKey),
});

function handshakes(g: Group, aead: string): void {
  const suite = NOISE_AEADS[aead] ?? 0;
  const good = (
    id: string,
    comment: string,
    payloads: Bytes[],
    more: { prologue?: Bytes; secrets?: Partial<NoiseSecrets>; flags?: string[] } = {},
  ): void => {
    const secrets = { ...SECRETS, ...more.secrets };
    const prologue = more.prologue ?? PROLOGUE;
    g.valid(id, {
      comment,
      in: input(aead, prologue, secrets, payloads),
      out: output(runNoise(suite, prologue, secrets, payloads)),
      spec: SPEC,
      flags: more.flags ?? [],
    });
  };
  const typical = [NOTHING, payload(420, 'auth of a responder'), payload(410, 'auth of an initiator')];
  good(
    'as-on-a-link',
    'a prologue of 32 bytes, no payload in message 1, bytes of the size of an auth in 2 and 3',
    typical,
  );
  good('no-payloads', 'no payload at all: messages of 32, 96 and 64 bytes', [NOTHING, NOTHING, NOTHING]);
  good('no-prologue', 'an empty prologue', typical, { prologue: NOTHING });
  good('prologue-1', 'a prologue of one byte', typical, { prologue: zeros(1) });
  good('prologue-64', 'a prologue of one block of SHA-256', typical, { prologue: seeded('noise prologue', 64) });
  good('prologue-200', 'a prologue of 200 bytes', typical, { prologue: seeded('noise prologue', 200) });
  good('prologue-zeros', 'a prologue of 32 zero bytes is not an empty one', typical, { prologue: zeros(32) });
  good('payload-in-1', 'a payload in message 1, which is in clear', [payload(5), NOTHING, NOTHING]);
  good('payload-2-only', 'a payload in message 2 alone', [NOTHING, payload(33), NOTHING]);
  good('payload-3-only', 'a payload in message 3 alone', [NOTHING, NOTHING, payload(33)]);
  for (const n of [1, 15, 16, 17, 63, 64, 65])
    good(`payloads-${n}`, `payloads of ${n} bytes: around the blocks of the AEAD`, [
      payload(n),
      payload(n),
      payload(n),
    ]);
  good('payload-4096', 'payloads of 4,096 bytes', [NOTHING, payload(4096), payload(4096)], { flags: ['Limit'] });
  good('other-static', 'the same with other static keys', typical, {
    secrets: {
      initiatorStatic: seeded('noise initiator static 2', 32),
      responderStatic: seeded('noise responder static 2', 32),
    },
  });
  good('one-static', 'both sides with one static key', typical, {
    secrets: { responderStatic: SECRETS.initiatorStatic },
  });
  good('one-ephemeral', 'both sides with one ephemeral key', typical, {
    secrets: { responderEphemeral: SECRETS.initiatorEphemeral },
  });
  good('ones', 'secrets of 32 bytes 0xff, which RFC 7748 clamps', typical, {
    secrets: { initiatorStatic: new Uint8Array(32).fill(0xff), responderEphemeral: new Uint8Array(32).fill(0xff) },
  });
  good('zeros', 'secrets of zeros, which RFC 7748 clamps', typical, {
    secrets: { initiatorEphemeral: zeros(32), responderStatic: zeros(32) },
  });
  for (const name of Object.keys(SECRETS) as (keyof NoiseSecrets)[])
    g.invalid(`${name}-31`, {
      comment: 'a secret of 31 bytes: a mistake of the caller (chapter 14)',
      in: input(aead, PROLOGUE, { ...SECRETS, [name]: seeded('noise short', 31) }, typical),
      error: 'E_USAGE',
      spec: ['suites.5'],
      from: 'as-on-a-link',
      flags: ['KeyUse'],
    });
}

export function noise(): VectorFile {
  checkTwin();
  const file = new VectorFile('noise');
  for (const aead of Object.keys(NOISE_AEADS)) handshakes(file.group(aead, 'noise.run', 'noise', 'key'), aead);
  return file;
}
