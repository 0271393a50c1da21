import { type BatchingOptions, ContinuousBatching } from '@rivulet/generation';
import type { CompileOptions } from '@rivulet/tensor';
import type { CausalDecoder } from './attention-context.ts';
import { CompiledDecoder, type SpecialTokens } from './compiled-decoder.ts';

export interface CausalLMOptions extends SpecialTokens, BatchingOptions, CompileOptions {}

/** A decoder-only model compiled for generation. Any number of texts may be continued at once; they go through it together. */
export class CausalLM extends ContinuousBatching {
  readonly #decoder: CompiledDecoder;

  private constructor(decoder: CompiledDecoder, options: BatchingOptions) {
    super(decoder, options);
    this.#decoder = decoder;
  }

  /** Compiles the model with its weights of now. */
  static async compile(model: CausalDecoder, options: CausalLMOptions): Promise<CausalLM> {
    return new CausalLM(await CompiledDecoder.compile(model, options, options), options);
  }

  /**
   * What a text is about, as a vector of length 1: the mean of the last hidden states, [E].
   * @throws RangeError for a text without tokens, or with more than the context holds.
   */
  async embed(ids: ArrayLike<number>): Promise<Float32Array> {
    const tokens = Array.from(ids);
    this.check(tokens);
    const pooled = await this.between(() => this.#decoder.pool(tokens));
    const length = Math.hypot(...pooled);
    return pooled.map((x) => x / length);
  }

  async dispose(): Promise<void> {
    await this.#decoder.dispose();
  }
}
