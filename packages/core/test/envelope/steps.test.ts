import { describe, expect, it } from 'vitest';
import {
  beginOpen,
  decodeHeader,
  openEnvelope,
  ReplayGuard,
  suites,
  TridcommError,
  type PendingOpen,
  type Receiver,
} from '@tridcomm/core';
import { nobleProvider } from '@tridcomm/core/noble';
import { nodeProvider } from '@tridcomm/core/node';
import { encodeFrame, FrameDecoder, signInput } from '@tridcomm/core/internal';
import { countingRandom, newSender, nowMs, Pair, topicTag16 } from './parties.ts';

/** What a refusal says to whom. */
function refusal(work: () => unknown): { code: string; outward: string | undefined } {
  try {
    work();
  } catch (error) {
    if (error instanceof TridcommError) return { code: error.code, outward: error.outward };
    throw error;
  }
  return { code: 'accepted', outward: undefined };
}

function verify(pending: PendingOpen): boolean {
  return nodeProvider.ed25519Verify(pending.publicKey32, pending.signInput, pending.signature);
}

function decrypt(pending: PendingOpen): void {
  const parts = pending.verified(verify(pending));
  pending.decrypted(
    parts.map(({ algorithm, key32, nonce12, aad, sealed }) =>
      nodeProvider.aeadOpen(algorithm, key32, nonce12, aad, sealed),
    ),
  );
}

describe('opening in steps, with answers that come later', () => {
  it('envelope.30 two envelopes may be open at once, and each commits alone', () => {
    const pair = new Pair(nodeProvider);
    const [first, second] = [pair.sealText('a'), pair.sealText('b')];
    const pendingFirst = beginOpen(pair.receiver, first, nowMs)!;
    const pendingSecond = beginOpen(pair.receiver, second, nowMs)!;
    decrypt(pendingSecond);
    decrypt(pendingFirst);
    expect(pendingSecond.commit().header.seq).toBe(2);
    expect(pendingFirst.commit().header.seq).toBe(1);
  });

  it('envelope.27 the same envelope opened twice at once is delivered once', () => {
    const pair = new Pair(nodeProvider);
    const envelope = pair.sealText('a');
    const [one, two] = [beginOpen(pair.receiver, envelope, nowMs)!, beginOpen(pair.receiver, envelope, nowMs)!];
    decrypt(one);
    decrypt(two);
    expect(one.commit().records.count).toBe(1);
    expect(refusal(() => two.commit()).code).toBe('E_REPLAY');
  });

  it('envelope.27 steps out of order, or after a refusal, never open anything', () => {
    const pair = new Pair(nodeProvider);
    const begin = () => beginOpen(pair.receiver, pair.sealText('a'), nowMs)!;
    expect(refusal(() => begin().commit()).code).toBe('E_USAGE');
    expect(refusal(() => begin().decrypted([new Uint8Array(1)])).code).toBe('E_USAGE');
    const refused = begin();
    expect(refusal(() => refused.verified(false)).code).toBe('E_SIG');
    expect(refusal(() => refused.verified(true)).code).toBe('E_USAGE');
    expect(refusal(() => refused.decrypted([new Uint8Array(1)])).code).toBe('E_USAGE');
    expect(refusal(() => refused.commit()).code).toBe('E_USAGE');
    const undecrypted = begin();
    undecrypted.verified(true);
    expect(refusal(() => undecrypted.decrypted([undefined])).code).toBe('E_AEAD');
    expect(refusal(() => undecrypted.commit()).code).toBe('E_USAGE');
  });

  it('suites.7 an engine that accepts a malformed signature does not decide', () => {
    const pair = new Pair(nodeProvider);
    const envelope = pair.sealText('a');
    // S = 2^256 − 1 is above L, whatever an engine says of it.
    envelope.fill(0xff, envelope.length - 32);
    expect(refusal(() => beginOpen(pair.receiver, envelope, nowMs)!.verified(true)).code).toBe('E_SIG');
  });

  it('replay.22 replay.27 a durable receiver accepts nothing before it stored what it must', () => {
    const pair = new Pair(nodeProvider, { life: { kind: 'durable', floors: [], evictions: [] } });
    const envelope = pair.sealText('a');
    expect(refusal(() => openEnvelope(pair.receiver, envelope, nowMs)).code).toBe('E_REPLAY_STATE');
    const pending = beginOpen(pair.receiver, envelope, nowMs)!;
    decrypt(pending);
    const writes = pending.pendingWrites()!;
    expect(writes.floor).toBe(1 + 64);
    pending.stored(writes);
    expect(pending.pendingWrites()).toBeUndefined();
    expect(pending.commit().records.count).toBe(1);
  });
});

