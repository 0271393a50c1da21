export interface LinesOptions {
  /** The most characters that a line may have. Default 2^20. */
  readonly maxLineLength?: number;
}

/** Text that comes in pieces, cut into lines without their ends (\n or \r\n). */
export class LineSplitter {
  readonly #longest: number;
  #rest = '';
  #number = 0;
  #tooLong = false;

  constructor({ maxLineLength = 2 ** 20 }: LinesOptions = {}) {
    this.#longest = maxLineLength;
  }

  /** The lines that the piece ends. Call `check` when these are given out: one may be too long, and those before it count. */
  push(piece: string): readonly string[] {
    const text = this.#rest === '' ? piece : this.#rest + piece;
    const lines: string[] = [];
    let from = 0;
    for (let end = text.indexOf('\n', this.#rest.length); end >= 0; end = text.indexOf('\n', from)) {
      const line = text.slice(from, end > from && text.charCodeAt(end - 1) === RETURN ? end - 1 : end);
      if (line.length > this.#longest) {
        this.#tooLong = true;
        return lines;
      }
      lines.push(line);
      this.#number++;
      from = end + 1;
    }
    this.#rest = text.slice(from);
    // A \r at the end may be half of the line's end.
    this.#tooLong = this.#rest.length - (this.#rest.endsWith('\r') ? 1 : 0) > this.#longest;
    return lines;
  }

  /** The last line, where the text does not end in a line's end. */
  end(): readonly string[] {
    const rest = this.#rest;
    this.#rest = '';
    this.#tooLong = rest.length > this.#longest;
    return rest === '' || this.#tooLong ? [] : [rest];
  }

  /** @throws RangeError naming the line that is longer than `maxLineLength`. */
  check(): void {
    if (this.#tooLong) throw new RangeError(`line ${this.#number + 1} has more than ${this.#longest} characters`);
  }
}

const RETURN = 13;
