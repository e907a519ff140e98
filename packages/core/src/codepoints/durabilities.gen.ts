// Generated from spec/v1/registries/durabilities.json by packages/tools/src/gen-codepoints.mjs; never edited.

/** Registry durabilities. */
export const durabilities = {
  /** Nothing is answered (delivery.1) */
  none: 0x00,
  /** Checked, and held by the broker (delivery.1) */
  memory: 0x01,
  /** In the broker's log, on storage that outlives power (delivery.3) */
  disk: 0x02,
  /** Reserved. In the logs of a quorum (delivery.4) */
  cluster: 0x03,
} as const;

/** A code of {@link durabilities}. */
export type Durabilitie = (typeof durabilities)[keyof typeof durabilities];
