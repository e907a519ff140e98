import { readU64 } from '../bytes/bytes.ts';
import { addressTypes } from '../codepoints/address-types.gen.ts';
import { patternKinds } from '../codepoints/patterns.gen.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { signInput } from '../envelope/identity.ts';
import { TridcommError } from '../errors.ts';
import { hexOf } from '../client/hex.ts';
import type { TopicMatch } from '../keys/access-list.ts';
import { addressOf } from '../keys/address.ts';
import { decodeBundle, type AddressedObject } from '../keys/bundle.ts';
import type { RevocationList } from '../keys/revocation-list.ts';
import type { Trust } from '../keys/trust.ts';
import { StreamRate } from '../replay/stream-rate.ts';
import type { EnvelopeView } from '../wire/envelope.ts';
import { flagBits } from '../wire/header.ts';
import { bindingOf } from './bindings.ts';
import { ControlPlane, type TakenObject } from './control-plane.ts';
import { EdgeLists } from './edge-lists.ts';
import { typeOfObject } from './object-form.ts';
import { Retained } from './retained.ts';
import type { Takes } from './work.ts';

/** What the state of a relay is made of. */
export interface RelayStateOptions {
  readonly provider: CryptoProvider;
  readonly authorityId32: Uint8Array;
  /** Default 30,000. */
  readonly skewMs?: number | undefined;
  /** Gets authority records that came by a link, and are retained from now on. */
  readonly onAuthorityRecord?: (record: AddressedObject) => void;
}

/** A principal as the edge knows it. */
export interface EdgePrincipal {
  readonly keyId32: Uint8Array;
  /** The same in hex. */
  readonly keyId: string;
}

/** An object with its address and its address type. */
export interface TypedObject extends AddressedObject {
  readonly type: number;
}

/** A bundle that was judged as a whole, and counts when it is committed. */
export interface JudgedBundle {
  /** Those that are new, in the order in which they need each other. */
  readonly objects: readonly TypedObject[];
  /** Makes it count; before the next one is judged. */
  commit(nowMs: number): void;
}

/**
 * What a broker holds of its authority, and decides by: it knows of no links, and of no transport.
 *
 * @spec model.1, principals.22, principals.23, principals.37
 */
export class RelayState {
  readonly #provider: CryptoProvider;
  readonly #plane: ControlPlane;
  readonly #retained = new Retained();
  readonly #edges = new EdgeLists();
  readonly #rate: StreamRate;
  readonly #authorityId32: Uint8Array;
  #revoked: RevocationList | undefined;

