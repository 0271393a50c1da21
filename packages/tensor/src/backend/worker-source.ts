/**
 * What the thread is doing, in an Int32Array that both threads see. A process that exits while the binding computes aborts
 * with a Napi::Error, so the main thread waits for IDLE and sets CLOSED, after which nothing starts.
 */
export const IDLE = 0;
export const BUSY = 1;
export const CLOSED = 2;

/**
 * The program of the worker thread, as text: it runs the same from source, from dist and from a bundle, where the path of a
 * worker file and the loader that it needs would differ. `workerData.library` is the path of the binding, `workerData.wasm` the
 * threads of WebAssembly where it is onnxruntime-web, `workerData.state` the array above.
 */
export const workerSource: string = `'use strict';
const { parentPort, workerData } = require('node:worker_threads');

let ort;
const sessions = new Map();
const halves = globalThis.Float16Array; // from Node 24 on the binding wants it for float16

function toTensor({ dtype, dims, data }) {
  const values = dtype === 'float16' && halves ? new halves(data.buffer) : data;
  return new ort.Tensor(dtype, values, dims);
}

function fromTensor({ type, dims, data }) {
  const bytes = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  const array = type === 'float16' ? Uint16Array : data.constructor;
  return { dtype: type, dims: [...dims], data: new array(bytes) };
}

const actions = {
  open() {
    ort = require(workerData.library);
    ort.env.logLevel = 'fatal'; // what goes wrong is thrown
    if (workerData.wasm) ort.env.wasm.numThreads = workerData.wasm;
  },
  async create({ session, model, options }) {
    const made = await ort.InferenceSession.create(model, options);
    sessions.set(session, made);
    const types = (list) => list.map(({ name, isTensor, type }) => ({ name, dtype: isTensor ? type : 'sequence' }));
    return { inputs: types(made.inputMetadata), outputs: types(made.outputMetadata) };
  },
  async run({ session, inputs }) {
    const made = sessions.get(session);
    const feeds = Object.fromEntries(made.inputNames.map((name, i) => [name, toTensor(inputs[i])]));
    const results = await made.run(feeds);
    return made.outputNames.map((name) => fromTensor(results[name]));
  },
  async release({ session }) {
    const made = sessions.get(session);
    sessions.delete(session);
    if (made) await made.release();
  },
};

async function answer({ id, action, request }) {
  if (Atomics.compareExchange(workerData.state, 0, ${IDLE}, ${BUSY}) !== ${IDLE}) return; // the process is exiting
  let reply;
  let moved = [];
  try {
    reply = { id, result: await actions[action](request) };
    if (action === 'run') moved = reply.result.map(({ data }) => data.buffer);
  } catch (error) {
    reply = { id, error: String((error && error.message) || error) };
  } finally {
    Atomics.store(workerData.state, 0, ${IDLE});
    Atomics.notify(workerData.state, 0);
  }
  parentPort.postMessage(reply, moved);
}

// One after the other: a session is not released while it runs.
let turn = Promise.resolve();
parentPort.on('message', (message) => {
  turn = turn.then(() => answer(message));
});
`;
