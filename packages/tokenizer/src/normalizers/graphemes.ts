/**
 * Characters that begin a grapheme (https://www.unicode.org/reports/tr29) whatever stands before, but for the few below, and that
 * nothing of the kind follows: letters, ideographs and punctuation of the most frequent scripts.
 */
const PLAIN: RegExp =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: each is a grapheme
  /[\0-\x09\x0b-\x7e\xa1-\xa8\xaa-\xac\xaf-\u02ff\u0370-\u0482\u048a-\u0559\u2010-\u2027\u3001-\u3029\u3041-\u3096\u30a1-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff01-\uff5e]/;
/** What the next character is part of a grapheme with. */
const PREPENDED: RegExp =
  /[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e\u{110bd}\u{110cd}\u{111c2}\u{111c3}\u{1193f}\u{11941}\u{11a3a}\u{11a84}-\u{11a89}\u{11d46}\u{11f02}]/u;

let plain: Uint8Array | undefined;
let segmenter: Intl.Segmenter | undefined;

/** By UTF-16 unit. */
function plainUnits(): Uint8Array {
  plain ??= Uint8Array.from({ length: 0x10000 }, (_, unit) => (PLAIN.test(String.fromCharCode(unit)) ? 1 : 0));
  return plain;
}

/** How much is looked at first where graphemes are not plain. */
const WINDOW = 32;
const LINE_FEED = 10;
const RETURN = 13;

/**
 * Calls for every grapheme of a text, in order. The engine's segmenter, whose time is not linear, sees only the stretches that
 * need it, in small parts.
 */
export function eachGrapheme(text: string, take: (start: number, end: number) => void): void {
  const units = plainUnits();
  const cutBefore = (at: number): boolean => {
    if (at >= text.length) return true;
    const unit = text.charCodeAt(at);
    if (unit === LINE_FEED) return text.charCodeAt(at - 1) !== RETURN;
    if (units[unit] === 0) return false;
    if (units[text.charCodeAt(at - 1)] === 1) return true;
    const low = text.charCodeAt(at - 1);
    const code = low >= 0xdc00 && low < 0xe000 && at > 1 ? text.codePointAt(at - 2)! : low;
    return !PREPENDED.test(String.fromCodePoint(code));
  };
  for (let at = 0; at < text.length; ) {
    let end = at + 1;
    if (cutBefore(end)) {
      take(at, end);
      at = end;
      continue;
    }
    // No part is longer than its graphemes need.
    for (let size = WINDOW; ; size *= 2) {
      end = at + 1;
      while (end < at + size && !cutBefore(end)) end++;
      if ((text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end = Math.min(text.length, end + 1); // pairs stay whole
      const whole = cutBefore(end);
      segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
      const part = text.slice(at, end);
      let next = at;
      for (const { index, segment } of segmenter.segment(part)) {
        const stop = index + segment.length;
        if (stop === part.length && !whole) break; // it may go on
        take(at + index, at + stop);
        next = at + stop;
      }
      if (next > at) {
        at = next;
        break;
      }
    }
  }
}
