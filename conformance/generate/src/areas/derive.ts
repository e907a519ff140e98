/** derive.json: every intermediate value of an opening. */
import { VectorFile } from '../cases.ts';
import type { Members } from '../json.ts';
import { flip, hex, seeded, u64 } from '../twin/bytes.ts';
import { sealEnvelope, type Recipe, type Sealed } from '../twin/envelope.ts';
import { known } from '../twin/extensions.ts';
import { ALICE, messages, NOW, recipe, SOURCE, sourceJson } from '../world.ts';

export function derive(): VectorFile {
  const file = new VectorFile('derive');
  const g = file.group('derive', 'envelope.derive', 'open', 'aead');
  const input = (s: Sealed, suite: number, over: Members = {}): Members => ({
    envelope: hex(s.bytes),
    senderPublicKey: hex(ALICE.publicKey),
    source: { suite, ...sourceJson(SOURCE), ...over },
  });
  const good = (id: string, comment: string, over: Partial<Recipe>): Sealed => {
    const r = recipe(`derive ${id}`, over);
    const s = sealEnvelope(r);
    g.valid(id, {
      comment,
      in: input(s, r.suite),
      out: {
        protectedHeader: hex(s.ph),
        aadHeader: hex(s.aadh),
        streamSecret: hex(s.streamSecret),
        key: hex(s.key),
        nonce: hex(s.nonce),
        aads: s.aads.map(hex),
        plaintexts: s.plaintexts.map(hex),
        signInput: hex(s.signInput),
        id: hex(s.id),
      },
      spec: ['envelope.31', 'envelope.37', 'suites.13', 'suites.18'],
    });
    return s;
  };
  const several = [known(4, u64(NOW + 60_000n)), known(6, seeded('trace', 32))];
  const single = good('single', 'a single: AADH is PH', {});
  good('single-suite-2', 'a single of suite 0x0002', { suite: 2 });
  good('single-extensions', 'a single with extensions and keyinfo', {
    extensions: several,
    keyinfo: seeded('keyinfo', 40),
  });
  const commit = good('single-commit', 'a single with extension 11: AADH holds the commitment', { recordCommit: true });
  good('batch', 'a whole batch', { form: 'batch', records: messages(4) });
  good('batch-padded', 'a padded whole batch, suite 0x0002', {
    suite: 2,
    form: 'batch',
    padded: true,
    records: messages(4),
  });
  const merkle = good('merkle', 'a Merkle batch: root32 is zero in AADH (C5), and each leaf has its nonce and AAD', {
    form: 'merkle',
    records: messages(5),
    jobsPerLeaf: 2,
  });
  good('merkle-suite-2', 'a Merkle batch of suite 0x0002', {
    suite: 2,
    form: 'merkle',
    records: messages(5),
    jobsPerLeaf: 2,
  });
  good(
    'merkle-padded-extensions',
    'a padded Merkle batch with extensions behind extension 1, a commitment and keyinfo',
    {
      form: 'merkle',
      padded: true,
      records: messages(5),
      jobsPerLeaf: 2,
      extensions: several,
      recordCommit: true,
      keyinfo: seeded('keyinfo', 40),
    },
  );
  good('merkle-300-leaves', '257 leaves of one record: leaf 256 changes the second last byte of the nonce', {
    form: 'merkle',
    records: messages(257),
    jobsPerLeaf: 1,
  });
  good('other-kind', 'a request', { patternKind: 0x30 });

  const bad = (
    id: string,
    comment: string,
    j: Members,
    error: string,
    spec: string[],
    from = 'single',
    flags: string[] = [],
  ): void => {
    g.invalid(id, { comment, in: j, error, spec, from, flags });
  };
  bad(
    'other-suite',
    'the key source has another suite',
    input(single, 2),
    'E_SUITE',
    ['suites.2', 'suites.3'],
    'single',
    ['Downgrade'],
  );
  bad(
    'other-source-secret',
    'another source secret',
    input(single, 1, { sourceSecret: hex(seeded('another', 32)) }),
    'E_AEAD',
    ['suites.14'],
  );
  bad('other-group-ctx', 'another group_ctx32', input(single, 1, { groupCtx: hex(seeded('another', 32)) }), 'E_AEAD', [
    'suites.14',
  ]);
  bad(
    'other-group-ctx-merkle',
    'another group_ctx32, a Merkle batch',
    input(merkle, 1, { groupCtx: hex(seeded('another', 32)) }),
    'E_AEAD',
    ['suites.14'],
    'merkle',
  );
  bad(
    'other-group-ctx-commit',
    'another group_ctx32, an envelope with extension 11: the commitment is looked at first',
    input(commit, 1, { groupCtx: hex(seeded('another', 32)) }),
    'E_COMMIT',
    ['suites.15'],
    'single-commit',
    ['Commitment'],
  );
  bad('other-bind', 'another bind32', input(single, 1, { bind: hex(seeded('another', 32)) }), 'E_SIG', ['suites.18']);
  bad(
    'flip-body',
    'one bit of the ciphertext',
    { ...input(single, 1), envelope: hex(flip(single.bytes, 96)) },
    'E_SIG',
    ['suites.18'],
    'single',
    ['Tampered'],
  );
  bad(
    'flip-signature',
    'one bit of the signature',
    { ...input(single, 1), envelope: hex(flip(single.bytes, -1)) },
    'E_SIG',
    ['suites.19'],
    'single',
    ['Tampered'],
  );
  bad(
    'truncated',
    'the last byte is missing',
    { ...input(single, 1), envelope: hex(single.bytes.slice(0, -1)) },
    'E_LENGTH',
    ['envelope.34'],
    'single',
    ['Truncated'],
  );
  return file;
}
