export interface LinesOptions {
  /** The most characters that a line may have. Default 2^20. */
  readonly maxLineLength?: number;
}

/** Text that comes in pieces, cut into lines without their ends (\n or \r\n). */
export class LineSplitter {
  readonly #longest: number;
  #rest = '';
  #number = 0;

  constructor({ maxLineLength = 2 ** 20 }: LinesOptions = {}) {
    this.#longest = maxLineLength;
  }

  /** The lines that the piece ends. @throws RangeError naming the line when one is longer than `maxLineLength`. */
  *push(piece: string): Generator<string> {
    const text = this.#rest + piece;
    let from = 0;
    for (let end = text.indexOf('\n', this.#rest.length); end >= 0; end = text.indexOf('\n', from)) {
      yield this.#finish(withoutReturn(text.slice(from, end)));
      from = end + 1;
    }
    this.#rest = text.slice(from);
    this.#check(withoutReturn(this.#rest)); // a \r there may be half of the line's end
  }

  /** The last line, where the text does not end in a line's end. */
  *end(): Generator<string> {
    const rest = this.#rest;
    this.#rest = '';
    if (rest !== '') yield this.#finish(rest);
  }

  #finish(line: string): string {
    this.#check(line);
    this.#number++;
    return line;
  }

  #check(line: string): void {
    if (line.length > this.#longest)
      throw new RangeError(`line ${this.#number + 1} has more than ${this.#longest} characters`);
  }
}

const withoutReturn = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line);
