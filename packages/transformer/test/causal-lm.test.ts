import { readFileSync } from 'node:fs';
import { argmax, generate, logSumExp, score } from '@rivulet/generation';
import { type Module, storageOf } from '@rivulet/nn';
import { compile, gradients } from '@rivulet/tensor';
import { expect } from 'chai';
import { fill } from '../../../test/support/parity.ts';
import {
  type CausalDecoder,
  CausalLM,
  GPT2,
  gpt2Weights,
  Llama,
  parseGPT2Config,
  parseLlamaConfig,
} from '../src/index.ts';

interface Case {
  readonly config: Readonly<Record<string, unknown>>;
  readonly keys: readonly string[];
  readonly logits: readonly number[][];
}

/** Of tools/reference/causal_lm.py. */
const { transformers, cases } = JSON.parse(
  readFileSync(new URL('./fixtures/causal-lm.json', import.meta.url), 'utf8'),
) as { transformers: string; cases: Record<string, Case> };

const LENGTH = 23;
const ids = Int32Array.from({ length: LENGTH }, (_, i) => (7 * i * i + 3 * i + 1) % 37);
const ROWS = [0, 1, 9, LENGTH - 1];
const close = { atol: 2e-5, rtol: 1e-4 };

/** The model of a case, with the weights of the formula. */
function filled({ config, keys }: Case): Module & CausalDecoder {
  const model = config.model_type === 'gpt2' ? new GPT2(parseGPT2Config(config)) : new Llama(parseLlamaConfig(config));
  const state = model.stateDict();
  expect([...state.keys()]).to.have.members(keys);
  keys.forEach((key, i) => {
    const { data, dims } = storageOf(state.get(key)!);
    const norm = /norm|\.ln_/.test(key) && key.endsWith('weight') ? 1 : 0;
    const wave = fill(dims, i, 0.3).data as Float32Array;
    data.set(wave.map((x) => x + norm) as never);
  });
  return model;
}

const lm = (model: CausalDecoder): Promise<CausalLM> => CausalLM.compile(model, { eosTokenIds: [], keptPrefixes: 0 });

