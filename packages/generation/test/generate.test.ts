import {
  type DecodingSession,
  type GenerateOptions,
  type GenerationEvent,
  generate,
  type LanguageModel,
  sampleToken,
  topPositions,
  uniformSource,
} from '@rivulet/generation';
import { expect } from 'chai';
import fc from 'fast-check';

/** A bigram model over a table of logits; counts its steps and open sessions. */
class Bigrams implements LanguageModel {
  readonly eosTokenIds = [0];
  readonly vocabSize: number;
  readonly #table: readonly (readonly number[])[];
  steps = 0;
  open_ = 0;
  onStep: () => void = () => {};

  constructor(table: readonly (readonly number[])[]) {
    this.#table = table;
    this.vocabSize = table[0]!.length;
  }

  async open(prompt: ArrayLike<number>): Promise<DecodingSession> {
    this.open_++;
    return {
      firstToken: prompt[prompt.length - 1]!,
      step: async (tokens) => {
        this.steps++;
        this.onStep();
        return Float32Array.from(tokens.flatMap((token) => this.#table[token]!));
      },
      dispose: () => {
        this.open_--;
      },
    };
  }
}

const logits = fc.integer({ min: -40, max: 40 }).map((x) => x / 10);
const tables = fc
  .integer({ min: 2, max: 5 })
  .chain((size) =>
    fc.array(fc.array(logits, { minLength: size, maxLength: size }), { minLength: size, maxLength: size }),
  );

async function run(
  model: LanguageModel,
  options: GenerateOptions,
  prompt = [1],
  signal?: AbortSignal,
): Promise<GenerationEvent[]> {
  const events: GenerationEvent[] = [];
  for await (const event of generate(model, prompt, options, signal)) events.push(event);
  return events;
}

const ending = (events: GenerationEvent[]): Extract<GenerationEvent, { type: 'generation-end' }> => {
  const end = events.at(-1)!;
  if (end.type !== 'generation-end') throw new Error(`the last event is ${end.type}`);
  return end;
};

function logSoftmax(row: readonly number[]): number[] {
  const total = Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
  return row.map((x) => x - total);
}

/** Every hypothesis of up to `length` tokens, scored. */
function* hypotheses(
  table: readonly (readonly number[])[],
  length: number,
  penalty: number,
): Generator<{ tokens: number[]; score: number }> {
  const rows = table.map(logSoftmax);
  const grow = function* (
    last: number,
    tokens: number[],
    logProb: number,
  ): Generator<{ tokens: number[]; score: number }> {
    for (const [token, p] of rows[last]!.entries()) {
      const next = logProb + p;
      const size = tokens.length + 1;
      if (token === 0) yield { tokens, score: next / size ** penalty };
      else if (size === length) yield { tokens: [...tokens, token], score: next / size ** penalty };
      else yield* grow(token, [...tokens, token], next);
    }
  };
  yield* grow(1, [], 0);
}

describe('generate', () => {
  it('takes the likeliest token until the end token', async () => {
    const model = new Bigrams([
      [0, 0, 0],
      [0, 1, 5],
      [9, 0, 1],
    ]);
    const events = await run(model, {});
    expect(events.map(({ type }) => type)).to.deep.equal(['generation-start', 'token', 'generation-end']);
    expect(ending(events)).to.deep.include({ tokens: [2], reason: 'eos' });
    const expected = (logSoftmax([0, 1, 5])[2]! + logSoftmax([9, 0, 1])[0]!) / 2;
    expect(ending(events).score).to.be.closeTo(expected, 1e-6);
    expect(model.open_).to.equal(0);
  });

  it('stops at the most new tokens', async () => {
    const model = new Bigrams([
      [0, 9],
      [0, 9],
    ]);
    expect(ending(await run(model, { maxNewTokens: 3 }))).to.deep.include({ tokens: [1, 1, 1], reason: 'length' });
    expect(ending(await run(model, { maxNewTokens: 3, numBeams: 2 }))).to.deep.include({
      tokens: [1, 1, 1],
      reason: 'length',
    });
  });

  it('finds the best of all hypotheses with as many beams as there can be', () =>
    fc.assert(
      fc.asyncProperty(
        tables,
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom(0, 0.6, 1, 2),
        async (table, maxNewTokens, lengthPenalty) => {
          const all = [...hypotheses(table, maxNewTokens, lengthPenalty)];
          const best = Math.max(...all.map(({ score }) => score));
          // Stopping early is sound only where length cannot improve a score: force the full width and see all of it.
          const numBeams = all.length + 2;
          const end = ending(await run(new Bigrams(table), { numBeams, maxNewTokens, lengthPenalty }));
          expect(end.score).to.be.closeTo(best, 1e-5);
          expect(all.find(({ tokens }) => String(tokens) === String(end.tokens))!.score).to.be.closeTo(best, 1e-5);
        },
      ),
      { numRuns: 100, seed: 4 },
    ));

  it('gives the tokens of the end as events, each once, also with beams', () =>
    fc.assert(
      fc.asyncProperty(
        tables,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 6 }),
        async (table, numBeams, maxNewTokens) => {
          const events = await run(new Bigrams(table), { numBeams, maxNewTokens });
          const tokens = events.flatMap((event) => (event.type === 'token' ? [event.id] : []));
          expect(tokens).to.deep.equal(ending(events).tokens);
        },
      ),
      { numRuns: 200, seed: 4 },
    ));

  it('is greedy with one beam', () =>
    fc.assert(
      fc.asyncProperty(tables, async (table) => {
        const greedy = ending(await run(new Bigrams(table), { maxNewTokens: 5 }));
        const sampled = ending(await run(new Bigrams(table), { maxNewTokens: 5, doSample: true, topK: 1 }));
        expect(sampled.tokens).to.deep.equal(greedy.tokens);
      }),
      { numRuns: 100, seed: 4 },
    ));

  it('samples the same with the same seed', async () => {
    const model = new Bigrams([
      [0, 0, 0],
      [0, 1, 1],
      [0, 1, 1],
    ]);
    const draw = async (seed: number): Promise<string> =>
      String(ending(await run(model, { doSample: true, seed, maxNewTokens: 30 })).tokens);
    expect(await draw(1)).to.equal(await draw(1));
    expect(new Set(await Promise.all([1, 2, 3, 4, 5].map(draw))).size).to.be.greaterThan(1);
  });

  for (const numBeams of [1, 3])
    it(`makes no step after the signal, with ${numBeams} beam(s), and closes its session`, async () => {
      const model = new Bigrams([
        [0, 9, 8],
        [0, 9, 8],
        [0, 9, 8],
      ]);
      const controller = new AbortController();
      model.onStep = () => {
        if (model.steps === 4) controller.abort();
      };
      const events = await run(model, { numBeams, maxNewTokens: 100 }, [1], controller.signal);
      expect(model.steps).to.equal(4);
      expect(events.at(-1)!.type).to.not.equal('generation-end');
      expect(model.open_).to.equal(0);
    });

  it('closes its session when it is left early, and when a step fails', async () => {
    const model = new Bigrams([
      [0, 9],
      [0, 9],
    ]);
    for await (const event of generate(model, [1])) if (event.type === 'token') break;
    expect(model.open_).to.equal(0);
    model.onStep = () => {
      throw new Error('no power');
    };
    const error = await run(model, {}).catch((e: Error) => e);
    expect(error).to.have.property('message', 'no power');
    expect(model.open_).to.equal(0);
  });

  it('names logits that are no numbers', async () => {
    for (const numBeams of [1, 2]) {
      const error = await run(
        new Bigrams([
          [0, 0],
          [0, Number.NaN],
        ]),
        { numBeams },
      ).catch((e: Error) => e);
      expect(error).to.be.instanceOf(RangeError).with.property('message', 'the model gave NaN for token 1');
    }
  });

  const wrong: [object, string][] = [
    [{ numBeam: 2 }, "generate has no option 'numBeam'"],
    [{ numBeams: 0 }, 'numBeams must be a whole number from 1, got 0'],
    [{ maxNewTokens: 1.5 }, 'maxNewTokens must be a whole number from 1, got 1.5'],
    [{ doSample: true, topP: 0 }, 'topP must be above 0 and at most 1, got 0'],
    [{ doSample: true, temperature: 0 }, 'temperature must be a number above 0, got 0'],
    [{ doSample: true, numBeams: 2 }, 'doSample and numBeams > 1 exclude each other'],
    [{ topK: 5 }, 'topK has no effect without doSample: true'],
  ];
  for (const [options, message] of wrong)
    it(`refuses ${JSON.stringify(options)}`, async () => {
      const error = await run(new Bigrams([[0]]), options).catch((e: Error) => e);
      expect((error as Error).message).to.include(message);
    });
});

