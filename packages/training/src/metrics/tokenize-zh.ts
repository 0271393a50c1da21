import { splitWestern } from './tokenize-13a.ts';

/**
 * What sacreBLEU's 'zh' takes for a Chinese character. Its two ranges past U+FFFF are cut off after four digits there, so that
 * they cover 2001 to 2A6D (dashes and quotation marks among them) and 2F81 to 2FA1 instead, and no ideograph of extension B.
 * Published figures have that, so it is kept.
 */
const CHINESE =
  /[\u3400-\u4db5\u4e00-\u9fbb\uf900-\ufa2d\ufa30-\ufa6a\ufa70-\ufad9\uff00-\uffef\u2001-\u2a6d\u2e80-\u2eff\u2f00-\u2fdf\u2ff0-\u303f\u3100-\u312f\u31a0-\u31bf\u31c0-\u31ef\u3200-\u33ff\ufe10-\ufe1f\ufe30-\ufe4f]/gu;

/** sacreBLEU's 'zh': every Chinese character is a word, the rest follows 13a's rules; entities stay as they are. */
export function tokenizeZh(line: string): string[] {
  return splitWestern(line.replace(CHINESE, ' $& '));
}
