/** ed25519.json: RFC 8032 signing and the verification rule of chapter 06. */
import { createPrivateKey, sign as nodeSign } from 'node:crypto';
import { VectorFile } from '../cases.ts';
import { cat, flip, hex, seeded, text, unhex, zeros, type Bytes } from '../twin/bytes.ts';
import * as ed from '../twin/ed25519.ts';
import { sha512 } from '../twin/hash.ts';

/** An independent check of our arithmetic: OpenSSL signs the same. */
function confirm(seed: Bytes, message: Bytes, signature: Bytes): void {
  const der = cat(unhex('302e020100300506032b657004220420'), seed);
  const key = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
  if (hex(nodeSign(null, message, key)) !== hex(signature)) throw new Error('OpenSSL signs otherwise');
}

const ZERO: Bytes = zeros(0);
const le = ed.littleEndian;

/** A scalar from a name. */
function scalar(name: string): bigint {
  return ed.fromLittleEndian(seeded(name, 64)) % ed.L;
}

/** A signature under the public key T of order 8 (or less) that satisfies [S]B - [k]T = R. */
function signSmallOrder(A: Bytes, point: ed.Point, message: Bytes): Bytes {
  for (let i = 0; ; i++) {
    const s = scalar(`small-order A ${hex(A)} ${i}`);
    for (let j = 0; j < 8; j++) {
      const R = ed.encodePoint(ed.add(ed.multiply(s, ed.B), ed.negate(ed.multiply(BigInt(j), point))));
      const k = ed.challenge(R, A, message);
      const difference = ed.multiply(ed.mod(k - BigInt(j), 8n), point);
      if (hex(ed.encodePoint(difference)) === hex(ed.encodePoint(ed.IDENTITY))) return cat(R, le(s, 32));
    }
  }
}

