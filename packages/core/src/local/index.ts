/*
 * @tridcomm/core/local: authority, broker and members in one process, for a first look, demos and tests.
 */
export { LocalNetwork, type Access, type LocalNetworkOptions } from './network.ts';
export { LocalMember } from './member.ts';
export { LocalRelay } from './local-relay.ts';
export { ReceivedMessage, ReceivedMessages } from './received.ts';