describe('sampleToken', () => {
  const row = Float32Array.of(1, 2, 0, -1, 2.5, 0.3);
  const everything = { temperature: 1, topK: 0, topP: 1 };
  const exact = (options: { temperature: number; topK: number; topP: number }): number[] => {
    const p = logSoftmax([...row].map((x) => x / options.temperature)).map(Math.exp);
    const order = [...p.keys()].sort((a, b) => p[b]! - p[a]!).slice(0, options.topK || p.length);
    const mass = order.reduce((sum, i) => sum + p[i]!, 0);
    let reached = 0;
    const kept = order.filter((i) => {
      const before = reached;
      reached += p[i]! / mass;
      return before < options.topP;
    });
    const total = kept.reduce((sum, i) => sum + p[i]!, 0);
    return [...p.keys()].map((i) => (kept.includes(i) ? p[i]! / total : 0));
  };

  for (const options of [
    everything,
    { ...everything, temperature: 0.5 },
    { ...everything, topK: 3 },
    { ...everything, topP: 0.7 },
    { temperature: 2, topK: 4, topP: 0.9 },
  ])
    it(`draws from the exact distribution: ${JSON.stringify(options)}`, () => {
      const draws = 20_000;
      const uniform = uniformSource(11);
      const counts = new Array<number>(row.length).fill(0);
      for (let i = 0; i < draws; i++) counts[sampleToken(row, options, uniform)]!++;
      const expected = exact(options);
      let chiSquare = 0;
      expected.forEach((p, i) => {
        if (p === 0) expect(counts[i]).to.equal(0);
        else chiSquare += (counts[i]! - draws * p) ** 2 / (draws * p);
      });
      expect(chiSquare).to.be.lessThan(20.5); // 5 degrees of freedom, 0.1 %
    });
});

describe('topPositions', () => {
  it('gives what a full sort gives', () =>
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -5, max: 5 })), fc.integer({ min: 0, max: 10 }), (values, count) => {
        const sorted = [...values.keys()].sort((a, b) => values[b]! - values[a]! || a - b).slice(0, count);
        expect(topPositions(Float32Array.from(values), count)).to.deep.equal(sorted);
      }),
    ));
});
