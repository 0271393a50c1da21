import type { HostTensor, Session, SessionOptions } from './backend/backend.ts';
import { channelBlock } from './backend/channel-block.ts';
import { type BackendChoice, chooseBackend } from './backend/select.ts';
import type { Outputs, Results } from './compile.ts';
import { staticShape } from './dim.ts';
import { allocate } from './dtype.ts';
import { ShapeError } from './errors.ts';
import { type Feeds, type InputSpecs, type Inputs, orderFeeds, placeholders } from './feeds.ts';
import { topological } from './graph.ts';
import { isHeld } from './held.ts';
import { lowerInParts } from './lowering/lower.ts';
import { encodeInParts } from './onnx/encode.ts';
import { isDepthwise } from './ops/conv-depthwise.ts';
import { namingIndices } from './outside.ts';
import { breathe, type InParts, inSlices } from './slices.ts';
import { input, type Node, type OpNode, type ParameterNode, Tensor } from './tensor.ts';
import { inference, trainingTrace, within } from './trace.ts';

/** What a training step computes: outputs to read, and the next value of every tensor that it changes. */
export interface StepProgram<O extends Outputs> {
  readonly outputs: O;
  readonly updates: ReadonlyMap<Tensor, Tensor>;
}

/**
 * The second buffer of every tensor that steps update. A step reads one and writes the other, then they swap: the runtime
 * may write an output before an input was read for the last time, so updating in place is silently wrong.
 */
const spares = new WeakMap<ParameterNode, HostTensor>();
const busy = new WeakSet<ParameterNode>();

/** A training step as one session: forward, backward and update. */
export class CompiledStep<I extends InputSpecs, O extends Outputs> {
  readonly #specs: I;
  readonly #names: readonly string[];
  readonly #read: readonly ParameterNode[];
  readonly #written: readonly ParameterNode[];
  readonly #session: Session;

  constructor(
    specs: I,
    names: readonly string[],
    read: readonly ParameterNode[],
    written: readonly ParameterNode[],
    session: Session,
  ) {
    this.#specs = specs;
    this.#names = names;
    this.#read = read;
    this.#written = written;
    this.#session = session;
  }

