/** merkle.json: tree, paths, split. */
import { VectorFile } from '../cases.ts';
import { cat, flip, hex, seeded, zeros, type Bytes } from '../twin/bytes.ts';
import { encodeJob, jobParts, makeJob, sealEnvelope } from '../twin/envelope.ts';
import { merklePath, merkleRoot, nodeHash } from '../twin/merkle.ts';
import { known } from '../twin/extensions.ts';
import { messages, recipe } from '../world.ts';

function leafHashes(n: number): Bytes[] {
  return Array.from({ length: n }, (_, i) => seeded(`leaf hash ${i}`, 32));
}

export function merkle(): VectorFile {
  const file = new VectorFile('merkle');
  const root = file.group('root', 'merkle.root', 'codec', 'signature', false);
  const path = file.group('path', 'merkle.path', 'codec', 'signature', false);
  const verify = file.group('verify', 'merkle.verify', 'codec', 'signature');
  for (const n of [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17]) {
    const leaves = leafHashes(n);
    root.valid(`${n}`, {
      comment: n === 1 ? 'one leaf: its hash is the root' : `${n} leaves`,
      in: { leaves: leaves.map(hex) },
      out: { root: hex(merkleRoot(leaves)) },
      spec: ['envelope.26'],
    });
  }
  for (const [n, list] of [
    [1, [0]],
    [2, [0, 1]],
    [3, [0, 1, 2]],
    [5, [0, 3, 4]],
    [7, [0, 1, 2, 3, 4, 5, 6]],
    [8, [0, 7]],
    [17, [0, 15, 16]],
  ] as [number, number[]][]) {
    const leaves = leafHashes(n);
    for (const leaf of list) {
      const p = merklePath(leaves, leaf);
      const comment = `leaf ${leaf} of ${n}: a path of ${p.length}`;
      path.valid(`${n}-${leaf}`, {
        comment,
        in: { leaves: leaves.map(hex), leaf },
        out: { path: p.map(hex) },
        spec: ['envelope.23', 'envelope.25'],
      });
      verify.valid(`${n}-${leaf}`, {
        comment,
        in: {
          leafHash: hex(leaves[leaf] ?? zeros(0)),
          leaf,
          leafCount: n,
          path: p.map(hex),
          root: hex(merkleRoot(leaves)),
        },
        out: {},
        spec: ['envelope.25'],
      });
    }
  }

  const seven = leafHashes(7);
  const right = {
    leafHash: seven[2] ?? zeros(32),
    leaf: 2,
    leafCount: 7,
    path: merklePath(seven, 2),
    root: merkleRoot(seven),
  };
  const bad = (id: string, comment: string, over: Partial<typeof right>, from = '7-2'): void => {
    const v = { ...right, ...over };
    verify.invalid(id, {
      comment,
      in: { leafHash: hex(v.leafHash), leaf: v.leaf, leafCount: v.leafCount, path: v.path.map(hex), root: hex(v.root) },
      error: 'E_PROOF',
      spec: ['envelope.25'],
      from,
      flags: ['MerkleProof'],
    });
  };
  const h = (i: number): Bytes => seven[i] ?? zeros(32);
  bad('other-leaf-hash', 'one bit of the leaf hash', { leafHash: flip(h(2), 0) });
  bad('other-root', 'one bit of the root', { root: flip(right.root, 31) });
  for (const i of [0, 1, 2]) {
    bad(`flip-path-${i}`, `one bit of path value ${i}`, { path: right.path.map((p, j) => (j === i ? flip(p, 5) : p)) });
  }
  bad('sibling-path', 'the path of the sibling, leaf 3 (T34)', { path: merklePath(seven, 3) });
  bad('sibling-index', "the sibling's index with this leaf and path (T34)", { leaf: 3 });
  bad('other-index', 'index 0 with this leaf and path', { leaf: 0 });
  bad('too-short', 'the last value of the path is missing (T35)', { path: right.path.slice(0, -1) });
  bad('too-short-first', 'the first value of the path is missing (T35)', { path: right.path.slice(1) });
  bad('empty-path', 'no path (T35)', { path: [] });
  bad('empty-path-root', 'no path, and the root as leaf hash (T35)', { path: [], leafHash: right.root });
  bad('too-long', 'one value more (T35)', { path: [...right.path, zeros(32)] });
  bad('too-long-fitting', 'one value more, and the root that it yields (T35)', {
    path: [...right.path, zeros(32)],
    root: nodeHash(right.root, zeros(32)),
  });
  bad('65-values', 'a path of 65 values (D10)', {
    path: Array.from({ length: 65 }, (_, i) => seeded(`path ${i}`, 32)),
  });
  bad('swapped-path', 'two values of the path exchanged', {
    path: [right.path[1] ?? h(0), right.path[0] ?? h(0), right.path[2] ?? h(0)],
  });
  bad('node-as-leaf', 'the node over leaves 2 and 3 as leaf, with the rest of the path (T33)', {
    leafHash: nodeHash(h(2), h(3)),
    path: right.path.slice(1),
  });
  bad('node-as-leaf-index', "the same with the node's own index 1 (T33)", {
    leafHash: nodeHash(h(2), h(3)),
    leaf: 1,
    path: right.path.slice(1),
  });
  bad('leaf-equals-count', 'leaf 7 of 7 (T37)', { leaf: 7 });
  bad('leaf-above-count', 'leaf 10 of 7, which has the low bits of 2 (T37)', { leaf: 10 });
  bad('leaf-max', 'leaf 2^32 - 1 (T37)', { leaf: 4_294_967_295 });
  bad('count-0', 'a leaf_count of 0', { leafCount: 0 });
  bad('count-less', 'leaf_count 4, where the path is too long', { leafCount: 4 });
  bad('count-more', 'leaf_count 9, where the path is too short', { leafCount: 9 });
  const one = leafHashes(1);
  bad(
    'one-leaf-with-path',
    'a path of one value in a tree of one leaf',
    { leafHash: h(0), leaf: 0, leafCount: 1, path: [h(1)], root: one[0] ?? h(0) },
    '1-0',
  );
  bad(
    'one-leaf-with-fitting-path',
    'the same with the root that it yields',
    { leafHash: h(0), leaf: 0, leafCount: 1, path: [h(1)], root: nodeHash(h(0), h(1)) },
    '1-0',
  );
  // CVE-2012-2459: the last leaf of an odd level counted twice
  const doubled = merkleRoot([h(0), h(1), h(2), h(2)]);
  bad(
    'doubled-last-leaf',
    'three leaves under the root of a tree that doubles the last (T36)',
    {
      leaf: 2,
      leafCount: 3,
      path: [nodeHash(h(0), h(1))],
      root: doubled,
    },
    '3-2',
  );
  bad(
    'doubled-last-leaf-path',
    'the same with the path of such a tree (T36)',
    { leaf: 2, leafCount: 3, path: [h(2), nodeHash(h(0), h(1))], root: doubled },
    '3-2',
  );
  bad(
    'doubled-last-leaf-index',
    'the doubled leaf as leaf 3 of 3 (T36)',
    { leaf: 3, leafCount: 3, path: [h(2), nodeHash(h(0), h(1))], root: doubled },
    '3-2',
  );

  // Splitting
  const split = file.group('split', 'envelope.split', 'codec', 'signature');
  const batch = sealEnvelope(
    recipe('split', {
      form: 'merkle',
      records: messages(7),
      jobsPerLeaf: 3,
      keyinfo: seeded('split keyinfo', 9),
      extensions: [known(6, seeded('trace', 32))],
    }),
  );
  for (const leaf of [0, 1, 2]) {
    const job = makeJob(batch.bytes, leaf);
    if (hex(job) !== hex(encodeJob(jobParts(batch.bytes, leaf)))) throw new Error('split');
    split.valid(`leaf-${leaf}`, {
      comment: `leaf ${leaf} of 3, from a batch of seven records with extensions and keyinfo`,
      in: { envelope: hex(batch.bytes), leaf },
      out: { job: hex(job) },
      spec: ['envelope.23', 'envelope.18'],
    });
  }
  const lone = sealEnvelope(recipe('split lone', { form: 'merkle', records: messages(2), jobsPerLeaf: 16 }));
  split.valid('only-leaf', {
    comment: 'the only leaf: the path has no values',
    in: { envelope: hex(lone.bytes), leaf: 0 },
    out: { job: hex(makeJob(lone.bytes, 0)) },
    spec: ['envelope.23'],
  });
  const refuse = (
    id: string,
    comment: string,
    envelope: Bytes,
    leaf: number,
    error: string,
    spec: string[],
    from: string,
  ): void => {
    split.invalid(id, {
      comment,
      in: { envelope: hex(envelope), leaf },
      error,
      spec,
      from,
      flags: ['MerkleProof'],
      layer: error === 'E_PROOF' ? 'signature' : 'body',
    });
  };
  refuse('no-such-leaf', 'leaf 3 of 3', batch.bytes, 3, 'E_PROOF', ['envelope.25'], 'leaf-0');
  refuse('no-such-leaf-lone', 'leaf 1 of 1', lone.bytes, 1, 'E_PROOF', ['envelope.25'], 'only-leaf');
  refuse(
    'single',
    'a single cannot be split',
    sealEnvelope(recipe('split single')).bytes,
    0,
    'E_ENCODING',
    ['envelope.24'],
    'leaf-0',
  );
  refuse(
    'batch',
    'a whole batch cannot be split',
    sealEnvelope(recipe('split batch', { form: 'batch', records: messages(4) })).bytes,
    0,
    'E_ENCODING',
    ['envelope.24'],
    'leaf-0',
  );
  refuse(
    'truncated',
    'an envelope that ends early',
    batch.bytes.slice(0, -1),
    0,
    'E_LENGTH',
    ['envelope.34'],
    'leaf-0',
  );
  refuse(
    'trailing',
    'an envelope with a byte too many',
    cat(batch.bytes, zeros(1)),
    0,
    'E_LENGTH',
    ['envelope.34'],
    'leaf-0',
  );
  return file;
}
