/**
 * Connections of somebody who means harm, from a process of its own: node flood.mjs JOB
 *
 * JOB is JSON: `kind`, `count` of connections, `atOnce` of them on their way, `places` that take them, and `flight`, the first bytes of an
 * opening in base64. `bad` ends each connection behind what it sends; `stand` says the first bytes and nothing more until it is let go. A
 * line of JSON says every 200 ms how far it is.
 */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

/** @typedef {{ kind: 'bad' | 'stand', count: number, atOnce: number, places: readonly object[], flight: string }} Job */

/** @type {Job} */
const { kind, count, atOnce, places, flight: text } = JSON.parse(process.argv[2] ?? '{}');
const flight = Buffer.from(text, 'base64');
/** Cheap ones for the most part: the whole flight costs the broker keys, a half and noise cost it nothing. */
const pieces = [
  Buffer.alloc(0),
  randomBytes(50),
  flight.subarray(0, 20),
  randomBytes(3),
  ...Array(11).fill(flight.subarray(0, 60)),
  flight,
];
const told = { begun: 0, failed: 0, answered: 0, standing: 0, over: 0 };
const tell = () => void process.stdout.write(`${JSON.stringify(told)}\n`);

/** The next connection; resolves when the one after it may begin. @param {number} i */
async function open(i) {
  told.begun++;
  const place = places[i % places.length] ?? {};
  // More than one address: a closed connection keeps its port for a minute.
  const from = process.platform === 'linux' && 'port' in place ? { localAddress: `127.0.0.${2 + (i % 60)}` } : {};
  const socket = connect({ ...place, ...from });
  socket.on('error', () => void told.failed++);
  const over = new Promise((resolve) => socket.once('close', resolve)).then(() => void told.over++);
  if (kind === 'bad') {
    socket.resume();
    socket.end(pieces[Math.floor(i / places.length) % pieces.length]);
    return over;
  }
  socket.write(flight);
  let isAnswered = false;
  socket.on('data', () => {
    if (isAnswered) return;
    isAnswered = true;
    told.answered++;
    told.standing++;
  });
  void over.then(() => void (told.standing -= isAnswered ? 1 : 0));
  return new Promise((resolve) => socket.once('data', resolve).once('close', resolve));
}

const timer = setInterval(tell, 200);
let next = 0;
await Promise.all(
  Array.from({ length: atOnce }, async () => {
    while (next < count) await open(next++);
  }),
);
while (told.over < count) await new Promise((resolve) => setTimeout(resolve, 20));
clearInterval(timer);
tell();
