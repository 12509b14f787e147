/** What all kinds have in common: options, and what most of them say. */
import { type Edits, noEdits } from './edits.ts';
import {
  type Admitted,
  type AuthIdentity,
  type AuthKind,
  type AuthRequest,
  type Challenge,
  type Decision,
  type Judge,
  type Life,
  lasting,
} from './types.ts';

/** A kind with options of its own. It asks for nothing and cannot be guessed unless it says so. */
export abstract class KindOf<Options> implements Judge {
  abstract readonly kind: AuthKind;
  protected readonly options: Options;

  constructor(options: Options) {
    this.options = options;
  }

  abstract brings(request: AuthRequest): boolean;
  abstract decide(request: AuthRequest): Decision | Promise<Decision>;

  recognises(_request: AuthRequest): boolean {
    return true;
  }

  guessable(_request: AuthRequest): boolean {
    return false;
  }

  challenge(_request: AuthRequest): Challenge {
    return {};
  }

  remembers(_request: AuthRequest): boolean {
    return false;
  }

  own(_request: AuthRequest): Edits {
    return noEdits;
  }

  forwarded(_request: AuthRequest): Edits {
    return noEdits;
  }
}

/** Lets somebody in. */
export function letIn(identity: AuthIdentity, edits: Edits = noEdits, life: Life = lasting): Admitted {
  return { is: 'admitted', identity, edits, life };
}

/** The request goes on without its `Authorization` lines. */
export const withoutAuthorization: Edits = { ...noEdits, lines: new Set(['authorization']) };
