import { type BatchingOptions, ContinuousBatching } from '@rivulet/generation';
import type { CompileOptions } from '@rivulet/tensor';
import type { CausalDecoder } from './attention-context.ts';
import { CompiledDecoder, type SpecialTokens } from './compiled-decoder.ts';

export interface CausalLMOptions extends SpecialTokens, BatchingOptions, CompileOptions {}

/** A text whose vector is wanted. */
interface Unread {
  readonly tokens: readonly number[];
  readonly signal: AbortSignal | undefined;
  resolve(vector: Float32Array): void;
  reject(error: unknown): void;
}

/** The most tokens that are read in one run, filled ones counted, where there are several texts: more is no faster. */
const MOST_TOKENS = 1024;

/** A decoder-only model compiled for generation. Any number of texts may be continued at once; they go through it together. */
export class CausalLM extends ContinuousBatching {
  readonly #decoder: CompiledDecoder;
  #unread: Unread[] = [];

  private constructor(decoder: CompiledDecoder, options: BatchingOptions) {
    super(decoder, options);
    this.#decoder = decoder;
  }

  /** Compiles the model with its weights of now. */
  static async compile(model: CausalDecoder, options: CausalLMOptions): Promise<CausalLM> {
    return new CausalLM(await CompiledDecoder.compile(model, options, options), options);
  }

  /**
   * What a text is about, as a vector of length 1: the mean of the last hidden states, [E]. Texts of like length that are asked for
   * at about the same time, by whomever, are read together, between the steps of those that are continued.
   * @throws RangeError for a text without tokens, or with more than the context holds; the signal's reason where it is aborted
   * before its text is read.
   */
  embed(ids: ArrayLike<number>, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Float32Array> {
    return new Promise((resolve, reject) => {
      const tokens = Array.from(ids);
      this.check(tokens);
      const unread = { tokens, signal, resolve, reject };
      this.#unread.push(unread);
      if (this.#unread.length === 1) void this.between(() => this.#embed());
    });
  }

  /** Reads some of the texts that wait, the first among them. */
  async #embed(): Promise<void> {
    for (const { reject, signal } of this.#unread.filter(isAborted)) reject(signal!.reason);
    const waiting = this.#unread.filter((text) => !isAborted(text));
    const most = Math.max(1, this.maxRows - this.load.rows);
    const chosen = waiting.length > 0 ? ofLikeLength(waiting, most) : [];
    this.#unread = waiting.filter((text) => !chosen.includes(text));
    try {
      const vectors = chosen.length > 0 ? await this.#decoder.pool(chosen.map(({ tokens }) => tokens)) : [];
      for (const [i, vector] of vectors.entries()) {
        const length = Math.hypot(...vector);
        chosen[i]!.resolve(vector.map((x) => x / length));
      }
    } catch (error) {
      for (const { reject } of chosen) reject(error);
    }
    if (this.#unread.length > 0) void this.between(() => this.#embed());
  }

  async dispose(): Promise<void> {
    await this.#decoder.dispose();
  }
}

const isAborted = ({ signal }: Unread): boolean => signal?.aborted ?? false;

/** The first and others that would be filled up little: none by more than a third of its own length. */
function ofLikeLength(texts: readonly Unread[], most: number): Unread[] {
  const [first] = texts as readonly [Unread];
  let [shortest, longest] = [first.tokens.length, first.tokens.length];
  const chosen = [first];
  for (const text of texts.slice(1)) {
    const { length } = text.tokens;
    const [low, high] = [Math.min(shortest, length), Math.max(longest, length)];
    if (chosen.length === most) break;
    if (3 * high > 4 * low + 12 || high * (chosen.length + 1) > MOST_TOKENS) continue; // a few tokens more cost nothing
    [shortest, longest] = [low, high];
    chosen.push(text);
  }
  return chosen;
}