  /**
   * One step. When it resolves, the parameters hold their new values; when it rejects, their old ones.
   * @param seed what dropout draws from in this step.
   * @throws Error when another step on the same parameters has not ended; RangeError where an index points outside, naming the inputs
   *   of whole numbers.
   */
  async run(feeds: Feeds<I>, seed = 0): Promise<Results<O>> {
    const given = orderFeeds(this.#specs, feeds);
    if (this.#written.some((node) => busy.has(node)))
      throw new Error('a training step on these parameters is still running; await it first');
    for (const node of this.#written) busy.add(node);
    try {
      const seedTensor: HostTensor = { dtype: 'int32', dims: [], data: Int32Array.of(seed) };
      const next = this.#written.map(spareOf);
      const outputs = [...this.#names.map(() => null), ...next];
      const inputs = [...given, seedTensor, ...this.#read.map((n) => n.storage)];
      const results = await namingIndices(feeds, () => this.#session.run(inputs, outputs));
      this.#written.forEach((node, i) => {
        spares.set(node, node.storage);
        node.storage = next[i]!;
      });
      return Object.fromEntries(this.#names.map((name, i) => [name, results[i]])) as Results<O>;
    } finally {
      for (const node of this.#written) busy.delete(node);
    }
  }

  dispose(): Promise<void> {
    return this.#session.dispose();
  }
}

function spareOf(node: ParameterNode): HostTensor {
  return freeSpare(node) ?? newSpare(node);
}

function freeSpare(node: ParameterNode): HostTensor | null {
  const known = spares.get(node);
  return known && !isHeld(known) ? known : null;
}

function newSpare(node: ParameterNode): HostTensor {
  const { dtype, dims, data } = node.storage;
  const spare = { dtype, dims, data: allocate(dtype, data.length) };
  spares.set(node, spare);
  return spare;
}

/** What a system hands out at a time, bytes, and how many of them take well under a millisecond. */
const [PAGE, PAGES] = [4096, 64];

/**
 * In a first run all spares would be allocated, and collected for, at once. The system finds and clears memory when it is first written to,
 * 3 µs a page: that is done here too, as long as there is something else to wait for.
 */
function* allocateSpares(nodes: readonly ParameterNode[], waiting: () => boolean): InParts<void> {
  for (const node of nodes) {
    if (freeSpare(node)) continue; // a step that runs may be writing into it
    const { buffer, byteOffset, byteLength } = newSpare(node).data;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    yield;
    for (let i = 0; i < bytes.length && waiting(); i += PAGE) {
      bytes[i] = 0;
      if ((i / PAGE) % PAGES === PAGES - 1) yield;
    }
  }
}

export interface StepOptions extends BackendChoice {
  /** False: dropout and the like are left out. For figures during training: the weights are read anew in every run. Default true. */
  readonly training?: boolean;
  /**
   * The tile of Winograd's algorithm for 3×3 convolutions (https://arxiv.org/abs/1509.09308): 4 is the fastest and the least
   * exact, 2 lies between, 0 sums as PyTorch does. Default 0. See docs/decisions/0011.
   */
  readonly winograd?: 0 | 2 | 4;
  /**
   * Default 'folding' for training, 'all' otherwise: what the runtime fuses are patterns of inference, and looking for them takes
   * half of a session's making. See docs/decisions/0025.
   */
  readonly optimization?: NonNullable<SessionOptions['optimization']>;
}

/**
 * Compiles a training step, in slices of a few milliseconds between which the event loop runs.
 * @param build traced once, for training; `updates` maps parameters (or buffers) to their next values. A generator may
 * yield where it can be interrupted.
 */
export async function compileStep<I extends InputSpecs, O extends Outputs>(
  specs: I,
  build: (inputs: Inputs<I>) => StepProgram<O> | InParts<StepProgram<O>>,
  { training = true, winograd = 0, backend, optimization = training ? 'folding' : 'all', ...options }: StepOptions = {},
): Promise<CompiledStep<I, O>> {
  const inputs = placeholders(specs);
  const seed = input('seed', [], 'int32');
  const trace = training ? trainingTrace(seed) : inference;
  const built = within(trace, () => build(inputs));
  const program = 'next' in built ? await inSlices(built, (part) => within(trace, part)) : built;
  const { outputs } = program;
  const updates = new Map([...trace.updates, ...program.updates]);
  const written = [...updates.keys()].map((target) => {
    if (target.node.kind !== 'parameter')
      throw new ShapeError('compileStep', `${target} is no parameter: it cannot be updated`);
    staticShape(target.shape, 'a parameter');
    return target.node;
  });
  await breathe();
  const roots = [...Object.values(outputs), ...updates.values()];
  const order = topological(roots);
  const read = order.filter((node): node is ParameterNode => node.kind === 'parameter');
  const feeds = [
    ...Object.entries(inputs).map(([name, tensor]) => ({ name, tensor })),
    { name: 'seed', tensor: seed },
    ...read.map((node, i) => ({ name: `state_${i}`, tensor: new Tensor(node) })),
  ];
  const results = [
    ...Object.entries(outputs).map(([name, tensor]) => ({ name: `out_${name}`, tensor })),
    ...[...updates.values()].map((tensor, i) => ({ name: `next_${i}`, tensor })),
  ];
  const engine = await chooseBackend(backend);
  await breathe();
  const block = order.some(filtersChannels) ? await channelBlock(engine) : 0;
  const model = await inSlices(lowerInParts(feeds, results, { winograd, channelBlock: block }));
  const bytes = await inSlices(encodeInParts(model));
  const session = engine.createSession(bytes, { ...options, optimization });
  let waiting = true;
  const ready = (): void => {
    waiting = false;
  };
  session.then(ready, ready);
  await inSlices(allocateSpares(written, () => waiting));
  return new CompiledStep<I, O>(specs, Object.keys(outputs), read, written, await session);
}

/** Whether a node is a depthwise convolution, or its gradient, which the lowering writes in the runtime's own layout. */
function filtersChannels(node: Node): boolean {
  return node.kind === 'op' && node.op === 'conv' && isDepthwise((node as OpNode<'conv'>).attrs, node.inputs[1]!.shape);
}
