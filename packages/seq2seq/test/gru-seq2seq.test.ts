import { type GenerationEvent, generate } from '@rivulet/generation';
import { manualSeed } from '@rivulet/nn';
import { GRUSeq2Seq, type GRUSeq2SeqConfig, parseGRUSeq2SeqConfig, Translator } from '@rivulet/seq2seq';
import { compile, gradients, type HostTensor } from '@rivulet/tensor';
import { expect } from 'chai';

const config: GRUSeq2SeqConfig = {
  modelType: 'gru-seq2seq',
  vocabSize: 20,
  targetVocabSize: 12,
  embeddingDim: 8,
  hiddenSize: 12,
  encoderLayers: 2,
  attentionHeads: 2,
  dropout: 0.2,
  padTokenId: 0,
  bosTokenId: 1,
  eosTokenId: 2,
  maxSourceLength: 16,
};

const ids = (rows: number[][]): HostTensor => ({
  dtype: 'int32',
  dims: [rows.length, rows[0]!.length],
  data: Int32Array.from(rows.flat()),
});
const counts = (...values: number[]): HostTensor => ({
  dtype: 'int32',
  dims: [values.length],
  data: Int32Array.from(values),
});

/** Logits of teacher forcing, [B·T, V]. */
async function forced(
  model: GRUSeq2Seq,
  source: number[][],
  sourceLengths: number[],
  target: number[][],
): Promise<Float32Array> {
  const [b, s, t] = [source.length, source[0]!.length, target[0]!.length];
  const int32 = 'int32' as const;
  const graph = await compile(
    {
      source: { shape: [b, s], dtype: int32 },
      lengths: { shape: [b], dtype: int32 },
      target: { shape: [b, t], dtype: int32 },
      targetLengths: { shape: [b], dtype: int32 },
    },
    (x) => ({ logits: model.decode(x.target, x.targetLengths, model.encode(x.source, x.lengths)) }),
  );
  const { logits } = await graph.run({
    source: ids(source),
    lengths: counts(...sourceLengths),
    target: ids(target),
    targetLengths: counts(...target.map((row) => row.length)),
  });
  await graph.dispose();
  return logits.data as Float32Array;
}

