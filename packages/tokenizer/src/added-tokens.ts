import { classOf, isWhiteSpace, MARK, NUMBER } from './unicode.ts';

/** A token that is found in the text before it is split; fields as in tokenizer.json. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Matched only between characters that do not belong to words. */
  readonly singleWord: boolean;
  /** Takes the white space before it. */
  readonly lstrip: boolean;
  /** Takes the white space behind it. */
  readonly rstrip: boolean;
  /** Matched in the normalized text. */
  readonly normalized: boolean;
  /** Left out by `decode` unless asked for. */
  readonly special: boolean;
}

/**
 * Gives added tokens the ids that the reference gives them: the model's own where it knows the token, otherwise the next free
 * one, whatever the file says. A token that comes twice is taken once.
 * @param idOf the model's id of a token.
 * @param tokenCount how many tokens the model has, fewer than ids where there are holes.
 */
export function assignIds(
  tokens: readonly AddedToken[],
  idOf: (token: string) => number | undefined,
  tokenCount: number,
): AddedToken[] {
  const byContent = new Map<string, AddedToken>();
  let next = tokenCount;
  for (const token of tokens) {
    if (token.content === '') continue;
    const id = idOf(token.content) ?? byContent.get(token.content)?.id ?? next;
    next = Math.max(next, id + 1);
    byContent.set(token.content, { ...token, id });
  }
  return [...byContent.values()];
}

/** A stretch of text: an added token, or text to split (id −1). */
export interface Section {
  readonly start: number;
  readonly end: number;
  readonly id: number;
}

/** Finds added tokens: leftmost first, longest among those that start at the same place. */
export class AddedTokenMatcher {
  readonly #byFirst = new Map<string, AddedToken[]>();
  /** The character that all tokens begin with; null where they differ. */
  readonly #only: string | null;
  /** Any character that a token begins with. */
  #first = /$^/g;

  constructor(tokens: readonly AddedToken[]) {
    for (const token of tokens) {
      if (token.content === '') continue;
      const first = token.content[0]!;
      const list = this.#byFirst.get(first) ?? [];
      list.push(token);
      this.#byFirst.set(first, list);
    }
    for (const list of this.#byFirst.values()) list.sort((a, b) => b.content.length - a.content.length);
    this.#only = this.#byFirst.size === 1 ? [...this.#byFirst.keys()][0]! : null;
    const codes = [...this.#byFirst.keys()].map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
    if (codes.length > 0) this.#first = new RegExp(`[${codes.join('')}]`, 'g');
  }

  /** @param skip contents that stay text. */
  split(text: string, skip: ReadonlySet<string> | null = null): Section[] {
    const sections: Section[] = [];
    let done = 0;
    for (let at = this.#next(text, 0); at >= 0; at = this.#next(text, at + 1)) {
      const token = this.#byFirst.get(text[at]!)?.find((t) => text.startsWith(t.content, at));
      if (!token) continue;
      if (skip?.has(token.content)) {
        at += token.content.length - 1;
        continue;
      }
      const after = at + token.content.length;
      if (token.singleWord && (isWordAt(text, at - 1) || isWordAt(text, after))) {
        at = after - 1; // the reference goes on behind a match that it rejects
        continue;
      }
      let [start, end] = [at, after];
      if (token.lstrip) while (start > done && isWhiteSpace(text.charCodeAt(start - 1))) start--;
      if (token.rstrip) while (end < text.length && isWhiteSpace(text.charCodeAt(end))) end++;
      if (start > done) sections.push({ start: done, end: start, id: -1 });
      sections.push({ start, end, id: token.id });
      done = end;
      at = end - 1;
    }
    if (done < text.length) sections.push({ start: done, end: text.length, id: -1 });
    return sections;
  }

  /** Where a token may begin next, −1 for nowhere. */
  #next(text: string, from: number): number {
    if (this.#byFirst.size === 0) return -1;
    if (this.#only !== null) return text.indexOf(this.#only, from);
    this.#first.lastIndex = from;
    return this.#first.exec(text)?.index ?? -1;
  }
}

/** Whether a word character (letter, mark, number, underscore) stands at this place. */
function isWordAt(text: string, at: number): boolean {
  if (at < 0 || at >= text.length) return false;
  const unit = text.charCodeAt(at);
  const code = unit >= 0xdc00 && unit <= 0xdfff && at > 0 ? text.codePointAt(at - 1)! : text.codePointAt(at)!;
  const kind = classOf(code);
  return kind >= MARK || kind === NUMBER || code === 0x5f;
}
