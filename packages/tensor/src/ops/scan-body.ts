import { inputsOf, resolve, TensorMap, topological } from '../graph.ts';
import type { Body } from '../lowering/lowering.ts';
import { applyAll, type Node, type Tensor } from '../tensor.ts';

export interface ScanAttributes {
  /** Parameters: the carries, then one slice of each sequence. Results: the next carries, then one slice of each output. */
  body: Body;
  carries: number;
  sequences: number;
  reverse: boolean;
}

/** The nodes behind `roots` that depend on `params`. */
export function dependents(roots: readonly Tensor[], params: readonly Tensor[]): Set<Node> {
  const given = new TensorMap<true>();
  for (const param of params) given.set(resolve(param), true);
  const inside = new Set<Node>();
  for (const node of topological(roots, (t) => given.has(t)))
    if (inputsOf(node).some((t) => given.has(t) || inside.has(t.node))) inside.add(node);
  return inside;
}

/** What a body reads from outside: the largest expressions that do not depend on its parameters, without constants. */
function captures(body: Body): Tensor[] {
  const inside = dependents(body.results, body.params);
  const known = new TensorMap<true>();
  for (const param of body.params) known.set(resolve(param), true);
  const found: Tensor[] = [];
  const visit = (t: Tensor): void => {
    if (known.has(t) || inside.has(t.node) || t.node.kind === 'constant') return;
    known.set(t, true);
    found.push(t);
  };
  for (const result of body.results) visit(resolve(result));
  for (const node of inside) inputsOf(node).forEach(visit);
  return found;
}

/** Runs a body over sequences; see `scan`. */
export function applyScan(
  body: Body,
  initial: readonly Tensor[],
  sequences: readonly Tensor[],
  reverse: boolean,
): Tensor[] {
  const attrs = { body, carries: initial.length, sequences: sequences.length, reverse };
  return applyAll('scan', [...initial, ...sequences, ...captures(body)], attrs);
}
