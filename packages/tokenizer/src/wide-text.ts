const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const unitDecoder = new TextDecoder('utf-16le', { ignoreBOM: true });
const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Room for texts of up to so many bytes is kept: to ask for it anew takes longer than to fill it. */
let kept = new Uint16Array(0);
const KEPT = 1 << 20;

/** So many bytes tell whether a text is mostly ASCII. */
const SAMPLES = 64;

/** The text of the first `end` bytes; bytes that are no UTF-8 give U+FFFD. */
export function textOf(bytes: Uint8Array, end: number): string {
  return (littleEndian && isWide(bytes, end) ? wideText(bytes, end) : null) ?? decoder.decode(bytes.subarray(0, end));
}

/** Whether a quarter or more is not ASCII: engines decode ASCII fast and other text slowly. */
function isWide(bytes: Uint8Array, end: number): boolean {
  if (end < SAMPLES) return false;
  const step = Math.floor(end / SAMPLES);
  let wide = 0;
  for (let i = 0; i < SAMPLES; i++) wide += bytes[i * step]! >> 7;
  return wide >= SAMPLES / 4;
}

/** UTF-16 from UTF-8 in one loop; null where the bytes are not valid, as whatever decodes them then counts the wrong ones. */
function wideText(bytes: Uint8Array, end: number): string | null {
  if (kept.length < end && end <= KEPT) kept = new Uint16Array(Math.min(KEPT, 2 * end));
  const units = end <= kept.length ? kept : new Uint16Array(end);
  let size = 0;
  let at = 0;
  while (at < end) {
    const first = bytes[at]!;
    if (first < 0x80) {
      units[size++] = first;
      at++;
    } else if (first >= 0xe0 && first < 0xf0 && at + 3 <= end) {
      const second = bytes[at + 1]!;
      const third = bytes[at + 2]!;
      const unit = ((first & 15) << 12) | ((second & 63) << 6) | (third & 63);
      if (((second ^ 0x80) | (third ^ 0x80)) > 63 || unit < 0x800 || unit >>> 11 === 0x1b) return null;
      units[size++] = unit;
      at += 3;
    } else if (first >= 0xc2 && first < 0xe0) {
      const second = tail(bytes, at + 1, end);
      if (second < 0) return null;
      units[size++] = ((first & 31) << 6) | second;
      at += 2;
    } else if (first >= 0xf0 && first < 0xf5) {
      const second = tail(bytes, at + 1, end);
      const third = tail(bytes, at + 2, end);
      const fourth = tail(bytes, at + 3, end);
      const code = ((first & 7) << 18) | (second << 12) | (third << 6) | fourth;
      if (second < 0 || third < 0 || fourth < 0 || code < 0x10000 || code > 0x10ffff) return null;
      units[size++] = 0xd800 + ((code - 0x10000) >>> 10);
      units[size++] = 0xdc00 + (code & 0x3ff);
      at += 4;
    } else return null;
  }
  return unitDecoder.decode(units.subarray(0, size));
}

/** The six bits of a byte that goes on with a character; −1 where it does not, or lies behind the end. */
function tail(bytes: Uint8Array, at: number, end: number): number {
  return at < end && (bytes[at]! & 0xc0) === 0x80 ? bytes[at]! & 63 : -1;
}
