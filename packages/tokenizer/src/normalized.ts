/**
 * Text on its way through normalizers and pre-tokenizers. When it is tracked, every UTF-16 unit knows which units of the
 * original text it came from; otherwise only the text is kept, which is several times faster.
 */
export class Normalized {
  text: string;
  /** Per unit, where the original character starts and ends; null when offsets are not asked for. */
  starts: Int32Array | null;
  ends: Int32Array | null;
  /** Where this text starts in the original. */
  readonly #origin: number;

  private constructor(text: string, origin: number, starts: Int32Array | null, ends: Int32Array | null) {
    this.text = text;
    this.#origin = origin;
    this.starts = starts;
    this.ends = ends;
  }

  /** @param origin where `text` starts in the original. */
  static of(text: string, origin: number, track: boolean): Normalized {
    if (!track) return new Normalized(text, origin, null, null);
    const starts = new Int32Array(text.length);
    const ends = new Int32Array(text.length);
    for (let i = 0; i < text.length; ) {
      const size = text.codePointAt(i)! > 0xffff ? 2 : 1;
      starts.fill(origin + i, i, i + size);
      ends.fill(origin + i + size, i, i + size);
      i += size;
    }
    return new Normalized(text, origin, starts, ends);
  }

  get origin(): number {
    return this.starts && this.starts.length > 0 ? this.starts[0]! : this.#origin;
  }

  slice(start: number, end: number): Normalized {
    const starts = this.starts?.subarray(start, end) ?? null;
    const ends = this.ends?.subarray(start, end) ?? null;
    return new Normalized(this.text.slice(start, end), this.#origin + start, starts, ends);
  }

  /**
   * Replaces the text by characters that say how they came about: change 0 takes the place of the next old character, 1 is
   * inserted behind the one before, −n takes the place of the next and swallows n more.
   * @param skipped old characters dropped before the first new one.
   */
  transform(characters: readonly string[], changes: readonly number[], skipped = 0): void {
    const old = this.text;
    this.text = characters.join('');
    const { starts, ends } = this;
    if (!starts || !ends) return;
    const sizeAt = (at: number): number => (at >= old.length ? 0 : old.codePointAt(at)! > 0xffff ? 2 : 1);
    const newStarts = new Int32Array(this.text.length);
    const newEnds = new Int32Array(this.text.length);
    let at = 0;
    for (let i = 0; i < skipped; i++) at += sizeAt(at);
    let out = 0;
    for (let i = 0; i < characters.length; i++) {
      const change = changes[i]!;
      const from = change > 0 ? at - 1 : at;
      const [start, end] = from < 0 ? [0, 0] : [starts[from] ?? 0, ends[from] ?? 0];
      for (let size = characters[i]!.length; size > 0; size--) {
        newStarts[out] = start;
        newEnds[out++] = end;
      }
      if (change <= 0) for (let n = 1 - change; n > 0; n--) at += sizeAt(at);
    }
    this.starts = newStarts;
    this.ends = newEnds;
  }

  /** Keeps the characters that pass. */
  filter(keep: (code: number) => boolean): void {
    const { text, starts, ends } = this;
    const kept: number[] = [];
    let result = '';
    for (let i = 0; i < text.length; ) {
      const code = text.codePointAt(i)!;
      const size = code > 0xffff ? 2 : 1;
      if (keep(code)) {
        result += text.slice(i, i + size);
        if (starts) for (let k = 0; k < size; k++) kept.push(i + k);
      }
      i += size;
    }
    if (result.length === text.length) return;
    this.text = result;
    if (starts) this.starts = Int32Array.from(kept, (i) => starts[i]!);
    if (ends) this.ends = Int32Array.from(kept, (i) => ends[i]!);
  }

  /** Replaces stretches of the text (in order, not overlapping) by one string, which belongs to the last character of each. */
  replace(matches: readonly (readonly [number, number])[], content: string): void {
    if (matches.length === 0) return;
    const { text, starts, ends } = this;
    let [result, done] = ['', 0];
    const newStarts: number[] = [];
    const newEnds: number[] = [];
    const copy = (to: number): void => {
      result += text.slice(done, to);
      if (starts && ends)
        for (let i = done; i < to; i++) {
          newStarts.push(starts[i]!);
          newEnds.push(ends[i]!);
        }
    };
    for (const [start, end] of matches) {
      copy(start);
      result += content;
      if (starts && ends)
        for (let i = 0; i < content.length; i++) {
          newStarts.push(end > 0 ? starts[end - 1]! : 0);
          newEnds.push(end > 0 ? ends[end - 1]! : 0);
        }
      done = end;
    }
    copy(text.length);
    this.text = result;
    if (!starts) return;
    this.starts = Int32Array.from(newStarts);
    this.ends = Int32Array.from(newEnds);
  }

  /** Puts text before this one; it belongs to the first character. Nothing happens to an empty text. */
  prepend(content: string): void {
    if (this.text === '') return;
    const { starts, ends } = this;
    this.text = content + this.text;
    if (!starts || !ends) return;
    this.starts = concat(new Int32Array(content.length).fill(starts[0]!), starts);
    this.ends = concat(new Int32Array(content.length).fill(ends[0]!), ends);
  }
}

function concat(a: Int32Array, b: Int32Array): Int32Array {
  const both = new Int32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
