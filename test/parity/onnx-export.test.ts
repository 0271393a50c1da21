import { Embedding, LayerNorm, Linear, Module, manualSeed } from '@rivulet/nn';
import { GRU, LSTM } from '@rivulet/recurrent';
import {
  calibrate,
  compile,
  einsum,
  exportONNX,
  type Feeds,
  type HostTensor,
  type InputSpecs,
  type Inputs,
  iota,
  type Outputs,
  seeded,
  symbol,
  type Tensor,
} from '@rivulet/tensor';
import { Block } from '@rivulet/transformer';
import { createModel, ViT } from '@rivulet/vision';
import { expect } from 'chai';
import * as official from 'onnxruntime-node';
import * as web from 'onnxruntime-web';

/** What both bindings have in common. */
interface Binding {
  readonly Tensor: new (type: 'float32' | 'int32', data: never, dims: readonly number[]) => never;
  readonly InferenceSession: {
    create(model: Uint8Array): Promise<{
      readonly inputNames: readonly string[];
      readonly outputNames: readonly string[];
      run(
        feeds: Record<string, never>,
      ): Promise<Record<string, { readonly data: unknown; readonly dims: readonly number[] }>>;
      release(): Promise<void>;
    }>;
  };
}

const bindings: Readonly<Record<string, Binding>> = {
  'onnxruntime-node': official as unknown as Binding,
  'onnxruntime-web': web as unknown as Binding,
};

const random = seeded(11);
const noise = (...dims: number[]): HostTensor => ({
  dtype: 'float32',
  dims,
  data: Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => 2 * random.nextFloat() - 1),
});
const ids = (below: number, ...dims: number[]): HostTensor => ({
  dtype: 'int32',
  dims,
  data: Int32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => Math.floor(below * random.nextFloat())),
});

class GPT extends Module {
  readonly wte = new Embedding(20, 16);
  readonly wpe = new Embedding(12, 16);
  readonly blocks = [1, 2].map(() => new Block({ embedDim: 16, numHeads: 2, dropout: 0.1 }));
  readonly norm = new LayerNorm(16);
  /** ids [B, T] → [B, T, V] */
  forward(x: Tensor): Tensor {
    const start = this.wte.forward(x).add(this.wpe.forward(iota(x.dim(1))));
    const h = this.blocks.reduce((y, block) => block.forward(y, { causal: true }), start);
    return einsum('btd,vd->btv', this.norm.forward(h), this.wte.weight);
  }
}

interface Case<I extends InputSpecs = InputSpecs> {
  readonly inputs: I;
  readonly build: () => (inputs: Inputs<I>) => Outputs;
  /** One or more, of different sizes. */
  readonly feeds: readonly Feeds<I>[];
}

const [B, T] = [symbol('B'), symbol('T')];
const cases: Readonly<Record<string, Case>> = {
  'linear layers with several outputs': {
    inputs: { x: { shape: [B, 8] }, mask: { shape: [B, 4] } },
    build: () => {
      const [first, second] = [new Linear(8, 16), new Linear(16, 4)];
      return ({ x, mask }) => {
        const logits = mask!.greater(0).where(second.forward(first.forward(x!).gelu()), -1);
        const { values, indices } = logits.topk(2);
        return { shares: logits.softmax(), values, indices, best: logits.argmax(-1) };
      };
    },
    feeds: [1, 3].map((n) => ({ x: noise(n, 8), mask: noise(n, 4) })),
  },
  'a residual network': {
    inputs: { images: { shape: [B, 3, 32, 32] } },
    build: () => {
      const model = createModel('cifar_resnet20');
      return ({ images }) => ({ logits: model.forward(images!) });
    },
    feeds: [1, 2].map((n) => ({ images: noise(n, 3, 32, 32) })),
  },
  'recurrent layers': {
    inputs: { x: { shape: [T, B, 6] } },
    build: () => {
      const lstm = new LSTM({ inputSize: 6, hiddenSize: 8 });
      const gru = new GRU({ inputSize: 8, hiddenSize: 5 });
      return ({ x }) => ({ y: gru.forward(lstm.forward(x!).outputs).outputs });
    },
    feeds: [{ x: noise(4, 1, 6) }, { x: noise(7, 3, 6) }],
  },
  'a GPT': {
    inputs: { input_ids: { shape: [B, T], dtype: 'int32' } },
    build: () => {
      const model = new GPT();
      return ({ input_ids }) => ({ logits: model.forward(input_ids!) });
    },
    feeds: [{ input_ids: ids(20, 1, 5) }, { input_ids: ids(20, 3, 12) }],
  },
  'a Vision Transformer': {
    inputs: { images: { shape: [B, 3, 16, 16] } },
    build: () => {
      const size = { imageSize: 16, patchSize: 4, channels: 3, embedDim: 32, depth: 2, numHeads: 4, mlpRatio: 4 };
      const model = new ViT({ ...size, numClasses: 7, dropout: 0.1 });
      return ({ images }) => ({ logits: model.forward(images!) });
    },
    feeds: [1, 3].map((n) => ({ images: noise(n, 3, 16, 16) })),
  },
};

