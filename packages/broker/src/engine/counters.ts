/** What is counted for each envelope, where an event would cost too much. Numbers since the start. */
export interface Counters {
  envelopesTaken: number;
  messagesTaken: number;
  envelopeBytesTaken: number;
  /** To links, each counted. */
  envelopesDelivered: number;
  envelopeBytesDelivered: number;
  /** Those of them that came from the log. */
  storedDelivered: number;
  objectsDelivered: number;
  /** Requests, messages of dealers, and jobs or runs of jobs, given to links; each time counted. */
  unitsLeased: number;
  /** Forwards of routers, dropped for a link without room for them. */
  forwardsDropped: number;
  signaturesVerified: number;
  /** Appended to the log. */
  envelopesStored: number;
  acksSent: number;
}

/** All at 0. */
export function newCounters(): Counters {
  return {
    envelopesTaken: 0,
    messagesTaken: 0,
    envelopeBytesTaken: 0,
    envelopesDelivered: 0,
    envelopeBytesDelivered: 0,
    storedDelivered: 0,
    objectsDelivered: 0,
    unitsLeased: 0,
    forwardsDropped: 0,
    signaturesVerified: 0,
    envelopesStored: 0,
    acksSent: 0,
  };
}
