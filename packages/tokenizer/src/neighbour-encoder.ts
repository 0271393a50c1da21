import type { IdBuffer } from './id-buffer.ts';
import type { MergeOrder } from './merge-order.ts';
import type { TokenBytes } from './token-bytes.ts';

/**
 * Byte-pair encoding without merging: from left to right the longest token that may stand behind the one before, going back
 * where none may. A place that led nowhere is not tried again, so that the time is linear in the text.
 */
export class NeighbourEncoder {
  readonly #tokens: TokenBytes;
  readonly #order: MergeOrder;
  /** Place in the piece → 1 where no encoding goes on from there. */
  #dead: Uint8Array = new Uint8Array(256);

  /** @param order of a vocabulary that has every byte. */
  constructor(tokens: TokenBytes, order: MergeOrder) {
    this.#tokens = tokens;
    this.#order = order;
    order.findShorter(tokens.trie.prefixes);
  }

  /** What is known of each token (merge-order.ts). */
  get facts(): Int32Array {
    return this.#order.facts;
  }

  /** Whether merging gives this token. */
  makes(id: number): boolean {
    return this.#order.makes(id);
  }

  /** Appends the ids of the piece `[start, end)`. @param longest the longest token that it begins with. */
  encode(bytes: Uint8Array, start: number, end: number, longest: number, ids: IdBuffer): void {
    const order = this.#order;
    const { trie } = this.#tokens;
    if (this.#dead.length <= end - start) this.#dead = new Uint8Array(2 * (end - start));
    const dead = this.#dead;
    ids.reserve(end - start);
    const { values } = ids;
    const first = ids.length;
    let size = first;
    let last = -1;
    let wentBack = false;
    let token = longest;
    if (!order.makes(token)) token = order.shorter(token);
    for (let at = start; at < end; ) {
      let next = at + order.lengthOf(token);
      while ((wentBack && dead[next - start] === 1) || (last >= 0 && !order.neighbours(last, token))) {
        token = order.shorter(token);
        if (token < 0) break;
        next = at + order.lengthOf(token);
      }
      if (token >= 0) {
        values[size++] = token;
        last = token;
        at = next;
        if (at === end) break;
        token = trie.longest(bytes, at, end);
        if (!order.makes(token)) token = order.shorter(token);
      } else {
        if (size === first) throw new Error('the merges of the vocabulary contradict each other');
        dead[at - start] = 1;
        wentBack = true;
        token = last;
        size--;
        last = size > first ? values[size - 1]! : -1;
        at -= order.lengthOf(token);
      }
    }
    if (wentBack) dead.fill(0, 0, end - start + 1);
    ids.length = size;
  }
}