  constructor({ provider, authorityId32, skewMs, onAuthorityRecord }: RelayStateOptions) {
    this.#provider = provider;
    this.#authorityId32 = authorityId32;
    this.#plane = new ControlPlane({
      provider,
      authorityId32,
      skewMs,
      onAuthorityRecord: (record) => {
        this.#retained.add(record, 0);
        onAuthorityRecord?.(record);
      },
    });
    // Seeds are uniform in every provider, so half of one will do for a hash key.
    const { secretKey } = provider.generateKeyPair('ed25519');
    this.#rate = new StreamRate({ hashKey16: secretKey.subarray(0, 16) });
  }

  /** What is believed; links may share it. */
  get trust(): Trust {
    return this.#plane.trust;
  }

  /**
   * Judges a bundle: all of it is taken, or where one object is refused nothing.
   *
   * @throws TridcommError the refusal
   * @spec principals.37
   */
  judge(bundle: Uint8Array, nowMs: number): JudgedBundle {
    const objects = inJudgingOrder(decodeBundle(bundle));
    const undo = this.#plane.mark();
    try {
      const taken = objects.map(({ address16, bytes }) => this.#plane.take(address16, bytes, nowMs));
      const held = taken.filter((one) => one.taken === 'held');
      return { objects: held, commit: (atMs) => this.#commit(held, atMs) };
    } catch (error) {
      undo();
      throw error;
    }
  }

  /**
   * Takes what an earlier life retained, as it judged it then: each object by itself, and those that do not hold are left out. A head
   * counts however old it is: that shows who is revoked, and members judge its age themselves.
   *
   * @param nowMs - when it was retained
   * @returns how many were left out
   */
  restore(objects: readonly AddressedObject[], nowMs: number): number {
    const known = objects.filter(({ bytes }) => isObject(bytes));
    let leftOut = objects.length - known.length;
    for (const { address16, bytes, type } of inJudgingOrder(known)) {
      const isHead = type === addressTypes.head || type === addressTypes.groupHead;
      const atMs = isHead ? Math.min(nowMs, readU64(bytes, issuedOffset)) : nowMs;
      try {
        const one = this.#plane.take(address16, bytes, atMs);
        if (one.taken === 'held') this.#commit([one], nowMs);
      } catch (error) {
        if (!(error instanceof TridcommError)) throw error;
        leftOut++;
      }
    }
    return leftOut;
  }

  /** Everything that is retained, in the order in which the objects need each other; views. */
  objects(nowMs: number): readonly AddressedObject[] {
    return inJudgingOrder(this.#retained.all(nowMs));
  }

  /** What is retained under an address, oldest first; views. */
  retained(address16: Uint8Array, nowMs: number): readonly Uint8Array[] {
    return this.#retained.under(address16, nowMs);
  }

  /** The authority records that are retained, from the first on; views. */
  get authorityRecords(): readonly Uint8Array[] {
    return this.#retained.under(
      addressOf(this.#provider, this.#authorityId32, addressTypes.authorityRecord, nothing),
      0,
    );
  }

  /** @param serial - of the record of the principal @spec principals.24 */
  isRevoked(keyId32: Uint8Array, serial: number): boolean {
    return this.#revoked?.isRevoked(keyId32, serial) === true;
  }

  /**
   * Whether a principal may publish this envelope, and starts streams no faster than it may.
   *
   * @returns the group whose list allows it, 16 bytes
   * @throws TridcommError `E_POLICY`, `E_LIMIT`
   * @spec principals.22, replay.18, delivery.6
   */
  checkEnvelope({ keyId, keyId32 }: EdgePrincipal, view: EnvelopeView, nowMs: number): Uint8Array {
    const { header } = view;
    for (let i = 0; i < 16; i++) {
      if (header.bytes[senderIdOffset + i] === keyId32[i]) continue;
      throw new TridcommError('E_POLICY', 'sender that is not the principal of the link');
    }
    const list = this.#edges.allowing(keyId, keyId32, view);
    if (list === undefined) throw new TridcommError('E_POLICY', 'envelope that no edge entry allows');
    if (!isReply(view)) this.#rate.check(header.bytes, nowMs);
    return list.bytes.subarray(8, 24);
  }

  /** @spec principals.22 */
  maySubscribe({ keyId, keyId32 }: EdgePrincipal, match: TopicMatch, nowMs: number): boolean {
    return this.#edges.allowsSubscription(keyId, keyId32, nowMs, match);
  }

  /**
   * What a principal may take as work; undefined where that is nothing.
   *
   * @param match - an exact one
   * @spec delivery.21, delivery.22
   */
  takesOf({ keyId, keyId32 }: EdgePrincipal, match: TopicMatch, nowMs: number): Takes | undefined {
    return this.#edges.takesOf(keyId, keyId32, nowMs, match);
  }

  /**
   * Verifies the signature of an envelope that {@link checkEnvelope} let pass.
   *
   * @param groupId16 - what that said
   * @param publicKey32 - of the principal of the link
   * @throws TridcommError `E_EPOCH` for an epoch of which no block or pool record is retained, `E_SIG`
   * @spec delivery.7
   */
  verifyEnvelope(
    { keyId32 }: Pick<EdgePrincipal, 'keyId32'>,
    publicKey32: Uint8Array,
    view: EnvelopeView,
    groupId16: Uint8Array,
    nowMs: number,
  ): void {
    const { header, protectedHeader, keyinfo, body, signature } = view;
    const bind32 = bindingOf(this.#provider, this.#retained, keyId32, view, hexOf(groupId16), nowMs);
    if (bind32 === undefined) throw new TridcommError('E_EPOCH', `epoch ${header.epoch}`);
    const signed = (header.flags & flagBits.merkle) === 0 ? body : nothing;
    const input = signInput(this.#provider, keyId32, bind32, protectedHeader, keyinfo, signed);
    if (!this.#provider.ed25519Verify(publicKey32, input, signature)) throw new TridcommError('E_SIG');
  }

  #commit(held: readonly TakenObject[], nowMs: number): void {
    for (const object of held) {
      this.#retained.add(object, nowMs);
      if (object.edge !== undefined) this.#edges.set(object.edge.groupId, object.edge.list);
      if (object.revoked !== undefined) this.#revoked = object.revoked;
    }
    for (const groupId of this.#plane.dropGroups()) {
      this.#edges.delete(groupId);
      this.#retained.dropGroup(groupId);
    }
  }
}

/** Whether an envelope answers another one: its stream is one of many that who asked began, not its sender. */
function isReply({ header: { patternKind } }: EnvelopeView): boolean {
  return replyKinds.has(patternKind);
}

const replyKinds: ReadonlySet<number> = new Set<number>([
  patternKinds.reqRep.reply,
  patternKinds.survey.reply,
  patternKinds.routerDealer.reply,
]);

function isObject(bytes: Uint8Array): boolean {
  try {
    typeOfObject(bytes);
    return true;
  } catch {
    return false;
  }
}

/** In the order in which they need each other; heads of groups from the lowest number on, as a lower one is refused after a higher. */
function inJudgingOrder(objects: readonly AddressedObject[]): readonly TypedObject[] {
  return objects
    .map(({ address16, bytes }) => {
      const type = typeOfObject(bytes);
      const headSeq = type === addressTypes.groupHead ? readU64(bytes, headSeqOffset) : 0;
      return { address16, bytes, type, rank: judgingOrder.indexOf(type), headSeq };
    })
    .sort((a, b) => a.rank - b.rank || a.headSeq - b.headSeq);
}

/** The order in which the objects of one bundle need each other. */
const judgingOrder: readonly number[] = [
  addressTypes.authorityRecord,
  addressTypes.principalRecord,
  addressTypes.keyRecord,
  addressTypes.policy,
  addressTypes.groupRecord,
  addressTypes.writers,
  addressTypes.edgeList,
  addressTypes.enrolment,
  addressTypes.keyBlock,
  addressTypes.poolRecord,
  addressTypes.groupHead,
  addressTypes.head,
  addressTypes.revocationList,
];
const nothing = new Uint8Array(0);
const senderIdOffset = 32;
const headSeqOffset = 40;
const issuedOffset = 48;
