/*
 * What the broker uses beyond the public names, as both sides of a link lie on the same byte streams. Outside semantic versioning.
 */
export { isAnswered } from './authority/unix-socket.ts';
export { isLoopback } from './links/address.ts';
export { lingerMs, type ByteStream, type StreamHandlers } from './links/byte-stream.ts';
export { uriNamesOf } from './links/certificate-names.ts';
export { SocketStream } from './links/socket-stream.ts';
export { mostMessageBytes, subprotocol, webSocketRefusal, WebSocketStream } from './links/websocket-stream.ts';
export { bootId, processStart } from './store/process-start.ts';
