import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { linear } from '@rivulet/nn';
import {
  type BackendName,
  CheckpointError,
  compile,
  type HostTensor,
  parameter,
  saveONNX,
  type Tensor,
} from '@rivulet/tensor';
import { expect } from 'chai';
import * as official from 'onnxruntime-node';
import { openBackend } from '../src/backend/select.ts';
import { compileWithin } from '../src/compile.ts';
import { lowerModel } from '../src/lowering/lower.ts';
import { encodeModel } from '../src/onnx/encode.ts';
import { placeWeights, splitWeights, weightChunks } from '../src/onnx/external-data.ts';
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

describe('saveONNX', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rivulet-onnx-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const filled = (): ReturnType<typeof network> => {
    const made = network();
    for (const [i, p] of made.parameters.entries())
      valuesOf(p).forEach((_, at, all) => {
        all[at] = Math.sin(at * (i + 1.3));
      });
    return made;
  };
  const theirs = async (path: string): Promise<Float32Array> => {
    const session = await official.InferenceSession.create(path);
    const { y } = await session.run({ ids: new official.Tensor('int32', ids.ids.data, [3]) });
    return y!.data as Float32Array;
  };

  for (const weights of ['float32', 'int8'] as const)
    it(`writes weights beside the model, which the official binding finds there (${weights})`, async () => {
      const { build } = filled();
      const [whole, split] = [join(folder, 'whole.onnx'), join(folder, 'model.onnx')];
      expect(await saveONNX(whole, spec, (given) => build(given.ids), { weights })).to.deep.equal([whole]);
      const saving = saveONNX(split, spec, (given) => build(given.ids), { weights, external: true });
      expect(await saving).to.deep.equal([split, `${split}_data`]);
      expect(readdirSync(folder).sort()).to.deep.equal(['model.onnx', 'model.onnx_data', 'whole.onnx']);
      expect(statSync(split).size).to.be.lessThan(3500);
      expect(await theirs(split)).to.deep.equal(await theirs(whole));
    });

  it('begins every tensor at a page, and a new file where one is full', async () => {
    const { build } = filled();
    const given = input('ids', [3], 'int32');
    const lowered = lowerModel([{ name: 'ids', tensor: given }], [{ name: 'y', tensor: build(given).y }]);
    const { model, files } = placeWeights(lowered, 'm.onnx', { most: 0, perFile: 6000 });
    // [40, 32] and [5, 64] of float32 fit into one file, [64, 32] is larger than a file may be.
    const places = files.map(({ name, tensors }) => [
      name,
      ...tensors.map(({ offset, data }) => [offset, data.byteLength]),
    ]);
    expect(places).to.deep.equal([
      ['m.onnx_data', [0, 5120]],
      ['m.onnx_data_1', [0, 8192]],
      ['m.onnx_data_2', [0, 1280]],
    ]);
    const two = placeWeights(lowered, 'm.onnx', { most: 0, perFile: 20_000 }).files;
    expect(two.map(({ tensors }) => tensors.map(({ offset }) => offset))).to.deep.equal([[0, 8192, 16_384]]);
    const bytes = Buffer.concat([...weightChunks(two[0]!.tensors)]);
    expect(bytes.length).to.equal(16_384 + 1280);
    expect(model.graph.initializers.filter(({ location }) => location).length).to.equal(3);
  });

  it('leaves the old files where one cannot be written', async () => {
    const { build } = filled();
    const path = join(folder, 'gone', 'model.onnx');
    const error = await saveONNX(path, spec, (given) => build(given.ids), { external: true }).catch((e: unknown) => e);
    expect(error).to.be.instanceOf(CheckpointError);
    expect((error as Error).message).to.include('model.onnx_data');
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('names an output that is an input', async () => {
    const saving = saveONNX(join(folder, 'm.onnx'), { x: { shape: [2] } }, ({ x }) => ({ x: x.relu() }));
    const error = (await saving.catch((e: unknown) => e)) as Error;
    expect(error.message).to.equal("saveONNX: 'x' is an input and an output; rename one");
  });
});

const valuesOf = (tensor: Tensor): Float32Array =>
  (tensor.node as unknown as { storage: HostTensor }).storage.data as Float32Array;
