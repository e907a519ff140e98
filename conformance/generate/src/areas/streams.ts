/** streams.json: the bytes of a link in other pieces, and the records of N. */
import { VectorFile } from '../cases.ts';
import { ALL, NI, NR, Runs, TI } from '../linkruns.ts';
import { inPieces, meet, type Met } from '../linkworld.ts';
import { cat, flip, seeded, u16, u8, zeros, type Bytes } from '../twin/bytes.ts';
import { encodeFrame, type Frame } from '../twin/frame.ts';
import { record, recordsOf } from '../twin/link.ts';
import { TYPE } from '../twin/messages.ts';
import { bytesOf, END, frame, grease, ours, PONG, SUB, theirs } from './traffic.ts';

export function streams(): VectorFile {
  const file = new VectorFile('streams');
  const runs = (name: string): Runs => new Runs(file.group(name, 'link.run', 'link', 'link'));
  pieces(runs('pieces'));
  records(runs('records'));
  return file;
}

/** framing.13 over a whole link: the same bytes in other pieces. */
function pieces(runs: Runs): void {
  for (const w of ALL) {
    const tail = theirs(w).slice(0, 3);
    const send = [ours(w)[0] ?? SUB];
    const after = (list: readonly Frame[]) => (m: Met) => list.map((f) => m.pack(encodeFrame(f)));
    const way = (id: string, comment: string, cut: (all: Bytes) => Bytes[]): void =>
      runs.good(
        w,
        id,
        comment,
        { send },
        { spec: ['framing.13', 'link.6'], flags: ['Chunking'], after: after(tail), cut },
        { frames: tail },
      );
    way('whole', 'the whole link in one piece', (all) => [all]);
    way('byte-by-byte', 'the same in pieces of one byte', (all) => inPieces(all, 1));
    way('by-3', 'the same in pieces of 3 bytes', (all) => inPieces(all, 3));
    way('by-61', 'the same in pieces of 61 bytes', (all) => inPieces(all, 61));
    way('empty-pieces', 'the same between pieces of no bytes', (all) => [zeros(0), all, zeros(0)]);
    // Nothing is sent, as what goes out before a close that came in the same piece is for the caller to say.
    const closing = [...tail, END];
    const ended = (id: string, comment: string, cut: (all: Bytes) => Bytes[]): void =>
      runs.good(
        w,
        id,
        comment,
        {},
        { spec: ['framing.13', 'link.20'], flags: ['Chunking'], after: after(closing), cut },
        { frames: closing, state: 'closed' },
      );
    ended('closed', 'the whole link with a close at its end, in one piece', (all) => [all]);
    ended('closed-by-17', 'the same in pieces of 17 bytes', (all) => inPieces(all, 17));
  }
  for (const w of [TI, NR])
    runs.bad(w, 'refused-byte-by-byte', 'an undefined type on the open link, in pieces of one byte', {}, 'E_ENCODING', {
      spec: ['framing.13', 'framing.11'],
      flags: ['Chunking'],
      from: `streams/pieces/${w.id}-byte-by-byte`,
      after: (m) => [m.pack(cat(encodeFrame(PONG), encodeFrame(frame(0x40, 0, zeros(3)))))],
      cut: (all) => inPieces(all, 1),
    });
}

