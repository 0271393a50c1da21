import { existsSync, readFileSync } from 'node:fs';
import type { Context } from 'mocha';
import { Tokenizer as Reference } from 'tokenizers';
import { type Tokenizer, tokenizerToJSON } from '../../src/index.ts';

/** Text of a file in ../shared; skips the test, saying why, where the folder is absent. */
export function sharedText(test: Context, path: string): string {
  return new TextDecoder().decode(sharedBytes(test, path));
}

/** The bytes of a file in ../shared; skips the test, saying why, where the folder is absent. */
export function sharedBytes(test: Context, path: string): Uint8Array {
  const url = new URL(`../../../../../shared/${path}`, import.meta.url);
  if (!existsSync(url)) {
    test.test!.title += ` (skipped: ../shared/${path} is absent)`;
    test.skip();
  }
  return readFileSync(url);
}

/** The official Rust tokenizer, made from what we write. */
export function referenceOf(tokenizer: Tokenizer): Reference {
  return Reference.fromString(tokenizerToJSON(tokenizer));
}

export async function referenceIds(reference: Reference, text: string, addSpecialTokens = true): Promise<number[]> {
  return (await reference.encode(text, null, { addSpecialTokens })).getIds();
}