export function ed25519(): VectorFile {
  const file = new VectorFile('ed25519');
  const signing = file.group('sign', 'ed25519.sign', 'ed25519', 'signature');
  const g = file.group('verify', 'ed25519.verify', 'ed25519', 'signature');

  const positives: [string, string, Bytes, Bytes, string][] = [
    [
      'rfc8032-1',
      'RFC 8032 §7.1, test 1: empty message',
      unhex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'),
      ZERO,
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    ],
    [
      'rfc8032-2',
      'RFC 8032 §7.1, test 2: one byte',
      unhex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'),
      unhex('72'),
      '',
    ],
    [
      'rfc8032-3',
      'RFC 8032 §7.1, test 3: two bytes',
      unhex('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7'),
      unhex('af82'),
      '',
    ],
    ['sigin-length', 'a message as long as SIGIN', seeded('ed25519 seed a', 32), seeded('ed25519 message a', 146), ''],
    ['long', 'a message of several hash blocks', seeded('ed25519 seed b', 32), seeded('ed25519 message b', 700), ''],
    ['seed-zero', 'a seed of zeros is a seed', zeros(32), text('zero seed'), ''],
    ['seed-ff', 'a seed of ones is a seed', new Uint8Array(32).fill(255), text('ff seed'), ''],
  ];
  for (const [id, comment, seed, message, expected] of positives) {
    const publicKey = ed.publicKeyOf(seed);
    const signature = ed.sign(seed, message);
    confirm(seed, message, signature);
    if (expected !== '' && hex(signature) !== expected) throw new Error(`${id}: not the RFC's signature`);
    signing.valid(id, {
      comment,
      in: { seed: hex(seed), message: hex(message) },
      out: { publicKey: hex(publicKey), signature: hex(signature) },
      spec: ['suites.8'],
    });
    g.valid(id, {
      comment,
      in: { publicKey: hex(publicKey), message: hex(message), signature: hex(signature) },
      out: {},
      spec: ['suites.6', 'suites.7', 'suites.8'],
    });
  }

  const seed = seeded('ed25519 seed a', 32);
  const message = seeded('ed25519 message a', 146);
  const A = ed.publicKeyOf(seed);
  const { scalar: a } = ed.expandSeed(seed);
  const signature = ed.sign(seed, message);
  const R = signature.slice(0, 32);
  const S = ed.fromLittleEndian(signature.slice(32));
  const bad = (
    id: string,
    comment: string,
    error: string,
    spec: string[],
    change: { publicKey?: Bytes; message?: Bytes; signature?: Bytes },
    flags: string[] = [],
  ): void => {
    const v = { publicKey: A, message, signature, ...change };
    g.invalid(id, {
      comment,
      in: { publicKey: hex(v.publicKey), message: hex(v.message), signature: hex(v.signature) },
      error,
      spec,
      from: 'sigin-length',
      flags,
    });
  };

  // suites.6
  ed.SMALL_ORDER_Y.forEach((y, i) => {
    for (const sign of [0, 1]) {
      const key = ed.encodeY(y, sign);
      const point = ed.decodePoint(key);
      const forged = point === undefined ? signature : signSmallOrder(key, point, message);
      if (point !== undefined && !ed.cofactoredAccepts(key, message, forged)) throw new Error('forgery is not sharp');
      bad(
        `a-small-order-${i}-${sign}`,
        `A has small-order y number ${i} with sign bit ${sign} (S05)` +
          (point === undefined ? '' : '; without the rule this signature would verify'),
        'E_KEY',
        ['suites.6'],
        { publicKey: key, signature: forged },
        ['SmallOrder', 'KeyUse'],
      );
    }
  });
  const nonCanonical: [string, bigint][] = [
    ['p', ed.P],
    ['p-plus-1', ed.P + 1n],
    ['p-plus-3', ed.P + 3n],
    ['p-plus-18', ed.P + 18n],
  ];
  for (const [name, y] of nonCanonical) {
    bad(
      `a-y-${name}`,
      `A has y = ${name.replace('-plus-', ' + ')}, which is not below p (S07)`,
      'E_KEY',
      ['suites.6'],
      {
        publicKey: ed.encodeY(y, 0),
      },
      ['NonCanonical', 'KeyUse'],
    );
  }
  bad('a-y-p-plus-18-sign', 'A is 32 bytes of ff', 'E_KEY', ['suites.6'], { publicKey: new Uint8Array(32).fill(255) }, [
    'NonCanonical',
    'KeyUse',
  ]);
  bad('a-31-bytes', 'A has 31 bytes', 'E_KEY', ['suites.6'], { publicKey: A.slice(0, 31) }, ['KeyUse']);
  bad('a-33-bytes', 'A has 33 bytes', 'E_KEY', ['suites.6'], { publicKey: cat(A, zeros(1)) }, ['KeyUse']);
  bad('a-empty', 'A has no bytes', 'E_KEY', ['suites.6'], { publicKey: ZERO }, ['KeyUse']);
  let off = 2n;
  while (ed.decodePoint(ed.encodeY(off, 0)) !== undefined) off++;
  bad(
    'a-off-curve',
    'A has a y below p to which there is no point: by suites.8 that is E_SIG',
    'E_SIG',
    ['suites.8'],
    {
      publicKey: ed.encodeY(off, 0),
    },
    ['KeyUse'],
  );

  // suites.7
  bad('s-63-bytes', 'a signature of 63 bytes', 'E_SIG', ['suites.7'], { signature: signature.slice(0, 63) }, [
    'Truncated',
  ]);
  bad('s-65-bytes', 'a signature of 65 bytes', 'E_SIG', ['suites.7'], { signature: cat(signature, zeros(1)) }, [
    'Trailing',
  ]);
  bad('s-empty', 'no signature', 'E_SIG', ['suites.7'], { signature: ZERO }, ['Truncated']);
  bad('s-all-zero', '64 zero bytes (S04)', 'E_SIG', ['suites.7'], { signature: zeros(64) }, ['SmallOrder']);
  bad('s-all-ff', '64 bytes of ff', 'E_SIG', ['suites.7'], { signature: new Uint8Array(64).fill(255) }, [
    'NonCanonical',
  ]);
  if (S + ed.L >= 1n << 256n) throw new Error('S + L does not fit');
  bad(
    's-plus-l',
    'S + L: congruent, but not reduced (S09)',
    'E_SIG',
    ['suites.7'],
    { signature: cat(R, le(S + ed.L, 32)) },
    ['NonCanonical'],
  );
  bad('s-plus-2l', 'S + 2L, still below 2^255', 'E_SIG', ['suites.7'], { signature: cat(R, le(S + 2n * ed.L, 32)) }, [
    'NonCanonical',
  ]);
  bad('s-equals-l', 'S = L', 'E_SIG', ['suites.7'], { signature: cat(R, le(ed.L, 32)) }, ['NonCanonical']);
  bad('s-top-bit', 'the top bit of S set', 'E_SIG', ['suites.7'], { signature: flip(signature, 63, 7) }, [
    'NonCanonical',
  ]);

  // R of small order: S = k·a + 0 makes [S]B - [k]A the identity; with T added only a cofactored verifier agrees.
  ed.SMALL_ORDER_Y.forEach((y, i) => {
    for (const sign of [0, 1]) {
      const badR = ed.encodeY(y, sign);
      const k = ed.challenge(badR, A, message);
      const forged = cat(badR, le((k * a) % ed.L, 32));
      const identity = y === 1n && sign === 0;
      bad(
        `r-small-order-${i}-${sign}`,
        `R has small-order y number ${i} with sign bit ${sign} (S06)` +
          (identity ? '; the equation of suites.8 holds' : '; a cofactored verifier may accept'),
        'E_SIG',
        ['suites.7'],
        { signature: forged },
        ['SmallOrder'],
      );
    }
  });
  // R = identity written as p + 1: the equation holds for a lenient decoder.
  const lenient = ed.encodeY(ed.P + 1n, 0);
  bad(
    'r-y-p-plus-1',
    'R is the identity with y = p + 1 (S08); a lenient decoder would accept',
    'E_SIG',
    ['suites.7'],
    {
      signature: cat(lenient, le((ed.challenge(lenient, A, message) * a) % ed.L, 32)),
    },
    ['NonCanonical'],
  );
  bad('r-y-p', 'R has y = p', 'E_SIG', ['suites.7'], { signature: cat(ed.encodeY(ed.P, 0), signature.slice(32)) }, [
    'NonCanonical',
  ]);
  bad(
    'r-y-p-plus-18',
    'R has y = 2^255 - 1',
    'E_SIG',
    ['suites.7'],
    {
      signature: cat(ed.encodeY(ed.P + 18n, 1), signature.slice(32)),
    },
    ['NonCanonical'],
  );

  // suites.8: mixed order
  const T = ed.TORSION[1];
  if (T === undefined) throw new Error('no point of order 8');
  for (const i of [1, 2, 4]) {
    const torsion = ed.multiply(BigInt(i), T);
    const r = scalar(`mixed R ${i}`);
    const mixed = ed.encodePoint(ed.add(ed.multiply(r, ed.B), torsion));
    const k = ed.challenge(mixed, A, message);
    const forged = cat(mixed, le((r + k * a) % ed.L, 32));
    if (!ed.cofactoredAccepts(A, message, forged)) throw new Error('mixed R is not sharp');
    bad(
      `r-mixed-order-${8 / i}`,
      `R has a component of order ${8 / i}; only cofactored verifiers accept (S10)`,
      'E_SIG',
      ['suites.8'],
      {
        signature: forged,
      },
      ['MixedOrder'],
    );
  }
  const mixedKey = ed.encodePoint(ed.add(ed.multiply(a, ed.B), T));
  const signMixed = (m: Bytes, attempt: number): { signature: Bytes; k: bigint; full: bigint } => {
    const r = scalar(`mixed A ${attempt}`);
    const encoded = ed.encodePoint(ed.multiply(r, ed.B));
    const k = ed.challenge(encoded, mixedKey, m);
    const full = ed.fromLittleEndian(sha512(encoded, mixedKey, m));
    return { signature: cat(encoded, le((r + k * a) % ed.L, 32)), k, full };
  };
  let accepted: { signature: Bytes; k: bigint; full: bigint } | undefined;
  let refused: { signature: Bytes; k: bigint; full: bigint } | undefined;
  for (let i = 0; accepted === undefined || refused === undefined; i++) {
    const s = signMixed(message, i);
    if (s.k % 8n === 0n && s.full % 8n !== 0n) accepted ??= s;
    if (s.k % 8n !== 0n && s.full % 8n === 0n) refused ??= s;
  }
  g.valid('a-mixed-order-k-multiple-of-8', {
    comment: 'A has a component of order 8, and k mod L is a multiple of 8: the equation holds, so it is accepted',
    in: { publicKey: hex(mixedKey), message: hex(message), signature: hex(accepted.signature) },
    out: {},
    spec: ['suites.6', 'suites.8'],
    flags: ['MixedOrder'],
  });
  if (!ed.cofactoredAccepts(mixedKey, message, refused.signature)) throw new Error('mixed A is not sharp');
  g.invalid('a-mixed-order', {
    comment:
      'A has a component of order 8, and k mod L is no multiple of 8 (SHA-512 before the reduction is): only cofactored verifiers accept',
    in: { publicKey: hex(mixedKey), message: hex(message), signature: hex(refused.signature) },
    error: 'E_SIG',
    spec: ['suites.8'],
    from: 'a-mixed-order-k-multiple-of-8',
    flags: ['MixedOrder'],
  });

  // Ordinary failures
  bad('other-message', 'one bit of the message', 'E_SIG', ['suites.8'], { message: flip(message, 0) }, ['Tampered']);
  bad('longer-message', 'a zero byte after the message', 'E_SIG', ['suites.8'], { message: cat(message, zeros(1)) }, [
    'Tampered',
  ]);
  bad(
    'other-key',
    'the key of somebody else',
    'E_SIG',
    ['suites.8'],
    { publicKey: ed.publicKeyOf(seeded('ed25519 seed b', 32)) },
    ['Impersonation'],
  );
  bad('flip-r', 'one bit of R', 'E_SIG', ['suites.8'], { signature: flip(signature, 0) }, ['Tampered']);
  bad('flip-r-sign', 'the sign bit of R', 'E_SIG', ['suites.8'], { signature: flip(signature, 31, 7) }, ['Tampered']);
  bad('flip-s', 'one bit of S', 'E_SIG', ['suites.8'], { signature: flip(signature, 32) }, ['Tampered']);
  bad('negated-s', 'L - S', 'E_SIG', ['suites.8'], { signature: cat(R, le(ed.L - S, 32)) }, ['Tampered']);
  bad('s-zero', 'S = 0', 'E_SIG', ['suites.8'], { signature: cat(R, zeros(32)) }, ['Tampered']);
  bad('swapped-halves', 'S ‖ R', 'E_SIG', ['suites.7', 'suites.8'], { signature: cat(signature.slice(32), R) }, [
    'Tampered',
  ]);
  bad(
    'prehash',
    'Ed25519ph-like: a signature over SHA-512 of the message',
    'E_SIG',
    ['suites.8'],
    {
      signature: ed.sign(seed, sha512(message)),
    },
    ['Impersonation'],
  );

  // Order: suites.6 before suites.7
  bad(
    'order-key-first',
    'A of small order and S >= L',
    'E_KEY',
    ['suites.6', 'suites.7'],
    {
      publicKey: ed.encodeY(1n, 0),
      signature: cat(R, le(S + ed.L, 32)),
    },
    ['Order'],
  );
  bad(
    'order-key-before-length',
    'A of 31 bytes and a signature of 63',
    'E_KEY',
    ['suites.6', 'suites.7'],
    {
      publicKey: A.slice(0, 31),
      signature: signature.slice(0, 63),
    },
    ['Order'],
  );
  return file;
}
