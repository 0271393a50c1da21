import type { ConstraintState } from './constraint.ts';
import { inTime } from './deadline.ts';
import type { EndReason, GeneratedSequence, GenerationEvent, TokenEvent, TokenLogProb } from './events.ts';
import type { Run } from './generate.ts';
import { type Drawn, drawToken, uniformSource } from './sampler.ts';
import { isFound, type LogitRow, largest, logitRow, peakOf, topLogProbs } from './scores.ts';
import { type Released, StopStrings } from './stop-strings.ts';

/** A made token, as its event tells of it. */
interface Made {
  readonly id: number;
  readonly logProb?: number;
  readonly topLogProbs?: readonly TokenLogProb[];
}

/** Greedy search, or sampling; several samples go through the model together. */
export async function* oneByOne(run: Run): AsyncGenerator<GenerationEvent> {
  const { session, options, maxNewTokens, vocabSize, signal, deadline } = run;
  const count = options.numReturnSequences;
  const rows = Array.from({ length: count }, (_, index) => new Row(run, index));
  let live = rows;
  let parents = [0];
  let cut: EndReason = 'length';
  for (let step = 1; step <= maxNewTokens && live.length > 0; step++) {
    const made = live[0]!.made;
    const last = step === 1 ? [session.firstToken] : live.map((row) => row.made.at(-1)!); // all samples share the first step
    const logits = await inTime(
      () => run.guesses?.next(made, maxNewTokens - made.length) ?? session.step(last, parents),
      deadline,
    );
    if (signal?.aborted) return;
    if (!logits) {
      cut = 'time';
      break;
    }
    const { peaks } = run.guesses ?? session;
    const next: Row[] = [];
    parents = [];
    for (const [r, row] of live.entries()) {
      const at = step === 1 ? 0 : r;
      for (const event of row.choose(logitRow(logits, at, vocabSize, peaks), step)) {
        yield event;
        if (signal?.aborted) return;
      }
      if (row.reason !== undefined) continue;
      next.push(row);
      parents.push(at);
    }
    live = next;
  }
  for (const row of live)
    for (const event of row.finish(cut)) {
      yield event;
      if (signal?.aborted) return;
    }
  const sequences = rows.map((row) => row.sequence());
  yield { type: 'generation-end', ...sequences[0]!, ...(count > 1 && { sequences }) };
}

function greedy(row: LogitRow, step: number): Drawn {
  const { best, logSumExp } = peakOf(row, step);
  return { id: best, logSumExp };
}

/** One sequence in the making. */
class Row {
  /** All chosen tokens but the one that ended the text. */
  readonly made: number[] = [];
  reason: EndReason | undefined;
  readonly #run: Run;
  readonly #index: number;
  readonly #all: number[];
  readonly #uniform: () => number;
  readonly #stops: StopStrings<Made> | undefined;
  readonly #scratch: Float32Array | undefined;
  readonly #logProbs: number[] = [];
  #constraint: ConstraintState | undefined;
  #logProb = 0;
  #length = 0;
  #given: number[] = [];
  #text = '';
  #rest = '';
  #stopString: string | undefined;

  constructor(run: Run, index: number) {
    const { options, context, vocabSize } = run;
    this.#run = run;
    this.#index = index;
    this.#all = [...context];
    this.#uniform = uniformSource(index === 0 ? options.seed : options.seed ^ Math.imul(index, 0x9e3779b1));
    if (options.stopStrings && options.decoder)
      this.#stops = new StopStrings(options.stopStrings, options.decoder, context);
    this.#constraint = options.constraint?.start(vocabSize);
    if (run.processors.length > 0 || this.#constraint) this.#scratch = new Float32Array(vocabSize);
  }

  /** Chooses the next token from the model's logits. */
  choose(logits: LogitRow, step: number): TokenEvent[] {
    const { options, eosTokenIds } = this.#run;
    const row = this.#processed(logits, step);
    if (!row) return this.finish('stop');
    const { values } = row;
    const { id, logSumExp: normalizer } = options.doSample
      ? drawToken(row, options, this.#uniform, step)
      : greedy(row, step);
    const logProb = values[id]! - normalizer;
    this.#logProb += logProb;
    this.#logProbs.push(logProb);
    this.#length++;
    if (eosTokenIds.includes(id)) return this.finish('eos');
    this.made.push(id);
    this.#all.push(id);
    this.#constraint = this.#constraint?.advance(id);
    const made: Made = {
      id,
      ...(options.outputLogprobs && { logProb }),
      ...(options.topLogprobs > 0 && { topLogProbs: topLogProbs(values, normalizer, options.topLogprobs) }),
    };
    if (!this.#stops) {
      this.#given.push(id);
      return [this.#event(made)];
    }
    return this.#release(this.#stops.push(made));
  }

  /** Ends the text; what a stop string's possible beginning held back comes out. */
  finish(reason: EndReason): TokenEvent[] {
    this.reason = reason;
    if (!this.#stops) return [];
    const released = this.#stops.end();
    const events = this.#release(released);
    this.#text += released.rest;
    this.#rest += released.rest;
    return events;
  }

  sequence(): GeneratedSequence {
    const { lengthPenalty, outputLogprobs } = this.#run.options;
    return {
      tokens: this.#given,
      score: this.#length === 0 ? 0 : this.#logProb / this.#length ** lengthPenalty,
      reason: this.reason ?? 'length',
      ...(outputLogprobs && { logProbs: this.#logProbs }),
      ...(this.#stops && { generatedText: this.#text }),
      ...(this.#rest !== '' && { piece: this.#rest }),
      ...(this.#stopString !== undefined && { stopString: this.#stopString }),
    };
  }

  /** Logits after the processors; undefined where the constraint allows nothing more and the text may end. */
  #processed(logits: LogitRow, step: number): LogitRow | undefined {
    const { processors, eosTokenIds } = this.#run;
    const row = this.#scratch;
    if (!row) return logits;
    if (!isFound(logits)) largest(logits.values, step); // NaN is the model's fault, and told before the processors hide it
    row.set(logits.values);
    for (const processor of processors) processor(row, this.#all);
    if (this.#constraint) {
      const { allowed, complete } = this.#constraint;
      const ends = eosTokenIds.map((id) => row[id]!);
      for (let id = 0; id < row.length; id++) if (allowed[id] === 0) row[id] = Number.NEGATIVE_INFINITY;
      for (const [i, id] of eosTokenIds.entries()) row[id] = complete ? ends[i]! : Number.NEGATIVE_INFINITY;
      if (complete && !row.some((x) => x > Number.NEGATIVE_INFINITY)) return undefined;
    }
    if (!row.some((x) => x > Number.NEGATIVE_INFINITY)) {
      const why = this.#constraint ? 'the constraint and the other options allow' : 'the options leave';
      throw new RangeError(`${why} no token in step ${step}, after tokens [${this.#all.slice(-8).join(', ')}]`);
    }
    return { values: row };
  }

  #release({ tokens, stop }: Released<Made>): TokenEvent[] {
    for (const { token, piece } of tokens) {
      this.#given.push(token.id);
      this.#text += piece;
    }
    if (stop) {
      this.reason = 'stop';
      this.#text += stop.piece;
      this.#rest = stop.piece;
      this.#stopString = stop.stopString;
    }
    return tokens.map(({ token, piece }) => this.#event(token, piece));
  }

  #event(made: Made, piece?: string): TokenEvent {
    return {
      type: 'token',
      ...made,
      ...(this.#run.options.numReturnSequences > 1 && { sequence: this.#index }),
      ...(piece !== undefined && { piece }),
    };
  }
}
