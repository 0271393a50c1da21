import { linear } from '@rivulet/nn';
import { type BackendName, compile, type HostTensor, parameter, type Tensor } from '@rivulet/tensor';
import { expect } from 'chai';
import { openBackend } from '../src/backend/select.ts';
import { compileWithin } from '../src/compile.ts';
import { lowerModel } from '../src/lowering/lower.ts';
import { encodeModel } from '../src/onnx/encode.ts';
import { splitWeights } from '../src/onnx/external-data.ts';
import { input } from '../src/tensor.ts';

/** Two layers over an embedding: weights that are packed, gathered, added, and small ones. */
function network(): { readonly parameters: readonly Tensor[]; readonly build: (ids: Tensor) => { y: Tensor } } {
  const [table, weight, bias, last] = [parameter(40, 32), parameter(64, 32), parameter(64), parameter(5, 64)];
  const parameters = [table, weight, bias, last];
  return {
    parameters,
    build: (ids) => ({ y: linear(linear(table.gather(ids), weight, bias).relu(), last) }),
  };
}

const ids = { ids: { dtype: 'int32', dims: [3], data: Int32Array.of(7, 0, 39) } } as const;
const spec = { ids: { shape: [3], dtype: 'int32' } } as const;

describe('weights beside the model', () => {
  for (const backend of ['native', 'node', 'wasm'] as BackendName[])
    for (const weights of ['float32', 'int8'] as const)
      it(`give what those within give, and stay as they were (${backend}, ${weights})`, async () => {
        const { parameters, build } = network();
        for (const [i, p] of parameters.entries())
          valuesOf(p).forEach((_, at, all) => {
            all[at] = Math.sin(at * (i + 1.3));
          });
        const within = await compile(spec, (given) => build(given.ids), { backend, weights });
        const beside = await compileWithin(spec, (given) => build(given.ids), { backend, weights }, 0);
        for (const p of parameters) valuesOf(p).fill(9); // training goes on
        const [expected, found] = [await within.run(ids), await beside.run(ids)];
        expect(found.y.data).to.be.allclose([...expected.y.data].map(Number), { atol: 1e-6, rtol: 1e-6 });
        expect(Math.max(...(found.y.data as Float32Array))).to.be.below(200);
        await within.dispose();
        await beside.dispose();
      });

  it('are missed where the session is not given them', async () => {
    const { build } = network();
    const given = input('ids', [3], 'int32');
    const lowered = lowerModel([{ name: 'ids', tensor: given }], [{ name: 'y', tensor: build(given).y }]);
    const { model, external } = splitWeights(lowered, 0);
    expect(external.size).to.equal(3); // the bias is small, and stays
    const backend = await openBackend('native');
    const error = await backend.createSession(encodeModel(model)).catch((e: unknown) => e);
    expect(error).to.be.instanceOf(Error);
    expect(splitWeights(lowered).external.size).to.equal(0);
  });
});

const valuesOf = (tensor: Tensor): Float32Array =>
  (tensor.node as unknown as { storage: HostTensor }).storage.data as Float32Array;
