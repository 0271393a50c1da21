import { formatShape, type InputSpec, input, type Node, type Shape, type Tensor, topological } from '@rivulet/tensor';
import { flopsOf } from './flops.ts';
import { type Module, storageOf } from './module.ts';
import { modulesOf, observeForward, tensorsIn } from './observe-forward.ts';

export interface LayerSummary {
  /** '' is the model itself. */
  readonly path: string;
  /** The class' name. */
  readonly type: string;
  /** The shapes that its first call put out; none where its `forward` is never called. */
  readonly outputs: readonly Shape[];
  /** Values that training changes, those of the layers inside included; tensors that several layers share count in each. */
  readonly trainable: number;
  /** Values of frozen parameters. */
  readonly frozen: number;
  /** See `Summary.flops`, of all calls. */
  readonly flops: number;
}

export interface Summary {
  /** The model, then its layers in the order of their fields. */
  readonly layers: readonly LayerSummary[];
  readonly trainable: number;
  readonly frozen: number;
  /** Values that are saved and never trained, such as running statistics. */
  readonly buffers: number;
  /**
   * Floating-point operations of one forward pass: two per multiplication and addition of matrix products, convolutions,
   * attention and recurrences. Other operations count nothing.
   */
  readonly flops: number;
  /** A table. */
  toString(): string;
}

export interface SummaryOptions {
  /** How the model is called. Default: its `forward`. */
  readonly forward?: (...inputs: Tensor[]) => unknown;
}

/**
 * What a model consists of, from tracing it once; nothing is computed.
 * @param inputs the inputs' shapes, all sizes known; for other types than float32 `{ shape, dtype }`.
 * @throws TypeError where the model has no `forward` and none is given, and for symbolic sizes; ShapeError where the inputs do not fit the model.
 */
export function summary(
  model: Module,
  inputs: readonly (readonly number[] | InputSpec)[],
  { forward }: SummaryOptions = {},
): Summary {
  const call = forward ?? (model as { forward?: (...xs: Tensor[]) => unknown }).forward;
  if (typeof call !== 'function')
    throw new TypeError(`${model.constructor.name} has no forward; give one in the options`);
  const xs = inputs.map((spec, i) => {
    const { shape, dtype } = 'shape' in spec ? spec : { shape: spec };
    if (shape.some((dim) => typeof dim !== 'number'))
      throw new TypeError(`summary: input ${i} needs fixed sizes, got ${formatShape(shape)}`);
    return input(`x${i}`, shape, dtype);
  });
  const outputs = new Map<string, Shape[]>();
  const flops = new Map<string, number>();
  const counted = new Set<Node>();
  const countUp = (path: string, roots: readonly Tensor[], given: readonly Tensor[]): void => {
    const limits = new Set(given.map((t) => t.node));
    let total = 0;
    for (const node of topological(roots, (t) => limits.has(t.node))) {
      if (counted.has(node)) continue;
      counted.add(node);
      total += flopsOf(node);
    }
    flops.set(path, (flops.get(path) ?? 0) + total);
  };
  const result = observeForward(
    model,
    () => (forward ? forward(...xs) : (model as unknown as { forward: typeof call }).forward(...xs)),
    ({ path, inputs: given, result: made }) => {
      const tensors = tensorsIn(made);
      if (!outputs.has(path))
        outputs.set(
          path,
          tensors.map((t) => t.shape),
        );
      countUp(path, tensors, tensorsIn(given));
    },
  );
  countUp('', tensorsIn(result), xs);

  const layers = modulesOf(model).map(([path, module]): LayerSummary => {
    const inside = (other: string): boolean => path === '' || other === path || other.startsWith(`${path}.`);
    const made = outputs.get(path) ?? (path === '' ? tensorsIn(result).map((t) => t.shape) : []);
    return {
      path,
      type: module.constructor.name,
      outputs: made,
      ...parametersOf(module),
      flops: [...flops].reduce((n, [other, value]) => (inside(other) ? n + value : n), 0),
    };
  });
  const { trainable, frozen, flops: total } = layers[0]!;
  const buffers = [...model.stateDict().values()].reduce((n, t) => (isBuffer(t) ? n + storageOf(t).data.length : n), 0);
  const figures = { layers, trainable, frozen, buffers, flops: total };
  return { ...figures, toString: () => table(figures) };
}

const isBuffer = ({ node }: Tensor): boolean => node.kind === 'parameter' && node.isBuffer;

function parametersOf(module: Module): { trainable: number; frozen: number } {
  const totals = { trainable: 0, frozen: 0 };
  for (const t of module.stateDict().values())
    if (t.node.kind === 'parameter' && !t.node.isBuffer)
      totals[t.node.requiresGrad ? 'trainable' : 'frozen'] += t.node.storage.data.length;
  return totals;
}

const whole = (n: number): string => n.toLocaleString('en-US');

function table({ layers, trainable, frozen, buffers, flops }: Omit<Summary, 'toString'>): string {
  const rows = layers.map(({ path, type, outputs, ...layer }) => {
    const parts = path === '' ? [] : path.split('.');
    const name = path === '' ? type : `${'  '.repeat(parts.length)}${parts.at(-1)} (${type})`;
    const parameters = `${whole(layer.trainable + layer.frozen)}${layer.frozen > 0 ? ` (${whole(layer.frozen)} frozen)` : ''}`;
    return [name, outputs.map(formatShape).join(' '), parameters, whole(layer.flops)];
  });
  const all = [['layer', 'output', 'parameters', 'FLOPs'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]!.length)));
  const lines = all.map((row) =>
    row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  '),
  );
  return [
    ...lines.map((line) => line.trimEnd()),
    '',
    `parameters ${whole(trainable + frozen)}: trainable ${whole(trainable)}, frozen ${whole(frozen)}; buffers ${whole(buffers)}`,
    `FLOPs ${whole(flops)}`,
  ].join('\n');
}
