import type { Tensor } from './tensor.ts';

/** What the graph that is being traced is for. Layers such as dropout ask; modules have no mode of their own. */
export interface Trace {
  readonly training: boolean;
  /** int32 [], given anew for every training step. */
  readonly seed: Tensor | null;
  /** A number of its own for every random operation of the graph, in tracing order. */
  nextStream(): number;
  /** The value that a buffer has at this point of the graph. */
  latest(buffer: Tensor): Tensor;
  /** Gives a buffer another value when the step ends, as running statistics get it. */
  update(buffer: Tensor, next: Tensor): void;
  /** All updates so far. */
  readonly updates: ReadonlyMap<Tensor, Tensor>;
}

export const inference: Trace = {
  training: false,
  seed: null,
  nextStream: () => 0,
  latest: (buffer) => buffer,
  update: () => {
    throw new TypeError('a buffer changes in graphs that are traced for training only');
  },
  updates: new Map(),
};
let current: Trace = inference;

/** The trace in progress; inference where there is none. */
export function currentTrace(): Trace {
  return current;
}

/** For training graphs: dropout and batch statistics are part of them. */
export function trainingTrace(seed: Tensor): Trace {
  let streams = 0;
  const updates = new Map<Tensor, Tensor>();
  return {
    training: true,
    seed,
    nextStream: () => streams++,
    latest: (buffer) => updates.get(buffer) ?? buffer,
    update: (buffer, next) => updates.set(buffer, next),
    updates,
  };
}

/** Traces `build`, or a part of it, under `trace`. */
export function within<T>(trace: Trace, build: () => T): T {
  const outer = current;
  current = trace;
  try {
    return build();
  } finally {
    current = outer;
  }
}
