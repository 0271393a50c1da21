import { expect } from 'chai';
import { type GenerateOptions, generate, type LanguageModel, score } from '../src/index.ts';
import { collect, summary } from './support/collect.ts';
import { haveStories, plainLlama } from './support/plain-llama.ts';
import { hashedLogits, logSoftmax, tableModel } from './support/table-model.ts';

describe('several sequences', () => {
  const samples = (options: GenerateOptions) =>
    collect(
      generate(tableModel({ vocabSize: 9 }, hashedLogits(4, 9)), [1], { doSample: true, maxNewTokens: 12, ...options }),
    );

  it('that are sampled together differ, and the first is the one that comes alone', async () => {
    const events = await samples({ numReturnSequences: 4, seed: 3 });
    const { end } = summary(events);
    expect(new Set(end.sequences!.map(({ tokens }) => tokens.join(' '))).size).to.be.above(1);
    expect(end.tokens).to.deep.equal(summary(await samples({ seed: 3 })).end.tokens);
    for (const [i, { tokens }] of end.sequences!.entries()) {
      const given = events.flatMap((event) => (event.type === 'token' && event.sequence === i ? [event.id] : []));
      expect(given).to.deep.equal(tokens);
    }
  });

  it('have each the tokens and score that the model gives them', async () => {
    const { end } = summary(await samples({ numReturnSequences: 5, seed: 8, outputLogprobs: true }));
    const logitsOf = hashedLogits(4, 9);
    for (const { tokens, logProbs, score: total, reason } of end.sequences!) {
      const made = reason === 'eos' ? [...tokens, 0] : tokens;
      const expected = made.map((id, i) => logSoftmax(logitsOf(made.slice(0, i)))[id]!);
      for (const [i, x] of expected.entries()) expect(logProbs![i]).to.be.closeTo(x, 1e-5);
      expect(total).to.be.closeTo(expected.reduce((a, b) => a + b) / made.length, 1e-5);
    }
  });
});

describe('log-probabilities', () => {
  for (const options of [{}, { numBeams: 2 }])
    it(`name the likeliest tokens, the chosen one among them ${JSON.stringify(options)}`, async () => {
      const model = tableModel({ vocabSize: 9, eosTokenIds: [] }, hashedLogits(4, 9));
      const events = await collect(generate(model, [1], { ...options, topLogprobs: 3, maxNewTokens: 5 }));
      const made: number[] = [];
      for (const event of events) {
        if (event.type !== 'token') continue;
        const expected = logSoftmax(hashedLogits(4, 9)(made));
        const order = [...expected.keys()].sort((a, b) => expected[b]! - expected[a]!);
        expect(event.topLogProbs!.map(({ id }) => id)).to.deep.equal(order.slice(0, 3));
        expect(event.logProb).to.be.closeTo(expected[event.id]!, 1e-5);
        made.push(event.id);
      }
      expect(made).to.have.length(5);
    });
});

describe('score', () => {
  it('sums what the model gives each token', async () => {
    const logitsOf = hashedLogits(7, 6);
    const ids = [3, 1, 4, 1, 5];
    const expected = ids.map((id, i) => logSoftmax(logitsOf(ids.slice(0, i)))[id]!);
    const { logProbs, logLikelihood, perplexity } = await score(tableModel({ vocabSize: 6 }, logitsOf), ids, [2]);
    const sum = expected.reduce((a, b) => a + b);
    expect(logProbs.length).to.equal(5);
    expect(logLikelihood).to.be.closeTo(sum, 1e-5);
    expect(perplexity).to.be.closeTo(Math.exp(-sum / 5), 1e-4);
  });

  it('gives the mean that PyTorch gives for a prompt of stories260K', async function () {
    if (!haveStories) this.skip();
    const ids = [1, 403, 407, 261, 378, 432, 383, 286, 261, 376, 298, 315, 421, 395, 317, 426];
    const { logLikelihood } = await score(await plainLlama(), ids);
    expect(-logLikelihood / 15).to.be.closeTo(0.10013734386301176, 1e-5); // expected.json of the checkpoint
  });

  it('refuses what it cannot judge', async () => {
    const model = tableModel({ vocabSize: 6 }, hashedLogits(7, 6));
    const failure = (ids: number[], prompt?: number[], of: LanguageModel = model): Promise<unknown> =>
      score(of, ids, prompt).catch((error: unknown) => error);
    expect(await failure([1, 9], [1]))
      .to.be.instanceOf(RangeError)
      .with.property('message')
      .that.includes('token 1');
    expect(await failure([], [1])).to.be.instanceOf(RangeError);
    expect(await failure([1, 2])).to.be.instanceOf(TypeError);
    expect(await failure([1], undefined, { ...model, continuesPrompt: true })).to.be.instanceOf(RangeError);
  });
});
