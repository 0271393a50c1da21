import { Worker } from 'node:worker_threads';
import { DatasetError, type Item, inOrder } from './stages.ts';

export interface WorkerOptions {
  /** Threads. Default 1. */
  readonly workers?: number;
  /** Items that are worked on or waiting at once. Default: two per thread. */
  readonly window?: number;
  /** The export to call. Default 'default'. */
  readonly name?: string;
}

/**
 * What a thread runs: one item after the other, so that it is clear which one ended it; every message is answered. Text, because
 * source and build lie in different places.
 */
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads');
const loaded = import(workerData.module).then((module) => {
  const fn = module[workerData.name];
  if (typeof fn !== 'function') throw new TypeError(workerData.module + ' exports no function ' + workerData.name);
  return fn;
});
loaded.catch(() => {});
const answer = async ({ id, index, value }) => {
  try {
    parentPort.postMessage({ id, result: await (await loaded)(value, index) });
  } catch (error) {
    parentPort.postMessage({ id, failure: error instanceof Error ? error.message : String(error) });
  }
};
let last = Promise.resolve();
parentPort.on('message', (message) => {
  last = last.then(() => answer(message));
});
`;

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly failure?: string;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** One thread and what it has not answered yet. */
class Thread {
  readonly waiting = new Map<number, Waiting>();
  readonly #worker: Worker;
  #count = 0;
  #broken: Error | null = null;

  constructor(module: URL, name: string) {
    this.#worker = new Worker(PROGRAM, { eval: true, workerData: { module: module.href, name } });
    this.#worker.on('message', ({ id, result, failure }: Answer) => {
      const { resolve, reject } = this.waiting.get(id)!;
      this.waiting.delete(id);
      if (failure === undefined) resolve(result);
      else reject(new Error(failure));
    });
    this.#worker.on('error', (error) => this.#fail(error as Error));
    this.#worker.on('exit', (code) => this.#fail(new Error(`the worker thread ended with code ${code}`)));
  }

  call(index: number, value: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#broken) throw this.#broken;
      const id = this.#count++;
      this.#worker.postMessage({ id, index, value }); // throws for what cannot be copied
      this.waiting.set(id, { resolve, reject });
    });
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#broken ??= error;
    for (const { reject } of this.waiting.values()) reject(this.#broken);
    this.waiting.clear();
  }
}

/** Maps in threads, which live as long as the iteration. */
export async function* inWorkers<T, U>(
  items: AsyncGenerator<Item<T>>,
  module: URL,
  { workers, window, name = 'default' }: WorkerOptions & { readonly workers: number; readonly window: number },
): AsyncGenerator<Item<U>> {
  const threads = Array.from({ length: workers }, () => new Thread(module, name));
  const work = async ({ index, value }: Item<T>): Promise<Item<U>> => {
    const idle = threads.reduce((best, thread) => (thread.waiting.size < best.waiting.size ? thread : best));
    try {
      return { index, value: (await idle.call(index, value)) as U };
    } catch (error) {
      throw DatasetError.of(index, error);
    }
  };
  try {
    yield* inOrder(items, window, work);
  } finally {
    await Promise.all(threads.map((thread) => thread.stop()));
  }
}
