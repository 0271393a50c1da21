import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { collect, corpusBLEU, fromIterable, generate, generateEvents, loadText, tokenize } from 'rivulet';
import { lastValueFrom, toArray } from 'rxjs';
import { readSplit } from '../packages/rivulet/src/training/seq2seq-data.ts';
import type { Figure } from './main.ts';

const root = new URL('../', import.meta.url).pathname;
const corpus = { data: join(root, '../shared/data/text/cmn-eng/cmn.txt'), sourceColumn: 1, targetColumn: 0 };

/** BLEU of the shipped model (and of the one without attention, where it was trained) on the test split, and the speed of one stream. */
export async function translate(): Promise<Figure[]> {
  const figures: Figure[] = [];
  const { test } = await readSplit(corpus);
  const folders = { 'zh-en': 'models/zh-en', 'without attention': 'runs/zh-en-no-attention' };
  for (const [name, folder] of Object.entries(folders)) {
    const directory = join(root, folder);
    if (!existsSync(join(directory, 'model.safetensors'))) continue;
    const { tokenizer, model } = await loadText(directory);
    for (const numBeams of [1, 4]) {
      const results = fromIterable(test.map(({ source }) => source)).pipe(
        tokenize(tokenizer),
        generate(model, { numBeams, maxNewTokens: 80 }),
        collect(tokenizer),
        toArray(),
      );
      const outputs = await lastValueFrom(results);
      const { score } = corpusBLEU(
        outputs.map(({ text }) => text),
        test.map(({ target }) => target),
      );
      figures.push({
        what: `${name}, beam ${numBeams}: BLEU on ${test.length} test pairs`,
        value: score,
        unit: 'BLEU (13a)',
      });
    }
    // one stream: the tokens of all test sentences, greedy, one after the other
    const speeds: number[] = [];
    for (let round = 0; round < 5; round++) {
      const begin = performance.now();
      let tokens = 0;
      for (const { source } of test.slice(round * 50, (round + 1) * 50))
        for await (const event of generateEvents(model, tokenizer.encode(source), { maxNewTokens: 80 }))
          if (event.type === 'token') tokens++;
      speeds.push((tokens / (performance.now() - begin)) * 1000);
    }
    figures.push({
      what: `${name}: one stream, greedy, median of 5`,
      value: speeds.sort((a, b) => a - b)[2]!,
      unit: 'tokens/s',
    });
    await model.dispose();
  }
  return figures;
}
