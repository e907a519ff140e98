import { openEnvelope, TridcommError, type ErrorCode, type Receiver } from '@tridcomm/core';
import { provider, type Member } from './parties.ts';
import { line } from './story.ts';

/** What a broker, or a member, may try with an envelope that it has in its hands. */
interface Attack {
  readonly name: string;
  readonly code: ErrorCode;
  readonly requirement: string;
  readonly forge: (envelope: Uint8Array) => Uint8Array;
}

/** What the attackers hold. */
export interface Loot {
  /** The tag of another topic that the receiver reads. */
  readonly otherTopicTag16: Uint8Array;
  /** The text of a message. */
  readonly plaintext: Uint8Array;
  /** A second member of the group, who may write too. */
  readonly accomplice: Member;
  /** What the envelope's sender signed. */
  readonly signInput: Uint8Array;
}

function attacks(loot: Loot): readonly Attack[] {
  return [
    {
      name: 'the broker flips one bit of the body',
      code: 'E_SIG',
      requirement: 'suites.18',
      forge: (envelope) => patched(envelope, 120, [envelope[120]! ^ 1]),
    },
    {
      name: 'the broker moves it to another topic',
      code: 'E_SIG',
      requirement: 'suites.18',
      forge: (envelope) => patched(envelope, 8, loot.otherTopicTag16),
    },
    {
      name: 'the broker strips the signature',
      code: 'E_SIG',
      requirement: 'suites.19',
      forge: (envelope) => patched(envelope, envelope.length - 64, new Uint8Array(64)),
    },
    {
      name: 'a member puts its own name and signature on it',
      code: 'E_AEAD',
      requirement: 'suites.14',
      forge: (envelope) => {
        const { keyId32, keyPair } = loot.accomplice;
        const renamed = patched(envelope, 32, keyId32.subarray(0, 16));
        // SIGIN: label 18, signer 32, binding 32, H(header) 32, H(body) 32.
        const signInput = patched(patched(loot.signInput, 18, keyId32), 82, provider.sha256(renamed.subarray(0, 96)));
        return patched(renamed, renamed.length - 64, provider.ed25519Sign(keyPair.secretKey, signInput));
      },
    },
    {
      name: 'somebody sends the plaintext instead',
      code: 'E_ENCODING',
      requirement: 'envelope.32',
      forge: () => loot.plaintext,
    },
    {
      name: 'somebody sets a reserved flag',
      code: 'E_ENCODING',
      requirement: 'envelope.33',
      forge: (envelope) => patched(envelope, 7, [envelope[7]! | 0x20]),
    },
  ];
}

/**
 * Runs the attacks on an envelope that the receiver has not seen yet, then delivers the envelope itself, then delivers it again.
 *
 * @returns how many did not end as they should
 */
export function runAttacks(
  receiver: Receiver,
  envelope: Uint8Array,
  loot: Loot,
  requirements: ReadonlyMap<string, string>,
): number {
  let wrong = 0;
  const attempt = ({ name, code, requirement, forge }: Attack) => {
    const met = refusal(() => openEnvelope(receiver, forge(envelope), Date.now()));
    const sentence = requirements.get(requirement);
    if (met !== code || sentence === undefined) wrong++;
    line(name);
    line(`    ${met === code ? 'refused' : `WRONG, ${code} expected:`} ${met}, ${requirement}: ${sentence}`);
  };
  for (const attack of attacks(loot)) attempt(attack);

  const opened = refusal(() => openEnvelope(receiver, envelope, Date.now()));
  if (opened !== 'accepted') wrong++;
  line('the broker delivers it as it is');
  line(`    ${opened}: the refusals changed nothing`);
  attempt({
    name: 'the broker delivers it once more',
    code: 'E_REPLAY',
    requirement: 'replay.7',
    forge: (genuine) => genuine,
  });
  return wrong;
}

function refusal(open: () => unknown): string {
  try {
    open();
    return 'accepted';
  } catch (error) {
    if (error instanceof TridcommError) return error.code;
    throw error;
  }
}

function patched(bytes: Uint8Array, offset: number, values: ArrayLike<number>): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, offset);
  return copy;
}
