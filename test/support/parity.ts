import { type Module, storageOf } from '@rivulet/nn';
import { type BackendName, compile, gradients, type HostTensor, type Tensor, tensor } from '@rivulet/tensor';
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

/** All run the same graphs. */
export const backends: readonly BackendName[] = ['native', 'node', 'wasm'];

/** Compares outputs and the gradients of sum(output · fill(9)) by inputs and parameters, on every backend. */
export async function checkParity(
  expected: Expected,
  module: Module | null,
  given: readonly HostTensor[],
  forward: (...xs: Tensor[]) => Tensor[],
): Promise<void> {
  expect([...(module?.parameters().keys() ?? [])]).to.deep.equal(Object.keys(expected.parameters));
  const all = [...expected.outputs, ...expected.inputs, ...Object.values(expected.parameters)];
  const specs = Object.fromEntries(given.map((x, i) => [`x${i}`, { shape: x.dims }]));
  for (const backend of backends) {
    const graph = await compile(
      specs,
      (feeds) => {
        const xs = given.map((_, i) => feeds[`x${i}`]!);
        const ys = forward(...xs);
        const weighted = ys.map((y) => y.mul(tensor(fill(y.shape as number[], 9).data, y.shape as number[])).sum());
        const loss = weighted.reduce((a, b) => a.add(b));
        const grads = gradients(loss, [...xs, ...(module?.parameters().values() ?? [])]);
        return Object.fromEntries([...ys, ...grads].map((value, i) => [`value${i}`, value]));
      },
      { backend },
    );
    const results = await graph.run(Object.fromEntries(given.map((x, i) => [`x${i}`, x])));
    await graph.dispose();
    expect(Object.keys(results).length).to.equal(all.length);
    all.forEach((values, i) => {
      expect(results[`value${i}`]!.data, `value ${i} on '${backend}'`).to.be.allclose(values);
    });
  }
}
