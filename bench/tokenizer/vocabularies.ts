import { readFileSync } from 'node:fs';
import { Tokenizer as HuggingFaceJS } from '@huggingface/tokenizers';
import { loadTokenizer, type Tokenizer } from '@rivulet/tokenizer';
import gptTokenizer from 'gpt-tokenizer/encoding/cl100k_base';
import gptTokenizerGPT2 from 'gpt-tokenizer/encoding/r50k_base';
import { Kitoken } from 'kitoken/node';
import { get_encoding, Tiktoken } from 'tiktoken';
import { Tokenizer as HuggingFace } from 'tokenizers';
import { tiktokenPatterns } from '../../packages/tokenizer/test/support/byte-level-references.ts';
import { sentencePieceReference } from '../../packages/tokenizer/test/support/sentencepiece.ts';

const shared = new URL('../../../shared/tokenizers/', import.meta.url);

export type Encode = (text: string) => unknown;
/** What encodes a text to ids, by name. */
export type Encoders = Readonly<Record<string, Encode>>;

/** Reads one of ../shared/tokenizers with ours. */
export const load = (path: string): Promise<Tokenizer> => loadTokenizer(new URL(path, shared));

const bytesOf = (path: string): Uint8Array => readFileSync(new URL(path, shared));

function kitoken(path: string): Encoders {
  try {
    const peer = new Kitoken(bytesOf(path));
    peer.encode('a');
    return { kitoken: (text) => peer.encode(text, false) };
  } catch (error) {
    process.stderr.write(`kitoken does not read ${path}: ${error}\n`);
    return {};
  }
}

function huggingFace(path: string): Encoders {
  const peer = HuggingFace.fromString(new TextDecoder().decode(bytesOf(path)));
  return { 'tokenizers (Rust)': async (text) => (await peer.encode(text)).getIds() };
}

function huggingFaceJS(path: string): Encoders {
  const peer = new HuggingFaceJS(JSON.parse(new TextDecoder().decode(bytesOf(path))), {});
  return { '@huggingface/tokenizers': (text) => peer.encode(text).ids };
}

/** A SentencePiece model, and where there is one the tokenizer.json of the same vocabulary for the Rust library. */
async function sentencePiece(file: string, json?: string): Promise<Encoders> {
  const path = `sentencepiece/${file}`;
  const own = await load(path);
  const reference = await sentencePieceReference(new URL(path, shared));
  return {
    ours: (text) => own.encode(text),
    'sentencepiece-js': (text) => reference.encodeIds(text),
    ...kitoken(path),
    ...(json ? huggingFace(json) : {}),
  };
}

/** Vocabularies, each with ours and the peers that read it or bring it along. */
export const vocabularies: Readonly<Record<string, () => Promise<Encoders>>> = {
  cl100k: async () => {
    const path = 'tiktoken/cl100k_base.tiktoken';
    const own = await load(path);
    gptTokenizer.clearMergeCache(); // there is one of it, and it may know the texts
    const tiktoken = new Tiktoken(new TextDecoder().decode(bytesOf(path)), {}, tiktokenPatterns.cl100k);
    return {
      ours: (text) => own.encode(text),
      tiktoken: (text) => tiktoken.encode(text, [], []),
      'gpt-tokenizer': (text) => gptTokenizer.encode(text),
      ...kitoken(path),
    };
  },
  gpt2: async () => {
    const path = 'hf/gpt2.json';
    const own = await load(path);
    gptTokenizerGPT2.clearMergeCache();
    const tiktoken = get_encoding('gpt2');
    return {
      ours: (text) => own.encode(text),
      tiktoken: (text) => tiktoken.encode(text, [], []),
      'gpt-tokenizer': (text) => gptTokenizerGPT2.encode(text),
      ...kitoken(path),
      ...huggingFace(path),
      ...huggingFaceJS(path),
    };
  },
  bert: async () => {
    const path = 'hf/bert_base_cased.json';
    const own = await load(path);
    return { ours: (text) => own.encode(text), ...kitoken(path), ...huggingFace(path), ...huggingFaceJS(path) };
  },
  'nai-t5': () => sentencePiece('nai-t5.model'),
  xlnet: () => sentencePiece('xlnet_base_cased.model', 'hf/xlnet_base_cased.json'),
  llama2: () => sentencePiece('llama2.model', 'hf/llama2.json'),
  mistral: () => sentencePiece('mistral01.model', 'hf/mistral01.json'),
};
