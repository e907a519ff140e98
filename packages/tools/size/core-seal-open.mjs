/** What an application bundles that seals and opens envelopes on the noble provider. */
import { openEnvelope, StreamSealer } from '@tridcomm/core';
import { nobleProvider } from '@tridcomm/core/noble';

console.log(StreamSealer, openEnvelope, nobleProvider);