describe(`decoder-only models, against transformers ${transformers}`, () => {
  for (const [name, one] of Object.entries(cases)) {
    it(`${name}: logits of a whole text`, async () => {
      const model = filled(one) as Llama | GPT2;
      const graph = await compile({ ids: { shape: [1, LENGTH], dtype: 'int32' } }, (given) => ({
        logits: model.forward(given.ids),
      }));
      const { logits } = await graph.run({ ids: { dtype: 'int32', dims: [1, LENGTH], data: ids } });
      for (const [i, row] of ROWS.entries())
        expect(logits.data.slice(row * 37, row * 37 + 37)).to.be.allclose(one.logits[i]!, close);
      await graph.dispose();
    });

    it(`${name}: logits behind a cache, token by token and several at once`, async () => {
      const model = await lm(filled(one));
      const session = await model.open(ids.subarray(0, 2));
      const seen = [Float32Array.from(await session.step([ids[1]!], [0]))]; // the prompt and its last token
      for (let i = 2; i < 10; i++) seen.push(Float32Array.from(await session.step([ids[i]!], [0])));
      expect(seen[0]).to.be.allclose(one.logits[1]!, close);
      expect(seen[8]).to.be.allclose(one.logits[2]!, close);
      const rest = await session.stepMany!([...ids.subarray(10)]);
      expect(rest).to.have.length(37 * (LENGTH - 10));
      expect(rest.slice(-37)).to.be.allclose(one.logits[3]!, close);
      const { best, logSum } = session.peaks!;
      for (let row = 0; row < LENGTH - 10; row++) {
        const logits = rest.slice(row * 37, row * 37 + 37);
        const at = argmax(logits);
        expect(best[row]).to.equal(at);
        expect(logSum[row]).to.be.closeTo(logSumExp(logits) - logits[at]!, 1e-6);
      }
      session.rewind!(LENGTH - 9);
      expect(await session.step([ids[9]!], [0])).to.be.allclose(one.logits[2]!, close);
      session.dispose();
      await model.dispose();
    });
  }

  it('rows of different lengths, in one batch, have the logits that they have alone', async () => {
    const model = await lm(filled(cases['llama with wide heads']!));
    const alone = await model.open(ids.subarray(0, 10));
    const expected = Float32Array.from(await alone.step([ids[9]!], [0]));
    alone.dispose();
    const sessions = await Promise.all([3, 10, 1, 5].map((n) => model.open(ids.subarray(0, n))));
    const feed = (at: (i: number) => number): Promise<Float32Array[]> =>
      Promise.all(sessions.map(async (session, i) => Float32Array.from(await session.step([at(i)], [0]))));
    const first = await feed((i) => ids[[2, 9, 0, 4][i]!]!);
    expect(first[1]).to.be.allclose([...expected], { atol: 1e-6, rtol: 1e-6 });
    const second = await feed((i) => ids[[3, 10, 1, 5][i]!]!);
    for (const [i, n] of [4, 11, 2, 6].entries()) {
      const again = await model.open(ids.subarray(0, n));
      expect(second[i]).to.be.allclose([...(await again.step([ids[n - 1]!], [0]))], { atol: 1e-6, rtol: 1e-5 });
      again.dispose();
    }
    await model.dispose();
  });

  it('logits lie in the same memory from step to step, and stay until their session goes on', async () => {
    const model = await lm(filled(cases['llama with wide heads']!));
    const [one, two] = [await model.open(ids.subarray(0, 3)), await model.open(ids.subarray(0, 5))];
    const [, second] = await Promise.all([one.step([ids[2]!], [0]), two.step([ids[4]!], [0])]);
    const kept = Float32Array.from(second!);
    const seen = new Set<ArrayBufferLike>();
    for (let i = 3; i < 9; i++) seen.add((await one.step([ids[i]!], [0])).buffer);
    expect(seen).to.have.property('size', 1);
    expect(seen.has(second!.buffer)).to.equal(false);
    expect(second).to.be.allclose(kept, { atol: 0, rtol: 0 });
    await model.dispose();
  });

  it('hypotheses continue the rows that they name', async () => {
    const model = await lm(filled(cases['llama with grouped heads, tied']!));
    const session = await model.open([1, 2, 3], { rows: 3 });
    await session.step([3], [0]);
    await session.step([4, 5, 6], [0, 0, 0]);
    const logits = Float32Array.from(await session.step([7, 8, 9], [2, 0, 2]));
    for (const [row, text] of [
      [1, 2, 3, 6, 7],
      [1, 2, 3, 4, 8],
      [1, 2, 3, 6, 9],
    ].entries()) {
      const alone = await model.open(text);
      const expected = await alone.step([text.at(-1)!], [0]);
      expect(logits.slice(row * 37, row * 37 + 37)).to.be.allclose([...expected], { atol: 1e-6, rtol: 1e-5 });
      alone.dispose();
    }
    await model.dispose();
  });

  it('all backends give the same', async () => {
    const model = filled(cases.llama!);
    const one = await lm(model);
    const expected = await score(one, ids);
    for (const backend of ['node', 'wasm'] as const) {
      const other = await CausalLM.compile(model, { eosTokenIds: [], backend });
      expect((await score(other, ids)).logProbs).to.be.allclose([...expected.logProbs], close);
      await other.dispose();
    }
    await one.dispose();
  });

  it('every parameter gets a gradient', async () => {
    for (const name of ['llama with one head of keys and biases', 'gpt2']) {
      const model = filled(cases[name]!) as Llama | GPT2;
      const parameters = [...model.parameters().values()];
      const graph = await compile({ ids: { shape: [1, LENGTH], dtype: 'int32' } }, (given) => {
        const grads = gradients(model.forward(given.ids).square().mean(), parameters);
        return Object.fromEntries(grads.map((g, i) => [`g${i}`, g.abs().max()]));
      });
      const results = await graph.run({ ids: { dtype: 'int32', dims: [1, LENGTH], data: ids } });
      for (const { data } of Object.values(results)) expect(data[0]).to.be.above(0);
      await graph.dispose();
    }
  });
});

