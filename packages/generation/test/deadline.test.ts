import { expect } from 'chai';
import { ContinuousBatching, type GenerateOptions, generate, generationConfig, type RowDecoder } from '../src/index.ts';
import { collect, summary } from './support/collect.ts';
import { tableModel } from './support/table-model.ts';

const wait = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

describe('maxTime', () => {
  /** The third step takes longer than there is time; each step's likeliest token is 1 and a text of 1s never ends. */
  const slow = () =>
    tableModel({ vocabSize: 3, onStep: (step) => (step === 3 ? wait(600) : undefined) }, () => [0, 30, 20]);

  for (const options of [
    {},
    { doSample: true, seed: 1 },
    { numBeams: 2 },
    { numBeams: 2, numBeamGroups: 2, diversityPenalty: 0.5 },
  ] satisfies GenerateOptions[])
    it(`ends the text with what is there ${JSON.stringify(options)}`, async () => {
      const model = slow();
      const { ids, end } = summary(await collect(generate(model, [1], { ...options, maxTime: 0.5, maxNewTokens: 50 })));
      expect(end.reason).to.equal('time');
      expect(end.tokens).to.have.length(3);
      expect(ids).to.deep.equal(end.tokens);
      expect(end.score).to.be.within(-1, 0);
      expect(model.calls).to.deep.equal({ opened: 1, steps: 3, disposed: 1 });
    });

  it('ends every sample', async () => {
    const options = { doSample: true, numReturnSequences: 2, maxTime: 0.5, maxNewTokens: 50 };
    const { end } = summary(await collect(generate(slow(), [1], options)));
    expect(end.sequences!.map(({ reason }) => reason)).to.deep.equal(['time', 'time']);
  });

  it('ends a text that still waits for its turn, and lets its neighbour be', async () => {
    let next = 0;
    const decoder: RowDecoder = {
      vocabSize: 3,
      contextLength: 100,
      eosTokenIds: [],
      add: () => next++,
      remove() {},
      truncate() {},
      step: async (rows) => {
        await wait(40);
        return Float32Array.from(rows.flatMap(() => [0, 9, 0]));
      },
      read: async () => Float32Array.of(0, 9, 0),
    };
    const model = new ContinuousBatching(decoder, { maxRows: 1 });
    const first = collect(generate(model, [1], { maxNewTokens: 20 }));
    await wait(1);
    const { end } = summary(await collect(generate(model, [2], { maxNewTokens: 20, maxTime: 0.1 })));
    expect(end).to.include({ reason: 'time', score: 0 });
    expect(end.tokens).to.deep.equal([]);
    expect(summary(await first).end).to.include({ reason: 'length' });
  });

  it('is read from generation_config.json, and may be as long as one likes', async () => {
    expect(generationConfig({ max_time: 1e9 })).to.deep.equal({ maxTime: 1e9 });
    const model = tableModel({ vocabSize: 3 }, () => [0, 30, 0]);
    const { end } = summary(await collect(generate(model, [1], { maxTime: 1e9, maxNewTokens: 2 })));
    expect(end.reason).to.equal('length');
  });

  it('must be above 0', async () => {
    const error = await collect(generate(slow(), [1], { maxTime: 0 })).catch((e: Error) => e);
    expect(error).to.be.instanceOf(RangeError).with.property('message', 'maxTime must be a number above 0, got 0');
  });
});
