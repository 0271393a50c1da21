import {
  adaptiveAvgPool,
  BatchNorm2d,
  Conv2d,
  crossEntropy,
  Embedding,
  type Layer,
  Linear,
  Module,
  sequential,
} from '@rivulet/nn';
import { GRU, LSTM } from '@rivulet/recurrent';
import { type Feeds, type HostTensor, type InputSpecs, type Inputs, seeded, type Tensor } from '@rivulet/tensor';
import { adam, adamW, type Optimizer, sgd } from '@rivulet/training';
import { ViT } from '@rivulet/vision';
import { GPT } from './gpt.ts';

/** A model, the loss of one batch and an optimizer: what one training step needs. bench/peers/engine.py has the same ones. */
export interface Workload<I extends InputSpecs = InputSpecs> {
  readonly model: Module;
  readonly inputs: I;
  readonly loss: (inputs: Inputs<I>) => Tensor;
  readonly optimizer: Optimizer;
  /** The tile of the convolutions; 0 by default. */
  readonly winograd?: 0 | 2 | 4;
  readonly feeds: Feeds<I>;
}

const random = seeded(1);

export function ids(shape: readonly number[], below: number): HostTensor {
  const length = shape.reduce((a, b) => a * b, 1);
  return {
    dtype: 'int32',
    dims: shape,
    data: Int32Array.from({ length }, () => Math.floor(random.nextFloat() * below)),
  };
}

export function noise(shape: readonly number[]): HostTensor {
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

export const LM = { vocab: 8192, width: 256, time: 35, batch: 32 };

export class RecurrentLM extends Module {
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

function recurrent(
  make: (sizes: { inputSize: number; hiddenSize: number }) => GRU | LSTM,
  { time, batch }: { time: number; batch: number } = LM,
): () => Workload {
  return () => {
    const model = new RecurrentLM(make({ inputSize: LM.width, hiddenSize: LM.width }));
    const shape = [time, batch];
    return {
      model,
      inputs: { x: { shape, dtype: 'int32' }, y: { shape, dtype: 'int32' } },
      loss: ({ x, y }) => crossEntropy(model.forward(x!), y!),
      optimizer: adam({ lr: 1e-3 }),
      feeds: { x: ids(shape, LM.vocab), y: ids(shape, LM.vocab) },
    };
  };
}

export const GPT_SIZE = { layers: 6, width: 384, heads: 6, time: 256, batch: 4, vocab: 8192 };

function gpt(): Workload {
  const model = new GPT(GPT_SIZE);
  const shape = [GPT_SIZE.batch, GPT_SIZE.time];
  return {
    model,
    inputs: { x: { shape, dtype: 'int32' }, y: { shape, dtype: 'int32' } },
    loss: ({ x, y }) => crossEntropy(model.forward(x!), y!),
    optimizer: adamW({ lr: 3e-4 }),
    feeds: { x: ids(shape, GPT_SIZE.vocab), y: ids(shape, GPT_SIZE.vocab) },
  };
}

/** Convolution, batch norm and, unless it is linear, an activation. */
const unit = (
  inputs: number,
  outputs: number,
  kernel: number,
  { stride = 1, groups = 1, act = relu }: { stride?: number; groups?: number; act?: Layer | null } = {},
): Layer[] => [
  new Conv2d(inputs, outputs, kernel, { stride, padding: (kernel - 1) / 2, groups, bias: false }),
  new BatchNorm2d(outputs),
  ...(act ? [act] : []),
];

/** A residual block: the shortcut is a projection where shapes change; `post` follows the sum. */
class Residual extends Module {
  readonly body: Layer[];
  readonly shortcut: Layer[];
  readonly #post: Layer[];
  constructor(body: Layer[], shortcut: Layer[], post: Layer[]) {
    super();
    this.body = body;
    this.shortcut = shortcut;
    this.#post = post;
  }
  forward(x: Tensor): Tensor {
    return sequential(sequential(x, this.shortcut).add(sequential(x, this.body)), this.#post);
  }
}

const head = (width: number): Layer[] => [
  (x) => adaptiveAvgPool(x, 1).reshape([x.dim(0), width]),
  new Linear(width, 10),
];

/** Images [batch, 3, side, side] of ten classes. */
export function imageStep(
  model: Module & { forward(x: Tensor): Tensor },
  batch: number,
  optimizer: Optimizer,
  side = 32,
): Workload {
  const shape = [batch, 3, side, side];
  return {
    model,
    inputs: { x: { shape }, y: { shape: [batch], dtype: 'int32' } },
    loss: ({ x, y }) => crossEntropy(model.forward(x!), y!),
    optimizer,
    feeds: { x: noise(shape), y: ids([batch], 10) },
  };
}

/** With the stem for 32×32 images. */
export function resnet18(): Stack {
  const layers: Layer[] = unit(3, 64, 3);
  let width = 64;
  for (const [planes, stride] of [
    [64, 1],
    [128, 2],
    [256, 2],
    [512, 2],
  ] as const)
    for (const first of [true, false]) {
      const s = first ? stride : 1;
      const body = [...unit(width, planes, 3, { stride: s }), ...unit(planes, planes, 3, { act: null })];
      const same = s === 1 && width === planes;
      layers.push(new Residual(body, same ? [] : unit(width, planes, 1, { stride: s, act: null }), [relu]));
      width = planes;
    }
  return new Stack([...layers, ...head(512)]);
}

function resnet18Step(winograd: 0 | 4): Workload {
  const optimizer = sgd({ lr: 0.1, momentum: 0.9, weightDecay: 5e-4 });
  return { ...imageStep(resnet18(), 32, optimizer), winograd };
}

/** Expansion, channels, blocks and stride of each stage (https://arxiv.org/abs/1801.04381, table 2, strides for 32×32). */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 1],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

function mobilenetv2(): Workload {
  const relu6 = (x: Tensor): Tensor => x.relu6();
  const layers: Layer[] = unit(3, 32, 3, { act: relu6 });
  let width = 32;
  for (const [expansion, channels, blocks, stride] of STAGES)
    for (let i = 0; i < blocks; i++) {
      const s = i === 0 ? stride : 1;
      const hidden = width * expansion;
      const body = [
        ...(expansion > 1 ? unit(width, hidden, 1, { act: relu6 }) : []),
        ...unit(hidden, hidden, 3, { stride: s, groups: hidden, act: relu6 }),
        ...unit(hidden, channels, 1, { act: null }),
      ];
      if (s === 1 && width === channels) layers.push(new Residual(body, [], []));
      else layers.push(...body);
      width = channels;
    }
  layers.push(...unit(width, 1280, 1, { act: relu6 }), ...head(1280));
  return imageStep(new Stack(layers), 32, sgd({ lr: 0.05, momentum: 0.9, weightDecay: 5e-4 }));
}

function vit(): Workload {
  const model = new ViT({
    imageSize: 32,
    patchSize: 4,
    channels: 3,
    numClasses: 10,
    embedDim: 192,
    depth: 12,
    numHeads: 3,
    mlpRatio: 4,
    dropout: 0,
  });
  return imageStep(model, 64, adamW({ lr: 1e-3 }));
}

export const workloads: Readonly<Record<string, () => Workload>> = {
  mlp,
  lstm: recurrent((sizes) => new LSTM(sizes)),
  'lstm-256': recurrent((sizes) => new LSTM(sizes), { time: 256, batch: 4 }), // for its first step: long texts
  gru: recurrent((sizes) => new GRU(sizes)),
  gpt,
  'resnet18-exact': () => resnet18Step(0),
  resnet18: () => resnet18Step(4),
  mobilenetv2,
  vit,
};
