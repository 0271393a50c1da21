import { join } from 'node:path';
import { score } from '@rivulet/generation';
import {
  CausalLM,
  collect,
  corpusBLEU,
  fromIterable,
  GPT2,
  generate,
  generateEvents,
  loadText,
  seeded,
  tokenize,
  type WeightFormat,
  weightFormats,
} from 'rivulet';
import { lastValueFrom, toArray } from 'rxjs';
import { readSplit } from '../packages/rivulet/src/training/seq2seq-data.ts';
import { readDigits } from './digits.ts';
import { GPT2_SMALL } from './gpt2-small.ts';
import type { Figure } from './main.ts';
import { median } from './median.ts';

const root = new URL('../', import.meta.url).pathname;
const shared = join(root, '../shared/data');
const TOKENS = 64;

/** GPT-2 small (random weights) in every format. */
async function compileAll(figures: Figure[]): Promise<Map<WeightFormat, CausalLM>> {
  const model = new GPT2(GPT2_SMALL);
  const compiled = new Map<WeightFormat, CausalLM>();
  for (const weights of weightFormats) {
    const begin = performance.now();
    compiled.set(weights, await CausalLM.compile(model, { eosTokenIds: [], keptPrefixes: 0, weights }));
    figures.push({ what: `${weights}: compiling GPT-2 small`, value: (performance.now() - begin) / 1000, unit: 's' });
  }
  return compiled;
}

/** Tokens a second of GPT-2 small, prompts included; the formats in turn, after a turn that warms up. */
async function rates(count: number, length: number, turns: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  const compiled = await compileAll(figures);
  const random = seeded(1);
  const prompt = Array.from({ length }, () => Math.floor(random.nextFloat() * 50_257));
  const all = new Map<WeightFormat, number[]>(weightFormats.map((weights) => [weights, []]));
  const ratios = new Map<WeightFormat, number[]>(weightFormats.map((weights) => [weights, []]));
  for (let turn = 0; turn <= turns; turn++) {
    let plain = 0;
    for (const [weights, causal] of compiled) {
      const rate = await tokensPerSecond(causal, prompt, count);
      if (weights === 'float32') plain = rate;
      if (turn === 0) continue;
      all.get(weights)!.push(rate);
      ratios.get(weights)!.push(rate / plain);
    }
  }
  for (const [weights, values] of all) {
    const what = `${weights}: ${count === 1 ? 'one stream' : `${count} streams`}, ${TOKENS} tokens after ${length}`;
    figures.push({ what, value: median(values), unit: 'tokens/s' });
    if (weights !== 'float32') figures.push({ what: `${what}, ratio`, value: median(ratios.get(weights)!), unit: '×' });
  }
  for (const causal of compiled.values()) await causal.dispose();
  return figures;
}

async function tokensPerSecond(model: CausalLM, prompt: readonly number[], streams: number): Promise<number> {
  const begin = performance.now();
  const one = async (): Promise<void> => {
    for await (const _ of generateEvents(model, prompt, { maxNewTokens: TOKENS }));
  };
  await Promise.all(Array.from({ length: streams }, one));
  return (1000 * streams * TOKENS) / (performance.now() - begin);
}

/** What a token of stories260K's own texts is likely: 20 texts of 200 tokens, drawn with float32 weights. */
async function stories(): Promise<Figure[]> {
  const folder = join(shared, 'checkpoints/stories260K');
  const texts: number[][] = [];
  let plain: number | undefined;
  const figures: Figure[] = [];
  for (const weights of weightFormats) {
    const { model } = await loadText(folder, { weights });
    if (weights === 'float32')
      for (let seed = 1; seed <= 20; seed++) {
        const text = [1];
        for await (const event of generateEvents(model, text, { maxNewTokens: 200, doSample: true, seed }))
          if (event.type === 'token') text.push(event.id);
        texts.push(text);
      }
    let sum = 0;
    for (const text of texts) sum += (await score(model, text)).logLikelihood;
    await model.dispose();
    const count = texts.reduce((all, text) => all + text.length - 1, 0);
    plain ??= sum / count;
    const what = `${weights}: stories260K, log-likelihood of a token`;
    figures.push({ what, value: sum / count, unit: 'nat' });
    if (weights !== 'float32')
      figures.push({ what: `${what}, lost`, value: 1000 * (plain - sum / count), unit: 'mnat' });
  }
  return figures;
}

/** BLEU of the shipped translator, greedy, on the test pairs. */
async function translation(): Promise<Figure[]> {
  const { test } = await readSplit({ data: join(shared, 'text/cmn-eng/cmn.txt'), sourceColumn: 1, targetColumn: 0 });
  const figures: Figure[] = [];
  for (const weights of weightFormats) {
    const { tokenizer, model } = await loadText(join(root, 'models/zh-en'), { weights });
    const results = fromIterable(test.map(({ source }) => source)).pipe(
      tokenize(tokenizer),
      generate(model, { maxNewTokens: 80 }),
      collect(tokenizer),
      toArray(),
    );
    const outputs = (await lastValueFrom(results)).map(({ text }) => text);
    await model.dispose();
    const { score: value } = corpusBLEU(
      outputs,
      test.map(({ target }) => target),
    );
    figures.push({ what: `${weights}: zh-en, greedy`, value, unit: 'BLEU (13a)' });
  }
  return figures;
}

async function images(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const weights of weightFormats)
    figures.push({
      what: `${weights}: vit-mnist, test images`,
      value: (await readDigits({ weights })).accuracy,
      unit: '%',
    });
  return figures;
}

const parts: Readonly<Record<string, () => Promise<Figure[]>>> = {
  speed: () => rates(1, 128, 5),
  streams: () => rates(16, 16, 3),
  stories,
  translation,
  images,
};

/** What weights in whole numbers bring and cost. @throws RangeError for a part that there is not. */
export async function weights(names: readonly string[]): Promise<Figure[]> {
  for (const name of names)
    if (!parts[name])
      throw new RangeError(`weights has no part '${name}'; there are: ${Object.keys(parts).join(', ')}`);
  const figures: Figure[] = [];
  for (const name of names.length > 0 ? names : Object.keys(parts)) figures.push(...(await parts[name]!()));
  return figures;
}
