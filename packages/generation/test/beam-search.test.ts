import { expect } from 'chai';
import fc from 'fast-check';
import { generate } from '../src/index.ts';
import { collect, summary } from './support/collect.ts';
import { hashedLogits, logSoftmax, tableModel } from './support/table-model.ts';

type Logits = (tokens: readonly number[]) => number[];
interface Hypothesis {
  readonly tokens: readonly number[];
  readonly score: number;
}
interface Search {
  readonly vocabSize: number;
  readonly ends: readonly number[];
  readonly maxNewTokens: number;
  readonly numBeams: number;
  readonly lengthPenalty: number;
  readonly earlyStopping: boolean;
}

/** Every text that ends with an end token or by its length, by enumeration; the best one. */
function exhaustive(logitsOf: Logits, { vocabSize, ends, maxNewTokens, lengthPenalty }: Search): Hypothesis {
  let best: Hypothesis = { tokens: [], score: Number.NEGATIVE_INFINITY };
  const visit = (tokens: readonly number[], sum: number): void => {
    const logProbs = logSoftmax(logitsOf(tokens));
    for (let id = 0; id < vocabSize; id++) {
      const total = sum + logProbs[id]!;
      const made = ends.includes(id) ? tokens : [...tokens, id];
      const score = total / (tokens.length + 1) ** lengthPenalty;
      if (ends.includes(id) || made.length === maxNewTokens) best = score > best.score ? { tokens: made, score } : best;
      else visit(made, total);
    }
  };
  visit([], 0);
  return best;
}

/**
 * The rules of `_beam_search` in transformers ≥ 4.50, written over whole sequences: no cache, no parents, full sorts.
 * Its stop test looks at running beams only; BeamSearchScorer of older versions looked at candidates that end, too.
 */
function reference(
  logitsOf: Logits,
  { ends, maxNewTokens, numBeams, lengthPenalty, earlyStopping }: Search,
): Hypothesis {
  let running = [{ tokens: [] as number[], sum: 0 }];
  let finished: Hypothesis[] = [];
  for (let length = 1; length <= maxNewTokens && running.length > 0; length++) {
    const ranked = running
      .flatMap(({ tokens, sum }) =>
        logSoftmax(logitsOf(tokens)).map((p, id) => ({ tokens: [...tokens, id], sum: sum + p })),
      )
      .sort((a, b) => b.sum - a.sum)
      .slice(0, Math.max(2, 1 + ends.length) * numBeams);
    const isEnd = ({ tokens }: { tokens: number[] }): boolean => ends.includes(tokens.at(-1)!);
    const keep = (more: Hypothesis[]): void => {
      finished = [...finished, ...more].sort((a, b) => b.score - a.score).slice(0, numBeams);
    };
    const scored = ({ sum }: { sum: number }): number => sum / length ** lengthPenalty;
    const cut = length === maxNewTokens; // then what does not end is cut, if it is among the first
    keep(
      ranked
        .slice(0, numBeams)
        .filter((candidate) => cut || isEnd(candidate))
        .map((c) => ({ tokens: isEnd(c) ? c.tokens.slice(0, -1) : c.tokens, score: scored(c) })),
    );
    running = ranked.filter((candidate) => !isEnd(candidate)).slice(0, numBeams);
    if (running.length === 0) break;
    const full = finished.length === numBeams;
    if (full && (earlyStopping || finished.at(-1)!.score >= scored(running[0]!))) break;
  }
  return finished[0]!;
}

async function search(
  logitsOf: Logits,
  { vocabSize, ends, ...options }: Search,
): Promise<{ ids: number[] } & Hypothesis> {
  const model = tableModel({ vocabSize, eosTokenIds: ends }, logitsOf);
  const { ids, end } = summary(await collect(generate(model, [1], options)));
  expect(model.calls).to.include({ opened: 1, disposed: 1 });
  return { ids, tokens: end.tokens, score: end.score };
}

const penalty = fc.constantFrom(0, 0.6, 1, 2, -1);
const seed = fc.integer({ min: 1, max: 2 ** 31 - 1 });

