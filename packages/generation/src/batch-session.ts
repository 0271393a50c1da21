import type { RowDecoder } from './continuous-batching.ts';
import type { DecodingSession, Peaks, SessionRequest } from './language-model.ts';
import { onAbort } from './on-abort.ts';

/** Logits, and what the model found in them. */
export interface Answer {
  readonly logits: Float32Array;
  readonly peaks: Peaks | undefined;
}

/** Tokens that a session wants to have read, and where its answer goes. */
export interface Feed {
  readonly session: BatchSession;
  /** One for each hypothesis, and which row it continues; unused where `unread` has tokens. */
  readonly tokens: readonly number[];
  readonly parents: readonly number[];
  /** Tokens that go into the only row one after the other; of the last `wanted`, the logits are asked for. */
  readonly unread: number[];
  readonly wanted: number;
  /** Those that are known already, and what the model found in them. */
  readonly parts: Answer[];
  resolve(answer: Answer): void;
  reject(reason: unknown): void;
}

/** What a session asks of the batch that it is in. */
export interface Batch {
  feed(feed: Feed): void;
  drop(feed: Feed, reason: unknown): void;
  close(session: BatchSession): void;
}

/** One text, or its hypotheses, among those that a model continues. */
export class BatchSession implements DecodingSession {
  readonly firstToken: number;
  readonly wantedRows: number;
  /** The most tokens that one of its rows can come to hold. */
  readonly mostTokens: number;
  readonly priority: number;
  /** The decoder's rows, one per hypothesis. */
  rows: number[] = [];
  /** What the only row has read; undefined once there were several. */
  text: number[] | undefined = [];
  readonly #contextLength: number;
  #prompt: readonly number[];
  /** Tokens that each row has read, or will have with those that are fed. */
  #length = 0;
  #rewound = false;
  #disposed = false;
  #peaks: Peaks | undefined;
  readonly #batch: Batch;
  readonly #signal: AbortSignal | undefined;

  constructor(prompt: readonly number[], request: SessionRequest, contextLength: number, batch: Batch) {
    const { rows = 1, maxNewTokens = Number.POSITIVE_INFINITY, priority = 0, signal } = request;
    this.firstToken = prompt.at(-1)!;
    this.wantedRows = rows;
    this.mostTokens = Math.min(contextLength, prompt.length + maxNewTokens);
    this.priority = priority;
    this.#prompt = prompt.slice(0, -1);
    this.#contextLength = contextLength;
    this.#batch = batch;
    this.#signal = signal;
  }

  step(tokens: readonly number[], parents: readonly number[]): Promise<Float32Array> {
    return this.#feed(tokens, parents);
  }

  stepMany(tokens: readonly number[]): Promise<Float32Array> {
    return this.#feed(tokens, null);
  }

  get peaks(): Peaks | undefined {
    return this.#peaks;
  }

  rewind(count: number): void {
    if (!this.text) throw new TypeError('only a single hypothesis can be rewound');
    if (!Number.isInteger(count) || count < 0 || count > this.text.length)
      throw new RangeError(`cannot rewind ${count} tokens of ${this.text.length}`);
    this.text.length -= count;
    this.#length -= count;
    this.#rewound = true;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#batch.close(this);
  }

  async #feed(tokens: readonly number[], parents: readonly number[] | null): Promise<Float32Array> {
    if (this.#disposed) throw new Error('this session was disposed; open a new one');
    const signal = this.#signal;
    signal?.throwIfAborted();
    const length = this.#length + this.#prompt.length + (parents ? 1 : tokens.length);
    if (length > this.#contextLength)
      // told here, so that the others in the batch go on
      throw new RangeError(`the text has ${length} tokens; this model reads at most ${this.#contextLength}`);
    this.#length = length;
    const single = this.#prompt.length === 0 && (parents || tokens.length === 1);
    const unread = single ? [] : [...this.#prompt, ...tokens];
    this.#prompt = [];
    let forget = (): void => {};
    try {
      const { logits, peaks } = await new Promise<Answer>((resolve, reject) => {
        const wanted = tokens.length;
        const feed: Feed = {
          session: this,
          tokens,
          parents: parents ?? [0],
          unread,
          wanted,
          parts: [],
          resolve,
          reject,
        };
        forget = onAbort(signal, () => this.#batch.drop(feed, signal!.reason));
        this.#batch.feed(feed);
      });
      this.#peaks = peaks;
      return logits;
    } finally {
      forget();
    }
  }

  /** The session gets its row, which has read these tokens already. */
  begin(row: number, known: readonly number[]): void {
    this.rows = [row];
    this.text = [...known];
  }

  /** Makes the decoder's rows those that `parents` names; a row that several continue is copied. */
  inherit(parents: readonly number[], decoder: RowDecoder): void {
    this.settle(decoder);
    const before = this.rows;
    const taken = new Set<number>();
    // Copies come first: afterwards nobody else reads a row that is written to.
    this.rows = parents.map((parent) => {
      const row = before[parent]!;
      if (taken.has(row)) return decoder.add(row);
      taken.add(row);
      return row;
    });
    for (const row of before) if (!taken.has(row)) decoder.remove(row);
  }

  /** The decoder forgets what was rewound. */
  settle(decoder: RowDecoder): void {
    if (this.#rewound) decoder.truncate(this.rows[0]!, this.text!.length);
    this.#rewound = false;
  }

  /** Tokens that are now in the rows: one in each of several, or any number in the only one. */
  hasRead(tokens: readonly number[]): void {
    if (this.rows.length > 1) this.text = undefined;
    else this.text?.push(...tokens);
  }
}
