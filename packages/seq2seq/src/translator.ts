import type { DecodingSession, LanguageModel, Peaks, SessionRequest } from '@rivulet/generation';
import { logitPeaks } from '@rivulet/nn';
import {
  type Compiled,
  type CompileOptions,
  compile,
  type HostTensor,
  type InputSpecs,
  JoinedRuns,
  type Outputs,
  symbol,
} from '@rivulet/tensor';
import { type GRUSeq2Seq, sourceMask } from './gru-seq2seq.ts';
import { type Source, SourceBatches } from './sources.ts';

type Graph = Compiled<InputSpecs, Outputs>;

export interface TranslatorOptions extends CompileOptions {
  /** Texts that are read, or written a token further, in one run; more take turns. Default 16. */
  readonly maxRows?: number;
}

/** Rows of a tensor of states [2, rows, H] that belong to one text. */
interface State {
  readonly tensor: HostTensor;
  readonly from: number;
  readonly rows: number;
}

/** What one text asks of a step, and what it gets. */
interface Step {
  readonly source: Source;
  readonly state: State;
  readonly tokens: readonly number[];
  readonly parents: readonly number[];
}
interface Stepped {
  readonly state: State;
  readonly logits: Float32Array;
  readonly peaks: Peaks;
}

/**
 * A sequence-to-sequence model compiled for generation: one graph reads sources, one writes a token. All texts that ask at about the
 * same time go through it together; what one gets does not depend on the others.
 */
export class Translator implements LanguageModel {
  readonly vocabSize: number;
  readonly eosTokenIds: readonly number[];
  readonly #model: GRUSeq2Seq;
  readonly #encoder: Graph;
  readonly #decoder: Graph;
  readonly #sources: SourceBatches;
  readonly #reading: JoinedRuns<Int32Array, { readonly source: Source; readonly state: State }>;
  readonly #writing: JoinedRuns<Step, Stepped>;

  private constructor(model: GRUSeq2Seq, encoder: Graph, decoder: Graph, maxRows: number) {
    const { hiddenSize, attentionHeads: heads, targetVocabSize, eosTokenId } = model.config;
    this.#model = model;
    this.#encoder = encoder;
    this.#decoder = decoder;
    this.#sources = new SourceBatches(heads, heads > 0 ? hiddenSize / heads : 0);
    this.#reading = new JoinedRuns((texts) => this.#read(texts), maxRows, { gather: true });
    this.#writing = new JoinedRuns((steps) => this.#write(steps), maxRows, { gather: true });
    this.vocabSize = targetVocabSize;
    this.eosTokenIds = [eosTokenId];
  }

  /** Compiles the model with its weights of now. @throws RangeError where maxRows is no whole number from 1. */
  static async compile(model: GRUSeq2Seq, options: TranslatorOptions = {}): Promise<Translator> {
    const { hiddenSize, attentionHeads: heads } = model.config;
    const { maxRows = 16 } = options;
    if (!Number.isSafeInteger(maxRows) || maxRows < 1)
      throw new RangeError(`maxRows must be a whole number from 1, got ${maxRows}`);
    const [batch, texts, length] = [symbol('B'), symbol('N'), symbol('S')];
    const encoder = await compile<InputSpecs, Outputs>(
      { source: { shape: [texts, length], dtype: 'int32' }, lengths: { shape: [texts], dtype: 'int32' } },
      ({ source, lengths }) => {
        const { memory, state } = model.encode(source!, lengths!);
        return { state, ...(memory ? model.attention!.project(memory) : {}) };
      },
      options,
    );
    const keys = { shape: [texts, heads, length, heads > 0 ? hiddenSize / heads : 0] };
    const decoder = await compile<InputSpecs, Outputs>(
      {
        tokens: { shape: [batch], dtype: 'int32' },
        parents: { shape: [batch], dtype: 'int32' },
        state: { shape: [2, symbol('P'), hiddenSize] },
        ...(heads > 0
          ? { k: keys, v: keys, lengths: { shape: [texts], dtype: 'int32' }, texts: { shape: [batch], dtype: 'int32' } }
          : {}),
      },
      ({ tokens, parents, state, k, v, lengths, texts: which }) => {
        // Row r goes on from the state of row parents[r], and looks at the source of its text.
        const chosen = state!.transpose(0, 1).gather(parents!).transpose(0, 1);
        const source =
          heads > 0
            ? { k: k!.gather(which!), v: v!.gather(which!), mask: sourceMask(length, lengths!.gather(which!)) }
            : null;
        const next = model.step(tokens!, chosen, source);
        return { ...next, ...logitPeaks(next.logits) };
      },
      options,
    );
    return new Translator(model, encoder, decoder, maxRows);
  }