describe('exportONNX', () => {
  for (const [name, { inputs, build, feeds }] of Object.entries(cases))
    for (const [library, { InferenceSession, Tensor }] of Object.entries(bindings))
      it(`writes ${name} so that ${library} computes our numbers`, async () => {
        manualSeed(5);
        const forward = build();
        const ours = await compile(inputs, forward);
        const theirs = await InferenceSession.create(exportONNX(inputs, forward));
        expect(theirs.inputNames).to.deep.equal(Object.keys(inputs));
        for (const feed of feeds) {
          const expected = await ours.run(feed);
          expect(theirs.outputNames).to.deep.equal(Object.keys(expected));
          const given = Object.entries(feed).map(([key, t]) => [
            key,
            new Tensor(t.dtype as 'float32' | 'int32', t.data as never, t.dims),
          ]);
          const results = await theirs.run(Object.fromEntries(given));
          for (const [key, { data, dims }] of Object.entries(expected)) {
            expect(results[key]!.dims).to.deep.equal(dims);
            expect(results[key]!.data, key).to.be.allclose(data, { atol: 1e-5, rtol: 1e-5 });
          }
        }
        await ours.dispose();
        await theirs.release();
      });

  for (const [library, { InferenceSession, Tensor }] of Object.entries(bindings))
    it(`writes convolutions in whole numbers so that ${library} computes our numbers`, async () => {
      const { inputs, build, feeds } = cases['a residual network']!;
      manualSeed(5);
      const forward = build();
      const whole = { weights: 'int8', calibration: await calibrate(inputs, forward, feeds) } as const;
      const ours = await compile(inputs, forward, whole);
      const theirs = await InferenceSession.create(exportONNX(inputs, forward, whole));
      const [feed] = feeds;
      const { data, dims } = feed!.images!;
      const { logits } = await theirs.run({ images: new Tensor('float32', data as never, dims) });
      expect(logits!.data).to.be.allclose((await ours.run(feed!)).logits!.data, { atol: 0.02, rtol: 0.02 });
      await ours.dispose();
      await theirs.release();
    });

  it('refuses a name that is an input and an output', () => {
    expect(() => exportONNX({ x: { shape: [2] } }, ({ x }) => ({ x: x.relu() }))).to.throw(
      TypeError,
      "exportONNX: 'x' is an input and an output; rename one",
    );
  });

  it('keeps names apart that look like those of the runtime', async () => {
    const bytes = exportONNX({ Relu_0: { shape: [2] } }, ({ Relu_0 }) => ({ Add_1: Relu_0.relu().add(1) }));
    const session = await official.InferenceSession.create(bytes);
    const { Add_1 } = await session.run({ Relu_0: new official.Tensor('float32', Float32Array.of(-1, 1), [2]) });
    expect([...(Add_1!.data as Float32Array)]).to.deep.equal([1, 2]);
    await session.release();
  });
});
