import { writeU32 } from '../bytes/bytes.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { TridcommError } from '../errors.ts';
import { leavesOf, signatureBytes, type EnvelopeView, type LeafView } from '../wire/envelope.ts';
import { hashLeaf, MerkleTree } from '../crypto/merkle.ts';

/**
 * A Merkle batch in the hands of a broker, which cuts leaves out of it without any key.
 *
 * The tree is built once, so every leaf costs its copy and its path.
 */
export class SplitBatch {
  readonly #envelope: EnvelopeView;
  readonly #leaves: readonly LeafView[];
  readonly #tree: MerkleTree;

  /**
   * @param envelope - parsed; kept and viewed, not changed
   * @throws TridcommError `E_ENCODING` for an envelope that is no Merkle batch
   */
  constructor(provider: CryptoProvider, envelope: EnvelopeView) {
    const { merkle } = envelope.extensions;
    if (merkle === undefined) throw new TridcommError('E_ENCODING', 'only a Merkle batch can be split');
    this.#envelope = envelope;
    this.#leaves = [...leavesOf(envelope.body, merkle.leafCount)];
    this.#tree = new MerkleTree(
      provider,
      this.#leaves.map(({ leaf, sealed }) => hashLeaf(provider, leaf, sealed)),
    );
  }

  get leafCount(): number {
    return this.#leaves.length;
  }

  /**
   * One leaf as a job of its own; the caller's.
   *
   * @throws TridcommError `E_PROOF` where there is no such leaf
   * @spec envelope.23
   */
  job(leaf: number): Uint8Array {
    const found = this.#leaves[leaf];
    if (found === undefined) throw new TridcommError('E_PROOF', `leaf ${leaf} of ${this.leafCount}`);
    return encodeJob(this.#envelope, leaf, found.sealed, this.#tree.path(leaf));
  }
}

function encodeJob(
  { protectedHeader, keyinfo, signature }: EnvelopeView,
  leaf: number,
  sealed: Uint8Array,
  path: readonly Uint8Array[],
): Uint8Array {
  const leafAt = protectedHeader.length + keyinfo.length;
  const pathAt = leafAt + 8 + sealed.length + 1;
  const job = new Uint8Array(pathAt + 32 * path.length + signatureBytes);
  job.set(protectedHeader);
  job.set(keyinfo, protectedHeader.length);
  writeU32(job, leafAt, leaf);
  writeU32(job, leafAt + 4, sealed.length - 16);
  job.set(sealed, leafAt + 8);
  job[pathAt - 1] = path.length;
  for (const [i, node] of path.entries()) job.set(node, pathAt + 32 * i);
  job.set(signature, job.length - signatureBytes);
  return job;
}
