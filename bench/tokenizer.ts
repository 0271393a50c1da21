import { readFileSync } from 'node:fs';
import { Tokenizer as HuggingFaceJS } from '@huggingface/tokenizers';
import { loadTokenizer, tokenizerFromJSON, tokenizerFromTiktoken } from '@rivulet/tokenizer';
import { encode as gptTokenizer } from 'gpt-tokenizer/encoding/cl100k_base';
import { Tiktoken } from 'tiktoken';
import { Tokenizer as HuggingFace } from 'tokenizers';
import { tiktokenPatterns } from '../packages/tokenizer/test/support/byte-level-references.ts';
import { sentencePieceReference } from '../packages/tokenizer/test/support/sentencepiece.ts';
import type { Figure } from './main.ts';
import { median } from './median.ts';

const shared = new URL('../../shared/', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, shared), 'utf8');
const SLICE = 60_000;
/** Slices per peer; the first five warm up. */
const SLICES = 16;

type Encode = (text: string) => unknown;

/** MB/s of each encoder on disjoint slices, taken in turn, every slice seen once by each. */
async function speeds(text: string, encoders: Readonly<Record<string, Encode>>): Promise<Record<string, number>> {
  const found: Record<string, number[]> = Object.fromEntries(Object.keys(encoders).map((name) => [name, []]));
  for (let slice = 0; slice < SLICES && (slice + 1) * SLICE <= text.length; slice++) {
    const part = text.slice(slice * SLICE, (slice + 1) * SLICE);
    const bytes = Buffer.byteLength(part);
    for (const [name, encode] of Object.entries(encoders)) {
      const start = performance.now();
      await encode(part);
      const speed = bytes / 1000 / (performance.now() - start);
      if (slice >= 5) found[name]?.push(speed);
    }
  }
  return Object.fromEntries(Object.entries(found).map(([name, values]) => [name, median(values)]));
}

/** Byte-level BPE, ids only, one thread: ours and what npm has. */
export async function tokenizer(): Promise<Figure[]> {
  const figures: Figure[] = [];
  const ranks = readFileSync(new URL('tokenizers/tiktoken/cl100k_base.tiktoken', shared));
  const began = performance.now();
  const cl100k = tokenizerFromTiktoken(ranks, { pattern: 'cl100k' });
  figures.push({ what: 'cl100k: load', value: performance.now() - began, unit: 'ms' });
  const json = read('tokenizers/hf/gpt2.json');
  const gpt2 = tokenizerFromJSON(json);
  const tiktoken = new Tiktoken(ranks.toString(), {}, tiktokenPatterns.cl100k);
  const rust = HuggingFace.fromString(json);
  const js = new HuggingFaceJS(JSON.parse(json), {});
  const pieces = async (file: string): Promise<Readonly<Record<string, Encode>>> => {
    const url = new URL(`tokenizers/sentencepiece/${file}`, shared);
    const [own, reference] = [await loadTokenizer(url), await sentencePieceReference(url)];
    return { ours: (text) => own.encode(text), 'sentencepiece-js': (text) => reference.encodeIds(text) };
  };
  const encoders: Readonly<Record<string, Readonly<Record<string, Encode>>>> = {
    'nai-t5 (unigram)': await pieces('nai-t5.model'),
    'xlnet (unigram)': await pieces('xlnet_base_cased.model'),
    'llama2 (BPE)': await pieces('llama2.model'),
    'mistral (BPE)': await pieces('mistral01.model'),
    cl100k: {
      ours: (text) => cl100k.encode(text),
      tiktoken: (text) => tiktoken.encode(text, [], []),
      'gpt-tokenizer': (text) => gptTokenizer(text),
    },
    gpt2: {
      ours: (text) => gpt2.encode(text),
      'tokenizers (Rust)': async (text) => (await rust.encode(text)).getIds(),
      '@huggingface/tokenizers': (text) => js.encode(text).ids,
    },
  };
  const texts: Readonly<Record<string, string>> = {
    English: read('data/text/tinyshakespeare/input.txt'),
    Chinese: read('data/text/xiyouji/xiyouji.txt'),
    code: readFileSync(new URL('../node_modules/typescript/lib/typescript.js', import.meta.url), 'utf8').slice(
      1e6,
      2e6,
    ),
  };
  for (const [vocabulary, all] of Object.entries(encoders))
    for (const [kind, text] of Object.entries(texts)) {
      const found = await speeds(text, all);
      for (const [name, value] of Object.entries(found)) {
        figures.push({ what: `${vocabulary}, ${kind}: ${name}`, value, unit: 'MB/s' });
        if (name !== 'ours')
          figures.push({ what: `${vocabulary}, ${kind}: ours to ${name}`, value: found.ours! / value, unit: '×' });
      }
    }
  const text = texts.English!;
  const ids = cl100k.encode(text);
  cl100k.decode(ids);
  const start = performance.now();
  cl100k.decode(ids);
  figures.push({
    what: 'cl100k, English: decode',
    value: text.length / 1000 / (performance.now() - start),
    unit: 'MB/s',
  });
  return figures;
}
