// Generated from spec/v1/registries/control-message-types.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** Defined with control messages (chapter 09). */
export const controlMessageTypes = {
  /** Reserved. A command (envelope) */
  command: 0x0001,
  /** Reserved. A configuration update (envelope) */
  configuration: 0x0002,
  /** Reserved. A lifecycle event (envelope) */
  event: 0x0003,
} as const;

/** A code of {@link controlMessageTypes}. */
export type ControlMessageType = (typeof controlMessageTypes)[keyof typeof controlMessageTypes];
