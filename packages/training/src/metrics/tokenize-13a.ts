/**
 * The tokenization "13a" that BLEU figures are compared under: mteval-v13a as sacreBLEU has it
 * (https://github.com/mjpost/sacrebleu).
 */
export function tokenize13a(line: string): string[] {
  const text = ` ${unescape(line.replaceAll('<skipped>', '').replaceAll('-\n', '').replaceAll('\n', ' '))} `
    // punctuation and symbols of ASCII stand alone; period and comma do unless between digits; so does a dash after a digit
    .replace(/([{-~[-` -&(-+:-@/])/g, ' $1 ')
    .replace(/([^0-9])([.,])/g, '$1 $2 ')
    .replace(/([.,])([^0-9])/g, ' $1 $2')
    .replace(/([0-9])(-)/g, '$1 $2 ');
  return split(text);
}

function unescape(text: string): string {
  return text.includes('&')
    ? text.replaceAll('&quot;', '"').replaceAll('&amp;', '&').replaceAll('&lt;', '<').replaceAll('&gt;', '>')
    : text;
}

/** Splits at white space as Python's str.split does. */
export function split(text: string): string[] {
  return text.split(/[\s\u001c-\u001f\u0085]+/u).filter((word) => word !== '');
}