for (const [name, settings] of Object.entries({ 'with attention': config, without: { ...config, attentionHeads: 0 } }))
  describe(`GRUSeq2Seq ${name}`, () => {
    const make = (): GRUSeq2Seq => {
      manualSeed(4);
      return new GRUSeq2Seq(settings);
    };

    it('gives the same logits step by step as for a whole target', async () => {
      const model = make();
      const target = [1, 5, 7, 3, 11];
      const whole = await forced(model, [[4, 19, 6]], [3], [target]);
      const translator = await Translator.compile(model);
      const session = await translator.open([4, 19, 6]);
      expect(session.firstToken).to.equal(1);
      for (const [i, token] of target.entries()) {
        const logits = await session.step([token], [0]);
        expect(logits).to.be.allclose(whole.subarray(i * 12, (i + 1) * 12), { atol: 1e-5 });
      }
      session.dispose();
      await translator.dispose();
    });

    it('does not see padding', async () => {
      const model = make();
      const alone = await forced(model, [[4, 19]], [2], [[1, 5]]);
      const padded = await forced(
        model,
        [
          [4, 19, 0, 0],
          [7, 8, 9, 10],
        ],
        [2, 4],
        [
          [1, 5],
          [1, 6],
        ],
      );
      expect(padded.subarray(0, 24)).to.be.allclose(alone, { atol: 1e-5 });
    });

    it('lets every row go on from its parent', async () => {
      const translator = await Translator.compile(make());
      const session = await translator.open([4, 19, 6]);
      await session.step([1], [0]);
      const two = Float32Array.from(await session.step([5, 7], [0, 0]));
      const swapped = await session.step([3, 3, 3], [1, 0, 1]);
      expect(swapped.subarray(0, 12)).to.be.allclose(swapped.subarray(24, 36));
      expect(two.subarray(0, 12)).to.not.deep.equal(two.subarray(12, 24));
      const again = await translator.open([4, 19, 6]);
      await again.step([1], [0]);
      await again.step([7], [0]);
      expect(await again.step([3], [0])).to.be.allclose(swapped.subarray(0, 12), { atol: 1e-5 });
      await translator.dispose();
    });

    it('translates many texts together as each alone, whatever their lengths and beams', async () => {
      const translator = await Translator.compile(make(), { maxRows: 3 });
      const texts = [[4, 19, 6], [7], [8, 9, 10, 11, 12, 3], [5, 5], [13, 14, 15, 16]];
      const write = async (text: number[], i: number): Promise<readonly number[]> => {
        const options = { maxNewTokens: 4 + 2 * i, numBeams: i % 2 === 0 ? 1 : 3, outputLogprobs: true };
        let made: readonly number[] = [];
        for await (const event of generate(translator, text, options))
          if (event.type === 'generation-end') made = [...event.tokens, ...event.logProbs!];
        return made;
      };
      const alone: (readonly number[])[] = [];
      for (const [i, text] of texts.entries()) alone.push(await write(text, i));
      for (const [i, made] of (await Promise.all(texts.map(write))).entries())
        expect(Float32Array.from(made)).to.be.allclose(Float32Array.from(alone[i]!), { atol: 1e-5 });
      await translator.dispose();
    });

    it('writes texts with a higher priority first where not all go together', async () => {
      const translator = await Translator.compile(make(), { maxRows: 1 });
      const ended: number[] = [];
      const write = async (priority: number): Promise<void> => {
        for await (const event of generate(translator, [4, 19, 6], { maxNewTokens: 4, minNewTokens: 4, priority }))
          if (event.type === 'generation-end') ended.push(priority);
      };
      await Promise.all([0, 1, 2].map(write));
      expect(ended).to.deep.equal([2, 1, 0]);
      await translator.dispose();
    });

    it('refuses what would fail the texts beside it', async () => {
      const translator = await Translator.compile(make());
      const failed = async (work: Promise<unknown>): Promise<string> =>
        work.then(() => '', (error: Error) => error.message); // biome-ignore format: short
      expect(await failed(translator.open([4, 20]))).to.equal('token 20 is not one of the 20 that there are');
      const session = await translator.open([4]);
      expect(await failed(session.step([12], [0]))).to.equal('token 12 is not one of the 12 that there are');
      expect(await failed(session.step([1], [1]))).to.equal('parent 1 is not one of the 1 that there are');
      expect(await failed(Translator.compile(make(), { maxRows: 0 }))).to.contain('maxRows');
      await translator.dispose();
    });

    it('gives every parameter a gradient', async () => {
      const model = make();
      const int32 = 'int32' as const;
      const names = [...model.parameters().keys()];
      const graph = await compile(
        {
          source: { shape: [2, 3], dtype: int32 },
          sourceLengths: { shape: [2], dtype: int32 },
          target: { shape: [2, 2], dtype: int32 },
          targetLengths: { shape: [2], dtype: int32 },
          labels: { shape: [2, 2], dtype: int32 },
        },
        (batch) => {
          const grads = gradients(model.loss(batch).loss, [...model.parameters().values()]);
          return Object.fromEntries(grads.map((g, i) => [names[i]!, g.abs().sum()]));
        },
      );
      const sums = await graph.run({
        source: ids([
          [4, 5, 6],
          [7, 8, 0],
        ]),
        sourceLengths: counts(3, 2),
        target: ids([
          [1, 5],
          [1, 6],
        ]),
        targetLengths: counts(2, 2),
        labels: ids([
          [5, 2],
          [6, 2],
        ]),
      });
      await graph.dispose();
      for (const name of names) expect(sums[name]!.data[0], name).to.be.greaterThan(0);
    });

    it('generates, and refuses a source that is empty or too long', async () => {
      const translator = await Translator.compile(make());
      const run = async (prompt: number[]): Promise<GenerationEvent[]> => {
        const events: GenerationEvent[] = [];
        for await (const event of generate(translator, prompt, { numBeams: 3, maxNewTokens: 6 })) events.push(event);
        return events;
      };
      expect((await run([4, 5, 6])).at(-1)).to.have.property('type', 'generation-end');
      const failure = (prompt: number[]): Promise<Error> =>
        run(prompt).then(
          () => expect.fail('it did not fail'),
          (e: Error) => e,
        );
      expect((await failure([])).message).to.equal('the source has no tokens');
      expect((await failure(new Array(17).fill(4))).message).to.equal(
        'the source has 17 tokens; this model reads at most 16',
      );
      await translator.dispose();
    });
  });

describe('parseGRUSeq2SeqConfig', () => {
  const wrong: [object, string][] = [
    [{ modelType: 'gpt' }, `modelType must be 'gru-seq2seq', got "gpt"`],
    [{ vocabSize: -1 }, 'vocabSize must be a non-negative integer, got -1'],
    [{ dropout: 1 }, 'dropout must be a number in [0, 1), got 1'],
    [{ hiddenSize: 13 }, 'hiddenSize must be even, got 13'],
    [{ attentionHeads: 5 }, 'hiddenSize 12 is not divisible by attentionHeads 5'],
  ];
  for (const [change, message] of wrong)
    it(`refuses ${JSON.stringify(change)}`, () => {
      expect(() => parseGRUSeq2SeqConfig({ ...config, ...change })).to.throw(TypeError, message);
    });
});
