import { Worker } from 'node:worker_threads';
import { BUSY, CLOSED, IDLE, workerSource } from './worker-source.ts';

interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Requests to the worker thread and their replies. The thread keeps the process alive only while a reply is due. */
export class WorkerLink {
  readonly #name: string;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #stopped: Error | undefined;
  #id = 0;

  /**
   * @param name the backend, for messages.
   * @param library the path of the binding that the thread loads.
   * @param wasm threads of WebAssembly, where the binding is onnxruntime-web.
   */
  constructor(name: string, library: string, wasm?: number) {
    this.#name = name;
    const state = new Int32Array(new SharedArrayBuffer(4));
    process.once('exit', () => {
      while (Atomics.compareExchange(state, 0, IDLE, CLOSED) === BUSY) Atomics.wait(state, 0, BUSY);
    });
    // No flags of this process: a loader for TypeScript would only take time there.
    this.#worker = new Worker(workerSource, { eval: true, execArgv: [], workerData: { library, wasm, state } });
    this.#worker.unref();
    this.#worker.on('message', ({ id, result, error }: Reply) => {
      const { resolve, reject } = this.#take(id);
      if (error === undefined) resolve(result);
      else reject(new Error(`ONNX Runtime: ${error}`));
    });
    this.#worker.on('error', (error) => this.#stop(error));
    this.#worker.on('exit', (code) => this.#stop(new Error(`it ended with code ${code}`)));
  }

  /** @param moved buffers that the thread may have; they are empty here afterwards. */
  send(action: string, request: object = {}, moved: readonly ArrayBuffer[] = []): Promise<unknown> {
    if (this.#stopped) return Promise.reject(this.#stopped);
    const id = this.#id++;
    return new Promise((resolve, reject) => {
      this.#worker.postMessage({ id, action, request }, moved);
      this.#waiting.set(id, { resolve, reject });
      this.#worker.ref();
    });
  }

  #take(id: number): Waiting {
    const waiting = this.#waiting.get(id)!;
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker.unref();
    return waiting;
  }

  #stop(cause: Error): void {
    this.#stopped ??= new Error(`the thread of the backend '${this.#name}' stopped: ${cause.message}`, { cause });
    for (const id of [...this.#waiting.keys()]) this.#take(id).reject(this.#stopped);
  }
}
