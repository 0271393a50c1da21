import { type Answer, BatchSession, type Feed } from './batch-session.ts';
import type { DecodingSession, LanguageModel, Peaks, SessionRequest } from './language-model.ts';
import { PrefixRows } from './prefix-rows.ts';
import { peaksOf } from './scores.ts';

/** A decoder with rows that each keep what they have read: what `ContinuousBatching` needs of a model. Its calls never overlap. */
export interface RowDecoder {
  readonly vocabSize: number;
  /** The most tokens of a row. */
  readonly contextLength: number;
  readonly eosTokenIds: readonly number[];
  readonly bosTokenId?: number;
  /** A new row: empty, or with the first `length` tokens of another, by default all. */
  add(from?: number, length?: number): number;
  remove(row: number): void;
  /** Forgets all of a row but its first `length` tokens. */
  truncate(row: number, length: number): void;
  /** Reads one token into every given row → the logits after it, [rows.length, vocabSize]. */
  step(rows: readonly number[], tokens: readonly number[]): Promise<Float32Array>;
  /** Reads tokens into one row → the logits after the last `wanted` of them, [wanted, vocabSize]. */
  read(row: number, tokens: readonly number[], wanted: number): Promise<Float32Array>;
  /** Logits that `step` or `read` gave, the very array, are no longer read: their memory may be used again. */
  recycle?(logits: Float32Array): void;
  /** What the model found in the logits that it gave last, where it looks. */
  readonly peaks?: Peaks | undefined;
}

export interface BatchingOptions {
  /** Rows that are continued at once; further sessions wait. Default 16. */
  readonly maxRows?: number;
  /** Bounds memory: rows times the tokens of the longest. A single session may have more. Default 65,536. */
  readonly maxCachedTokens?: number;
  /** Tokens of a prompt that are read at once while other sessions are being continued. Default 32. */
  readonly prefillChunk?: number;
  /** Ended texts that are kept, so that a prompt that begins alike is not read again; 0: none. Default 4. */
  readonly keptPrefixes?: number;
}

/** What a model has to do at the moment. */
export interface BatchLoad {
  /** Sessions that have their rows. */
  readonly running: number;
  /** Sessions that wait for room. */
  readonly waiting: number;
  readonly rows: number;
}

/** The decoder's logits, and how many sessions still read them. */
interface SharedLogits {
  readonly logits: Float32Array;
  readers: number;
}

/** Read at once where nobody else waits; longer prompts are read in several runs, so that aborting takes effect. */
const ALONE = 512;

/**
 * A language model that continues any number of texts at once: all that ask for a next token while it computes go into its next
 * run together, and leave as soon as they end. New prompts are read in chunks between the steps of the others.
 */
export class ContinuousBatching implements LanguageModel {
  readonly vocabSize: number;
  readonly eosTokenIds: readonly number[];
  readonly contextLength: number;
  readonly continuesPrompt = true;
  readonly bosTokenId?: number;
  readonly #decoder: RowDecoder;
  readonly #options: Required<BatchingOptions>;
  readonly #kept: PrefixRows;
  readonly #running = new Set<BatchSession>();
  readonly #waiting: BatchSession[] = [];
  readonly #feeds: Feed[] = [];
  readonly #closed: BatchSession[] = [];
  /** What each session was answered last. */
  readonly #read = new Map<BatchSession, SharedLogits>();
  readonly #jobs: (() => Promise<void>)[] = [];
  #working = false;

