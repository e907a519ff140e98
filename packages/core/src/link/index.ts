/*
 * @tridcomm/core/link: one end of a link between two nodes, for who carries its bytes. Outside semantic versioning, as `internal` is.
 */
export { certificateNameOf } from './auth.ts';
export { LinkEngine, type LinkState } from './engine.ts';
export type { LinkSide } from './forms.ts';
export { decodeMessage, encodeMessage, type LinkMessage } from './messages.ts';
export { decodeAuth, decodeHello, encodeAuth, encodeHello, type Auth, type Hello } from './opening-bodies.ts';
export type { LinkOptions } from './options.ts';
export { linkSignInput, tlsContextOf, tlsExporterLabel, transcriptOf } from './transcript.ts';
export { durabilities } from '../codepoints/durabilities.gen.ts';
export { frameTypes } from '../codepoints/frame-types.gen.ts';
export { linkModes } from '../codepoints/link-modes.gen.ts';
export { matchKinds } from '../codepoints/match-kinds.gen.ts';
export { principalRoles } from '../codepoints/principal-roles.gen.ts';
