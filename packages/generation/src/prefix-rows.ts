import type { RowDecoder } from './continuous-batching.ts';

interface Kept {
  readonly row: number;
  readonly text: readonly number[];
}

/** Fewer common tokens than this are read again rather than looked for. */
const LEAST = 8;

/** Rows of ended texts, so that a prompt that begins like one of them goes on from there. */
export class PrefixRows {
  readonly #decoder: RowDecoder;
  readonly #most: number;
  /** The longest unused first. */
  readonly #kept: Kept[] = [];

  constructor(decoder: RowDecoder, most: number) {
    this.#decoder = decoder;
    this.#most = most;
  }

  /** Keeps the row of an ended text; rows whose text is not known go at once. */
  retire(rows: readonly number[], text: readonly number[] | undefined): void {
    const [row] = rows;
    if (row === undefined) return;
    if (text && rows.length === 1 && text.length >= LEAST) this.#kept.push({ row, text });
    else for (const each of rows) this.#decoder.remove(each);
    this.shrink(this.#most);
  }

  /** Lets the longest unused go, until there are `count`. */
  shrink(count: number): void {
    while (this.#kept.length > Math.max(0, count)) this.#decoder.remove(this.#kept.shift()!.row);
  }

  /** A row that has read as much of the tokens as one of the kept has, all but the last `unread` at most; else a new row. */
  take(tokens: readonly number[], unread: number): { row: number; length: number } {
    const most = tokens.length - unread;
    let best: Kept | undefined;
    let length = LEAST - 1;
    for (const kept of this.#kept) {
      let common = 0;
      while (common < most && common < kept.text.length && kept.text[common] === tokens[common]) common++;
      if (common > length) [best, length] = [kept, common];
    }
    if (!best) return { row: this.#decoder.add(), length: 0 };
    this.#kept.splice(this.#kept.indexOf(best), 1);
    this.#decoder.truncate(best.row, length);
    return { row: best.row, length };
  }
}
