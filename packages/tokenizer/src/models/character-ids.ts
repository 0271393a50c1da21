import { isId } from '../format.ts';

const BMP = 0x10000;

/** Tokens of one character → id, by code point. */
export class CharacterIds {
  /** Id plus one by code point; 0 where there is no token. */
  readonly #low: Int32Array = new Int32Array(BMP);
  readonly #high = new Map<number, number>();

  /** Of the tokens that begin with `prefix` and end with `suffix` and have one character between. */
  constructor(vocab: ReadonlyMap<string, number>, prefix: string, suffix: string) {
    for (const [token, id] of vocab) {
      const length = token.length - prefix.length - suffix.length;
      if (length < 1 || length > 2 || !token.startsWith(prefix) || !token.endsWith(suffix)) continue;
      const code = token.codePointAt(prefix.length)!;
      if (length !== (code < BMP ? 1 : 2) || !isId(id)) continue;
      if (code < BMP) this.#low[code] = id + 1;
      else this.#high.set(code, id);
    }
  }

  /** −1 where there is no token. */
  find(code: number): number {
    return code < BMP ? this.#low[code]! - 1 : (this.#high.get(code) ?? -1);
  }
}
