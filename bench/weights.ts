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

/** Tokens a second of GPT-2 small (random weights), one stream and 16, their short prompts included; the formats in turn. */
async function speed(): Promise<Figure[]> {
  const model = new GPT2(GPT2_SMALL);
  const compiled = new Map<WeightFormat, CausalLM>();
  const figures: Figure[] = [];
  for (const weights of weightFormats) {
    const begin = performance.now();
    compiled.set(weights, await CausalLM.compile(model, { eosTokenIds: [], keptPrefixes: 0, weights }));
    figures.push({ what: `${weights}: compiling GPT-2 small`, value: (performance.now() - begin) / 1000, unit: 's' });
  }
  const random = seeded(1);
  const prompt = Array.from({ length: 16 }, () => Math.floor(random.nextFloat() * 50_257));
  for (const streams of [1, 16]) {
    const rates = new Map<WeightFormat, number[]>(weightFormats.map((weights) => [weights, []]));
    for (let turn = 0; turn < 4; turn++)
      for (const [weights, causal] of compiled)
        rates.get(weights)!.push(await tokensPerSecond(causal, prompt, streams));
    const plain = median(rates.get('float32')!);
    for (const [weights, values] of rates) {
      const what = `${weights}: ${streams === 1 ? 'one stream' : `${streams} streams`}, ${TOKENS} tokens after 16`;
      figures.push({ what, value: median(values), unit: 'tokens/s' });
      if (weights !== 'float32') figures.push({ what: `${what}, ratio`, value: median(values) / plain, unit: '×' });
    }
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

const parts: Readonly<Record<string, () => Promise<Figure[]>>> = { speed, stories, translation, images };

/** What weights in whole numbers bring and cost. @throws RangeError for a part that there is not. */
export async function weights(names: readonly string[]): Promise<Figure[]> {
  for (const name of names)
    if (!parts[name])
      throw new RangeError(`weights has no part '${name}'; there are: ${Object.keys(parts).join(', ')}`);
  const figures: Figure[] = [];
  for (const name of names.length > 0 ? names : Object.keys(parts)) figures.push(...(await parts[name]!()));
  return figures;
}
