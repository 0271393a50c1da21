import { Observable, type OperatorFunction } from 'rxjs';
import { checkDuration } from '../check.ts';
import { factsOf, type OperatorFacts, withFacts } from '../operator-facts.ts';
import { PullObservable, pullOf } from '../pull.ts';
import { Stage, type StageListener, type StageReport, StageRun } from './stage.ts';

/**
 * Sees what the stages of pipelines do: counts, queue depths, latencies and tokens per second. Only the operators that are given to
 * `stage` are watched; a pipeline without it costs nothing more.
 *
 *     const sight = new Sight();
 *     lines(input).pipe(sight.stage('tokenize', tokenize(tokenizer)), sight.stage('generate', generate(model)))
 *     sight.reports(1000).subscribe((stages) => …);
 */
export class Sight {
  readonly #stages = new Map<string, Stage>();
  readonly #listeners = new Set<StageListener>();
  readonly #ends = new Set<() => void>();

  /**
   * The operator, watched under a name; those of one name are counted together. `facts` say what is not known of an operator that is not one of this package: how many items
   * it may hold (default 1: older ones count as completed), how many a value completes, how many tokens it stands for.
   *
   *     source:              --a--b--|
   *     stage('map', map):   --A--B--|
   *
   * Neighbouring steps run as one loop; a watched one runs by itself.
   */
  stage<T, R>(
    name: string,
    operator: OperatorFunction<T, R>,
    facts: Partial<OperatorFacts<R>> = {},
  ): OperatorFunction<T, R> {
    const all: OperatorFacts<R> = { window: 1, ...factsOf(operator), ...facts };
    const stage = this.#stages.get(name) ?? new Stage(name, this.#listeners);
    this.#stages.set(name, stage);
    stage.window = Math.max(stage.window, all.window);
    return withFacts((source) => {
      const pull = pullOf(source);
      return new PullObservable((signal) =>
        this.#watch(() => new StageRun(stage, all as OperatorFacts, signal), operator, pull, signal),
      );
    }, all);
  }

  /** What every stage has done until now, in the order in which they were named. */
  report(): StageReport[] {
    return [...this.#stages.values()].map((stage) => stage.report());
  }

  /**
   * `report` every `period` ms while somebody listens, and whenever a run ends. Does not keep a process alive.
   *
   *     runs:           --[--------]------
   *     reports(3 ms):  ---r--r--r-r-r--r-
   */
  reports(period: number): Observable<StageReport[]> {
    checkDuration('period', period);
    return new Observable((subscriber) => {
      const tell = (): void => subscriber.next(this.report());
      const timer: { unref?: () => void } | number = setInterval(tell, period);
      if (typeof timer === 'object') timer.unref?.();
      this.#ends.add(tell);
      return () => {
        clearInterval(timer as number);
        this.#ends.delete(tell);
      };
    });
  }

  /** Calls the listener from now on; returns what ends that. */
  listen(listener: StageListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async *#watch<T, R>(
    begin: () => StageRun,
    operator: OperatorFunction<T, R>,
    pull: (signal: AbortSignal) => AsyncIterable<T>,
    signal: AbortSignal,
  ): AsyncGenerator<R> {
    const run = begin();
    let upstream: { readonly error: unknown } | null = null;
    const entering = async function* (own: AbortSignal): AsyncGenerator<T> {
      try {
        for await (const item of pull(own)) {
          run.enter(performance.now());
          yield item;
        }
      } catch (error) {
        upstream = { error };
        throw error;
      }
    };
    const values = pullOf(operator(new PullObservable(entering)))(signal);
    try {
      for await (const value of values) {
        const now = performance.now();
        run.give(value, now);
        yield value;
        run.taken(performance.now() - now);
      }
    } catch (error) {
      if (!upstream || (upstream as { error: unknown }).error !== error) run.error = { error };
      throw error;
    } finally {
      run.end(performance.now());
      for (const tell of this.#ends) tell();
    }
  }
}
