/**
 * GPT-2's printable stand-ins for the 256 bytes (https://github.com/openai/gpt-2, encoder.py): vocabularies of byte-level BPE
 * are written in them. Printable Latin-1 bytes stand for themselves, the others for U+0100 and up.
 */
const printable = (byte: number): boolean =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);

/** Byte → character. */
export const byteCharacters: readonly string[] = (() => {
  let extra = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : extra++));
})();

/** Code → byte, −1 for a character that stands for none. */
const bytesOfCodes = new Int16Array(0x200).fill(-1);
byteCharacters.forEach((character, byte) => {
  bytesOfCodes[character.charCodeAt(0)] = byte;
});

/** The byte that a character stands for, by its code; −1 for none. */
export const byteOfCode = (code: number): number => (code < bytesOfCodes.length ? bytesOfCodes[code]! : -1);

const encoder = new TextEncoder();

/** The bytes of a token; a token with other characters (an added one) is taken as text, as the reference does. */
export function tokenBytes(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = byteOfCode(token.charCodeAt(i));
    if (byte < 0) return encoder.encode(token);
    bytes[i] = byte;
  }
  return bytes;
}
