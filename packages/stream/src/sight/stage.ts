import type { OperatorFacts } from '../operator-facts.ts';
import { Histogram } from './histogram.ts';

/** What a stage has done since it was made, all its runs together. */
export interface StageReport {
  readonly name: string;
  /** Items that it has pulled. */
  readonly pulled: number;
  /** Items that it has completed: their last value was taken, or they gave none. */
  readonly completed: number;
  /** Values that it has given. */
  readonly given: number;
  /** Runs that ended in an error that arose here, not before. */
  readonly failures: number;
  /** Items that are in it now: pulled and not completed. */
  readonly depth: number;
  /** The most that were in it at once. */
  readonly maxDepth: number;
  /** The operator's window. */
  readonly window: number;
  /** From an item's coming in to the value that completes it, ms, without the time that values wait for the stage behind. */
  readonly latency: {
    readonly mean: number;
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly max: number;
  };
  /** Tokens in its values. */
  readonly tokens: number;
  /** Tokens per second of the time in which it had an item in it. */
  readonly tokensPerSecond: number;
  /** Items completed per second of the time since its first run began. */
  readonly itemsPerSecond: number;
}

/** Hears what happens in stages; for bridges to other systems. Times are of the clock `performance.now`, ms. */
export interface StageListener {
  runStart?(stage: Stage, run: StageRun): void;
  /** `from` to `to`: the item's latency ends at `to`. */
  itemEnd?(stage: Stage, run: StageRun, ms: number, to: number): void;
  runEnd?(stage: Stage, run: StageRun): void;
}

/** The counters of one stage. */
export class Stage {
  readonly name: string;
  readonly latencies: Histogram = new Histogram();
  readonly listeners: ReadonlySet<StageListener>;
  pulled = 0;
  completed = 0;
  given = 0;
  failures = 0;
  depth = 0;
  maxDepth = 0;
  window = 1;
  tokens = 0;
  #began = 0;
  #busy = 0;
  #busySince = 0;

  constructor(name: string, listeners: ReadonlySet<StageListener>) {
    this.name = name;
    this.listeners = listeners;
  }

  entered(now: number): void {
    this.pulled++;
    if (this.depth++ === 0) this.#busySince = now;
    if (this.depth > this.maxDepth) this.maxDepth = this.depth;
  }

  left(count: number, now: number): void {
    this.depth -= count;
    if (this.depth === 0 && count > 0) this.#busy += now - this.#busySince;
  }

  begin(now: number): void {
    this.#began ||= now;
  }

  report(): StageReport {
    const { name, pulled, completed, given, failures, depth, maxDepth, window, tokens, latencies } = this;
    const now = performance.now();
    const busy = this.#busy + (depth > 0 ? now - this.#busySince : 0);
    const since = this.#began === 0 ? 0 : now - this.#began;
    return {
      ...{ name, pulled, completed, given, failures, depth, maxDepth, window, tokens },
      latency: {
        mean: latencies.count === 0 ? 0 : latencies.sum / latencies.count,
        p50: latencies.quantile(0.5),
        p95: latencies.quantile(0.95),
        p99: latencies.quantile(0.99),
        max: latencies.max,
      },
      tokensPerSecond: busy > 0 ? (1000 * tokens) / busy : 0,
      itemsPerSecond: since > 0 ? (1000 * completed) / since : 0,
    };
  }
}

/** One run of a stage: which of its items are still in it. */
export class StageRun {
  readonly #stage: Stage;
  readonly #facts: OperatorFacts;
  /** When the items that are in it came in, first one first, on a clock that stands still while a value is out. */
  #entries: number[] = [];
  #outside = 0;
  /** The run of the whole pipeline. */
  readonly pipeline: AbortSignal;
  readonly began: number = performance.now();
  pulled = 0;
  completed = 0;
  given = 0;
  tokens = 0;
  error: { readonly error: unknown } | null = null;

  constructor(stage: Stage, facts: OperatorFacts, pipeline: AbortSignal) {
    this.#stage = stage;
    this.#facts = facts;
    this.pipeline = pipeline;
    stage.begin(this.began);
    for (const listener of stage.listeners) listener.runStart?.(stage, this);
  }

  /** An item comes in. What is beyond the window must be completed, even if it gave nothing. */
  enter(now: number): void {
    const over = this.#entries.length + 1 - this.#facts.window;
    if (over > 0) this.#complete(over, now);
    this.#entries.push(now - this.#outside);
    this.pulled++;
    this.#stage.entered(now);
  }

  give(value: unknown, now: number): void {
    const tokens = this.#facts.tokens?.(value) ?? 0;
    this.given++;
    this.tokens += tokens;
    this.#stage.given++;
    this.#stage.tokens += tokens;
    this.#complete(this.#facts.completes?.(value) ?? 1, now);
  }

  /** A value was taken, and came back for more. */
  taken(ms: number): void {
    this.#outside += ms;
  }

  end(now: number): void {
    const left = this.#entries.length;
    if (this.error || this.pipeline.aborted) {
      this.#entries = [];
      this.#stage.left(left, now); // not completed
    } else this.#complete(left, now);
    if (this.error) this.#stage.failures++;
    for (const listener of this.#stage.listeners) listener.runEnd?.(this.#stage, this);
  }

  #complete(count: number, now: number): void {
    const done = this.#entries.splice(0, count);
    this.completed += done.length;
    this.#stage.completed += done.length;
    for (const entry of done) {
      const ms = now - this.#outside - entry;
      this.#stage.latencies.add(ms);
      for (const listener of this.#stage.listeners) listener.itemEnd?.(this.#stage, this, ms, now);
    }
    this.#stage.left(done.length, now);
  }
}
