import { expect } from 'chai';
import fc from 'fast-check';
import { type GenerateOptions, generate, resolveOptions, sampleToken, topPositions } from '../src/index.ts';
import { collect, summary } from './support/collect.ts';
import { tableModel } from './support/table-model.ts';

describe('edges of generation', () => {
  for (const options of [{}, { numBeams: 2 }]) {
    it(`a model that can make no token gives none ${JSON.stringify(options)}`, async () => {
      const model = tableModel({ vocabSize: 3, maxNewTokens: 0 }, () => [0, 1, 2]);
      expect(summary(await collect(generate(model, [1], options))).end).to.include({ score: 0, reason: 'length' });
    });

    it(`no step follows an abort between events ${JSON.stringify(options)}`, async () => {
      const controller = new AbortController();
      const model = tableModel({ vocabSize: 3 }, () => [0, 30, 0]);
      let steps = -1;
      for await (const { type } of generate(model, [1], { ...options, maxNewTokens: 9 }, controller.signal)) {
        if (type !== 'token' || steps >= 0) continue;
        steps = model.calls.steps;
        controller.abort();
      }
      expect(model.calls.steps).to.equal(steps);
    });
  }

  for (const bad of [{ earlyStopping: 'always' }, { doSample: 'no' }, { doSample: true, topP: '0.5' }, { toString: 1 }])
    it(`rejects ${JSON.stringify(bad)}`, () => {
      expect(() => resolveOptions(bad as unknown as GenerateOptions)).to.throw();
    });

  it('draws from the smallest set that reaches topP, as a full sort finds it', () => {
    const logits = fc.array(fc.float({ min: -30, max: 30, noNaN: true }), { minLength: 1, maxLength: 60 });
    const settings = fc.tuple(fc.double({ min: 0.05, max: 0.99, noNaN: true }), fc.constantFrom(0.5, 1, 2));
    fc.assert(
      fc.property(logits, settings, fc.double({ min: 0, max: 0.999, noNaN: true }), (xs, [topP, temperature], u) => {
        const values = Float32Array.from(xs);
        const max = Math.max(...values);
        const weight = (i: number): number => Math.exp((values[i]! - max) / temperature);
        const sorted = [...values.keys()].sort((a, b) => values[b]! - values[a]! || a - b);
        const wanted = topP * sorted.reduce((sum, i) => sum + weight(i), 0);
        let reached = 0;
        let size = 0;
        while (reached < wanted - 1e-9) reached += weight(sorted[size++]!);
        // One more: where the sum is within rounding of topP.
        expect(sorted.slice(0, size + 1)).to.include(sampleToken(values, { temperature, topK: 0, topP }, () => u));
      }),
    );
  });

  it('reads a whole vocabulary with topP, without a full sort of it', () => {
    const logits = Float32Array.from({ length: 50_257 }, (_, i) => Math.sin(i * 12.9898) * 6);
    for (let i = 0; i < 20; i++) sampleToken(logits, { temperature: 1, topK: 0, topP: 0.9 }, () => i / 20);
  }).timeout(5000);

  it('takes any temperature above 0', () => {
    expect(sampleToken(Float32Array.of(1, 3, 2), { temperature: 1e-40, topK: 0, topP: 1 }, () => 0.99)).to.equal(1);
  });

  it('topPositions of none are none', () => {
    expect(Object.keys(topPositions(Float32Array.of(1, 2), 0))).to.deep.equal([]);
  });

  const failure = (options: GenerateOptions, logits: number[] = [0, 1, 2]): Promise<unknown> =>
    collect(
      generate(
        tableModel({ vocabSize: 3 }, () => logits),
        [1],
        options,
      ),
    ).catch((error: unknown) => error);

  for (const options of [{}, { numBeams: 2 }, { doSample: true, topP: 0.5 }, { repetitionPenalty: 2 }]) {
    it(`NaN is told with its step ${JSON.stringify(options)}`, async () => {
      const error = await failure(options, [0, Number.NaN, 2]);
      expect(error)
        .to.be.instanceOf(RangeError)
        .with.property('message')
        .that.matches(/NaN for token 1 in step 1/);
    });

    it(`options that leave no token are told with the step ${JSON.stringify(options)}`, async () => {
      const error = await failure({ ...options, suppressTokens: [0, 1, 2] });
      expect(error)
        .to.be.instanceOf(RangeError)
        .with.property('message')
        .that.matches(/no token in step 1/);
    });
  }

  it('a token outside the vocabulary is told with its option', async () => {
    for (const options of [
      { eosTokenId: 3 },
      { badWordsIds: [[1, 7]] },
      { logitBias: { 9: 1 } },
      { forcedEosTokenId: 5 },
    ]) {
      const error = await failure(options);
      expect(error).to.be.instanceOf(RangeError).with.property('message').that.includes(Object.keys(options)[0]);
    }
  });

  it('presence and frequency penalties count what was made, not the prompt', async () => {
    const model = { ...tableModel({ vocabSize: 4, eosTokenIds: [] }, () => [0, 1.2, 1.1, 1]), continuesPrompt: true };
    const made = async (options: GenerateOptions): Promise<readonly number[]> =>
      summary(await collect(generate(model, [1, 1, 1], { maxNewTokens: 6, ...options }))).ids;
    expect(await made({ presencePenalty: 0.5 })).to.deep.equal([1, 2, 3, 1, 1, 1]);
    expect(await made({ frequencyPenalty: 0.5 })).to.deep.equal([1, 2, 3, 1, 2, 3]);
    expect(await made({ logitBias: { 0: 5 } })).to.deep.equal([0, 0, 0, 0, 0, 0]);
  });
});
