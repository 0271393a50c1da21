import { join } from 'node:path';
import {
  CausalLM,
  detokenize,
  fromIterable,
  GPT2,
  generate,
  generateEvents,
  type LanguageModel,
  loadTokenizer,
  type Peaks,
  seeded,
  tokenize,
} from 'rivulet';
import { lastValueFrom } from 'rxjs';
import { inFolder, saveGPT2, transformersJs } from './exported.ts';
import { GPT2_SMALL } from './gpt2-small.ts';
import type { Figure } from './main.ts';
import { median } from './median.ts';
import { server } from './server.ts';
import { findPython, Side } from './side.ts';
import { weights } from './weights.ts';

const peer = new URL('./peers/generation.py', import.meta.url).pathname;
const gpt2Tokenizer = new URL('../../shared/tokenizers/hf/gpt2.json', import.meta.url).pathname;
const TURNS = 5;

const random = seeded(1);
const promptOf = (length: number): number[] => Array.from({ length }, () => Math.floor(random.nextFloat() * 50_257));

/** Seconds for a whole generation, and until its first token. */
async function timed(model: CausalLM, prompt: number, maxNewTokens: number): Promise<{ all: number; first: number }> {
  const begin = performance.now();
  let first = 0;
  for await (const event of generateEvents(model, promptOf(prompt), { maxNewTokens }))
    if (event.type === 'token' && first === 0) first = performance.now() - begin;
  return { all: (performance.now() - begin) / 1000, first: first / 1000 };
}

/** One stream: 64 tokens after 128, ours and Hugging Face's on PyTorch in turn. */
async function single(model: CausalLM): Promise<Figure[]> {
  const python = findPython('torch', 'transformers');
  const theirs = python ? new Side(python, [peer]) : null;
  const [mine, other, ratios]: number[][] = [[], [], []];
  await timed(model, 128, 8);
  await theirs?.ask('generate 128 8');
  for (let turn = 0; turn < TURNS; turn++) {
    const { all } = await timed(model, 128, 64);
    mine!.push(64 / all);
    if (!theirs) continue;
    const { seconds } = await theirs.ask<{ seconds: number }>('generate 128 64');
    other!.push(64 / seconds);
    ratios!.push(seconds / all);
  }
  theirs?.end();
  return [
    { what: 'one stream, 64 tokens after 128', value: median(mine!), unit: 'tokens/s' },
    ...(theirs
      ? [
          { what: 'the same, transformers on PyTorch', value: median(other!), unit: 'tokens/s' },
          { what: 'speed, ratio to transformers on PyTorch', value: median(ratios!), unit: '×' },
        ]
      : []),
  ];
}

/** One stream: 64 tokens after 128, ours and transformers.js' on the weights that we export for it, in turn. */
async function beside(model: CausalLM, weights: GPT2): Promise<Figure[]> {
  return inFolder(async (folder) => {
    const [source, output] = [join(folder, 'source'), join(folder, 'exported')];
    await saveGPT2(source, weights, GPT2_SMALL, gpt2Tokenizer);
    const theirs = await transformersJs('generate', { source, output });
    const [mine, other, ratios]: [number[], number[], number[]] = [[], [], []];
    await timed(model, 128, 8);
    await theirs.ask('128 8');
    for (let turn = 0; turn < TURNS; turn++) {
      const { all } = await timed(model, 128, 64);
      const seconds = await theirs.ask<number>('128 64');
      mine.push(64 / all);
      other.push(64 / seconds);
      ratios.push(seconds / all);
    }
    theirs.end();
    return [
      { what: 'one stream, 64 tokens after 128', value: median(mine), unit: 'tokens/s' },
      { what: 'the same, transformers.js', value: median(other), unit: 'tokens/s' },
      { what: 'speed, ratio to transformers.js', value: median(ratios), unit: '×' },
    ];
  });
}

/** 16 streams at once and one after the other. */
async function streams(model: CausalLM): Promise<Figure[]> {
  const [prompt, tokens, count] = [16, 64, 16];
  const rates: number[][] = [[], []];
  for (let turn = 0; turn < 3; turn++) {
    let begin = performance.now();
    await Promise.all(Array.from({ length: count }, () => timed(model, prompt, tokens)));
    rates[0]!.push((count * tokens * 1000) / (performance.now() - begin));
    begin = performance.now();
    for (let i = 0; i < count / 4; i++) await timed(model, prompt, tokens);
    rates[1]!.push(((count / 4) * tokens * 1000) / (performance.now() - begin));
  }
  const [together, alone] = rates.map(median) as [number, number];
  return [
    { what: `${count} streams at once, ${tokens} tokens after ${prompt}`, value: together, unit: 'tokens/s' },
    { what: 'one after the other', value: alone, unit: 'tokens/s' },
    { what: `${count} streams, ratio`, value: together / alone, unit: '×' },
  ];
}

