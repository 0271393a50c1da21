import { randomOf } from '../../packages/tokenizer/test/support/generated.ts';
import type { Figure } from '../main.ts';
import { median } from '../median.ts';
import { load } from './vocabularies.ts';

const files = {
  cl100k: 'tiktoken/cl100k_base.tiktoken',
  gpt2: 'hf/gpt2.json',
  bert: 'hf/bert_base_cased.json',
  llama2: 'sentencepiece/llama2.model',
  'nai-t5': 'sentencepiece/nai-t5.model',
};
/** A piece is encoded so many times at least and at most, and within these for so many seconds: short times need more of them. */
const TURNS = [5, 41] as const;
const SECONDS = 0.6;

/** Texts in one piece; both sizes are of letters that come in the same order. */
const pieces: Readonly<Record<string, (bytes: number) => string>> = {
  "'a'": (bytes) => 'a'.repeat(bytes),
  spaces: (bytes) => ' '.repeat(bytes),
  'random letters': (bytes) => {
    const random = randomOf(1);
    return Array.from({ length: bytes }, () => String.fromCharCode(97 + Math.floor(random() * 26))).join('');
  },
  好: (bytes) => '好'.repeat(bytes / 3),
};

/** A megabyte in one piece, and what two take to one: linear is 2. */
export async function longPieces(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [name, path] of Object.entries(files)) {
    const tokenizer = await load(path);
    for (const [what, make] of Object.entries(pieces)) {
      const [one, two] = [make(1e6), make(2e6)];
      const times: [number[], number[]] = [[], []];
      const turns = Math.min(TURNS[1], Math.max(TURNS[0], Math.ceil(SECONDS / seconds(() => tokenizer.encode(one)))));
      for (let turn = 0; turn < turns; turn++)
        for (const [i, text] of [one, two].entries()) times[i]!.push(seconds(() => tokenizer.encode(text)));
      const [first, second] = times.map(median) as [number, number];
      figures.push(
        { what: `${name}, 1 MB of ${what}`, value: first, unit: 's' },
        { what: `${name}, 2 MB of ${what} to 1 MB`, value: second / first, unit: '×' },
      );
    }
  }
  return figures;
}

function seconds(run: () => void): number {
  const start = performance.now();
  run();
  return (performance.now() - start) / 1000;
}
