import { existsSync, readFileSync } from 'node:fs';
import {
  compileTokenizer,
  loadTokenizer,
  type Tokenizer,
  TokenizerFileError,
  tokenizerFromWordPieceVocab,
  tokenizerToJSON,
  trainBPE,
} from '../../src/index.ts';
import { randomOf } from './generated.ts';

/** A whole file of some format, and what it is loaded with. */
interface Sample {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly merges?: string;
  readonly config?: boolean;
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const shared = new URL('../../../../../shared/tokenizers/', import.meta.url);

const sentencePieceModels: Readonly<Record<string, { readonly model: string }>> = JSON.parse(
  readFileSync(new URL('../fixtures/sentencepiece-units.json', import.meta.url), 'utf8'),
);

/** Small files of every format; real ones, or their beginnings, where ../shared is there. */
export function samples(): Sample[] {
  const texts = Array.from({ length: 8 }, () => "Hello, the hello world's 12 cats. 中文中文 你好\n\n  the end");
  const small = trainBPE(texts, { vocabSize: 300, specialTokens: ['<s>', '</s>'], template: ['<s>', null, '</s>'] });
  small.chat = { templates: { default: '{{ messages }}' }, specialTokens: { bos_token: '<s>' } };
  const json = tokenizerToJSON(small);
  const { vocab, merges } = JSON.parse(json).model as { vocab: object; merges: string[][] };
  const words = '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nhello\n##s\nthe\n中\n,\n.\n';
  const ranks = Array.from({ length: 256 }, (_, byte) => `${Buffer.of(byte).toString('base64')} ${byte}\n`).join('');
  const config = {
    bos_token: { content: '<s>', lstrip: false },
    eos_token: '</s>',
    do_lower_case: true,
    tokenizer_class: 'GPT2Tokenizer',
    chat_template: [{ name: 'default', template: '{{ messages }}' }],
  };
  const pairs = merges.map((pair) => pair.join(' ')).join('\n');
  return [
    { name: 'tokenizer.json', bytes: bytesOf(json) },
    { name: 'tokenizer_config.json', bytes: bytesOf(JSON.stringify(config)), config: true },
    { name: 'vocab.json', bytes: bytesOf(JSON.stringify(vocab)), merges: pairs },
    { name: 'merges.txt', bytes: bytesOf(pairs), merges: JSON.stringify(vocab) },
    { name: 'vocab.txt', bytes: bytesOf(words) },
    { name: 'cl100k_base.tiktoken', bytes: bytesOf(`${ranks}aGU= 256\naGVs 257\n`) },
    { name: 'tokenizer.bin', bytes: llama2cFile() },
    ...['char, own pieces', 'bpe, own pieces, some unused'].map((name, i) => ({
      name: `${i}.model`,
      bytes: new Uint8Array(Buffer.from(sentencePieceModels[name]!.model, 'base64')),
    })),
    { name: 'tokenizer.rvtk', bytes: compileTokenizer(small) },
    { name: 'words.rvtk', bytes: compileTokenizer(tokenizerFromWordPieceVocab(words)) },
    ...beginning('tiktoken/cl100k_base.tiktoken', 'cl100k_base.tiktoken', 600),
    ...beginning('hf/sqlpilot.json', 'sqlpilot.json', Infinity),
    ...beginning('hf/hw_doc_summarizer.json', 'hw_doc_summarizer.json', Infinity),
  ];
}

function beginning(path: string, name: string, lines: number): Sample[] {
  const url = new URL(path, shared);
  if (!existsSync(url)) return [];
  return [{ name, bytes: bytesOf(readFileSync(url, 'utf8').split('\n').slice(0, lines).join('\n')) }];
}

/** The bytes of a tokenizer.bin of llama2.c with a few tokens. */
export function llama2cFile(
  more: readonly [string, number][] = [
    [' ', -1],
    ['a', -2],
    ['b', -3],
    [' a', 0],
  ],
): Uint8Array {
  const tokens: [string, number][] = [
    ['<unk>', 0],
    ['\n<s>\n', 0],
    ['\n</s>\n', 0],
  ];
  for (let byte = 0; byte < 256; byte++) tokens.push([`<0x${byte.toString(16).padStart(2, '0').toUpperCase()}>`, 0]);
  tokens.push(...more);
  const parts = [Buffer.alloc(4)];
  parts[0]!.writeInt32LE(27);
  for (const [token, score] of tokens) {
    const text = Buffer.from(token);
    const head = Buffer.alloc(8);
    head.writeFloatLE(score);
    head.writeInt32LE(text.length, 4);
    parts.push(head, text);
  }
  return new Uint8Array(Buffer.concat(parts));
}

const values: readonly unknown[] = [
  null,
  -1,
  0,
  1.5,
  2 ** 24,
  2 ** 40,
  'x',
  '',
  [],
  {},
  true,
  [[]],
  [null],
  { type: 'Nope' },
  1e308,
];

/** One damaged copy. */
export function damaged({ name, bytes }: Sample, random: () => number): Uint8Array {
  const below = (n: number): number => Math.floor(random() * n);
  const isJSON = bytes[0] === 0x7b;
  const kind = below(isJSON ? 8 : 5);
  if (kind === 0) return bytes.slice(0, below(bytes.length));
  if (kind === 1 || kind === 2) {
    const copy = bytes.slice();
    for (let n = 1 + below(8); n > 0; n--) copy[below(copy.length)]! ^= 1 << below(8);
    return name.endsWith('.rvtk') && below(4) > 0 ? summedAgain(copy) : copy;
  }
  if (kind === 3) {
    const [at, size] = [below(bytes.length), below(40)];
    const joined = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)]);
    return name.endsWith('.rvtk') ? summedAgain(new Uint8Array(joined)) : new Uint8Array(joined);
  }
  if (kind === 4) {
    const [at, from] = [below(bytes.length), below(bytes.length)];
    const piece = bytes.subarray(from, from + below(60));
    const joined = Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
    return name.endsWith('.rvtk') ? summedAgain(new Uint8Array(joined)) : new Uint8Array(joined);
  }
  return retyped(bytes, below);
}

