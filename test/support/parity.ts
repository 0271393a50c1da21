import { type Module, storageOf } from '@rivulet/nn';
import { compile, gradients, type HostTensor, type Tensor, tensor } from '@rivulet/tensor';
import { expect } from 'chai';

/** What the scripts in tools/reference store of a layer of PyTorch's. */
export interface Expected {
  readonly outputs: number[][];
  readonly inputs: number[][];
  readonly parameters: Record<string, number[]>;
}

/** The inputs and weights of these comparisons: the scripts compute the same formula. */
export function fill(shape: readonly number[], phase: number, scale = 0.5): HostTensor {
  const length = shape.reduce((a, b) => a * b, 1);
  return {
    dtype: 'float32',
    dims: shape,
    data: Float32Array.from({ length }, (_, i) => scale * Math.sin(1.7 * i + phase)),
  };
}

/** Fills all parameters, in their order. */
export function fillModule(module: Module): void {
  [...module.parameters().values()].forEach((t, i) => {
    storageOf(t).data.set(fill(t.shape as number[], i).data as never);
  });
}

/** Compares outputs and the gradients of sum(output · fill(9)) by inputs and parameters. */
export async function checkParity(
  { outputs, inputs, parameters }: Expected,
  module: Module | null,
  given: readonly HostTensor[],
  forward: (...xs: Tensor[]) => Tensor[],
): Promise<void> {
  const specs = Object.fromEntries(given.map((x, i) => [`x${i}`, { shape: x.dims }]));
  const names = [...(module?.parameters().keys() ?? [])];
  const graph = await compile(specs, (feeds) => {
    const xs = given.map((_, i) => feeds[`x${i}`]!);
    const ys = forward(...xs);
    const weighted = ys.map((y) => y.mul(tensor(fill(y.shape as number[], 9).data, y.shape as number[])).sum());
    const loss = weighted.reduce((a, b) => a.add(b));
    const wrt = [...xs, ...(module?.parameters().values() ?? [])];
    const grads = gradients(loss, wrt);
    return Object.fromEntries([
      ...ys.map((y, i) => [`y${i}`, y] as const),
      ...grads.map((g, i) => [`g${i}`, g] as const),
    ]);
  });
  const results = await graph.run(Object.fromEntries(given.map((x, i) => [`x${i}`, x])));
  await graph.dispose();
  const close = { atol: 2e-5, rtol: 1e-4 };
  outputs.forEach((y, i) => {
    expect(results[`y${i}`]!.data).to.be.allclose(y, close);
  });
  inputs.forEach((g, i) => {
    expect(results[`g${i}`]!.data).to.be.allclose(g, close);
  });
  expect(names).to.deep.equal(Object.keys(parameters));
  names.forEach((name, i) => {
    expect(results[`g${given.length + i}`]!.data).to.be.allclose(parameters[name]!, close);
  });
}
