import { formatShape, sameShape } from './dim.ts';
import { ShapeError } from './errors.ts';
import { inputsOf, resolve, TensorMap, topological } from './graph.ts';
import { full } from './ops/layout.ts';
import { atOnce, type InParts } from './slices.ts';
import { type Node, type OpNode, ruleOf, Tensor } from './tensor.ts';

/**
 * Reverse-mode differentiation: the product of `cotangents` (one per output) with the Jacobian of `outputs` by `wrt`.
 * @returns one gradient per tensor of `wrt`; null where no output depends on it.
 */
export function vjp(
  outputs: readonly Tensor[],
  cotangents: readonly Tensor[],
  wrt: readonly Tensor[],
): (Tensor | null)[] {
  return atOnce(vjpInParts(outputs, cotangents, wrt));
}

function* vjpInParts(
  outputs: readonly Tensor[],
  cotangents: readonly Tensor[],
  wrt: readonly Tensor[],
): InParts<(Tensor | null)[]> {
  const sources = new TensorMap<true>();
  for (const t of wrt) sources.set(resolve(t), true);
  const isSource = (t: Tensor): boolean => sources.has(t);
  yield* expandComposites(outputs, isSource);

  const order = topological(outputs, isSource);
  yield;
  const active = new Set<Node>(); // nodes that some source flows into
  const carries = (t: Tensor): boolean => t.dtype === 'float32' && (isSource(t) || active.has(t.node));
  for (const node of order) if (inputsOf(node).some(carries)) active.add(node);

  const gradients = new TensorMap<Tensor>();
  const accumulate = (target: Tensor, gradient: Tensor): void => {
    const known = gradients.get(target);
    gradients.set(target, known ? known.add(gradient) : gradient);
  };
  outputs.forEach((output, i) => {
    accumulate(resolve(output), cotangents[i]!);
  });
  for (const node of order.reverse()) {
    if (node.kind === 'op' && active.has(node)) backward(node, carries, gradients, accumulate);
    yield;
  }
  return wrt.map((t) => gradients.get(resolve(t)) ?? null);
}

function backward(
  node: OpNode,
  carries: (t: Tensor) => boolean,
  gradients: TensorMap<Tensor>,
  accumulate: (target: Tensor, gradient: Tensor) => void,
): void {
  const outputs = node.types.map((_, i) => new Tensor(node, i));
  const grads = outputs.map((output) => gradients.get(output) ?? null);
  if (grads.every((g) => g === null)) return;
  const rule = ruleOf(node.op);
  if (!('gradient' in rule) || rule.gradient === 'none') return;
  const inputs = inputsOf(node);
  const wanted = inputs.map(carries);
  const results = rule.gradient({ inputs, outputs, attrs: node.attrs as never, grads, wanted });
  inputs.forEach((input, i) => {
    const gradient = results[i];
    if (!gradient || !wanted[i]) return;
    if (!sameShape(gradient.shape, input.shape))
      throw new ShapeError(
        node.op,
        `its gradient has shape ${formatShape(gradient.shape)} for an input of ${formatShape(input.shape)}; this is a bug`,
      );
    accumulate(input, gradient);
  });
}

/** Puts the written-out form in the place of every composite operation, so that forward and backward share it. */
function* expandComposites(roots: readonly Tensor[], stop: (t: Tensor) => boolean): InParts<void> {
  for (let again = true; again; ) {
    again = false;
    for (const node of topological(roots, stop)) {
      if (node.kind !== 'op') continue;
      const rule = ruleOf(node.op);
      if (!('expand' in rule)) continue;
      node.replacement = rule.expand(node.inputs, node.attrs as never);
      again = true;
      yield;
    }
    yield;
  }
}

/** The gradients of a scalar by `wrt`; zero where it does not depend on one. @throws ShapeError unless loss has shape []. */
export function gradients(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  return atOnce(gradientsInParts(loss, wrt));
}

/** As `gradients`, for `yield*` inside the program of a step, so that large models do not hold up the event loop. */
export function* gradientsInParts(loss: Tensor, wrt: readonly Tensor[]): InParts<Tensor[]> {
  if (loss.rank !== 0)
    throw new ShapeError(
      'gradients',
      `the loss must be a scalar, got ${formatShape(loss.shape)}; reduce it with mean() or sum()`,
    );
  const found = yield* vjpInParts([loss], [full([], 1)], wrt);
  return found.map((g, i) => g ?? full(wrt[i]!.shape, 0));
}
