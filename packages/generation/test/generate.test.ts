import { expect } from 'chai';
import { type GenerateOptions, generate, type LanguageModel } from '../src/index.ts';
import { collect, summary } from './support/collect.ts';
import { hashedLogits, logSoftmax, tableModel } from './support/table-model.ts';

/** Says 1, 2, 3, … and the end token 0 after `length` tokens. */
const counting =
  (length: number) =>
  (tokens: readonly number[]): number[] => {
    const next = tokens.length < length ? tokens.length + 1 : 0;
    return Array.from({ length: 10 }, (_, id) => (id === next ? 4 : 0));
  };
const modes: [string, GenerateOptions][] = [
  ['greedy search', {}],
  ['sampling', { doSample: true, topK: 1 }],
  ['beam search', { numBeams: 3 }],
];

describe('generate', () => {
  for (const [name, options] of modes)
    describe(name, () => {
      it('tells the start, every token and the end', async () => {
        const events = await collect(generate(tableModel({ vocabSize: 10 }, counting(3)), [5], options));
        expect(events[0]).to.deep.equal({ type: 'generation-start' });
        const { ids, end } = summary(events);
        expect(ids).to.deep.equal([1, 2, 3]);
        expect(end).to.include({ reason: 'eos' });
        expect(end.tokens).to.deep.equal([1, 2, 3]);
        expect(events.slice(1, -1).every(({ type }) => type === 'token')).to.equal(true);
      });

      it('scores with the mean log-probability, the end token counted', async () => {
        const { end } = summary(await collect(generate(tableModel({ vocabSize: 10 }, counting(3)), [5], options)));
        expect(end.score).to.be.closeTo(logSoftmax(counting(0)([]))[0]!, 1e-6);
      });

      it('stops at maxNewTokens, the model’s own limit too', async () => {
        const model = tableModel({ vocabSize: 10 }, counting(8));
        const { ids, end } = summary(await collect(generate(model, [5], { ...options, maxNewTokens: 4 })));
        expect([ids, end.reason, model.calls.steps]).to.deep.equal([[1, 2, 3, 4], 'length', 4]);
        const limited = tableModel({ vocabSize: 10, maxNewTokens: 2 }, counting(8));
        expect(summary(await collect(generate(limited, [5], options))).ids).to.deep.equal([1, 2]);
      });

      it('hands the prompt to the model', async () => {
        const echo = tableModel({ vocabSize: 10 }, (made, prompt) =>
          counting(0)([]).map((_, id) => (id === (prompt[made.length] ?? 0) ? 9 : 0)),
        );
        expect(summary(await collect(generate(echo, [7, 3, 3], options))).ids).to.deep.equal([7, 3, 3]);
      });

      it('disposes the session once: at the end, on early return and on an error', async () => {
        const whole = tableModel({ vocabSize: 10 }, counting(3));
        await collect(generate(whole, [5], options));
        expect(whole.calls).to.include({ opened: 1, disposed: 1 });

        const left = tableModel({ vocabSize: 10 }, counting(3));
        for await (const { type } of generate(left, [5], options)) if (type === 'token') break;
        expect(left.calls).to.include({ opened: 1, disposed: 1 });

        const onStep = (step: number): void => {
          if (step === 2) throw new Error('the device is gone');
        };
        const broken = tableModel({ vocabSize: 10, onStep }, counting(3));
        const error = await collect(generate(broken, [5], options)).catch((e: unknown) => e);
        expect(error).to.be.an('error').with.property('message', 'the device is gone');
        expect(broken.calls).to.include({ opened: 1, steps: 2, disposed: 1 });
      });

      it('opens nothing when left after the start', async () => {
        const model = tableModel({ vocabSize: 10 }, counting(3));
        for await (const _ of generate(model, [5], options)) break;
        expect(model.calls).to.deep.equal({ opened: 0, steps: 0, disposed: 0 });
      });

      it('makes no step after one during which it was aborted, and just ends', async () => {
        const controller = new AbortController();
        const onStep = (step: number): void => {
          if (step === 2) controller.abort();
        };
        const model = tableModel({ vocabSize: 10, onStep }, counting(8));
        const events = await collect(generate(model, [5], options, controller.signal));
        expect(events.map(({ type }) => type)).to.not.include('generation-end');
        expect(model.calls).to.deep.equal({ opened: 1, steps: 2, disposed: 1 });
      });

      it('stops within one step when aborted between events', async () => {
        const controller = new AbortController();
        const model = tableModel({ vocabSize: 10 }, counting(8));
        let steps = 0;
        for await (const { type } of generate(model, [5], options, controller.signal)) {
          if (type !== 'token') continue;
          steps = model.calls.steps;
          controller.abort();
        }
        expect(model.calls.steps - steps).to.be.at.most(1);
        expect(model.calls.disposed).to.equal(1);
      });

      it('does nothing with a signal that is aborted already', async () => {
        const model = tableModel({ vocabSize: 10 }, counting(3));
        expect(await collect(generate(model, [5], options, AbortSignal.abort()))).to.deep.equal([]);
        expect(model.calls.opened).to.equal(0);
      });

      it('computes only when the next event is asked for', async () => {
        const model = tableModel({ vocabSize: 10 }, counting(3));
        const events = generate(model, [5], options);
        await events.next(); // the start
        await events.next(); // the first token
        const { steps } = model.calls;
        await new Promise((resolve) => setImmediate(resolve));
        expect(model.calls.steps).to.equal(steps);
        await events.return(undefined);
      });

      it('reports NaN with the token it stands at, and disposes', async () => {
        const model = tableModel({ vocabSize: 10 }, (made) =>
          counting(8)(made).map((x, i) => (made.length === 1 && i === 6 ? Number.NaN : x)),
        );
        const error = await collect(generate(model, [5], options)).catch((e: unknown) => e);
        expect(error).to.be.instanceOf(RangeError).with.property('message').that.includes('NaN for token 6');
        expect(model.calls.disposed).to.equal(1);
      });
    });

  it('checks the options before it opens the model', async () => {
    const model = tableModel({ vocabSize: 10 }, counting(3));
    const error = await collect(generate(model, [5], { numBeams: 0 })).catch((e: unknown) => e);
    expect(error).to.be.instanceOf(RangeError);
    expect(model.calls.opened).to.equal(0);
  });

  it('passes on what the model says to a prompt it cannot read', async () => {
    const model: LanguageModel = {
      vocabSize: 2,
      eosTokenIds: [0],
      open: () => Promise.reject(new RangeError('the prompt is empty')),
    };
    expect(await collect(generate(model, [])).catch((e: unknown) => e)).to.be.instanceOf(RangeError);
  });

  it('ends with any of several end tokens', async () => {
    const model = tableModel({ vocabSize: 10, eosTokenIds: [0, 3] }, counting(8));
    expect(summary(await collect(generate(model, [5]))).ids).to.deep.equal([1, 2]);
  });

  it('samples the same for the same seed', async () => {
    const run = async (seed: number): Promise<number[]> => {
      const model = tableModel({ vocabSize: 10, eosTokenIds: [] }, hashedLogits(3, 10));
      return summary(await collect(generate(model, [5], { doSample: true, seed, maxNewTokens: 20 }))).ids;
    };
    expect(await run(1)).to.deep.equal(await run(1));
    expect(await run(1)).to.not.deep.equal(await run(2));
  });
});
