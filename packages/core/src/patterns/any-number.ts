import { TridcommError } from '../errors.ts';
import type { FreshnessRule } from '../replay/freshness.ts';
import type { ReplayState } from '../replay/sourced-replay.ts';

/** A replay state to which every number is new, and that accepts none: for who asks what an envelope is, and not what is in it. */
export class AnyNumber implements ReplayState {
  readonly freshness: FreshnessRule;

  constructor(freshness: FreshnessRule) {
    this.freshness = freshness;
  }

  lookUp(): 'new' {
    return 'new';
  }

  compare(): void {}

  decideFork(): void {}

  pendingWrites(): undefined {
    return undefined;
  }

  stored(): undefined {
    return undefined;
  }

  commit(): never {
    throw new TridcommError('E_INTERNAL', 'acceptance without a replay state');
  }
}
