import { randomUUID } from 'node:crypto';
import type { Tokenizer } from '@rivulet/tokenizer';
import type { CausalLM } from '@rivulet/transformer';
import type { Context } from 'hono';
import { type Format, usage, type Written } from './answers.ts';
import { ApiError, apiError } from './errors.ts';
import { eventStream } from './event-stream.ts';
import type { Choice } from './generation-options.ts';
import type { Metrics } from './metrics.ts';
import { type Piece, pieces } from './pieces.ts';
import type { CommonRequest } from './requests.ts';
import type { ServeOptions } from './serve-model.ts';

/** Writes the texts that requests ask for. */
export class Writer {
  readonly #model: CausalLM;
  readonly #tokenizer: Tokenizer;
  readonly #metrics: Metrics;
  readonly #options: ServeOptions;
  readonly #running = new Set<AbortController>();
  #texts = 0;

  constructor(model: CausalLM, tokenizer: Tokenizer, metrics: Metrics, options: ServeOptions) {
    this.#model = model;
    this.#tokenizer = tokenizer;
    this.#metrics = metrics;
    this.#options = options;
  }

  /** Takes the place of that many texts. @throws ApiError 429 where these would be more than may wait. */
  #enter(count: number): void {
    const { maxQueue = 64 } = this.#options;
    if (this.#texts + count > maxQueue)
      throw new ApiError(429, `${this.#texts} texts are in work or waiting, at most ${maxQueue} may; try again later`, {
        headers: { 'retry-after': '1' },
      });
    this.#texts += count;
  }

  /** Does work that takes the place of `count` texts. @throws ApiError 429 where there is no room for them. */
  async inRoom<T>(count: number, work: () => Promise<T>): Promise<T> {
    this.#enter(count);
    try {
      return await work();
    } finally {
      this.#texts -= count;
    }
  }

  abort(): void {
    for (const controller of this.#running) controller.abort();
  }

  /** All choices in one answer, or as a stream of their pieces. */
  async answer(
    context: Context,
    all: readonly Choice[],
    format: Format,
    { stream, stream_options: options }: CommonRequest,
  ): Promise<Response> {
    this.#enter(all.length);
    const begin = performance.now();
    const controller = new AbortController();
    const { signal } = context.req.raw;
    const abort = (): void => controller.abort();
    signal.addEventListener('abort', abort);
    this.#running.add(controller);
    let open = true;
    const close = (): void => {
      if (!open) return;
      open = false;
      signal.removeEventListener('abort', abort);
      this.#running.delete(controller);
      this.#texts -= all.length;
    };
    const texts = pieces(this.#model, this.#tokenizer, all, controller.signal);
    const made = this.#counted(format.read?.(texts) ?? texts, all, begin);
    const head = {
      id: `${format.idPrefix}-${randomUUID()}`,
      created: Math.floor(Date.now() / 1000),
      model: this.#options.name,
    };
    try {
      if (!stream) return context.json({ ...head, ...(await this.#whole(made, all, format)) });
      const first = await made.next(); // so that a prompt that does not fit gets a status of its own
      const endpoint = context.req.path;
      const chunks = this.#chunks(
        first,
        made,
        all,
        { ...head, object: format.chunkObject },
        format,
        options?.include_usage ?? false,
      );
      const ended = this.#ended(chunks, () => {
        close();
        this.#metrics.answered(endpoint, controller.signal.aborted ? 499 : 200, begin);
      });
      const body = eventStream(ended, (error) => apiError(error).body, {
        stallTimeout: this.#options.stallTimeout ?? 60_000,
        cancelled: () => {
          controller.abort();
          ended.return(undefined).catch(() => {});
        },
      });
      return new Response(body, {
        headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' },
      });
    } catch (error) {
      stream && close();
      throw error;
    } finally {
      if (!stream) close();
    }
  }

  async *#ended<T>(source: AsyncIterable<T>, done: () => void): AsyncGenerator<T> {
    try {
      yield* source;
    } finally {
      done();
    }
  }

  async *#counted(source: AsyncIterable<Piece>, all: readonly Choice[], begin: number): AsyncGenerator<Piece> {
    this.#metrics.tokens('prompt', all.reduce((n, { prompt }) => n + prompt.length, 0)); // biome-ignore format: one thought
    let first = true;
    for await (const piece of source) {
      if (first) this.#metrics.firstToken(begin);
      first = false;
      if (piece.id !== undefined) this.#metrics.tokens('generated', 1);
      yield piece;
    }
  }

  async #whole(made: AsyncIterable<Piece>, all: readonly Choice[], format: Format): Promise<object> {
    const written = all.map((): Written => ({ text: '', pieces: [] }));
    let tokens = 0;
    for await (const piece of made) {
      const one = written[piece.index]!;
      one.text += piece.text;
      if (piece.id !== undefined) {
        one.pieces.push(piece);
        tokens++;
      }
      if (piece.end) one.end = piece.end;
      if (piece.toolCalls) one.toolCalls = piece.toolCalls;
    }
    return {
      object: format.object,
      choices: written.map((one, index) => format.choice(index, one)),
      usage: usage(promptTokens(all), tokens),
    };
  }

  async *#chunks(
    first: IteratorResult<Piece>,
    rest: AsyncGenerator<Piece>,
    all: readonly Choice[],
    head: object,
    format: Format,
    withUsage: boolean,
  ): AsyncGenerator<object> {
    const chunk = (choice: object): object => ({ ...head, choices: [choice], ...(withUsage && { usage: null }) });
    let tokens = 0;
    try {
      for (const { index } of all) {
        const opening = format.opening(index);
        if (opening) yield chunk(opening);
      }
      for (let result = first; !result.done; result = await rest.next()) {
        const piece = result.value;
        if (piece.id !== undefined) tokens++;
        if (piece.text !== '' || piece.end || piece.logProb !== undefined) yield chunk(format.delta(piece));
      }
      if (withUsage) yield { ...head, choices: [], usage: usage(promptTokens(all), tokens) };
    } finally {
      await rest.return(undefined);
    }
  }
}

function promptTokens(all: readonly Choice[]): number {
  // Choices of one prompt share its array.
  return [...new Set(all.map(({ prompt }) => prompt))].reduce((n, { length }) => n + length, 0);
}
