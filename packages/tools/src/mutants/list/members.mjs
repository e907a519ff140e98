/** Chapter 11 at the initiator: the client of a broker, and an authority's side of its links and files. */

/** @param {string} file @param {readonly string[]} tests */
const at = (file, tests) => ({ package: /** @type {const} */ ('client-node'), file, tests });
const outbox = at('client/outbox.ts', ['client/outbox.test.ts']);
const carrier = at('client/link-carrier.ts', ['client/link-carrier.test.ts']);
const credit = at('client/credit.ts', ['client/credit.test.ts']);
const progress = at('client/log-progress.ts', ['client/log-progress.test.ts']);
const reconnect = at('client/reconnect.ts', ['client/reconnect.test.ts']);
const brokerLink = at('links/broker-link.ts', ['links/broker-link.test.ts']);
const startRule = at('authority/start-rule.ts', ['authority/start-rule.test.ts']);
const storeFile = at('store/store-file.ts', ['store/file-store.test.ts']);

/** @type {readonly import('../mutate.mjs').Mutant[]} */
export const memberMutants = [
  {
    ...outbox,
    name: 'member-takes-any-answer',
    from: 'if (number > 0 && number <= this.#lastNumber) return;',
    to: 'if (number > 0) return;',
    spec: 'delivery.19',
  },
  {
    ...outbox,
    name: 'member-takes-lower-ack',
    from: 'if (number < this.#lastAck)',
    to: 'if (false)',
    spec: 'delivery.19',
  },
  {
    ...outbox,
    name: 'member-settles-what-was-not-acknowledged',
    from: 'if (sentNumber > number) break;',
    to: '',
    spec: 'delivery.1',
  },
  {
    ...outbox,
    name: 'member-drops-what-a-link-lost',
    from: '[...this.#sent.values(), ...this.#waiting].sort',
    to: '[...this.#waiting].sort',
    spec: 'link.21',
  },
  {
    ...outbox,
    name: 'member-sends-again-out-of-order',
    from: 'this.#waiting.splice(this.#placeOf(entry), 0, entry);',
    to: 'this.#waiting.push(entry);',
    spec: 'delivery.13',
  },
  {
    ...outbox,
    name: 'member-sends-again-for-ever',
    from: 'if (nowMs < entry.sealedMs + this.#freshMs) return true;',
    to: 'if (nowMs >= 0) return true;',
    spec: 'delivery.13',
  },
  {
    ...outbox,
    name: 'member-does-not-wait-when-told-to',
    from: 'if (first === undefined || first.notBeforeMs > nowMs) return undefined;',
    to: 'if (first === undefined) return undefined;',
    spec: 'delivery.18',
  },
  {
    ...carrier,
    name: 'member-takes-stored-of-no-sub',
    from: 'checkGiven(number, this.#lastSub);',
    to: '',
    spec: 'delivery.19',
  },
  {
    ...carrier,
    name: 'member-takes-any-reject',
    from: "checkGiven(number, about === 'watch' ? this.#lastWatch : this.#lastSub);",
    to: '',
    spec: 'delivery.19',
  },
  {
    ...carrier,
    name: 'member-gives-numbers-twice',
    from: 'return this.#lastSub + 1;',
    to: 'return this.#subs.size + 1;',
    spec: 'delivery.20',
  },
  {
    ...credit,
    name: 'member-lets-credit-be-exceeded',
    from: 'return this.#receivedBytes <= this.#grantedBytes;',
    to: 'return this.#receivedBytes >= 0;',
    spec: 'delivery.14',
  },
  {
    ...credit,
    name: 'member-forgets-what-it-holds',
    from: 'this.#grantedBytes = Math.max(0, this.#windowBytes - this.#heldBytes);',
    to: 'this.#grantedBytes = this.#windowBytes;',
    spec: 'delivery.14',
  },
  {
    ...credit,
    name: 'member-grants-more-than-its-window',
    from: 'const grantBytes = this.#receivedBytes + this.#windowBytes - this.#heldBytes;',
    to: 'const grantBytes = this.#receivedBytes + this.#windowBytes;',
    spec: 'delivery.14',
  },
  {
    ...progress,
    name: 'cursor-before-done',
    from: 'lane.doneTo = lane.entries[0]?.position ?? lane.readTo;',
    to: 'lane.doneTo = lane.readTo;',
    spec: 'delivery.10',
  },
  {
    ...progress,
    name: 'cursor-moved-by-what-was-made-up',
    from: 'Math.min(behind(position), this.#readTo)',
    to: 'behind(position)',
    spec: 'delivery.12',
  },
  {
    ...progress,
    name: 'cursor-forgets-what-was-read',
    from: 'return position < (this.#readBefore.get(match) ?? 0);',
    to: 'return false;',
    spec: 'replay.30',
  },
  {
    ...progress,
    name: 'cursor-starts-behind-what-was-read',
    from: 'readTo: doneTo, seenTo: doneTo,',
    to: 'readTo, seenTo: readTo,',
    spec: 'delivery.10',
  },
  {
    ...reconnect,
    name: 'backoff-without-growth',
    from: 'Math.min(mostMs, baseMs * 2 ** this.#attempts)',
    to: 'baseMs',
    spec: 'delivery.18',
  },
  {
    ...reconnect,
    name: 'backoff-reset-by-any-link',
    from: 'nowMs - this.#openedMs >= stableMs',
    to: 'nowMs >= 0',
    spec: 'delivery.18',
  },
  {
    ...reconnect,
    name: 'backoff-as-long-as-the-peer-says',
    from: 'Math.min(retryMs, longestRetryMs)',
    to: 'retryMs',
    spec: 'delivery.18',
  },
  {
    ...at('client/peer-trust.ts', ['client/peer-trust.test.ts']),
    name: 'member-keeps-a-revoked-broker',
    from: 'return this.#counts?.isRevoked(keyId32, serial) === true;',
    to: 'return this.#counts === null;',
    spec: 'link.22',
  },
  {
    ...at('client/held-envelopes.ts', ['client/held-envelopes.test.ts']),
    name: 'member-holds-without-end',
    from: 'if (this.#bytes + bytes > this.#mostBytes) return false;',
    to: '',
    spec: 'delivery.14',
  },
  {
    ...brokerLink,
    name: 'authority-takes-any-answer',
    from: 'if (number >= least && number <= last) return;',
    to: 'if (number >= 0) return;',
    spec: 'delivery.19',
  },
  {
    ...brokerLink,
    name: 'authority-feeds-a-revoked-broker',
    from: 'if (this.#self.isRevoked(peer.key.keyId32, peer.serial)) {',
    to: 'if (false) {',
    spec: 'link.22',
  },
  {
    ...brokerLink,
    name: 'authority-collects-without-end',
    from: 'if (found.length >= mostObjects || bytes > mostObjectBytes) {',
    to: 'if (false) {',
    spec: 'delivery.16',
  },
  {
    ...startRule,
    name: 'authority-starts-by-one-source',
    from: 'const needed = start.acceptsSingleSource || isPrivate ? 1 : 2;',
    to: 'const needed = 1;',
    spec: 'groups.23',
  },
  {
    ...startRule,
    name: 'authority-starts-beside-another',
    from: 'if (isUnknown && issuedMs > nowMs - runningMs) {',
    to: 'if (false) {',
    spec: 'groups.22',
  },
  {
    ...startRule,
    name: 'authority-passes-over-a-fork',
    from: 'if (others.some((other) => other !== undefined && isFork(head, other))) {',
    to: 'if (false) {',
    spec: 'groups.22',
  },
  {
    ...at('authority/archive-file.ts', ['authority/archive.test.ts']),
    name: 'archive-entry-unchecked',
    from: 'end <= from.length && hashOf(rest, 8).equals(from.subarray(at + 8, start))',
    to: 'end <= from.length',
    spec: 'groups.23',
  },
  {
    ...at('authority/state-file.ts', ['authority/state-file.test.ts']),
    name: 'state-header-not-all-read',
    from: "if (header.readUInt16BE(6) !== 0) throw new TridcommError('E_ENCODING', 'bytes of a state file that must be 0');",
    to: '',
    spec: 'groups.22',
  },
  {
    ...storeFile,
    name: 'store-crc-unchecked',
    from: 'return crc === bytes.readUInt32BE(at + 6) ? end : undefined;',
    to: 'return crc >= 0 ? end : undefined;',
    spec: 'replay.27',
  },
  {
    ...storeFile,
    name: 'store-torn-tail-stays',
    from: 'if (end < bytes.length) {',
    to: 'if (false) {',
    spec: 'replay.27',
  },
  {
    ...storeFile,
    name: 'store-damage-cut-off',
    from: 'if (endOfRecord(bytes, salt8, later) === undefined) continue;',
    to: 'continue;',
    spec: 'replay.27',
  },
  {
    ...storeFile,
    name: 'store-record-of-another-file',
    from: 'place.set(salt8);',
    to: '',
    spec: 'replay.27',
  },
];
