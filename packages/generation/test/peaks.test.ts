import { expect } from 'chai';
import fc from 'fast-check';
import { type GenerateOptions, generate, type LanguageModel, type Peaks, score, uniformSource } from '../src/index.ts';
import { drawToken } from '../src/sampler.ts';
import { logitRow, peakOf } from '../src/scores.ts';
import { collect, summary } from './support/collect.ts';
import { tableModel } from './support/table-model.ts';

/** What a model would find in rows of logits. */
function found(logits: Float32Array, vocabSize: number): Peaks {
  const rows = Array.from({ length: logits.length / vocabSize }, (_, r) => peakOf(logitRow(logits, r, vocabSize)));
  return {
    best: Int32Array.from(rows, ({ best }) => best),
    logSum: Float32Array.from(rows, ({ max, logSumExp }) => logSumExp - max),
  };
}

/** The model with sessions that tell `peaks`. */
const telling = (model: LanguageModel, peaks: (logits: Float32Array) => Peaks): LanguageModel => ({
  ...model,
  async open(prompt) {
    const session = await model.open(prompt);
    let last: Peaks | undefined;
    return {
      ...session,
      get peaks() {
        return last;
      },
      async step(tokens, parents) {
        const logits = await session.step(tokens, parents);
        last = peaks(logits);
        return logits;
      },
    };
  },
});

const V = 5;
const table = tableModel({ vocabSize: V, eosTokenIds: [] }, (made) => [0, 2, 1, made.length, 0.5]);
const lying = telling(table, (logits) => {
  const rows = logits.length / V;
  return { best: new Int32Array(rows).fill(4), logSum: new Float32Array(rows).fill(3) };
});
const run = async (model: LanguageModel, options: GenerateOptions = {}) =>
  summary(await collect(generate(model, [1], { maxNewTokens: 3, outputLogprobs: true, ...options })));

describe('what a model finds in its logits', () => {
  it('is believed: nothing is looked for again', async () => {
    const { ids, end } = await run(lying);
    expect(ids).to.deep.equal([4, 4, 4]);
    expect(end.logProbs).to.deep.equal([-3, -3, -3]);
    expect((await run(lying, { doSample: true, topP: 0.5, seed: 1 })).end.logProbs![0]).to.not.equal(
      (await run(table, { doSample: true, topP: 0.5, seed: 1 })).end.logProbs![0],
    );
    expect((await score(lying, [4, 4], [1])).logLikelihood).to.equal(-6);
  });

  it('says nothing of logits that were processed', async () => {
    const options = { logitBias: { 0: 0.25 } };
    expect(await run(lying, options)).to.deep.equal(await run(table, options));
  });

  it('changes no text and no probability beyond rounding', async () => {
    const truthful = telling(table, (logits) => found(logits, V));
    for (const options of [{}, { doSample: true, topK: 3 }, { doSample: true, topP: 0.7 }, { numBeams: 3 }]) {
      const [with_, without] = [await run(truthful, options), await run(table, options)];
      expect(with_.ids).to.deep.equal(without.ids);
      expect(with_.end.logProbs!).to.be.allclose(without.end.logProbs!, { atol: 1e-6 });
    }
  });

  it('lets top-p look at few logits, and keep the same', () => {
    const uniform = fc.double({ min: 0, max: 0.999, noNaN: true });
    const spread = fc.constantFrom(0.1, 3, 40);
    fc.assert(
      fc.property(fc.integer(), spread, fc.constantFrom(0.3, 0.9, 0.999), uniform, (seed, width, topP, u) => {
        const next = uniformSource(seed);
        const values = Float32Array.from({ length: 6000 }, () => width * Math.log(next() + 1e-9));
        const options = { temperature: 1, topK: 0, topP };
        const expected = drawToken({ values }, options, () => u);
        const drawn = drawToken(logitRow(values, 0, 6000, found(values, 6000)), options, () => u);
        expect(drawn.id).to.equal(expected.id);
        expect(drawn.logSumExp).to.be.closeTo(expected.logSumExp, 1e-5);
      }),
      { seed: 7, numRuns: 60 },
    );
  });

  it('is looked for again where it is no number, so that the error names the token', async () => {
    const broken = tableModel({ vocabSize: V, eosTokenIds: [] }, () => [0, Number.NaN, 1, 1, 1]);
    const model = telling(broken, () => ({ best: Int32Array.of(2), logSum: Float32Array.of(Number.NaN) }));
    for (const options of [{}, { doSample: true }, { numBeams: 2 }, { repetitionPenalty: 2 }]) {
      const error = await run(model, options).catch((e: unknown) => e);
      expect(error).to.be.instanceOf(RangeError).with.property('message').that.includes('NaN for token 1 in step 1');
    }
  });
});