  /** @throws RangeError when the source is empty, longer than `maxSourceLength` tokens, or has one that the model has not. */
  async open(prompt: ArrayLike<number>, { signal, priority }: SessionRequest = {}): Promise<DecodingSession> {
    const { maxSourceLength, bosTokenId, vocabSize } = this.#model.config;
    if (prompt.length === 0) throw new RangeError('the source has no tokens');
    if (prompt.length > maxSourceLength)
      throw new RangeError(`the source has ${prompt.length} tokens; this model reads at most ${maxSourceLength}`);
    const ids = Int32Array.from(prompt);
    // Told here: in a batch it would fail the others, too.
    checkIds('token', ids, vocabSize);
    const { source, state: first } = await this.#reading.run(ids, signal, priority);
    const writing = this.#writing;
    const { vocabSize: targetSize } = this;
    let state = first;
    let peaks: Peaks | undefined;
    return {
      firstToken: bosTokenId,
      get peaks() {
        return peaks;
      },
      async step(tokens, parents) {
        checkIds('token', tokens, targetSize);
        checkIds('parent', parents, state.rows);
        const next = await writing.run({ source, state, tokens, parents }, signal, priority);
        ({ state, peaks } = next);
        return next.logits;
      },
      dispose() {},
    };
  }

  async #read(texts: readonly Int32Array[]): Promise<{ source: Source; state: State }[]> {
    const longest = Math.max(...texts.map(({ length }) => length));
    const ids = new Int32Array(texts.length * longest).fill(this.#model.config.padTokenId);
    for (const [i, text] of texts.entries()) ids.set(text, i * longest);
    const { state, k, v } = await this.#encoder.run({
      source: int32([texts.length, longest], ids),
      lengths: int32(
        [texts.length],
        texts.map(({ length }) => length),
      ),
    });
    return texts.map(({ length }, i) => ({
      source: { length, ...(k && v && { k: withoutFilling(k, i, length), v: withoutFilling(v, i, length) }) },
      state: { tensor: state!, from: i, rows: 1 },
    }));
  }

  async #write(steps: readonly Step[]): Promise<Stepped[]> {
    const { tensor, offsets } = joined(steps.map(({ state }) => state));
    const sources = [...new Set(steps.map(({ source }) => source))];
    const rows = steps.reduce((n, { tokens }) => n + tokens.length, 0);
    const all = (values: (step: Step, i: number) => readonly number[]): HostTensor =>
      int32([rows], steps.flatMap(values));
    const feeds = this.#sources.of(sources);
    const { state, logits, best, logSum } = await this.#decoder.run({
      tokens: all(({ tokens }) => tokens),
      parents: all(({ parents }, i) => parents.map((parent) => offsets[i]! + parent)),
      state: tensor,
      ...feeds,
      ...(feeds.k && { texts: all(({ source, tokens }) => tokens.map(() => sources.indexOf(source))) }),
    });
    let from = 0;
    return steps.map(({ tokens }): Stepped => {
      const [begin, end] = [from, from + tokens.length];
      from = end;
      return {
        state: { tensor: state!, from: begin, rows: tokens.length },
        logits: (logits!.data as Float32Array).subarray(begin * this.vocabSize, end * this.vocabSize),
        peaks: {
          best: (best!.data as Int32Array).subarray(begin, end),
          logSum: (logSum!.data as Float32Array).subarray(begin, end),
        },
      };
    });
  }

  async dispose(): Promise<void> {
    await this.#encoder.dispose();
    await this.#decoder.dispose();
  }
}

const int32 = (dims: readonly number[], values: ArrayLike<number>): HostTensor => ({
  dtype: 'int32',
  dims,
  data: Int32Array.from(values),
});

function checkIds(what: string, ids: ArrayLike<number>, count: number): void {
  for (const id of Array.from(ids))
    if (!Number.isInteger(id) || id < 0 || id >= count)
      throw new RangeError(`${what} ${id} is not one of the ${count} that there are`);
}

/** Row `at` of [N, heads, S, D] → [heads, length, D]. */
function withoutFilling({ dims, data }: HostTensor, at: number, length: number): Float32Array {
  const [, heads, filled, width] = dims as [number, number, number, number];
  const row = (data as Float32Array).subarray(at * heads * filled * width, (at + 1) * heads * filled * width);
  const own = new Float32Array(heads * length * width);
  for (let head = 0; head < heads; head++) {
    const begin = head * filled * width;
    own.set(row.subarray(begin, begin + length * width), head * length * width);
  }
  return own;
}

/** States [2, rows, H] as one tensor, and where each begins; texts that were written together have theirs in one already. */
function joined(states: readonly State[]): { tensor: HostTensor; offsets: number[] } {
  const [{ tensor: first }] = states as readonly [State];
  if (states.every(({ tensor }) => tensor === first)) return { tensor: first, offsets: states.map(({ from }) => from) };
  const [layers, , width] = first.dims as [number, number, number];
  const rows = states.reduce((n, state) => n + state.rows, 0);
  const data = new Float32Array(layers * rows * width);
  const offsets: number[] = [];
  let to = 0;
  for (const { tensor, from, rows: own } of states) {
    offsets.push(to);
    const size = tensor.dims[1]! * width;
    for (let layer = 0; layer < layers; layer++) {
      const begin = layer * size + from * width;
      data.set((tensor.data as Float32Array).subarray(begin, begin + own * width), (layer * rows + to) * width);
    }
    to += own;
  }
  return { tensor: { dtype: 'float32', dims: [layers, rows, width], data }, offsets };
}
