import type { DecodingSession, LanguageModel, Peaks } from '@rivulet/generation';
import { logitPeaks } from '@rivulet/nn';
import {
  type Compiled,
  type CompileOptions,
  compile,
  type HostTensor,
  type InputSpecs,
  type Outputs,
  symbol,
} from '@rivulet/tensor';
import type { GRUSeq2Seq } from './gru-seq2seq.ts';

type Graph = Compiled<InputSpecs, Outputs>;

const int32 = (dims: readonly number[], values: ArrayLike<number>): HostTensor => ({
  dtype: 'int32',
  dims,
  data: Int32Array.from(values),
});

/** A sequence-to-sequence model compiled for generation: one graph reads the source, one writes a token. */
export class Translator implements LanguageModel {
  readonly vocabSize: number;
  readonly eosTokenIds: readonly number[];
  readonly #model: GRUSeq2Seq;
  readonly #encoder: Graph;
  readonly #decoder: Graph;

  private constructor(model: GRUSeq2Seq, encoder: Graph, decoder: Graph) {
    this.#model = model;
    this.#encoder = encoder;
    this.#decoder = decoder;
    this.vocabSize = model.config.targetVocabSize;
    this.eosTokenIds = [model.config.eosTokenId];
  }

  /** Compiles the model with its weights of now. */
  static async compile(model: GRUSeq2Seq, options: CompileOptions = {}): Promise<Translator> {
    const { hiddenSize, attentionHeads: heads } = model.config;
    const [batch, length] = [symbol('B'), symbol('S')];
    const encoder = await compile<InputSpecs, Outputs>(
      { source: { shape: [1, length], dtype: 'int32' }, lengths: { shape: [1], dtype: 'int32' } },
      ({ source, lengths }) => {
        const { memory, state } = model.encode(source!, lengths!);
        return { state, ...(memory ? model.attention!.project(memory) : {}) };
      },
      options,
    );
    const keys = { shape: [1, heads, length, heads > 0 ? hiddenSize / heads : 0] };
    const decoder = await compile<InputSpecs, Outputs>(
      {
        tokens: { shape: [batch], dtype: 'int32' },
        parents: { shape: [batch], dtype: 'int32' },
        state: { shape: [2, symbol('P'), hiddenSize] },
        ...(heads > 0 ? { k: keys, v: keys } : {}),
      },
      ({ tokens, parents, state, k, v }) => {
        // Row r goes on from the state of row parents[r]; every row looks at the one source.
        const chosen = state!.transpose(0, 1).gather(parents!).transpose(0, 1);
        const spread = (t: typeof k): NonNullable<typeof k> => t!.expand([batch, heads, length, hiddenSize / heads]);
        const source = heads > 0 ? { k: spread(k), v: spread(v) } : null;
        const next = model.step(tokens!, chosen, source);
        return { ...next, ...logitPeaks(next.logits) };
      },
      options,
    );
    return new Translator(model, encoder, decoder);
  }

  /** @throws RangeError when the source is empty or longer than `maxSourceLength` tokens. */
  async open(prompt: ArrayLike<number>): Promise<DecodingSession> {
    const { maxSourceLength, bosTokenId } = this.#model.config;
    if (prompt.length === 0) throw new RangeError('the source has no tokens');
    if (prompt.length > maxSourceLength)
      throw new RangeError(`the source has ${prompt.length} tokens; this model reads at most ${maxSourceLength}`);
    const encoded = await this.#encoder.run({
      source: int32([1, prompt.length], prompt),
      lengths: int32([1], [prompt.length]),
    });
    const decoder = this.#decoder;
    const { state: first, ...source } = encoded;
    let state = first!;
    let peaks: Peaks | undefined;
    return {
      firstToken: bosTokenId,
      get peaks() {
        return peaks;
      },
      async step(tokens, parents) {
        const rows = [tokens.length];
        const next = await decoder.run({
          tokens: int32(rows, tokens),
          parents: int32(rows, parents),
          state,
          ...source,
        });
        state = next.state!;
        peaks = { best: next.best!.data as Int32Array, logSum: next.logSum!.data as Float32Array };
        return next.logits!.data as Float32Array;
      },
      dispose() {},
    };
  }

  async dispose(): Promise<void> {
    await this.#encoder.dispose();
    await this.#decoder.dispose();
  }
}
