import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

import type { Backend, HostTensor, Session, SessionOptions } from './backend.ts';
import { checkRun, type ValueType } from './check-run.ts';

/**
 * What the worker runs: the official binding, whose `run` would block the event loop of the thread that calls it. Kept as text,
 * so that it starts alike from TypeScript and from the compiled package.
 */
const program = `
const { parentPort, workerData } = require('node:worker_threads');
const ort = require(workerData);
const sessions = new Map();
let count = 0;
const handlers = {
  async create({ model, options }) {
    const session = await ort.InferenceSession.create(model, options);
    sessions.set(++count, session);
    const describe = (list) => list.map(({ name, type }) => ({ name, dtype: type }));
    return { session: count, inputs: describe(session.inputMetadata), outputs: describe(session.outputMetadata) };
  },
  async run({ session: key, inputs }) {
    const session = sessions.get(key);
    const feeds = Object.fromEntries(
      session.inputNames.map((name, i) => [name, new ort.Tensor(inputs[i].dtype, inputs[i].data, inputs[i].dims)]),
    );
    const results = await session.run(feeds);
    return session.outputNames.map((name) => {
      const { type, dims, data } = results[name];
      return { dtype: type, dims, data };
    });
  },
  async release({ session }) {
    await sessions.get(session).release();
    sessions.delete(session);
  },
};
parentPort.on('message', async ({ id, kind, ...message }) => {
  try {
    parentPort.postMessage({ id, result: await handlers[kind](message) });
  } catch (error) {
    parentPort.postMessage({ id, error: error.message });
  }
});
`;

interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** Sends requests to the worker and matches the answers. The worker keeps the process alive only while it works. */
class Requests {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #count = 0;

  constructor(binding: string) {
    this.#worker = new Worker(program, { eval: true, workerData: binding, execArgv: [] });
    this.#worker.unref();
    this.#worker.on('message', ({ id, result, error }: Reply) => {
      const waiting = this.#waiting.get(id)!;
      this.#settle(id);
      if (error === undefined) waiting.resolve(result);
      else waiting.reject(new Error(`ONNX Runtime: ${error}`));
    });
    this.#worker.on('error', (error) => {
      for (const [id, { reject }] of this.#waiting) {
        this.#settle(id);
        reject(error as Error);
      }
    });
  }

  send<T>(kind: string, message: object): Promise<T> {
    const id = ++this.#count;
    this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#worker.postMessage({ id, kind, ...message });
    });
  }

  #settle(id: number): void {
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker.unref();
  }
}

interface Created {
  readonly session: number;
  readonly inputs: readonly ValueType[];
  readonly outputs: readonly ValueType[];
}

/** The official onnxruntime-node binding in a worker thread. Copies every tensor; for machines where the C API cannot be called. */
export function nodeBackend(): Backend {
  const requests = new Requests(createRequire(import.meta.url).resolve('onnxruntime-node'));
  return {
    name: 'node',
    async createSession(model, { threads = availableParallelism(), optimization = 'all' }: SessionOptions = {}) {
      const options = {
        graphOptimizationLevel: optimization === 'none' ? 'disabled' : optimization,
        intraOpNumThreads: threads,
        logSeverityLevel: 4, // errors are thrown, not printed
        extra: { session: { intra_op: { allow_spinning: '0' } } },
      };
      return new NodeSession(requests, await requests.send<Created>('create', { model, options }));
    },
  };
}

class NodeSession implements Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly #requests: Requests;
  readonly #created: Created;
  readonly #running = new Set<Promise<unknown>>();
  #disposed = false;

  constructor(requests: Requests, created: Created) {
    this.#requests = requests;
    this.#created = created;
    this.inputNames = created.inputs.map(({ name }) => name);
    this.outputNames = created.outputs.map(({ name }) => name);
  }

  async run(inputs: readonly HostTensor[], outputs?: readonly (HostTensor | null)[]): Promise<HostTensor[]> {
    if (this.#disposed) throw new Error('this session was disposed');
    checkRun(this.#created.inputs, this.#created.outputs, inputs, outputs);
    const work = this.#requests.send<HostTensor[]>('run', { session: this.#created.session, inputs });
    this.#running.add(work);
    try {
      const results = await work;
      return results.map((result, i) => {
        const target = outputs?.[i];
        if (!target) return result;
        if (String(target.dims) !== String(result.dims))
          throw new RangeError(
            `output '${this.outputNames[i]}' has the shape [${result.dims}], the tensor for it [${target.dims}]`,
          );
        target.data.set(result.data as never);
        return target;
      });
    } finally {
      this.#running.delete(work);
    }
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await Promise.allSettled(this.#running);
    await this.#requests.send('release', { session: this.#created.session });
  }
}
