/*
 * @tridcomm/client-node/testing: a client whose chance and connections a test decides. Its time is that of Node's clock and timers.
 */
export { connectIn, type Surroundings } from '../client/connect.ts';
export type { ByteStream, StreamHandlers } from '../links/byte-stream.ts';
export type { Connection, Dial } from '../links/dial.ts';
export { names as storeNames } from '../store/identity-store.ts';
