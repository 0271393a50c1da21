import { apply, type OpNode, type Tensor } from '../tensor.ts';
import { full } from './layout.ts';
import { addmm } from './matmul.ts';
import { inputGradients, masked, perGate, projections, recurrentInputs, sumProducts } from './recurrent.ts';
import type { GradientArgs } from './rule.ts';
import { scan } from './scan.ts';

/**
 * The gradient of `gru`, as a recurrence in the other direction. The gates are separate tensors: nothing is joined or taken
 * apart inside the loops, and the products of the state add to the projected inputs at no cost. Factors that do not depend
 * on the incoming gradient are computed for all steps at once. Weights get theirs in one product after the loop.
 */
export function gruGradient({
  inputs,
  outputs,
  attrs: { reverse },
  grads,
}: GradientArgs<{ reverse: boolean }>): (Tensor | null)[] {
  const given = recurrentInputs(inputs, 1);
  const { x, weightIH, weightHH, biasIH, biasHH, valid } = given;
  const h0 = inputs[1]!;
  const [wr, wz, wn] = perGate(weightHH, 3);
  const [ir, iz, inputNew] = perGate(biasIH, 3);
  const [hr, hz, bn] = perGate(biasHH, 3);
  const projected = projections(x, weightIH, [ir!.add(hr!), iz!.add(hz!), inputNew!]);
  const ended = valid ? [valid.neg().add(1)] : [];

  const forward = scan(
    ([h], [xr, xz, xn, past]) => {
      const r = addmm(xr!, h!, wr!, { transposeB: true }).sigmoid();
      const open = addmm(xz!, h!, wz!, { transposeB: true }).sigmoid();
      const z = past ? open.maximum(past) : open; // past a row's length the state stays
      const stateNew = apply('linear', [h!, wn!, bn!], {});
      const n = xn!.add(r.mul(stateNew)).tanh();
      const difference = h!.sub(n);
      const next = n.add(z.mul(difference));
      return { carry: [next], outputs: [next, h!, r, z, n, stateNew, difference] };
    },
    { initial: [h0], sequences: [...projected, ...ended], reverse },
  );
  const [states, before, r, z, n, stateNew, difference] = forward.outputs as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  const node = outputs[0]!.node as OpNode;
  node.replacement = [masked(states, valid), forward.final[0]!];

  const [dStates, dFinal] = grads;
  const closed = z.neg().add(1);
  const factors = [
    difference.mul(z.mul(closed)), // dz
    closed.sub(closed.mul(n.mul(n))), // dn
    stateNew.mul(r.sub(r.mul(r))), // dr, of dn
    r, // of the state's part in n
    z, // of the state itself
  ];
  const incoming = dStates ? [masked(dStates, valid)] : [];
  const backward = scan(
    ([later], [ofZ, ofN, ofR, r, z, own]) => {
      const d = own ? later!.add(own) : later!;
      const dz = d.mul(ofZ!);
      const dn = d.mul(ofN!);
      const dr = dn.mul(ofR!);
      const dStateNew = dn.mul(r!);
      const earlier = sumProducts([dr, dz, dStateNew], [wr!, wz!, wn!], d.mul(z!));
      return { carry: [earlier], outputs: [dr, dz, dn, dStateNew] };
    },
    { initial: [dFinal ?? full(h0.shape, 0)], sequences: [...factors, ...incoming], reverse: !reverse },
  );
  const [dr, dz, dn, dStateNew] = backward.outputs as [Tensor, Tensor, Tensor, Tensor];
  return inputGradients(given, {
    ofInput: [dr, dz, dn],
    ofState: [dr, dz, dStateNew],
    before,
    initial: backward.final,
  });
}