describe('configurations of decoder-only models', () => {
  const llama = cases.llama!.config;
  const gpt2 = cases.gpt2!.config;

  it('name the field that is wrong', () => {
    const wrong = (change: object, message: RegExp): void => {
      expect(() => parseLlamaConfig({ ...llama, ...change })).to.throw(TypeError, message);
    };
    wrong({ vocab_size: '37' }, /vocab_size must be a whole number from 1, got "37"/);
    wrong({ hidden_size: undefined }, /hidden_size is missing/);
    wrong({ hidden_act: 'gelu' }, /hidden_act must be "silu", got "gelu"/);
    wrong({ rope_scaling: { rope_type: 'yarn' } }, /rope_type must be default, linear or llama3, got 'yarn'/);
    wrong({ rope_scaling: 3 }, /rope_scaling must be an object, got 3/);
    wrong({ rope_scaling: { type: 'linear' } }, /factor is missing/);
    expect(() => parseLlamaConfig({ ...llama, num_key_value_heads: 3 })).to.throw(RangeError, '4 heads');
    expect(() => parseGPT2Config({ ...gpt2, n_head: 5 })).to.throw(TypeError, 'n_embd 32 is not divisible by n_head 5');
    expect(() => parseGPT2Config({ ...gpt2, activation_function: 'relu' })).to.throw(TypeError, 'activation_function');
    expect(() => parseGPT2Config([])).to.throw(TypeError, 'is no JSON object');
  });

  it('read what transformers 5 writes of rotary embeddings', () => {
    const rope = { rope_type: 'linear', factor: 4, rope_theta: 500 };
    expect(parseLlamaConfig({ ...llama, rope_parameters: rope })).to.deep.include({
      ropeTheta: 500,
      ropeScaling: { type: 'linear', factor: 4 },
    });
  });

  it("published GPT-2 keys become the model's", () => {
    const value = { dtype: 'float32', dims: [1], data: new Float32Array(1) } as const;
    const published = [
      'wte.weight',
      'h.0.attn.bias',
      'h.0.attn.c_attn.bias',
      'lm_head.weight',
      'transformer.ln_f.bias',
    ];
    const renamed = gpt2Weights(new Map(published.map((key) => [key, value])));
    expect([...renamed.keys()]).to.deep.equal([
      'transformer.wte.weight',
      'transformer.h.0.attn.c_attn.bias',
      'transformer.ln_f.bias',
    ]);
  });
});

describe('CausalLM', () => {
  const tiny = (): Promise<CausalLM> => lm(filled(cases.gpt2!));

  it('refuses prompts and tokens that do not fit, and stays usable', async () => {
    const model = await tiny();
    const refused = async (prompt: readonly number[], message: string): Promise<void> => {
      const error = await model.open(prompt).catch((e: unknown) => e);
      expect(error).to.be.instanceOf(RangeError).with.property('message').that.includes(message);
    };
    await refused([], 'the prompt has no tokens');
    await refused([37], 'token 37 is not in the model');
    await refused([1.5], 'token 1.5');
    await refused(new Array<number>(65).fill(1), 'the prompt has 65 tokens; this model reads at most 64');
    const session = await model.open(new Array<number>(64).fill(1));
    await session.step([1], [0]);
    const full = await session.step([1], [0]).catch((e: unknown) => e);
    expect(full).to.be.instanceOf(RangeError).with.property('message').that.includes('65 tokens');
    session.dispose();
    expect((await score(model, [1, 2, 3])).logProbs).to.have.length(2);
    await model.dispose();
  });

  it('embeds texts of many callers together as each alone, beside a text that is continued', async () => {
    for (const name of ['llama with one head of keys and biases', 'gpt2']) {
      const model = await lm(filled(cases[name]!));
      const texts = [3, 1, 4, 9, 5, 30, 8, 2, 33, 6].map((length) =>
        Array.from({ length }, (_, i) => (7 * i + length) % 37),
      );
      const alone: Float32Array[] = [];
      for (const text of texts) alone.push(await model.embed(text));
      const story = async (): Promise<number[]> => {
        const ids: number[] = [];
        for await (const event of generate(model, [1, 2], { maxNewTokens: 12 }))
          if (event.type === 'token') ids.push(event.id);
        return ids;
      };
      const told = await story();
      const [again, ...together] = await Promise.all([story(), ...texts.map((text) => model.embed(text))]);
      expect(again).to.deep.equal(told);
      for (const [i, vector] of together.entries()) expect(vector).to.be.allclose(alone[i]!, { atol: 1e-6, rtol: 0 });
      expect(Math.hypot(...alone[0]!)).to.be.closeTo(1, 1e-6);
      await model.dispose();
    }
  });

  it('embeds nothing for a caller that is gone, or that gives what does not fit, and the others all the same', async () => {
    const model = await tiny();
    const controller = new AbortController();
    const told = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);
    const results = [told(model.embed([1, 2], controller)), told(model.embed([])), model.embed([3, 4])];
    controller.abort('gone');
    const [aborted, empty, vector] = await Promise.all(results);
    expect(aborted).to.equal('gone');
    expect(empty).to.be.instanceOf(RangeError);
    expect(vector).to.be.instanceOf(Float32Array);
    await model.dispose();
  });
});
