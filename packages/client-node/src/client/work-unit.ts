import type { Lease, Work, WorkDelivery, WorkReply } from '@tridcomm/core';
import { hexOf } from '@tridcomm/core/internal';

/** `released`: it was not done here, and may come again. */
export type PieceState = 'waiting' | 'running' | 'done' | 'released';

/** One request, job or message of a unit, and what has become of it. */
export interface Piece {
  work: Work;
  /** Changed by {@link WorkUnit.move} alone. */
  state: PieceState;
  /** What a request or message was answered with, or is to be. */
  answer: WorkReply | undefined;
}

/** A lease, and until when the broker gives its unit to nobody else. */
interface HeldLease {
  readonly lease: Lease;
  readonly untilMs: number;
}

/**
 * A unit of work that came, with what has become of its requests or jobs: kept for as long as it may come again, as it is opened once only.
 *
 * Times are of a clock that does not jump.
 */
export class WorkUnit {
  readonly name: string;
  /** None of jobs that are done. */
  pieces: readonly Piece[];
  readonly receivedMs: number;
  /** As it came last; undefined when it is done. */
  delivery: WorkDelivery | undefined;
  /** Answers that the broker has not taken yet. */
  unanswered = 0;
  /** An answer did not get out: it has to be asked for again. */
  hasLostAnswer = false;
  /** How often it was given back. */
  returns = 0;
  /** While it is to be given back after a pause. */
  pause: NodeJS.Timeout | undefined;
  #repeatFromMs = 0;
  readonly #leases: HeldLease[] = [];
  /** Pieces by their state: there may be thousands, and each that changes asks for all. */
  readonly #counts: Record<PieceState, number>;
  readonly #total: number;
  #bytes: number;

  constructor(delivery: WorkDelivery, nowMs: number) {
    this.name = nameOfUnit(delivery);
    this.delivery = delivery;
    this.receivedMs = nowMs;
    this.pieces = delivery.works.map((work) => ({ work, state: 'waiting', answer: undefined }));
    this.#total = this.pieces.length;
    this.#counts = { waiting: this.#total, running: 0, done: 0, released: 0 };
    this.#bytes = bytesOf(this.pieces);
  }

  /** Held for it, about. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether nobody works on it, and nothing of it is on its way. */
  get isIdle(): boolean {
    return this.unanswered === 0 && this.#counts.done + this.#counts.released === this.#total;
  }

  /** Whether it is to be given back, where it is idle. */
  get isLeft(): boolean {
    return this.hasLostAnswer || this.#counts.released > 0;
  }

  move(piece: Piece, state: PieceState): void {
    this.#counts[piece.state]--;
    this.#counts[state]++;
    piece.state = state;
  }

  hasLease(nowMs: number): boolean {
    return this.#leases.some(({ untilMs }) => nowMs < untilMs);
  }

  /** Whether it came in a way that nobody takes back. */
  get hasEndlessLease(): boolean {
    return this.#leases.some(({ untilMs }) => untilMs === Infinity);
  }

  /** @param untilMs - Infinity where nobody takes it back */
  addLease(lease: Lease, untilMs: number): void {
    this.#leases.push({ lease, untilMs });
  }

  /** Whether what was answered may be said again to who brought it without a lease: so that nobody makes it a flood. */
  mayRepeat(nowMs: number): boolean {
    if (nowMs < this.#repeatFromMs) return false;
    this.#repeatFromMs = nowMs + repeatMs;
    return true;
  }

  /** It is done: the answers are kept, and nothing else. Of jobs nobody asks more than that. */
  done(): void {
    if (this.delivery === undefined) return;
    const isJob = this.delivery.kind === 'job';
    this.delivery = undefined;
    if (isJob) this.pieces = [];
    for (const piece of this.pieces) piece.work = { ...piece.work, key16: nothing, body: nothing };
    this.#bytes = isJob ? pieceBytes : bytesOf(this.pieces);
  }

  /** The link is over, and the leases of its broker with it: what nobody takes back stays. */
  lose(): void {
    const kept = this.#leases.filter(({ untilMs }) => untilMs === Infinity);
    this.#leases.splice(0, this.#leases.length, ...kept);
  }

  /** Its leases, to be settled. */
  takeLeases(): Lease[] {
    return this.#leases.splice(0).map(({ lease }) => lease);
  }
}

/** The same for all copies of a unit. */
export function nameOfUnit({ id32, leaf }: Pick<WorkDelivery, 'id32' | 'leaf'>): string {
  return `${hexOf(id32)}/${leaf ?? ''}`;
}

function bytesOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { work, answer }) => {
    return sum + pieceBytes + work.body.length + (answer?.status === 'final' ? answer.body.length : 0);
  }, 0);
}

const repeatMs = 1_000;
/** What is held besides, about; of all jobs of a unit when they are done. */
const pieceBytes = 256;
const nothing = new Uint8Array(0);
