import { labels } from '../codepoints/labels.gen.ts';
import { objectKinds } from '../codepoints/object-kinds.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { decodePrincipalRecord, type PrincipalRecord } from './principal-record.ts';
import { signInputOf } from './sign-input.ts';
import { encodeObject, parseObject } from './signed-object.ts';

/** A principal record that nobody has signed yet: what its subject looks at, and then signs. */
export interface RecordProposal {
  /** What the record will say, in the form of chapter 07. */
  readonly body: Uint8Array;
  /** What the subject signs, by plain Ed25519. It follows from the body and the authority's id alone. */
  readonly signInput: Uint8Array;
}

/** A proposal as its subject reads it. */
export interface ReadProposal extends RecordProposal {
  /** What the record will say. Its `object` has no signatures. */
  readonly record: PrincipalRecord;
}

/**
 * Reads the body of a proposal, and works out what its subject would sign. So the subject need not believe who sent it: it looks at `record`,
 * its own key and the authority included, and signs the `signInput` that is found here.
 *
 * @param body - kept, and what comes out holds views of it
 * @throws TridcommError `E_ENCODING`, `E_LIMIT`, `E_KEY` for what is no body of a principal record; `E_USAGE` for an authority id of another
 * width
 * @spec principals.8
 */
export function readProposal(provider: CryptoProvider, authorityId32: Uint8Array, body: Uint8Array): ReadProposal {
  const kind = objectKinds.principalRecord;
  const object = parseObject(provider, encodeObject(provider, kind, authorityId32, body, []), kind);
  const record = decodePrincipalRecord(provider, object);
  const { prefix44 } = object;
  const signInput = signInputOf(provider, labels.principalRecord, record.key.keyId32, authorityId32, prefix44, body);
  return { body, signInput, record };
}
