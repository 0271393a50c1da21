import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { Tokenizer as Reference } from 'tokenizers';
import { tokenizerFromJSON, tokenizerToJSON, trainBPE } from '../src/index.ts';
import { preTokenizerSplitter } from '../src/named-splitters.ts';
import { generatedText, randomOf } from './support/generated.ts';
import { referenceIds } from './support/reference.ts';

/** As Llama 3's, Qwen 2's and GPT-4o's tokenizer.json have them. */
const expressions: Readonly<Record<string, string>> = {
  'Llama 3':
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  'Qwen 2':
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  'GPT-4o':
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
};

const source = readFileSync(new URL(import.meta.url), 'utf8');
const trained = JSON.parse(tokenizerToJSON(trainBPE([source], { vocabSize: 400 }))) as object;

describe('tokenizer.json with an expression before ByteLevel', () => {
  for (const [name, Regex] of Object.entries(expressions))
    it(`gives the ids of the reference, cut by hand: ${name}`, async () => {
      const preTokenizer = {
        type: 'Sequence',
        pretokenizers: [
          { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false },
          { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
        ],
      };
      expect(preTokenizerSplitter(preTokenizer)).to.not.equal(undefined);
      const json = { ...trained, pre_tokenizer: preTokenizer };
      const reference = Reference.fromString(JSON.stringify(json));
      const ours = tokenizerFromJSON(JSON.stringify(json));
      const random = randomOf(6);
      for (let i = 0; i < 150; i++) {
        const text = generatedText(random, source).toWellFormed();
        const ids = await referenceIds(reference, text);
        expect([...ours.encode(text)], JSON.stringify(text)).to.deep.equal(ids);
        const { offsets } = ours.encodeWithOffsets(text);
        expect([...offsets], JSON.stringify(text)).to.deep.equal(ours.encoding(text).offsets.flat());
      }
    });
});