/** The time to the first token of a short prompt, alone and while 15 others run. */
async function firstToken(model: CausalLM): Promise<Figure[]> {
  const idle: number[] = [];
  const busy: number[] = [];
  for (let i = 0; i < 7; i++) idle.push((await timed(model, 16, 1)).first);
  const controllers = Array.from({ length: 15 }, () => new AbortController());
  const others = controllers.map(async ({ signal }) => {
    for await (const _ of generateEvents(model, promptOf(64), { maxNewTokens: 400 }, signal));
  });
  await new Promise((resolve) => setTimeout(resolve, 8000)); // until all are past their prompts
  for (let i = 0; i < 7; i++) {
    busy.push((await timed(model, 16, 1)).first);
    await new Promise((resolve) => setTimeout(resolve, 37 * i));
  }
  for (const controller of controllers) controller.abort();
  await Promise.all(others);
  return [
    { what: 'first token of 16, machine idle', value: 1000 * median(idle), unit: 'ms' },
    { what: 'first token of 16 while 15 streams run', value: 1000 * median(busy), unit: 'ms' },
    { what: 'first token, ratio', value: median(busy) / median(idle), unit: '×' },
  ];
}

/**
 * What a token costs beside the model: top-p over 50,257 logits, events, text; of a model whose graph finds the likeliest token and
 * the normalizer, as a compiled decoder's does, and of one that gives logits alone.
 */
async function overhead(): Promise<Figure[]> {
  // Probabilities ∝ rank^−1.5, as peaked as a good model's.
  const ranks = random.shuffle(Int32Array.from({ length: 50_257 }, (_, i) => i));
  const logits = Float32Array.from(ranks, (rank) => -1.5 * Math.log(rank + 1));
  const best = logits.indexOf(0);
  const logSum = Math.log(logits.reduce((sum, x) => sum + Math.exp(x), 0));
  const peaks: Peaks = { best: Int32Array.of(best), logSum: Float32Array.of(logSum) };
  const modelWith = (found: { readonly peaks?: Peaks }): LanguageModel => ({
    vocabSize: 50_257,
    eosTokenIds: [],
    continuesPrompt: true,
    open: async () => ({ firstToken: 0, step: async () => logits, ...found, dispose() {} }),
  });
  const tokenizer = await loadTokenizer(gpt2Tokenizer);
  const tokens = 400;
  const run = async (model: LanguageModel): Promise<number> => {
    const begin = performance.now();
    const options = { doSample: true, topP: 0.9, maxNewTokens: tokens };
    await lastValueFrom(
      fromIterable(['Once']).pipe(tokenize(tokenizer), generate(model, options), detokenize(tokenizer)),
    );
    return (performance.now() - begin) / tokens;
  };
  const models = [modelWith({ peaks }), modelWith({})];
  const times: number[][] = models.map(() => []);
  for (let turn = 0; turn < 6; turn++)
    for (const [i, model] of models.entries()) {
      const time = await run(model);
      if (turn > 0) times[i]!.push(time);
    }
  return [
    { what: 'a token beside the model: top-p, events, text', value: median(times[0]!), unit: 'ms' },
    { what: 'the same, of logits alone', value: median(times[1]!), unit: 'ms' },
  ];
}

const parts: Readonly<Record<string, (model: CausalLM, weights: GPT2) => Promise<Figure[]>>> = {
  single,
  'transformers-js': beside,
  streams,
  'first-token': firstToken,
  overhead,
  server,
  weights: () => weights(['speed', 'stories']),
};

/** GPT-2 small with random weights. @throws RangeError for a part that there is not. */
export async function generation(names: readonly string[]): Promise<Figure[]> {
  for (const name of names)
    if (!parts[name])
      throw new RangeError(`generation has no part '${name}'; there are: ${Object.keys(parts).join(', ')}`);
  const wanted = Object.entries(parts).filter(([name]) => names.length === 0 || names.includes(name));
  const figures: Figure[] = [];
  let model: CausalLM | undefined;
  let plain: GPT2 | undefined;
  for (const [name, part] of wanted) {
    const needed = !['overhead', 'server', 'weights'].includes(name);
    if (needed) {
      plain ??= new GPT2(GPT2_SMALL);
      model ??= await CausalLM.compile(plain, { eosTokenIds: [], keptPrefixes: 0 });
    }
    figures.push(...(await part(model!, plain!)));
  }
  await model?.dispose();
  return figures;
}
