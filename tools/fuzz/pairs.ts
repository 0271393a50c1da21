import { readdirSync, readFileSync } from 'node:fs';
import { loadTokenizer, tokenizerFromJSON, tokenizerFromWordPieceVocab } from '@rivulet/tokenizer';
import { Tokenizer as HuggingFace } from 'tokenizers';
import { type Pair, pairOf, vocabularies } from '../../packages/tokenizer/test/support/byte-level-references.ts';
import { sentencePieceReference } from '../../packages/tokenizer/test/support/sentencepiece.ts';

const shared = new URL('../../../shared/', import.meta.url);
const folder = new URL('tokenizers/', shared);
const read = (path: string): string => readFileSync(new URL(path, folder), 'utf8');

type Make = () => Pair | Promise<Pair>;

/** Every vocabulary in ../shared/tokenizers in its format, with what makes ours and the reference: both without padding and truncation. */
export function pairs(): Map<string, Make> {
  const all = new Map<string, Make>();
  for (const [name, path] of Object.entries(vocabularies))
    all.set(`tiktoken ${name}`, () => pairOf(name, readFileSync(new URL(path, shared), 'utf8')));
  all.delete('tiktoken gpt2');
  for (const file of readdirSync(new URL('hf/', folder)))
    all.set(`tokenizer.json ${file.replace('.json', '')}`, () => ofJSON(read(`hf/${file}`)));
  for (const file of readdirSync(new URL('sentencepiece/', folder)))
    all.set(`SentencePiece ${file.replace('.model', '')}`, () =>
      ofSentencePiece(new URL(`sentencepiece/${file}`, folder)),
    );
  all.set('vocab.txt bert_base_cased', () => ofVocab(read('hf/bert_base_cased.json')));
  return all;
}

const rust = (json: object): Pair['reference'] => {
  const reference = HuggingFace.fromString(JSON.stringify(json));
  return async (text) => (await reference.encode(text)).getIds();
};

function ofJSON(source: string): Pair {
  const json = { ...JSON.parse(source), truncation: null, padding: null };
  return { ours: tokenizerFromJSON(json), reference: rust(json) };
}

async function ofSentencePiece(url: URL): Promise<Pair> {
  const reference = await sentencePieceReference(url);
  return { ours: await loadTokenizer(url), reference: async (text) => reference.encodeIds(text) };
}

/** A vocab.txt of the same tokens; the reference reads them from a tokenizer.json. */
function ofVocab(source: string): Pair {
  const json = { ...JSON.parse(source), truncation: null, padding: null };
  const tokens = Object.entries(json.model.vocab as Record<string, number>).sort(([, a], [, b]) => a - b);
  const vocab = tokens.map(([token]) => `${token}\n`).join('');
  return { ours: tokenizerFromWordPieceVocab(vocab, { lowerCase: false }), reference: rust(json) };
}
