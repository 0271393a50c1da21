/**
 * The tokenization "13a" that BLEU figures are compared under: mteval-v13a as sacreBLEU has it
 * (https://github.com/mjpost/sacrebleu).
 */
export function tokenize13a(line: string): string[] {
  return splitWestern(
    ` ${unescapeEntities(line.replaceAll('<skipped>', '').replaceAll('-\n', '').replaceAll('\n', ' '))} `,
  );
}

/** The rules of mteval-v13a for a line that is cleaned already; 'zh' uses them too. */
export function splitWestern(line: string): string[] {
  const text = line
    // punctuation and symbols of ASCII stand alone; period and comma do unless between digits; so does a dash after a digit
    .replace(/([{-~[-` -&(-+:-@/])/g, ' $1 ')
    .replace(/([^0-9])([.,])/g, '$1 $2 ')
    .replace(/([.,])([^0-9])/g, ' $1 $2')
    .replace(/([0-9])(-)/g, '$1 $2 ');
  return split(text);
}

function unescapeEntities(text: string): string {
  return text.includes('&')
    ? text.replaceAll('&quot;', '"').replaceAll('&amp;', '&').replaceAll('&lt;', '<').replaceAll('&gt;', '>')
    : text;
}

/** Splits at white space as Python's str.split does: unlike \s, it has 1C to 1F and 85, and no U+FEFF. */
export function split(text: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Python counts them as white space
  return text.split(/(?:(?!\ufeff)[\s\u001c-\u001f\u0085])+/u).filter((word) => word !== '');
}

/** Cuts white space off the end as Python's str.rstrip does. */
export function stripEnd(text: string): string {
  let end = text.length;
  while (end > 0 && split(text[end - 1]!).length === 0) end--;
  return text.slice(0, end);
}

/** sacreBLEU's 'char': every character but white space is a word. */
export function tokenizeCharacters(line: string): string[] {
  return [...split(line).join('')];
}