/** With one value of the JSON changed for another, or left out. */
function retyped(bytes: Uint8Array, below: (n: number) => number): Uint8Array {
  const json = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  for (let node = json; ; ) {
    const keys = Object.keys(node);
    const key = keys[below(keys.length)]!;
    const child = node[key];
    if (typeof child === 'object' && child !== null && Object.keys(child).length > 0 && below(5) > 0) {
      node = child as Record<string, unknown>;
      continue;
    }
    if (below(5) === 0) delete node[key];
    else node[key] = values[below(values.length)];
    return bytesOf(JSON.stringify(json));
  }
}

/** A compiled tokenizer whose checksum is right again, so that what is behind it is read. */
function summedAgain(file: Uint8Array): Uint8Array {
  if (file.length < 12) return file;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  view.setUint32(0, 0x4b545652, true);
  view.setUint32(4, 1, true);
  const end = file.length & ~3;
  let sum = file.length - 12;
  for (let i = 12; i < end; i += 4) {
    sum = Math.imul(sum ^ view.getInt32(i, true), 0x01000193);
    sum ^= sum >>> 15;
  }
  for (let i = end; i < file.length; i++) sum = Math.imul(sum ^ file[i]!, 0x01000193);
  view.setUint32(8, sum >>> 0, true);
  return file;
}

export interface Outcome {
  readonly sample: string;
  readonly accepted: boolean;
  /** What went wrong, where the file was neither read nor refused as it should be. */
  readonly failure: string | null;
  readonly bytes: Uint8Array;
}

/** Loads damaged files one after the other and uses those that are accepted. */
export async function* loadDamaged(count: number, seed: number): AsyncGenerator<Outcome> {
  const random = randomOf(seed);
  const all = samples();
  for (let i = 0; i < count; i++) {
    const sample = all[i % all.length]!;
    const bytes = damaged(sample, random);
    const begin = performance.now();
    const before = process.memoryUsage().arrayBuffers;
    let failure: string | null = null;
    let accepted = false;
    try {
      use(await load(sample, bytes));
      accepted = true;
    } catch (error) {
      if (!(error instanceof TokenizerFileError) || /\n/.test(error.message)) failure = String((error as Error).stack);
    }
    const time = performance.now() - begin;
    const memory = process.memoryUsage().arrayBuffers - before;
    if (time > 5000) failure ??= `it took ${time.toFixed()} ms`;
    if (memory > 64 * 2 ** 20) failure ??= `it took ${memory} bytes`;
    yield { sample: sample.name, accepted, failure, bytes };
  }
}

function load({ name, merges, config }: Sample, bytes: Uint8Array): Promise<Tokenizer> {
  if (config) return loadTokenizer(bytesOf('[UNK]\n[CLS]\n[SEP]\na\n'), { name: 'vocab.txt', config: bytes });
  if (name === 'merges.txt') return loadTokenizer(bytesOf(merges!), { name: 'vocab.json', merges: bytes });
  return loadTokenizer(bytes, { name, ...(merges === undefined ? {} : { merges }) });
}

function use(tokenizer: Tokenizer): void {
  try {
    tokenizer.decode(tokenizer.encode('Hello, the world 中文 </s> 12'));
    tokenizer.encoding('a b');
  } catch (error) {
    // Words that the vocabulary cannot write, and ids that it lacks, come up when they are met.
    if (!(error instanceof RangeError) || !/unk_token|there is no token|truncation/.test(error.message)) throw error;
  }
}
