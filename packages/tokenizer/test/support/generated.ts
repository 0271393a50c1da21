/** Texts of every kind from a seed, for comparing with references. */

/** mulberry32 */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const fixed = [
  "'s",
  "'S",
  "'ſ",
  "'ll",
  "'LL",
  "'rE",
  "'",
  "it's",
  "I'M",
  ' ',
  '  ',
  '\t',
  '\n',
  '\r\n',
  '\n\n ',
  '\u0085',
  '\u00a0',
  '\u3000',
  '\ufeff',
  '\u180e',
  '\u200b',
  '\0',
  '\u200d',
  '\u0301',
  '\u20e3',
  '👩‍👩‍👧',
  '👍🏽',
  '🇩🇪',
  'ǅ',
  'ʰ',
  'ª',
  'İ',
  'K',
  '\ud800',
  '\udc00',
  'שלום',
  'مرحبا',
  '中文',
  '123',
  '4',
  '٣',
  '½',
  'Ⅷ',
  '...',
  '/',
  '//',
  '_',
  '<|endoftext|>',
  'Hello',
  ' the',
  'XMLHttp',
  'camelCase',
  'function',
  '() => {\n',
  '==',
  ' world',
  '好',
  'a',
  ' a',
  'é',
  'e\u0301',
  '한국',
  'ก็',
];

/** @param source Text to take slices of. */
export function generatedText(random: () => number, source: string): string {
  const below = (n: number): number => Math.floor(random() * n);
  let text = '';
  for (let parts = 1 + below(12); parts > 0; parts--) {
    const kind = below(8);
    if (kind < 3) for (let n = 1 + below(6); n > 0; n--) text += fixed[below(fixed.length)]!;
    else if (kind === 3) {
      const block = below(0x1100) * 256;
      for (let n = 1 + below(8); n > 0; n--) text += String.fromCodePoint(Math.min(0x10ffff, block + below(256)));
    } else if (kind === 4) for (let n = 1 + below(10); n > 0; n--) text += String.fromCodePoint(below(0x3000));
    else if (kind === 5) text += fixed[below(fixed.length)]!.repeat(1 + below(90));
    else if (kind === 6) for (let n = below(80); n > 0; n--) text += String.fromCharCode(97 + below(26));
    else {
      const at = below(source.length);
      text += source.slice(at, at + below(200));
    }
  }
  return text;
}
