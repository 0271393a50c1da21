import { stripVTControlCharacters } from 'node:util';

/** A terminal, or what stands for one. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const lines = new WeakMap<Output, StatusLine>();

/**
 * The last line of a terminal, which changes while lines that stay scroll by above it. Everyone who shows something there has a part of
 * the one line, so that runs at the same time do not write over each other. Where the output is no terminal, only lines that stay are written.
 */
export class StatusLine {
  readonly #out: Output;
  readonly #parts = new Map<object, string>();

  private constructor(out: Output) {
    this.#out = out;
  }

  /** The line of an output: the same one for all. */
  static of(out: Output): StatusLine {
    const line = lines.get(out) ?? new StatusLine(out);
    lines.set(out, line);
    return line;
  }

  /** Shows `text` as the owner's part; null takes it away. */
  show(owner: object, text: string | null): void {
    if (text !== null) this.#parts.set(owner, text);
    else if (!this.#parts.delete(owner)) return;
    if (this.#out.isTTY) this.#out.write(this.#drawn());
  }

  /** Writes a line that stays. */
  print(text: string): void {
    if (!this.#out.isTTY) this.#out.write(`${text}\n`);
    else this.#out.write(`\r\u001b[K${text}\n${this.#parts.size > 0 ? this.#drawn() : ''}`);
  }

  #drawn(): string {
    const line = stripVTControlCharacters([...this.#parts.values()].join(' | '));
    const room = (this.#out.columns ?? 80) - 1; // a line that is full would scroll
    return `\r${line.length > room ? `${line.slice(0, room - 1)}…` : line}\u001b[K`;
  }
}