describe('what a caller cannot do by mistake', () => {
  it('envelope.31 bytes that change while answers are awaited do not matter', () => {
    const pair = new Pair(nodeProvider);
    const envelope = pair.sealText('genuine');
    const pending = beginOpen(pair.receiver, envelope, nowMs)!;
    envelope.fill(0xee);
    decrypt(pending);
    expect(new TextDecoder().decode(pending.commit().records.payload(0))).toBe('genuine');
  });

  it('suites.19 an answer that is only truthy is no', () => {
    const pair = new Pair(nodeProvider);
    const yes = Promise.resolve(true) as unknown as boolean;
    const pending = beginOpen(pair.receiver, pair.sealText('a'), nowMs)!;
    expect(refusal(() => pending.verified(yes)).code).toBe('E_SIG');
    const asked = { ...pair.receiver, mayWrite: () => yes };
    expect(refusal(() => openEnvelope(asked, pair.sealText('a'), nowMs)).code).toBe('E_POLICY');
  });

  it('replay.22 nothing is stored for an envelope that has not come so far', () => {
    const pair = new Pair(nodeProvider, { life: { kind: 'durable', floors: [], evictions: [] } });
    const pending = beginOpen(pair.receiver, pair.sealText('a'), nowMs)!;
    expect(refusal(() => pending.pendingWrites()).code).toBe('E_USAGE');
    expect(refusal(() => pending.stored({ floor: 65, boundMs: nowMs })).code).toBe('E_USAGE');
    pending.verified(verify(pending));
    expect(refusal(() => pending.pendingWrites()).code).toBe('E_USAGE');
  });

  it('envelope.19 plaintexts of another number or length are refused', () => {
    const pair = new Pair(nodeProvider);
    const messages = ['a', 'b', 'c'].map((text) => ({ timestampMs: nowMs, payload: secretBytes(text) }));
    const begin = () => {
      const envelope = pair.seal({ form: 'merkle', jobsPerLeaf: 1, messages, timestampMs: nowMs });
      const pending = beginOpen(pair.receiver, envelope, nowMs)!;
      pending.verified(verify(pending));
      return pending;
    };
    expect(refusal(() => begin().decrypted([new Uint8Array(4)])).code).toBe('E_USAGE');
    expect(refusal(() => begin().decrypted([4, 4, 5].map((length) => new Uint8Array(length)))).code).toBe('E_USAGE');
  });

  it('envelope.27 records that do not parse are E_ENCODING, whatever step 15 would say', () => {
    const pair = new Pair(nodeProvider);
    // The engine answers with bytes that hold no records.
    const envelope = pair.sealText('', '');
    const [one, two] = [1, 2].map(() => beginOpen(pair.receiver, envelope, nowMs)!);
    function beginAll(pending: PendingOpen): void {
      pending.verified(true);
      pending.decrypted([new Uint8Array(6).fill(1)]);
    }
    beginAll(one!);
    beginAll(two!);
    expect(refusal(() => one!.commit())).toEqual({ code: 'E_ENCODING', outward: 'E_REFUSED' });
    expect(refusal(() => two!.commit()).code).toBe('E_ENCODING');
  });

  it('suites.18 a key of another sender id, or of a wrong width, is a mistake of the look-up', () => {
    const pair = new Pair(nodeProvider);
    const other = newSender(nodeProvider);
    for (const found of [other, { ...pair.sender, keyId32: new Uint8Array(140) }]) {
      const receiver = { ...pair.receiver, findSender: () => found };
      expect(refusal(() => openEnvelope(receiver, pair.sealText('a'), nowMs)).code).toBe('E_USAGE');
    }
    const receiver = {
      ...pair.receiver,
      findTopic: () => ({ keySource: () => ({ ...pair.keySource, bind32: new Uint8Array(200) }) }),
    };
    expect(refusal(() => openEnvelope(receiver, pair.sealText('a'), nowMs)).code).toBe('E_USAGE');
  });

  it('envelope.3 a stream does not change with the arrays that it was made of', () => {
    const tag = topicTag16.slice();
    const pair = new Pair(nodeProvider, { topicTag16: tag });
    tag.fill(0);
    expect(pair.openTexts(pair.sealText('a'))).toEqual(['a']);
  });

  it('conventions.3 replay.28 a clock or a rule that is no number is refused', () => {
    const pair = new Pair(nodeProvider);
    const envelope = pair.sealText('a');
    for (const clock of [Number.NaN, -1, 0.5]) {
      expect(refusal(() => openEnvelope(pair.receiver, envelope, clock)).code).toBe('E_USAGE');
    }
    const hashKey16 = new Uint8Array(16);
    const life = { kind: 'volatile', bootMs: 0 } as const;
    for (const options of [
      { freshness: { maxAgeMs: Number.NaN }, life },
      { freshness: { skewMs: -1 }, life },
      { life: { kind: 'volatile', bootMs: Number.NaN } as const },
      { life: { kind: 'Durable', bootMs: 0 } as unknown as typeof life },
    ]) {
      expect(refusal(() => new ReplayGuard({ hashKey16, ...options })).code).toBe('E_USAGE');
    }
  });

  it('replay.28 the defaults are 120 s of age, 30 s of skew and 1,024 envelopes', () => {
    const pair = new Pair(nodeProvider);
    const open = (clockMs: number) => refusal(() => openEnvelope(pair.receiver, pair.sealText('a'), clockMs)).code;
    expect([open(nowMs + 120_000), open(nowMs + 120_001)]).toEqual(['accepted', 'E_EXPIRED']);
    expect([open(nowMs - 30_000), open(nowMs - 30_001)]).toEqual(['accepted', 'E_FUTURE']);
    const first = pair.sealText('first');
    const second = pair.sealText('second');
    for (let i = 0; i < 1023; i++) {
      const last = pair.sealText('later');
      if (i === 1022) openEnvelope(pair.receiver, last, nowMs);
    }
    expect(refusal(() => openEnvelope(pair.receiver, first, nowMs)).code).toBe('E_TOO_OLD');
    expect(refusal(() => openEnvelope(pair.receiver, second, nowMs)).code).toBe('accepted');
  });

  it('framing.14 a consumer that stops reading frames closes the decoder', () => {
    const decoder = new FrameDecoder();
    const two = new Uint8Array([
      ...encodeFrame(0x3e, 0, new Uint8Array(0)),
      ...encodeFrame(0x3e, 0, new Uint8Array(20)),
    ]);
    for (const frame of decoder.push(two)) {
      expect(frame.type).toBe(0x3e);
      break;
    }
    expect(refusal(() => Array.from(decoder.push(new Uint8Array(8)))).code).toBe('E_CLOSED');
  });
});

