import { tokenBytes } from './byte-characters.ts';
import { byteOfToken } from './byte-token.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * What every token spells within a text, by id, for constraints: text, bytes where it is a part of a character, null where it
 * has no text, such as special tokens and ids without a token.
 */
export function tokenTexts(tokenizer: Tokenizer): (string | Uint8Array | null)[] {
  const before = neutral(tokenizer);
  const prefix = tokenizer.decode(before);
  return Array.from({ length: tokenizer.vocabSize }, (_, id) => {
    const token = tokenizer.idToToken(id);
    if (token === undefined) return null;
    const text = tokenizer.decode([...before, id]).slice(prefix.length);
    if (text === '') return null;
    if (!text.includes('\ufffd') || token.includes('\ufffd')) return text;
    const byte = byteOfToken(token);
    return byte === undefined ? tokenBytes(token) : Uint8Array.of(byte);
  });
}

/** A token to stand before others: what decoders do at the beginning of a text is not what they do within it. */
function neutral(tokenizer: Tokenizer): number[] {
  for (const letter of ['a', 'A', 'e', '0', '.']) {
    const id = tokenizer.tokenToId(letter);
    if (id !== undefined && tokenizer.decode([id]) === letter) return [id];
  }
  return [];
}
