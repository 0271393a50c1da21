import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type GenerateOptions, type GenerationEnd, generate, type LanguageModel, score } from '@rivulet/generation';
import {
  collect,
  embed,
  fromIterable,
  generate as generateItems,
  score as scoreItems,
  tokenize,
} from '@rivulet/stream';
import type { CausalLM } from '@rivulet/transformer';
import { expect } from 'chai';
import { FileError, loadText, type TextModel } from 'rivulet';
import { lastValueFrom, type Observable, toArray } from 'rxjs';
import { needs, root, stories, temporaryFolder } from '../support/repository.ts';

const fixtures = join(root, 'packages/generation/test/fixtures');

interface Case {
  readonly name: string;
  readonly prompt: readonly number[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly sequences: readonly { readonly tokens: readonly number[]; readonly logProbs?: readonly number[] }[];
}

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
const readCases = (file: string): Case[] => JSON.parse(readFileSync(join(fixtures, file), 'utf8')).cases;
const cases = ['hugging-face.json', 'hugging-face-groups.json'].flatMap(readCases);

async function continued(model: LanguageModel, { prompt, options }: Case): Promise<GenerationEnd> {
  const given = Object.fromEntries(Object.entries(options).map(([key, value]) => [camel(key), value]));
  let end: GenerationEnd | undefined;
  for await (const event of generate(model, prompt, { ...given, outputLogprobs: true } as GenerateOptions))
    if (event.type === 'generation-end') end = event;
  return end!;
}

/** The 0.999 quantile, by Wilson and Hilferty's approximation. */
const chiSquareQuantile = (freedom: number): number =>
  freedom * (1 - 2 / (9 * freedom) + 3.09 * Math.sqrt(2 / (9 * freedom))) ** 3;

describe('stories260K', () => {
  let text: TextModel;
  needs(stories);
  before(async () => {
    text = await loadText(stories);
  });
  after(() => text?.model.dispose());

  it(`all ${cases.length} ways of transformers to generate, at once, give its tokens and log-probabilities`, async () => {
    const ends = await Promise.all(cases.map((one) => continued(text.model, one)));
    for (const [i, { name, sequences }] of cases.entries()) {
      const found = ends[i]!.sequences ?? [ends[i]!];
      expect(found.map(({ tokens }) => tokens)).to.deep.equal(
        sequences.map(({ tokens }) => tokens),
        name,
      );
      for (const [j, { logProbs }] of sequences.entries())
        if (logProbs)
          expect(found[j]!.logProbs!.slice(0, logProbs.length)).to.be.allclose([...logProbs], { atol: 2e-4, rtol: 0 });
    }
  });

  it('draws pairs of tokens as often as the probabilities of transformers say', async () => {
    const { prompt, options, pairs } = JSON.parse(readFileSync(join(fixtures, 'sampled-pairs.json'), 'utf8')) as {
      prompt: number[];
      options: Record<string, number>;
      pairs: [first: number, second: number, probability: number][];
    };
    const draws = 2000;
    const counts = new Map(pairs.map(([first, second]) => [`${first},${second}`, 0]));
    const settings = { ...options, do_sample: true, max_new_tokens: 2 };
    await Promise.all(
      Array.from({ length: draws }, async (_, seed) => {
        const { tokens } = await continued(text.model, {
          name: '',
          prompt,
          options: { ...settings, seed },
          sequences: [],
        });
        const pair = tokens.join();
        expect(counts.has(pair), `the pair ${pair}, which is cut off`).to.equal(true);
        counts.set(pair, counts.get(pair)! + 1);
      }),
    );
    let chiSquare = 0;
    let bins = 0;
    const rare = { found: 0, wanted: 0 };
    const count = (found: number, wanted: number): void => {
      chiSquare += (found - wanted) ** 2 / wanted;
      bins++;
    };
    for (const [first, second, probability] of pairs) {
      const [found, wanted] = [counts.get(`${first},${second}`)!, draws * probability];
      if (wanted >= 5) count(found, wanted);
      else [rare.found, rare.wanted] = [rare.found + found, rare.wanted + wanted];
    }
    count(rare.found, rare.wanted);
    expect(chiSquare).to.be.below(chiSquareQuantile(bins - 1));
  });

  it('has the logits, and the likelihood of a text, that were computed in float64', async () => {
    const { prompt } = JSON.parse(readFileSync(join(stories, 'expected.json'), 'utf8'));
    const { logLikelihood } = await score(text.model, prompt.ids);
    expect(-logLikelihood / (prompt.ids.length - 1)).to.be.closeTo(prompt.mean_nll_of_prompt, 1e-5);
    const session = await text.model.open(prompt.ids);
    const logits = await session.step([prompt.ids.at(-1)], [0]);
    expect(logits).to.be.allclose(prompt.logits_after_prompt, { atol: 3e-5, rtol: 0 });
    session.dispose();
  });

  it('embeds texts, together, as transformers does', async () => {
    const cases = JSON.parse(readFileSync(join(fixtures, 'embeddings.json'), 'utf8')) as { ids: number[]; vector: number[] }[]; // biome-ignore format: a cast
    const vectors = await Promise.all(cases.map(({ ids }) => (text.model as CausalLM).embed(ids)));
    for (const [i, { vector }] of cases.entries()) expect(vectors[i]!).to.be.allclose(vector, { atol: 3e-6, rtol: 0 });
  });

  it('scores, embeds and continues the texts of a stream, many at once, as each by itself', async () => {
    const { model, tokenizer } = text;
    const lines = ['Once upon a time', 'Lily', 'The sun was big and', 'Tom had a red ball.'];
    const items = fromIterable(lines).pipe(tokenize(tokenizer));
    const all = <T>(stream: Observable<T>): Promise<T[]> => lastValueFrom(stream.pipe(toArray()));
    const scored = await all(items.pipe(scoreItems(model, { concurrency: 4 })));
    const vectors = await all(items.pipe(embed(model as CausalLM, { concurrency: 4 })));
    const continuations = await all(
      items.pipe(generateItems(model, { maxNewTokens: 8, concurrency: 4 }), collect(tokenizer)),
    );
    for (const [i, line] of lines.entries()) {
      const ids = tokenizer.encode(line);
      expect(scored[i]!.logLikelihood).to.be.closeTo((await score(model, ids)).logLikelihood, 1e-4);
      expect(vectors[i]!.vector).to.be.allclose(await (model as CausalLM).embed(ids), { atol: 1e-6, rtol: 0 });
      const alone = await continued(model, {
        name: line,
        prompt: [...ids],
        options: { max_new_tokens: 8 },
        sequences: [],
      });
      expect(continuations[i]!.tokens).to.deep.equal(alone.tokens);
    }
  });
});

describe('a folder of Hugging Face’s', () => {
  const temporary = temporaryFolder();
  needs(stories);

  /** A copy of the model with one file changed, or without it. */
  const changed = (name: string, file: string, change: ((text: Buffer) => Buffer | string) | null): string => {
    const directory = join(temporary(), name);
    cpSync(stories, directory, { recursive: true });
    const path = join(directory, file);
    if (change) writeFileSync(path, change(readFileSync(path)));
    else rmSync(path);
    return directory;
  };
  const json = (change: object) => (text: Buffer) => JSON.stringify({ ...JSON.parse(text.toString()), ...change });

  const wrong: readonly [string, string, Parameters<typeof changed>[2], RegExp][] = [
    [
      'sizes that do not fit',
      'config.json',
      json({ hidden_size: 80, head_dim: 10 }),
      /model\.safetensors: the checkpoint does not fit/,
    ],
    ['a field of the wrong type', 'config.json', json({ hidden_size: '64' }), /config\.json: hidden_size must be/],
    ['an unknown model', 'config.json', json({ model_type: 'mamba' }), /config\.json: modelType "mamba" is unknown/],
    ['end tokens that are none', 'config.json', json({ eos_token_id: 'x' }), /config\.json: "x" is no token id/],
    [
      'a vocabulary that is too small',
      'config.json',
      json({ vocab_size: 400 }),
      /tokenizer\.json: has 512 tokens, config\.json says 400|does not fit/,
    ],
    ['no tokenizer', 'tokenizer.json', null, /tokenizer\.json/],
    ['a file that ends early', 'model.safetensors', (text) => text.subarray(0, 5000), /model\.safetensors/],
    ['options that are no JSON', 'generation_config.json', () => '{"top_k": ', /generation_config\.json/],
    [
      'options that are wrong',
      'generation_config.json',
      json({ max_length: 'many' }),
      /generation_config\.json: maxLength/,
    ],
  ];
  for (const [i, [name, file, change, message]] of wrong.entries())
    it(`with ${name} is refused in one clear line`, async () => {
      const error = await loadText(changed(String(i), file, change)).catch((e: unknown) => e);
      expect(error).to.be.instanceOf(FileError).with.property('message').that.matches(message);
      expect((error as Error).message).to.not.contain('\n');
    });

  it('needs no generation_config.json', async () => {
    const { model, options } = await loadText(changed('optional', 'generation_config.json', null));
    expect(options).to.deep.equal({});
    expect(model.eosTokenIds).to.deep.equal([2]);
    await model.dispose();
  });
});
