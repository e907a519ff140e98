/** What an application bundles that seals and opens envelopes on the noble provider. */
import { openEnvelope, sealEnvelope } from '@tridcomm/core';
import { nobleProvider } from '@tridcomm/core/noble';

console.log(sealEnvelope, openEnvelope, nobleProvider);
