import type { Node, Tensor } from './tensor.ts';

/** A map whose keys are the values of a graph: a node and an output's number. */
export class TensorMap<V> {
  readonly #rows = new Map<Node, (V | undefined)[]>();

  get(tensor: Tensor): V | undefined {
    return this.#rows.get(tensor.node)?.[tensor.index];
  }

  set(tensor: Tensor, value: V): this {
    const row = this.#rows.get(tensor.node) ?? [];
    row[tensor.index] = value;
    this.#rows.set(tensor.node, row);
    return this;
  }

  has(tensor: Tensor): boolean {
    return this.get(tensor) !== undefined;
  }
}

/** The tensor that computes this value: itself, or what autodiff put in its place. */
export function resolve(tensor: Tensor): Tensor {
  let t = tensor;
  while (t.node.kind === 'op' && t.node.replacement) t = t.node.replacement[t.index]!;
  return t;
}

/** What a node reads, after replacements. */
export function inputsOf(node: Node): Tensor[] {
  return node.kind === 'op' ? node.inputs.map(resolve) : [];
}

/**
 * Every node that the roots need, inputs before users. Does not look behind tensors for which `stop` holds, and leaves
 * them out. Iterative: unrolled models are deep.
 */
export function topological(roots: readonly Tensor[], stop: (tensor: Tensor) => boolean = () => false): Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  const stack: { node: Node; inputs: Tensor[]; next: number }[] = [];
  const visit = (tensor: Tensor): void => {
    const t = resolve(tensor);
    if (stop(t) || seen.has(t.node)) return;
    seen.add(t.node);
    stack.push({ node: t.node, inputs: inputsOf(t.node), next: 0 });
  };
  for (const root of roots) {
    visit(root);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const input = top.inputs[top.next++];
      if (input) visit(input);
      else {
        order.push(top.node);
        stack.pop();
      }
    }
  }
  return order;
}
