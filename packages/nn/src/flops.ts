import { type Dim, inputsOf, type Node, type Shape, type Tensor, topological } from '@rivulet/tensor';

/**
 * Floating-point operations of one node: two per multiplication and addition of matrix products, convolutions, attention and
 * recurrences, as PyTorch's flop counter has it; everything else counts nothing. Sizes must be known.
 */
export function flopsOf(node: Node): number {
  if (node.kind !== 'op') return 0;
  const shapes = node.inputs.map((t) => t.shape);
  const [a, b] = shapes as [Shape, Shape];
  const out = count(node.types[0]!.shape);
  switch (node.op) {
    case 'matmul':
    case 'addmm':
      return 2 * out * Number((node.attrs as { transposeA: boolean }).transposeA ? a.at(-2) : a.at(-1));
    case 'linear':
      return 2 * out * Number(b[1]);
    case 'conv':
      return 2 * out * count(b.slice(1));
    case 'convTranspose':
      return 2 * count(a) * count(b.slice(1));
    case 'attention':
    case 'attend':
      return 2 * count(a.slice(0, 3)) * Number(b[2]) * (Number(a[3]) + Number(shapes[2]![3]));
    case 'lstm':
    case 'gru':
    case 'rnn':
      // x [T, B, I], one state or two, then the weights of input and state
      return 2 * count(a.slice(0, 2)) * weights(shapes, node.op === 'lstm' ? 3 : 2);
    case 'scan':
      return flopsOfScan(node.attrs as unknown as ScanParts, shapes);
    default:
      return 0;
  }
}

interface ScanParts {
  readonly body: { readonly params: readonly Tensor[]; readonly results: readonly Tensor[] };
  readonly carries: number;
}

/** The step's operations, so often as it runs. */
function flopsOfScan({ body, carries }: ScanParts, shapes: readonly Shape[]): number {
  const params = new Set(body.params.map((t) => t.node));
  const inside = new Set<Node>();
  let total = 0;
  for (const node of topological(body.results)) {
    if (!inputsOf(node).some((t) => params.has(t.node) || inside.has(t.node))) continue; // computed once, outside
    inside.add(node);
    total += flopsOf(node);
  }
  return total * Number(shapes[carries]![0]);
}

const count = (shape: readonly Dim[]): number => shape.reduce<number>((n, dim) => n * Number(dim), 1);

const weights = (shapes: readonly Shape[], at: number): number => count(shapes[at]!) + count(shapes[at + 1]!);
