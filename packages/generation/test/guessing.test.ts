import { expect } from 'chai';
import { type DecodingSession, type GenerateOptions, generate, type LanguageModel } from '../src/index.ts';
import { collect, summary } from './support/collect.ts';
import { haveStories, plainLlama } from './support/plain-llama.ts';
import { hashedLogits, tableModel } from './support/table-model.ts';

interface Calls {
  /** Tokens fed at once, call by call. */
  readonly fed: number[];
  disposed: number;
}

/** A model that reads several tokens at once and forgets, with logits from the tokens so far. */
function rewindable(
  vocabSize: number,
  logitsOf: (tokens: readonly number[]) => readonly number[],
): LanguageModel & { calls: Calls } {
  const calls: Calls = { fed: [], disposed: 0 };
  return {
    vocabSize,
    eosTokenIds: [0],
    continuesPrompt: true,
    calls,
    async open(prompt): Promise<DecodingSession> {
      const read = Array.from(prompt).slice(0, -1);
      const many = (tokens: readonly number[]): Float32Array => {
        calls.fed.push(tokens.length);
        return Float32Array.from(
          tokens.flatMap((token) => {
            read.push(token);
            return [...logitsOf(read)];
          }),
        );
      };
      return {
        firstToken: prompt[prompt.length - 1]!,
        step: async (tokens) => many(tokens),
        stepMany: async (tokens) => many(tokens),
        rewind(count) {
          if (count < 1 || count > read.length) throw new Error(`cannot forget ${count} of ${read.length}`);
          read.length -= count;
        },
        dispose() {
          calls.disposed++;
        },
      };
    },
  };
}

const run = async (model: LanguageModel, prompt: readonly number[], options: GenerateOptions) =>
  summary(await collect(generate(model, prompt, options)));

/** Repeats itself: the logits depend on the last two tokens only. */
const looping =
  (seed: number) =>
  (tokens: readonly number[]): number[] =>
    hashedLogits(seed, 8, 6)(tokens.slice(-2)).map((x, id) => (id === 0 ? x - 4 : x));

describe('guessed tokens', () => {
  for (const doSample of [false, true])
    for (const extra of [{}, { repetitionPenalty: 1.2, noRepeatNgramSize: 4 }])
      it(`change no text: doSample ${doSample} ${JSON.stringify(extra)}`, async () => {
        for (let seed = 1; seed <= 20; seed++) {
          const options = { doSample, seed, maxNewTokens: 30, outputLogprobs: true, ...extra };
          const plain = (await run(rewindable(8, looping(seed)), [3, 1, 2], options)).end;
          const lookup = (await run(rewindable(8, looping(seed)), [3, 1, 2], { ...options, promptLookupNumTokens: 4 }))
            .end;
          expect(lookup).to.deep.equal(plain);
          for (const guide of [looping(seed), looping(seed + 1)]) {
            const assistantModel = rewindable(8, guide);
            const found = (await run(rewindable(8, looping(seed)), [3, 1, 2], { ...options, assistantModel })).end;
            expect(found).to.deep.equal(plain);
            expect(assistantModel.calls.disposed).to.equal(1);
          }
        }
      });

  it('take fewer steps where they are right', async () => {
    const model = rewindable(8, (tokens) =>
      Array.from({ length: 8 }, (_, id) => (id === (tokens.at(-1)! % 5) + 1 ? 9 : 0)),
    );
    await run(model, [1], { promptLookupNumTokens: 5, maxNewTokens: 40 });
    expect(model.calls.fed.length).to.be.below(20);
    const other = rewindable(8, looping(2));
    await run(other, [1, 2], { assistantModel: rewindable(8, looping(2)), numAssistantTokens: 4, maxNewTokens: 20 });
    expect(other.calls.fed.slice(0, -1)).to.deep.equal(other.calls.fed.slice(0, -1).map(() => 5));
  });

  it('never feed beyond maxNewTokens', async () => {
    const model = rewindable(8, (tokens) =>
      Array.from({ length: 8 }, (_, id) => (id === (tokens.at(-1)! % 5) + 1 ? 9 : 0)),
    );
    await run(model, [1, 2, 3, 4, 5, 1, 2], { promptLookupNumTokens: 9, maxNewTokens: 3 });
    expect(model.calls.fed.reduce((a, b) => a + b)).to.be.at.most(3);
  });

  it('go with constraints and stop strings’ options, as the text is the same', async function () {
    if (!haveStories) this.skip();
    const model = await plainLlama();
    const prompt = [1, 403, 407, 261, 378, 432, 383, 286];
    const plain = await run(model, prompt, { maxNewTokens: 60 });
    expect((await run(model, prompt, { maxNewTokens: 60, promptLookupNumTokens: 6 })).end).to.deep.equal(plain.end);
  });

  it('stop where the assistant’s context ends', async () => {
    const options = { maxNewTokens: 30 };
    const expected = await run(rewindable(8, looping(3)), [1, 2], options);
    for (const contextLength of [1, 2, 3, 9]) {
      let most = 0;
      const logitsOf = (tokens: readonly number[]): number[] => {
        most = Math.max(most, tokens.length);
        return looping(3)(tokens);
      };
      const assistantModel = { ...rewindable(8, logitsOf), contextLength };
      expect(await run(rewindable(8, looping(3)), [1, 2], { ...options, assistantModel })).to.deep.equal(expected);
      expect(most).to.be.at.most(contextLength);
      expect(most > 0).to.equal(contextLength > 2);
    }
  });

  it('need a model that can take tokens back', async () => {
    const failure = (model: LanguageModel, options: GenerateOptions): Promise<unknown> =>
      run(model, [1], options).catch((error: unknown) => error);
    const plain = tableModel({ vocabSize: 8 }, () => [0, 0, 0, 0, 0, 0, 0, 9]);
    expect(await failure(plain, { promptLookupNumTokens: 3 })).to.be.instanceOf(TypeError);
    expect(plain.calls).to.include({ opened: 1, disposed: 1 });
    expect(await failure(rewindable(8, looping(1)), { assistantModel: plain })).to.be.instanceOf(TypeError);
    expect(await failure(rewindable(8, looping(1)), { assistantModel: rewindable(9, looping(1)) })).to.be.instanceOf(
      RangeError,
    );
  });
});
