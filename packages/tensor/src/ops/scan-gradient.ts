import { vjp } from '../autodiff.ts';
import { mulDims } from '../dim.ts';
import { resolve, TensorMap, topological } from '../graph.ts';
import { input, type OpNode, type Tensor } from '../tensor.ts';
import { full } from './layout.ts';
import type { GradientArgs } from './rule.ts';
import { applyScan, dependents, type ScanAttributes } from './scan-body.ts';

/**
 * The gradient of a recurrence is a recurrence in the other direction. What the backward step needs of the forward one is
 * put out by the forward scan as extra outputs. The gradient of a captured weight matrix is not summed step by step:
 * the two factors of aᵀ·b are stacked over time, and one product after the loop does it.
 */
export function scanGradient({
  inputs,
  outputs,
  attrs: { body, carries, sequences, reverse },
  grads,
  wanted,
}: GradientArgs<ScanAttributes>): (Tensor | null)[] {
  const xs = inputs.slice(carries, carries + sequences);
  const captured = inputs.slice(carries + sequences);
  const node = outputs[0]!.node as OpNode;

  // The step's cotangents: of the carries always, of the outputs where someone uses them.
  const cotangents = body.results.map((r, i) => (i < carries || grads[i] ? input('d', r.shape, r.dtype) : null));
  const used = body.results.flatMap((r, i) => (cotangents[i] ? [{ result: r, cotangent: cotangents[i] }] : []));
  const gradients = vjp(
    used.map((u) => u.result),
    used.map((u) => u.cotangent),
    [...body.params, ...captured],
  );
  const dCarries = body.params.slice(0, carries).map((p, i) => gradients[i] ?? full(p.shape, 0));
  const dSlices = gradients.slice(carries, carries + sequences);
  const dCaptured = gradients
    .slice(carries + sequences)
    .map((g, i) => (g && wanted[carries + sequences + i] ? g : null));

  // Plan the backward scan: its outputs are the gradients of the slices and the factors of the captured ones.
  const factors: Tensor[] = [];
  const stacked = (t: Tensor): number => factors.push(t) - 1;
  const slicePlan = dSlices.map((g, i) => (g && wanted[carries + i] ? stacked(g) : null));
  const capturedPlan = dCaptured.map((g) => (g ? terms(g).map((term) => planTerm(term, stacked)) : null));

  // What the backward step takes over from the forward step.
  const forward = dependents(body.results, body.params);
  const isParam = new TensorMap<number>();
  body.params.forEach((p, i) => {
    isParam.set(resolve(p), i + 1);
  });
  const outside = new TensorMap<true>();
  for (const t of captured) outside.set(resolve(t), true);
  const residuals: Tensor[] = [];
  const known = new TensorMap<true>();
  topological([...dCarries, ...factors], (t) => {
    if (outside.has(t)) return true;
    if (!isParam.has(t) && !forward.has(t.node)) return false;
    if (!known.has(t)) {
      known.set(t, true);
      residuals.push(t);
    }
    return true;
  });

  // The forward scan again, with these as further outputs; it takes the place of the first.
  const sliceOf = (t: Tensor): Tensor | undefined => {
    const at = isParam.get(t);
    return at !== undefined && at > carries ? xs[at - 1 - carries] : undefined;
  };
  const extra = residuals.filter((t) => !sliceOf(t));
  const again = applyScan(
    { params: body.params, results: [...body.results, ...extra] },
    inputs.slice(0, carries),
    xs,
    reverse,
  );
  node.replacement = again.slice(0, body.results.length);
  const history = residuals.map((t) => sliceOf(t) ?? again[body.results.length + extra.indexOf(t)]!);

  const outputCotangents = used.slice(carries).map((u) => u.cotangent);
  const back = applyScan(
    {
      params: [...used.slice(0, carries).map((u) => u.cotangent), ...outputCotangents, ...residuals],
      results: [...dCarries, ...factors],
    },
    inputs.slice(0, carries).map((t, i) => grads[i] ?? full(t.shape, 0)),
    [...grads.slice(carries).flatMap((g) => (g ? [g] : [])), ...history],
    !reverse,
  );
  const stack = (at: number): Tensor => back[carries + at]!;
  return [
    ...back.slice(0, carries),
    ...slicePlan.map((at) => (at === null ? null : stack(at))),
    ...capturedPlan.map((plan) => plan?.map((term) => term(stack)).reduce((a, b) => a.add(b)) ?? null),
  ];
}

/** A sum's terms. */
function terms(t: Tensor): Tensor[] {
  const { node } = resolve(t);
  return node.kind === 'op' && node.op === 'add' && node.inputs.every((x) => x.rank === t.rank)
    ? node.inputs.flatMap(terms)
    : [resolve(t)];
}

/** How one term of a captured tensor's gradient is summed over time. */
function planTerm(term: Tensor, stacked: (t: Tensor) => number): (stack: (at: number) => Tensor) => Tensor {
  const { node } = term;
  if (node.kind === 'op' && node.op === 'matmul') {
    const { transposeA, transposeB } = node.attrs as { transposeA: boolean; transposeB: boolean };
    const [a, b] = node.inputs as [Tensor, Tensor];
    if (transposeA && !transposeB && a.rank === 2 && b.rank === 2) {
      const [left, right] = [stacked(a), stacked(b)];
      const rows = (t: Tensor): Tensor => t.reshape([mulDims(t.dim(0), t.dim(1)), t.dim(2)]);
      return (stack) => rows(stack(left)).matmul(rows(stack(right)), { transposeA: true });
    }
  }
  const whole = stacked(term);
  return (stack) => stack(whole).sum(0);
}
