import {
  apply,
  applyAll,
  buffer,
  bufferOf,
  constant,
  currentTrace,
  full,
  parameter,
  type Tensor,
} from '@rivulet/tensor';
import { ones } from '../init.ts';
import { Module } from '../module.ts';

export interface BatchNormConfig {
  /** Default 1e-5. */
  readonly eps?: number;
  /** The share of the batch in the running statistics; null: all batches count alike. Default 0.1. */
  readonly momentum?: number | null;
}

/**
 * Batch normalization (https://arxiv.org/abs/1502.03167) of [N, C, …]: with the batch's statistics in graphs traced for training,
 * which also update the running ones; with those in all others, and in training too where it is frozen. Tensors as in `torch.nn.BatchNorm2d`.
 */
export class BatchNorm extends Module {
  readonly weight: Tensor; // [C]
  readonly bias: Tensor; // [C]
  readonly running_mean: Tensor; // [C]
  readonly running_var: Tensor; // [C]
  readonly num_batches_tracked: Tensor; // int64 []
  readonly #eps: number;
  readonly #momentum: number | null;

  constructor(channels: number, { eps = 1e-5, momentum = 0.1 }: BatchNormConfig = {}) {
    super();
    this.weight = ones(parameter(channels));
    this.bias = parameter(channels);
    this.running_mean = buffer(channels);
    this.running_var = ones(buffer(channels));
    this.num_batches_tracked = bufferOf('int64');
    this.#eps = eps;
    this.#momentum = momentum;
  }

  /** [N, C, …] → [N, C, …] */
  forward(x: Tensor): Tensor {
    const trace = currentTrace();
    const affine = [x, this.weight, this.bias];
    const { node } = this.weight;
    const frozen = node.kind === 'parameter' && !node.requiresGrad;
    if (!trace.training || frozen)
      return apply('normalizeChannels', [...affine, this.running_mean, this.running_var], { eps: this.#eps });
    const [y, mean, variance] = applyAll('batchNorm', affine, { eps: this.#eps }) as [Tensor, Tensor, Tensor];
    const count = apply('sizeOf', [], { shape: x.shape.filter((_, axis) => axis !== 1) }).cast('float32');
    const unbiased = variance.mul(count.div(count.sub(1)));
    const batches = trace.latest(this.num_batches_tracked).add(constant(BigInt64Array.of(1n), [], 'int64'));
    trace.update(this.num_batches_tracked, batches);
    const share = this.#momentum === null ? full([], 1).div(batches.cast('float32')) : full([], this.#momentum);
    for (const [running, now] of [
      [this.running_mean, mean],
      [this.running_var, unbiased],
    ] as const) {
      const before = trace.latest(running);
      trace.update(running, before.add(now.sub(before).mul(share)));
    }
    return y;
  }
}