describe('beam search', () => {
  it('finds the best of all texts when it can follow all of them', async () => {
    const searches = fc.record({ lengthPenalty: penalty, maxNewTokens: fc.integer({ min: 1, max: 4 }) });
    await fc.assert(
      fc.asyncProperty(seed, searches, async (s, options) => {
        const all: Search = { vocabSize: 4, ends: [0], numBeams: 300, earlyStopping: false, ...options };
        const logitsOf = hashedLogits(s, 4);
        const best = exhaustive(logitsOf, all);
        const found = await search(logitsOf, all);
        expect(found.tokens).to.deep.equal(best.tokens);
        expect(found.score).to.be.closeTo(best.score, 1e-5);
      }),
      { numRuns: 40 },
    );
  });

  it('agrees with an independent reference for any width, penalty and stopping', async () => {
    const searches = fc.record({
      vocabSize: fc.integer({ min: 3, max: 7 }),
      ends: fc.constantFrom([0], [0, 2]),
      maxNewTokens: fc.integer({ min: 1, max: 8 }),
      numBeams: fc.integer({ min: 2, max: 5 }),
      lengthPenalty: penalty,
      earlyStopping: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(seed, searches, async (s, options) => {
        const logitsOf = hashedLogits(s, options.vocabSize);
        const expected = reference(logitsOf, options);
        const found = await search(logitsOf, options);
        expect(found.tokens).to.deep.equal(expected.tokens);
        expect(found.score).to.be.closeTo(expected.score, 1e-5);
        expect(found.ids).to.deep.equal(found.tokens); // what was given early was right
      }),
      { numRuns: 300 },
    );
  });

  /** Greedy falls for token 1; the text 2, 3 is likelier. */
  const trap: Logits = (tokens) => {
    const table: Record<string, number[]> = {
      '': [-9, 1, 0.8, -9],
      '1': [0, 0, 0, 0],
      '2': [-9, -9, -9, 3],
      '2,3': [5, 0, 0, 0],
    };
    return table[tokens.join(',')] ?? [5, 0, 0, 0];
  };

  it('finds a likelier text than greedy search', async () => {
    const options: Search = {
      vocabSize: 4,
      ends: [0],
      maxNewTokens: 3,
      numBeams: 2,
      lengthPenalty: 1,
      earlyStopping: false,
    };
    expect((await search(trap, options)).tokens).to.deep.equal([2, 3]);
    expect((await search(trap, { ...options, numBeams: 1 })).tokens).to.not.deep.equal([2, 3]);
  });

  it('prefers longer texts with a larger lengthPenalty', async () => {
    const even: Logits = (tokens) => (tokens.length < 3 ? [1, 1.2, -9] : [9, 0, 0]);
    const options: Search = {
      vocabSize: 3,
      ends: [0],
      maxNewTokens: 4,
      numBeams: 3,
      lengthPenalty: 0,
      earlyStopping: false,
    };
    expect((await search(even, options)).tokens).to.deep.equal([]);
    expect((await search(even, { ...options, lengthPenalty: 2 })).tokens).to.deep.equal([1, 1, 1]);
  });

  it('ends with numBeams finished texts under earlyStopping', async () => {
    const even: Logits = (tokens) => (tokens.length < 3 ? [1, 1.2, -9] : [9, 0, 0]);
    const steps = async (earlyStopping: boolean): Promise<number> => {
      const model = tableModel({ vocabSize: 3 }, even);
      await collect(generate(model, [1], { numBeams: 2, lengthPenalty: 2, maxNewTokens: 8, earlyStopping }));
      return model.calls.steps;
    };
    expect(await steps(true)).to.be.below(await steps(false));
  });

  it('gives a token as soon as all hypotheses share it', async () => {
    // Token 1 is certain, so it is shared after the second step; the rest is open until the end.
    const model = tableModel({ vocabSize: 4 }, (tokens) =>
      tokens.length === 0 ? [-40, 9, -30, -30] : [-9, 0, 0.3, 0.1],
    );
    for await (const event of generate(model, [1], { numBeams: 2, maxNewTokens: 6 })) if (event.type === 'token') break;
    expect(model.calls.steps).to.be.below(6);
  });

  it('works where the vocabulary is smaller than the candidates asked for', async () => {
    const options: Search = {
      vocabSize: 2,
      ends: [0],
      maxNewTokens: 3,
      numBeams: 8,
      lengthPenalty: 1,
      earlyStopping: false,
    };
    const logitsOf = hashedLogits(5, 2);
    expect((await search(logitsOf, options)).tokens).to.deep.equal(exhaustive(logitsOf, options).tokens);
  });
});