describe('what a peer may learn', () => {
  it('errors.4 errors.7 every refusal from step 7 on is one and the same to a peer', () => {
    const pair = new Pair(nodeProvider);
    const envelope = pair.sealText('a');
    const patch = (offset: number, value: number) => {
      const copy = envelope.slice();
      copy[offset]! ^= value;
      return () => openEnvelope(pair.receiver, copy, nowMs);
    };
    const otherSuite = new Pair(nodeProvider, { sender: pair.sender, suite: suites.x25519ChaCha20Poly1305Ed25519 });
    const met = [
      refusal(patch(27, 1)),
      refusal(() => openEnvelope(pair.receiver, otherSuite.sealText('a'), nowMs)),
      refusal(patch(40, 1)),
      refusal(() => openEnvelope(pair.receiver, envelope, nowMs + 200_000)),
      refusal(() => openEnvelope(pair.receiver, envelope, nowMs - 200_000)),
      refusal(patch(envelope.length - 1, 1)),
      refusal(() => {
        openEnvelope(pair.receiver, envelope, nowMs);
        openEnvelope(pair.receiver, envelope, nowMs);
      }),
    ];
    expect(met.map(({ code }) => code)).toEqual([
      'E_EPOCH',
      'E_SUITE',
      'E_SENDER',
      'E_EXPIRED',
      'E_FUTURE',
      'E_SIG',
      'E_REPLAY',
    ]);
    expect(new Set(met.map(({ outward }) => outward))).toEqual(new Set(['E_REFUSED']));
  });

  it('envelope.29 a tag that leads nowhere says nothing', () => {
    const pair = new Pair(nodeProvider);
    const envelope = pair.sealText('a');
    envelope[8]! ^= 1;
    expect(openEnvelope(pair.receiver, envelope, nowMs)).toBeUndefined();
  });

  it('errors.5 no refusal holds a payload, a key or a secret', () => {
    const canary = 'canary-5f1c9a';
    for (const provider of [nodeProvider, nobleProvider]) {
      const pair = new Pair(provider);
      const envelope = pair.sealText(canary, canary);
      const secrets = [
        new TextEncoder().encode(canary),
        pair.sender.keyPair.secretKey,
        pair.keySource.sourceSecret32,
        pair.keySource.bind32,
        new Uint8Array(32).fill(4),
      ].flatMap((bytes) => [
        Buffer.from(bytes).toString('hex'),
        Buffer.from(bytes).toString('base64'),
        Buffer.from(bytes).toString('latin1'),
      ]);
      const said: string[] = [];
      const say = (work: () => unknown) => {
        try {
          work();
        } catch (error) {
          for (let cause = error; cause instanceof Error; cause = cause.cause)
            said.push(`${cause.message}\n${cause.stack}`);
        }
      };
      for (let offset = 0; offset < envelope.length; offset += provider === nodeProvider ? 1 : 7) {
        const copy = envelope.slice();
        copy[offset]! ^= 0x41;
        say(() => openEnvelope(pair.receiver, copy, nowMs));
      }
      say(() =>
        pair.seal({
          form: 'single',
          messages: [{ timestampMs: -1, payload: secretBytes(canary) }],
          timestampMs: nowMs,
        }),
      );
      say(() => pair.seal({ form: 'batch', messages: [], timestampMs: nowMs }));
      expect(said.length).toBeGreaterThanOrEqual(30);
      const text = said.join('\n');
      expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
    }
  });
});

function secretBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

describe('senders', () => {
  it('suites.13 what is remembered of one sender’s stream does not open another’s', () => {
    const [alice, mallory] = [newSender(nodeProvider), newSender(nodeProvider)];
    const pair = new Pair(nodeProvider, { sender: alice });
    const senders = [alice, mallory];
    const receiver: Receiver = {
      ...pair.receiver,
      findSender: (id) => senders.find(({ keyId32 }) => Buffer.compare(keyId32.subarray(0, 16), id) === 0),
    };
    openEnvelope(receiver, pair.sealText('first'), nowMs);
    // Mallory takes the next ciphertext of the stream, and signs it as her own.
    const stolen = pair.sealText('second').slice();
    stolen.set(mallory.keyId32.subarray(0, 16), 32);
    const [header, body] = [stolen.subarray(0, 96), stolen.subarray(96, -64)];
    const signed = signInput(nodeProvider, mallory.keyId32, pair.keySource.bind32, header, new Uint8Array(0), body);
    stolen.set(nodeProvider.ed25519Sign(mallory.keyPair.secretKey, signed), stolen.length - 64);
    expect(refusal(() => openEnvelope(receiver, stolen, nowMs)).code).toBe('E_AEAD');
  });

  it('suites.13 streams whose ids start alike have secrets of their own', () => {
    const sender = newSender(nodeProvider);
    const [one, two] = [1, 2].map(
      (last) => new Pair(nodeProvider, { sender, random: (length) => new Uint8Array(length).fill(last, 7) }),
    );
    // The same key source object, so that what is remembered of one stream is at hand for the other.
    const receiver = { ...one!.receiver, findTopic: () => ({ keySource: () => one!.keySource }) };
    for (const pair of [one!, two!, one!, two!]) {
      expect(openEnvelope(receiver, pair.sealText('a'), nowMs)?.records.count).toBe(1);
    }
  });

  it('envelope.3 each stream has an id of its own', () => {
    const random = countingRandom();
    const sender = newSender(nodeProvider);
    const ids = Array.from({ length: 100 }, () => {
      const envelope = new Pair(nodeProvider, { sender, random }).sealText('a');
      return Buffer.from(decodeHeader(envelope).streamId).toString('hex');
    });
    expect(new Set(ids).size).toBe(100);
  });

  it('suites.18 an envelope signed by another key is refused, though its sender id is right', () => {
    const pair = new Pair(nodeProvider);
    const other = newSender(nodeProvider);
    const unsigned = pair.sealer.seal({
      form: 'single',
      messages: [{ timestampMs: nowMs, payload: new Uint8Array(1) }],
      timestampMs: nowMs,
    });
    const envelope = unsigned.finish(nodeProvider.ed25519Sign(other.keyPair.secretKey, unsigned.signInput));
    expect(refusal(() => openEnvelope(pair.receiver, envelope, nowMs)).code).toBe('E_SIG');
  });
});