  /** @throws RangeError for an option that is no whole number or below its least. */
  constructor(decoder: RowDecoder, options: BatchingOptions = {}) {
    const { maxRows = 16, maxCachedTokens = 65_536, prefillChunk = 32, keptPrefixes = 4 } = options;
    this.#options = { maxRows, maxCachedTokens, prefillChunk, keptPrefixes };
    for (const [name, value] of Object.entries(this.#options))
      if (!Number.isInteger(value) || value < (name === 'keptPrefixes' ? 0 : 1))
        throw new RangeError(`${name} must be a whole number from ${name === 'keptPrefixes' ? 0 : 1}, got ${value}`);
    this.#decoder = decoder;
    this.#kept = new PrefixRows(decoder, keptPrefixes);
    this.vocabSize = decoder.vocabSize;
    this.eosTokenIds = decoder.eosTokenIds;
    this.contextLength = decoder.contextLength;
    if (decoder.bosTokenId !== undefined) this.bosTokenId = decoder.bosTokenId;
  }

  /** Rows that may be in work at once. */
  get maxRows(): number {
    return this.#options.maxRows;
  }

  get load(): BatchLoad {
    return { running: this.#running.size, waiting: this.#waiting.length, rows: this.#rows() };
  }

  /** @throws RangeError for a prompt that is empty, fills the context, or has a token that the model has not. */
  async open(prompt: ArrayLike<number>, request: SessionRequest = {}): Promise<DecodingSession> {
    const tokens = Array.from(prompt);
    this.check(tokens);
    return new BatchSession(tokens, request, this.contextLength, {
      feed: (feed) => this.#feed(feed),
      drop: (feed, reason) => this.#drop(feed, reason),
      close: (session) => this.#close(session),
    });
  }

  /** @throws RangeError for a text that is empty, longer than the context, or has a token that the model has not. */
  protected check(tokens: readonly number[]): void {
    const { contextLength, vocabSize } = this;
    if (tokens.length === 0) throw new RangeError('the prompt has no tokens');
    if (tokens.length > contextLength)
      throw new RangeError(`the prompt has ${tokens.length} tokens; this model reads at most ${contextLength}`);
    checkTokens(tokens, vocabSize);
  }

  /** Calls the decoder when no run is under way. */
  protected between<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#jobs.push(() => work().then(resolve, reject));
      if (!this.#working) void this.#work();
    });
  }

  #feed(feed: Feed): void {
    checkTokens(feed.tokens, this.vocabSize);
    const { session } = feed;
    this.#letGo(session);
    if (!this.#running.has(session) && !this.#waiting.includes(session)) {
      const before = this.#waiting.findIndex(({ priority }) => priority < session.priority);
      this.#waiting.splice(before < 0 ? this.#waiting.length : before, 0, session);
    }
    this.#feeds.push(feed);
    if (!this.#working) void this.#work();
  }

  #close(session: BatchSession): void {
    this.#letGo(session);
    const at = this.#waiting.indexOf(session);
    if (at >= 0) this.#waiting.splice(at, 1);
    else if (this.#running.delete(session)) this.#closed.push(session);
    if (!this.#working) this.#removeClosed();
  }

  #drop(feed: Feed, reason: unknown): void {
    const at = this.#feeds.indexOf(feed);
    if (at < 0) return; // it is being computed
    this.#feeds.splice(at, 1);
    feed.reject(reason);
  }

  /** Runs as long as something waits. Only here the decoder is called, so that nothing changes under a run. */
  async #work(): Promise<void> {
    this.#working = true;
    try {
      while (this.#feeds.length + this.#jobs.length > 0) {
        // All that were answered ask again, and all jobs that come together are there.
        if (this.#running.size + this.#waiting.length > 1 || this.#jobs.length > 0) await turn();
        this.#removeClosed();
        this.#admit();
        await this.#jobs.shift()?.();
        await this.#readChunk();
        await this.#step();
      }
    } finally {
      this.#working = false;
      this.#removeClosed();
    }
  }

  #removeClosed(): void {
    for (const session of this.#closed.splice(0)) this.#kept.retire(session.rows, session.text);
  }

  #rows(): number {
    return [...this.#running].reduce((n, session) => n + session.wantedRows, 0);
  }

  /** Gives rows to the first sessions in line, as long as there is room. */
  #admit(): void {
    const { maxRows, maxCachedTokens } = this.#options;
    let session = this.#waiting[0];
    while (session) {
      const rows = this.#rows() + session.wantedRows;
      const longest = Math.max(session.mostTokens, ...[...this.#running].map(({ mostTokens }) => mostTokens));
      const fits = rows <= maxRows && rows * longest <= maxCachedTokens;
      if (!fits && this.#running.size > 0) return;
      this.#kept.shrink(Math.floor(maxCachedTokens / longest) - rows);
      const { unread, wanted } = this.#feeds.find((feed) => feed.session === session)!;
      const { row, length } = this.#kept.take(unread, wanted);
      session.begin(row, unread.splice(0, length));
      this.#running.add(session);
      this.#waiting.shift();
      session = this.#waiting[0];
    }
  }

  /** A part of the first feed that has several tokens for its row. */
  async #readChunk(): Promise<void> {
    const feed = this.#feeds.find(({ session, unread }) => this.#running.has(session) && unread.length > 0);
    if (!feed) return;
    const { session, unread, wanted } = feed;
    const size = this.#running.size > 1 ? this.#options.prefillChunk : ALONE;
    const tokens = unread.slice(0, size);
    const found = Math.max(0, tokens.length - (unread.length - wanted)); // wanted logits that this part gives
    try {
      session.settle(this.#decoder);
      const logits = await this.#decoder.read(session.rows[0]!, tokens, Math.max(1, found));
      session.hasRead(tokens);
      unread.splice(0, tokens.length);
      if (found > 0) feed.parts.push({ logits, peaks: this.#decoder.peaks });
      else this.#decoder.recycle?.(logits);
      if (unread.length > 0) return;
      if (feed.parts.length === 1) {
        this.#end(feed, feed.parts[0]!, { logits, readers: 1 });
        return;
      }
      this.#end(feed, joined(feed.parts));
      for (const part of feed.parts) this.#decoder.recycle?.(part.logits);
    } catch (error) {
      this.#drop(feed, error);
    }
  }

  /** One token for every row that waits for one. */
  async #step(): Promise<void> {
    const feeds = this.#feeds.filter(({ session, unread }) => this.#running.has(session) && unread.length === 0);
    if (feeds.length === 0) return;
    try {
      for (const { session, parents } of feeds) session.inherit(parents, this.#decoder);
      const rows = feeds.flatMap(({ session }) => session.rows);
      const tokens = feeds.flatMap((feed) => feed.tokens);
      const logits = await this.#decoder.step(rows, tokens);
      const { peaks } = this.#decoder;
      const shared = { logits, readers: feeds.length };
      let from = 0;
      for (const feed of feeds) {
        const to = from + feed.tokens.length;
        feed.session.hasRead(feed.tokens);
        const own = logits.subarray(from * this.vocabSize, to * this.vocabSize);
        this.#end(feed, { logits: own, peaks: peaksOf(peaks, from, to) }, shared);
        from = to;
      }
    } catch (error) {
      for (const feed of feeds) this.#drop(feed, error);
    }
  }

  /** @param shared the decoder's logits that the answer is a part of. */
  #end(feed: Feed, answer: Answer, shared?: SharedLogits): void {
    const at = this.#feeds.indexOf(feed);
    if (at >= 0) this.#feeds.splice(at, 1);
    if (shared) this.#read.set(feed.session, shared);
    if (!this.#running.has(feed.session)) this.#letGo(feed.session); // it ended meanwhile
    feed.resolve(answer);
  }

  /** A session that asks again, or ends, reads its last answer no more. */
  #letGo(session: BatchSession): void {
    const shared = this.#read.get(session);
    if (!shared || !this.#read.delete(session) || --shared.readers > 0) return;
    this.#decoder.recycle?.(shared.logits);
  }
}

/** The parts as one, whose peaks are not worth joining: they are found anew where they are wanted. */
function joined(parts: readonly Answer[]): Answer {
  if (parts.length === 1) return parts[0]!;
  const all = new Float32Array(parts.reduce((n, { logits }) => n + logits.length, 0));
  let at = 0;
  for (const { logits } of parts) {
    all.set(logits, at);
    at += logits.length;
  }
  return { logits: all, peaks: undefined };
}

function checkTokens(tokens: readonly number[], vocabSize: number): void {
  for (const token of tokens)
    if (!Number.isInteger(token) || token < 0 || token >= vocabSize)
      throw new RangeError(`token ${token} is not in the model's vocabulary of ${vocabSize}`);
}

/** Lets everything that is ready run first. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
