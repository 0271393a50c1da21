import { LSTM } from '@rivulet/recurrent';
import type { Feeds, InputSpecs, Inputs, Outputs, Tensor } from '@rivulet/tensor';
import { createModel } from '@rivulet/vision';
import { GPT } from './gpt.ts';
import { GPT_SIZE, ids, LM, noise, RecurrentLM, resnet18 } from './workloads.ts';

/** A model and one batch. bench/peers/engine.py has the same ones. */
export interface Inference {
  readonly inputs: InputSpecs;
  readonly outputs: (inputs: Inputs<InputSpecs>) => Outputs;
  readonly feeds: Feeds<InputSpecs>;
}

interface Model {
  forward(x: Tensor): Tensor;
}

/** Images [batch, 3, side, side]. */
export const ofImages = (model: Model, batch: number, side: number): Inference => ({
  inputs: { x: { shape: [batch, 3, side, side] } },
  outputs: ({ x }) => ({ logits: model.forward(x!) }),
  feeds: { x: noise([batch, 3, side, side]) },
});

const ofText = (model: Model, shape: readonly number[], vocab: number): Inference => ({
  inputs: { x: { shape, dtype: 'int32' } },
  outputs: ({ x }) => ({ logits: model.forward(x!) }),
  feeds: { x: ids(shape, vocab) },
});

function lstm(): Inference {
  const model = new RecurrentLM(new LSTM({ inputSize: LM.width, hiddenSize: LM.width }));
  return ofText(model, [LM.time, LM.batch], LM.vocab);
}

export const inferences: Readonly<Record<string, () => Inference>> = {
  'inference-resnet18': () => ofImages(resnet18(), 32, 32),
  'inference-gpt': () => ofText(new GPT(GPT_SIZE), [GPT_SIZE.batch, GPT_SIZE.time], GPT_SIZE.vocab),
  'inference-lstm': lstm,
  'inference-vit-b16': () => ofImages(createModel('vit_base_patch16_224'), 1, 224),
  'inference-resnet50': () => ofImages(createModel('resnet50'), 1, 224),
};
