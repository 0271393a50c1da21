import { crossEntropy, Embedding, type Layer, LayerNorm, Linear, Module, sequential } from '@rivulet/nn';
import { GRU, LSTM } from '@rivulet/recurrent';
import { type Feeds, type HostTensor, type InputSpecs, type Inputs, iota, seeded, type Tensor } from '@rivulet/tensor';
import { adam, adamW, type Optimizer } from '@rivulet/training';
import { Block } from '@rivulet/transformer';

/** A model, the loss of one batch and an optimizer: what one training step needs. bench/peers/engine.py has the same ones. */
export interface Workload<I extends InputSpecs = InputSpecs> {
  readonly model: Module;
  readonly inputs: I;
  readonly loss: (inputs: Inputs<I>) => Tensor;
  readonly optimizer: Optimizer;
  readonly feeds: Feeds<I>;
}

const random = seeded(1);

function ids(shape: readonly number[], below: number): HostTensor {
  const length = shape.reduce((a, b) => a * b, 1);
  return {
    dtype: 'int32',
    dims: shape,
    data: Int32Array.from({ length }, () => Math.floor(random.nextFloat() * below)),
  };
}

function noise(shape: readonly number[]): HostTensor {
  const length = shape.reduce((a, b) => a * b, 1);
  return { dtype: 'float32', dims: shape, data: Float32Array.from({ length }, () => 2 * random.nextFloat() - 1) };
}

const relu = (x: Tensor): Tensor => x.relu();

class Stack extends Module {
  readonly layers: Layer[];
  constructor(layers: Layer[]) {
    super();
    this.layers = layers;
  }
  forward(x: Tensor): Tensor {
    return sequential(x, this.layers);
  }
}

function mlp(): Workload {
  const model = new Stack([new Linear(784, 512), relu, new Linear(512, 512), relu, new Linear(512, 10)]);
  return {
    model,
    inputs: { x: { shape: [128, 784] }, y: { shape: [128], dtype: 'int32' } },
    loss: ({ x, y }) => crossEntropy(model.forward(x!), y!),
    optimizer: adam({ lr: 1e-3 }),
    feeds: { x: noise([128, 784]), y: ids([128], 10) },
  };
}

const LM = { vocab: 8192, width: 256, time: 35, batch: 32 };

class RecurrentLM extends Module {
  readonly embedding: Embedding = new Embedding(LM.vocab, LM.width);
  readonly rnn: GRU | LSTM;
  readonly head: Linear = new Linear(LM.width, LM.vocab);
  constructor(rnn: GRU | LSTM) {
    super();
    this.rnn = rnn;
  }
  /** ids [T, B] → [T, B, V] */
  forward(x: Tensor): Tensor {
    return this.head.forward(this.rnn.forward(this.embedding.forward(x)).outputs);
  }
}

function recurrent(make: (sizes: { inputSize: number; hiddenSize: number }) => GRU | LSTM): () => Workload {
  return () => {
    const model = new RecurrentLM(make({ inputSize: LM.width, hiddenSize: LM.width }));
    const shape = [LM.time, LM.batch];
    return {
      model,
      inputs: { x: { shape, dtype: 'int32' }, y: { shape, dtype: 'int32' } },
      loss: ({ x, y }) => crossEntropy(model.forward(x!), y!),
      optimizer: adam({ lr: 1e-3 }),
      feeds: { x: ids(shape, LM.vocab), y: ids(shape, LM.vocab) },
    };
  };
}

const GPT_SIZE = { layers: 6, width: 384, heads: 6, time: 256, batch: 4, vocab: 8192 };

class GPT extends Module {
  readonly wte: Embedding = new Embedding(GPT_SIZE.vocab, GPT_SIZE.width, { deviation: 0.02 });
  readonly wpe: Embedding = new Embedding(GPT_SIZE.time, GPT_SIZE.width, { deviation: 0.02 });
  readonly blocks: Block[];
  readonly norm: LayerNorm = new LayerNorm(GPT_SIZE.width);
  constructor() {
    super();
    const config = { embedDim: GPT_SIZE.width, numHeads: GPT_SIZE.heads };
    this.blocks = Array.from({ length: GPT_SIZE.layers }, () => new Block(config));
  }
  /** ids [B, T] → [B·T, V], the output tied to the embedding. */
  forward(x: Tensor): Tensor {
    let h = this.wte.forward(x).add(this.wpe.forward(iota(GPT_SIZE.time)));
    for (const block of this.blocks) h = block.forward(h, { causal: true });
    return this.norm.forward(h).reshape([-1, GPT_SIZE.width]).matmul(this.wte.weight, { transposeB: true });
  }
}

function gpt(): Workload {
  const model = new GPT();
  const shape = [GPT_SIZE.batch, GPT_SIZE.time];
  return {
    model,
    inputs: { x: { shape, dtype: 'int32' }, y: { shape, dtype: 'int32' } },
    loss: ({ x, y }) => crossEntropy(model.forward(x!), y!),
    optimizer: adamW({ lr: 3e-4 }),
    feeds: { x: ids(shape, GPT_SIZE.vocab), y: ids(shape, GPT_SIZE.vocab) },
  };
}

export const workloads: Readonly<Record<string, () => Workload>> = {
  mlp,
  lstm: recurrent((sizes) => new LSTM(sizes)),
  gru: recurrent((sizes) => new GRU(sizes)),
  gpt,
};