function records(runs: Runs): void {
  runs.only(NR, [
    'one',
    'each',
    'cut-3',
    'half',
    'suite-2',
    'length-16',
    'flipped',
    'dropped',
    'swapped',
    'repeated',
    'reflected',
    'plaintext',
    'other-session',
  ]);
  const S = ['link.16'];
  const R = ['link.17'];
  for (const w of [NI, NR]) {
    const all = theirs(w).slice(0, 4);
    const good = (
      id: string,
      comment: string,
      after: (m: Met) => Bytes[],
      frames: Frame[] = [...all],
      spec = S,
    ): void => runs.good(w, id, comment, {}, { spec, flags: ['Chunking'], after }, { frames });
    const plain = bytesOf(all);
    good('one', 'four frames in one record', (m) => [m.pack(plain)]);
    good('each', 'a record for each frame, all in one piece', (m) => [cat(...all.map((f) => m.pack(encodeFrame(f))))]);
    good('cut-3', 'the same cut into three records anywhere', (m) => [
      m.pack(plain.slice(0, 5)),
      m.pack(plain.slice(5, 71)),
      m.pack(plain.slice(71)),
    ]);
    good('bytes', 'a frame in records of one byte', (m) => [cat(...inPieces(encodeFrame(PONG), 1).map(m.pack))], [
      PONG,
    ]);
    good('header-cut', 'a header over two records, in two pieces', (m) => [
      m.pack(plain.slice(0, 3)),
      m.pack(plain.slice(3)),
    ]);
    good(
      'grease-over',
      'a GREASE frame over three records, and a good one behind it',
      (m) => {
        const bytes = cat(grease(0x2a, 40), encodeFrame(PONG));
        return [m.pack(bytes.slice(0, 20)), m.pack(bytes.slice(20, 30)), m.pack(bytes.slice(30))];
      },
      [PONG],
    );
    good('half', 'a record without its last byte is awaited', (m) => [m.pack(encodeFrame(PONG)).slice(0, -1)], [], R);
    good('length-only', 'the length of a record alone is awaited', () => [u16(65_535)], [], R);
    good('length-half', 'one byte of a length', () => [u8(0)], [], R);
    good('least', 'a record of 17 bytes: one byte of a header', (m) => [m.pack(u8(0x3e))], [], [...S, ...R]);
    good(
      'plaintext-waits',
      'a ping in plaintext reads as a length of 15,872: awaited (I09)',
      () => [encodeFrame(PONG)],
      [],
      R,
    );
    runs.good(
      w,
      'suite-2',
      'records under suite 2',
      { own: { suites: [2] } },
      { spec: S, after: (m) => all.map((f) => m.pack(encodeFrame(f))) },
      { frames: [...all] },
    );

    const no = (
      id: string,
      comment: string,
      error: string,
      after: (m: Met) => Bytes[],
      flags: string[] = ['Tampered'],
      spec: string[] = R,
    ): void => runs.bad(w, id, comment, {}, error, { spec, flags, after, from: `streams/records/${w.id}-each` });
    for (const length of [0, 1, 8, 15, 16])
      no(
        `length-${length}`,
        `a record with a length of ${length}${length === 16 ? ': a tag of nothing' : ''}`,
        'E_LENGTH',
        () => [u16(length)],
        ['Limit'],
        [...S, ...R],
      );
    no(
      'nothing-sealed',
      'a record that seals no byte, validly',
      'E_LENGTH',
      (m) => [record(m.cipher?.seal(zeros(0), zeros(0)) ?? zeros(0))],
      ['BrokenSender'],
      [...S, ...R],
    );
    const pong = encodeFrame(PONG);
    no('flipped', 'one bit of the ciphertext', 'E_AEAD', (m) => [flip(m.pack(pong), 5)]);
    no('flipped-tag', 'one bit of the tag', 'E_AEAD', (m) => [flip(m.pack(pong), -1)]);
    no('flipped-second', 'a good record, then one with a bit changed', 'E_AEAD', (m) => [
      cat(m.pack(pong), flip(m.pack(pong), 9)),
    ]);
    no('longer', 'a length of one more, and a byte behind it', 'E_AEAD', (m) => {
      const right = m.pack(pong);
      return [cat(u16(right.length - 1), right.slice(2), zeros(1))];
    });
    no('shorter', 'a length of one less', 'E_AEAD', (m) => {
      const right = m.pack(pong);
      return [cat(u16(right.length - 3), right.slice(2))];
    });
    no('joined', 'two records under one length', 'E_AEAD', (m) => [
      record(cat(m.pack(pong).slice(2), m.pack(pong).slice(2))),
    ]);
    no('dropped', 'the second record without the first', 'E_AEAD', (m) => [m.pack(pong), m.pack(pong)].slice(1), [
      'Reordered',
    ]);
    no('swapped', 'two records exchanged', 'E_AEAD', (m) => [m.pack(pong), m.pack(encodeFrame(END))].toReversed(), [
      'Reordered',
    ]);
    no(
      'repeated',
      'a record twice',
      'E_AEAD',
      (m) => {
        const once = m.pack(pong);
        return [once, once];
      },
      ['Replayed'],
    );
    no(
      'reflected',
      'a record that the end under test could have written itself comes back',
      'E_AEAD',
      (m) => (m.back === undefined ? [] : [recordsOf(m.back, pong)]),
      ['Replayed'],
    );
    no(
      'associated',
      'the length as associated data',
      'E_AEAD',
      (m) => [record(m.cipher?.seal(u16(pong.length + 16), pong) ?? zeros(0))],
      ['BrokenSender'],
    );
    no('zeros', 'a record of 17 zero bytes', 'E_AEAD', () => [record(zeros(17))]);
    no(
      'plaintext',
      'an envelope frame in plaintext reads as a length of 4,096, and what follows does not open (I09: the specification gives E_AEAD on an open link)',
      'E_AEAD',
      () => [encodeFrame(frame(TYPE.envelope, 0, seeded('plaintext', 4090)))],
      ['Downgrade'],
    );
    no(
      'other-session',
      'a record of another session',
      'E_AEAD',
      () => {
        const there = meet({ mode: w.mode, side: w.side, own: { ephemeral: seeded('another session', 32) } });
        return [there.pack(pong)];
      },
      ['Replayed'],
    );
    no('after-bad', 'a record that does not open, then a good one: the refusal is the answer', 'E_AEAD', (m) => {
      const good17 = m.pack(pong);
      return [flip(good17, 3), good17];
    });
  }
}
