/** @param last whether this text ends a token of the next stage; a fused token comes in several texts. */
export type Emit = (text: string, last: boolean) => void;

/** One step from tokens to text, given the tokens as they come. */
export interface Stage {
  push(text: string, last: boolean, emit: Emit): void;
  end(emit: Emit): void;
}

/** Changes whole tokens one by one; null drops a token. */
export class TokenStage implements Stage {
  readonly #rule: (token: string, first: boolean, last: boolean) => string | null;
  readonly #needsLast: boolean;
  #part = '';
  #held: string | null = null;
  #first = true;

  constructor(rule: (token: string, first: boolean, last: boolean) => string | null, needsLast: boolean) {
    this.#rule = rule;
    this.#needsLast = needsLast;
  }

  push(text: string, last: boolean, emit: Emit): void {
    this.#part += text;
    if (!last) return;
    const token = this.#part;
    this.#part = '';
    if (!this.#needsLast) this.#put(token, false, emit);
    else {
      if (this.#held !== null) this.#put(this.#held, false, emit);
      this.#held = token;
    }
  }

  end(emit: Emit): void {
    if (this.#held !== null) this.#put(this.#held, true, emit);
  }

  #put(token: string, last: boolean, emit: Emit): void {
    const text = this.#rule(token, this.#first, last);
    this.#first = false;
    if (text !== null) emit(text, true);
  }
}

/** Makes one token of all. */
export class FuseStage implements Stage {
  push(text: string, _last: boolean, emit: Emit): void {
    emit(text, false);
  }

  end(emit: Emit): void {
    emit('', true);
  }
}

/** Puts something between tokens. */
export class JoinStage implements Stage {
  readonly #between: string;
  #first = true;

  constructor(between: string) {
    this.#between = between;
  }

  push(text: string, last: boolean, emit: Emit): void {
    emit(this.#first ? text : this.#between + text, last);
    this.#first = false;
  }

  end(): void {}
}
