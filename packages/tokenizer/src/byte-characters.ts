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

const bytesOfCharacters = new Map(byteCharacters.map((character, byte) => [character, byte]));

const encoder = new TextEncoder();

/** The bytes of a token; a token with other characters (an added one) is taken as text, as the reference does. */
export function tokenBytes(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = bytesOfCharacters.get(token[i]!);
    if (byte === undefined) return encoder.encode(token);
    bytes[i] = byte;
  }
  return bytes;
}
