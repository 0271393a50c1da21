import type { OpNode, Tensor } from '../tensor.ts';
import { full } from './layout.ts';
import { addmm } from './matmul.ts';
import { inputGradients, masked, perGate, projections, recurrentInputs, sumProducts } from './recurrent.ts';
import type { GradientArgs } from './rule.ts';
import { scan } from './scan.ts';

/** The gradient of `lstm`, built as that of `gru`: see there. */
export function lstmGradient({
  inputs,
  outputs,
  attrs: { reverse },
  grads,
}: GradientArgs<{ reverse: boolean }>): (Tensor | null)[] {
  const given = recurrentInputs(inputs, 2);
  const { x, weightIH, weightHH, biasIH, biasHH } = given;
  const [h0, c0] = inputs.slice(1, 3) as [Tensor, Tensor];
  const recurrent = perGate(weightHH, 4);
  const projected = projections(x, weightIH, perGate(biasIH.add(biasHH), 4));
  const valid = given.valid ? [given.valid] : [];

  const forward = scan(
    ([h, c], [xi, xf, xg, xo, inside]) => {
      const gate = (projection: Tensor, at: number): Tensor =>
        addmm(projection, h!, recurrent[at]!, { transposeB: true });
      const i = gate(xi!, 0).sigmoid();
      const f = gate(xf!, 1).sigmoid();
      const g = gate(xg!, 2).tanh();
      const o = gate(xo!, 3).sigmoid();
      const cell = f.mul(c!).add(i.mul(g));
      const squashed = cell.tanh();
      const state = o.mul(squashed);
      // Past a row's length both states stay.
      const keep = (next: Tensor, now: Tensor): Tensor => (inside ? now.add(next.sub(now).mul(inside)) : next);
      const next = [keep(state, h!), keep(cell, c!)];
      return { carry: next, outputs: [state, h!, c!, i, f, g, o, squashed] };
    },
    { initial: [h0, c0], sequences: [...projected, ...valid], reverse },
  );
  const [states, before, cellBefore, i, f, g, o, squashed] = forward.outputs as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  const node = outputs[0]!.node as OpNode;
  node.replacement = [masked(states, given.valid), ...forward.final];

  const slope = (gate: Tensor): Tensor => gate.sub(gate.mul(gate)); // of a sigmoid
  const hump = (value: Tensor): Tensor => value.mul(value).neg().add(1); // of tanh
  const factors = [
    g.mul(slope(i)),
    cellBefore.mul(slope(f)),
    i.mul(hump(g)),
    squashed.mul(slope(o)),
    o.mul(hump(squashed)),
    f,
  ];
  const [dStates, dFinal, dFinalCell] = grads;
  const backward = scan(
    ([laterState, laterCell], [ofI, ofF, ofG, ofO, ofCell, f, ...rest]) => {
      const inside = valid.length > 0 ? rest[0] : undefined;
      const own = dStates ? rest.at(-1) : undefined;
      const total = own ? laterState!.add(own) : laterState!;
      const d = inside ? total.mul(inside) : total;
      const kept = inside ? [total.sub(d), laterCell!.sub(laterCell!.mul(inside))] : [];
      const dCell = d.mul(ofCell!).add(inside ? laterCell!.mul(inside) : laterCell!);
      const gates = [dCell.mul(ofI!), dCell.mul(ofF!), dCell.mul(ofG!), d.mul(ofO!)];
      const products = sumProducts(gates, recurrent, kept[0]);
      const earlierCell = dCell.mul(f!);
      return { carry: [products, kept[1] ? earlierCell.add(kept[1]) : earlierCell], outputs: gates };
    },
    {
      initial: [dFinal ?? full(h0.shape, 0), dFinalCell ?? full(c0.shape, 0)],
      sequences: [...factors, ...valid, ...(dStates ? [masked(dStates, given.valid)] : [])],
      reverse: !reverse,
    },
  );
  const gates = backward.outputs;
  return inputGradients(given, { ofInput: gates, ofState: gates, before, initial: backward.final });
}
