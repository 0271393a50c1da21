import { type Module, observeForward, tensorsIn } from '@rivulet/nn';
import {
  compileStep,
  concat,
  type Feeds,
  formatShape,
  gradients,
  type InputSpecs,
  type Inputs,
  inputsOf,
  type Node,
  resolve,
  type Shape,
  stack,
  Tensor,
  topological,
} from '@rivulet/tensor';

/** Where a value that is not finite came from. */
export interface Anomaly {
  readonly kind: 'NaN' | 'Infinity';
  /** The operation that made it, or what held it from the start. */
  readonly source: 'operation' | 'input' | 'parameter';
  /** The operation, or the name of the input or parameter. */
  readonly name: string;
  readonly shape: Shape;
  /** The module that it belongs to, where it is known; '' is the model itself. */
  readonly path: string | null;
  readonly pass: 'forward' | 'backward';
}

/** A loss or gradient that is not finite, and what made it so. The trainer is as it was before the step. */
export class AnomalyError extends Error {
  readonly anomaly: Anomaly | null;

  constructor(what: string, anomaly: Anomaly | null) {
    super(`${what}${anomaly ? `: ${described(anomaly)}` : '; no operation could be found that made it so'}`);
    this.name = 'AnomalyError';
    this.anomaly = anomaly;
  }
}

function described({ kind, source, name, shape, path, pass }: Anomaly): string {
  if (source !== 'operation') return `the ${source} '${name}' ${formatShape(shape)} holds ${kind}`;
  const place = path === null ? '' : path === '' ? ' in the model itself' : ` in ${path}`;
  return `'${name}' ${formatShape(shape)}${place} makes ${kind} of finite numbers, in the ${pass} pass`;
}

export interface Probe<I extends InputSpecs> {
  readonly model: Module;
  readonly inputs: I;
  readonly loss: (inputs: Inputs<I>) => Tensor;
  readonly winograd?: 0 | 2 | 4;
}

/** Runs a step's forward and backward pass, looking at every value, and follows what is not finite back to where it began. */
export async function findAnomaly<I extends InputSpecs>(
  { model, inputs, loss, winograd = 0 }: Probe<I>,
  feeds: Feeds<I>,
  seed: number,
): Promise<Anomaly | null> {
  const paths = new Map<Node, string>();
  let [roots, seen, forward]: [Tensor[], Tensor[], Set<Node>] = [[], [], new Set()];
  const step = await compileStep(
    inputs,
    (given) => {
      const total = observeForward(
        model,
        () => loss(given),
        (call) => claim(paths, call.path, tensorsIn(call.result), tensorsIn(call.inputs)),
      );
      const grads = gradients(total, [...model.parameters().values()]);
      claimReplaced(paths);
      forward = new Set(topological([total]));
      roots = [total, ...grads];
      seen = topological(roots).flatMap((node) =>
        node.types.flatMap(({ dtype }, i) => (dtype === 'float32' ? [new Tensor(node, i)] : [])),
      );
      // one number per value for each question; infinity · 0 is NaN
      const flags = seen.map((t) =>
        stack([t.isNaN().cast('float32').sum(), t.mul(0).sum().isNaN().cast('float32')], 0),
      );
      return { outputs: { flags: concat(flags, 0) }, updates: new Map<Tensor, Tensor>() };
    },
    { winograd, optimization: 'basic' },
  );
  try {
    const { flags } = await step.run(feeds, seed);
    const state = new Map<Node, ('NaN' | 'Infinity' | null)[]>();
    seen.forEach((t, i) => {
      const row = state.get(t.node) ?? [];
      row[t.index] = Number(flags.data[2 * i]) > 0 ? 'NaN' : Number(flags.data[2 * i + 1]) > 0 ? 'Infinity' : null;
      state.set(t.node, row);
    });
    const order = new Map([...state.keys()].map((node, i) => [node, i]));
    const found = culprit(roots, (t) => state.get(t.node)?.[t.index] ?? null, order);
    if (!found) return null;
    return report(found, state.get(found.node)![found.index]!, { model, paths, forward });
  } finally {
    await step.dispose();
  }
}

type State = (t: Tensor) => 'NaN' | 'Infinity' | null;

/** Follows NaN to where it began, and if infinities made it, those: unless they are constants, as in a mask. */
function culprit(roots: readonly Tensor[], state: State, order: ReadonlyMap<Node, number>): Tensor | null {
  const root = roots.map(resolve).find((t) => state(t) !== null);
  if (!root) return null;
  const earliest = (t: Tensor, wanted: (input: Tensor) => boolean): Tensor | undefined =>
    inputsOf(t.node)
      .filter(wanted)
      .sort((a, b) => order.get(a.node)! - order.get(b.node)!)[0];
  const follow = (from: Tensor, wanted: (input: Tensor) => boolean): Tensor => {
    let at = from;
    for (let next = earliest(at, wanted); next; next = earliest(at, wanted)) at = next;
    return at;
  };
  const fixed = new Set<Node>(); // what is the same in every step, such as a mask
  for (const node of order.keys())
    if (node.kind === 'constant' || (node.kind === 'op' && inputsOf(node).every((t) => fixed.has(t.node))))
      fixed.add(node);
  const constant = (t: Tensor): boolean => fixed.has(t.node);
  const infinite = (t: Tensor): boolean => state(t) === 'Infinity' && !constant(t);
  const nan = state(root) === 'NaN' ? follow(root, (t) => state(t) === 'NaN' && !constant(t)) : null;
  const start = nan ? earliest(nan, infinite) : root;
  if (!start) return nan;
  const source = follow(start, infinite);
  const masked = inputsOf(source.node).some((t) => constant(t) && state(t) === 'Infinity');
  return masked && nan ? nan : source;
}

function claim(paths: Map<Node, string>, path: string, roots: readonly Tensor[], given: readonly Tensor[]): void {
  const limits = new Set(given.map((t) => t.node));
  for (const node of topological(roots, (t) => limits.has(t.node))) if (!paths.has(node)) paths.set(node, path);
}

/** What autodiff put in a node's place belongs where that node does. */
function claimReplaced(paths: Map<Node, string>): void {
  for (const [node, path] of paths) // grows while it is walked
    if (node.kind === 'op' && node.replacement) claim(paths, path, node.replacement, node.inputs);
}

interface Where {
  readonly model: Module;
  readonly paths: ReadonlyMap<Node, string>;
  readonly forward: ReadonlySet<Node>;
}

function report({ node, index }: Tensor, kind: Anomaly['kind'], { model, paths, forward }: Where): Anomaly {
  const { shape } = node.types[index]!;
  const base = { kind, shape, pass: forward.has(node) ? 'forward' : 'backward' } as const;
  if (node.kind === 'input') return { ...base, source: 'input', name: node.name, path: null };
  if (node.kind === 'op') {
    // a gradient belongs where the values that it is made of do
    const near = [node, ...inputsOf(node).map((t) => t.node)].find((n) => n.kind === 'op' && paths.has(n));
    return { ...base, source: 'operation', name: node.op, path: near ? paths.get(near)! : null };
  }
  const name = [...model.stateDict()].find(([, t]) => t.node === node)?.[0] ?? 'unnamed';
  return { ...base, source: 'parameter', name, path: null };
}
