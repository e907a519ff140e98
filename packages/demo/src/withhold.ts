import type { Cast } from './deliver.ts';
import { pattern, refusedEnvelopes, textTopic, type Actor, type Stage } from './stage.ts';
import { claim, heading, line, outcome, refusal } from './story.ts';

/** max_head_age and skew of chapters 07 and 10. */
const boundSeconds = 60 + 30;

/** Part 4: a relay that keeps a revocation back. */
export function withhold(stage: Stage, { alice, bob, atBob, atCarol }: Cast): void {
  heading('4  The relay keeps a revocation back');
  line('The clock is simulated, so that minutes pass at once. dave joins, and may write.');
  const { network } = stage;
  const dave = stage.join('dave');
  network.allow(pattern, { write: [dave.member] });
  const startMs = stage.nowMs;
  const second = () => (stage.nowMs - startMs) / 1000;
  claim(
    network.authority.head.issuedMs === startMs,
    `second ${second()}: the last word of the authority that the relay passes on`,
  );
  for (const { wire } of [alice, bob, dave]) {
    wire.passesObjects = false;
    wire.sends = false;
  }

  stage.pass(5);
  const revokedAt = second();
  network.revoke(dave.member);
  line(
    `second ${revokedAt}: the authority revokes dave; the relay tells nobody, then or later, and goes on to serve him`,
  );
  stage.pass(1);
  const [daves, davesLater] = [write(dave), write(dave)];
  bob.member.events();
  stage.carry(daves, bob);
  claim(atBob.received().length === 1, `second ${second()}: dave writes, and bob takes it: he cannot know yet`);

  const { refused, sent, aliceAt, bobAt } = waitForStale(stage, alice, bob, second);
  const got = atBob.received().length;
  claim(
    got > 0 && got === sent - 1,
    `From second 6 on alice writes every second; each message takes one. bob gets ${got} of ${sent}.`,
  );
  refusal(
    `second ${aliceAt}: alice cannot seal any more`,
    outcome(() => write(alice)),
    'E_STALE',
    'principals.29',
  );
  refusal(
    `second ${bobAt}: bob delivers nothing any more`,
    outcome(() => bob.member.client.envelope(refused, stage.nowMs)),
    'E_STALE',
    'principals.30',
  );
  const told = [alice, bob].every(
    ({ member }) => member.client.view(network.groupId(pattern), stage.nowMs)?.fresh === false,
  );
  const tookSeconds = Math.max(aliceAt, bobAt) - revokedAt;
  claim(
    told && tookSeconds <= boundSeconds,
    `Noticed ${tookSeconds} s after the revocation; the bound is ${boundSeconds} s: 60 for the age of a head, 30 for clocks.`,
  );

  line('');
  for (const { wire } of [alice, bob]) {
    wire.passesObjects = true;
    wire.sends = true;
  }
  line(`second ${second()}: the relay passes everything on again`);
  let isHealed = false;
  for (let i = 0; i < 30 && !isHealed; i++) {
    stage.pass(1);
    isHealed = outcome(() => write(alice)) === 'accepted' && atBob.received().length === 1;
  }
  claim(isHealed, `second ${second()}: alice seals, bob gets it; both went on by themselves`);
  stage.carry(refused, bob);
  claim(atBob.received().length === 1, 'What bob refused is handed to him once more: delivered, nothing is lost.');
  bob.member.events();
  stage.carry(davesLater, bob);
  refusal(
    'What dave wrote at second 6 too, and the relay kept until now',
    refusedEnvelopes(bob)[0] ?? 'accepted',
    'E_REVOKED',
    'principals.24',
  );
  claim(atBob.received().length === 0, 'bob got nothing of it.');
  atCarol.received();
  stage.log.read();
}

/** Each second alice writes, and bob gets what she wrote a second before; until neither works. */
function waitForStale(
  stage: Stage,
  alice: Actor,
  bob: Actor,
  second: () => number,
): { readonly refused: Uint8Array; readonly sent: number; readonly aliceAt: number; readonly bobAt: number } {
  let [aliceAt, bobAt] = [Infinity, Infinity];
  let sent = 0;
  let inFlight: Uint8Array | undefined;
  for (; second() <= 2 * boundSeconds; stage.pass(1)) {
    bob.member.events();
    if (inFlight !== undefined) stage.carry(inFlight, bob);
    if (refusedEnvelopes(bob).includes('E_STALE')) bobAt = Math.min(bobAt, second());
    const met = outcome(() => {
      // What bob refused stays at hand.
      if (bobAt === Infinity) inFlight = write(alice);
      else write(alice);
      sent++;
      return true;
    });
    if (met === 'E_STALE') aliceAt = Math.min(aliceAt, second());
    if (aliceAt !== Infinity && bobAt !== Infinity) break;
  }
  return { refused: inFlight ?? new Uint8Array(0), sent, aliceAt, bobAt };
}

function write({ member }: Actor): Uint8Array {
  return member.publish(textTopic, 'coffee').envelopes[0]!;
}
