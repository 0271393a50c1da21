import { apply, full, parameter, type Tensor } from '@rivulet/tensor';
import { ones } from '../init.ts';
import { Module } from '../module.ts';

/** Normalizes groups of channels of each sample (https://arxiv.org/abs/1803.08494). Parameters as in `torch.nn.GroupNorm`. */
export class GroupNorm extends Module {
  readonly weight: Tensor; // [C]
  readonly bias: Tensor; // [C]
  readonly #groups: number;
  readonly #eps: number;

  /** @throws RangeError where the channels do not divide into the groups. */
  constructor(groups: number, channels: number, { eps = 1e-5 }: { eps?: number } = {}) {
    super();
    if (channels % groups !== 0) throw new RangeError(`${channels} channels are not divisible by ${groups} groups`);
    this.weight = ones(parameter(channels));
    this.bias = parameter(channels);
    this.#groups = groups;
    this.#eps = eps;
  }

  /** [N, C, …] → [N, C, …] */
  forward(x: Tensor): Tensor {
    const perChannel = [1, x.dim(1), ...x.shape.slice(2).map(() => 1)];
    const normal = normalizeGroups(x, this.#groups, this.#eps);
    return normal.mul(this.weight.reshape(perChannel)).add(this.bias.reshape(perChannel));
  }
}

/** Normalizes every channel of every sample (https://arxiv.org/abs/1607.08022), without parameters, as `torch.nn.InstanceNorm2d`. */
export function instanceNorm(x: Tensor, { eps = 1e-5 }: { eps?: number } = {}): Tensor {
  return normalizeGroups(x, x.size(1), eps);
}

function normalizeGroups(x: Tensor, groups: number, eps: number): Tensor {
  const values = x.shape.slice(1).reduce<number>((n, _, i) => n * x.size(i + 1), 1) / groups;
  const rows = x.reshape([x.dim(0), groups, values]);
  return apply('layerNorm', [rows, full([values], 1), full([values], 0)], { eps }).reshape(x.shape);
}

/** Scales by the root of the mean square of the last axis (https://arxiv.org/abs/1910.07467). Parameters as in `torch.nn.RMSNorm`. */
export class RMSNorm extends Module {
  readonly weight: Tensor; // [E]
  readonly #eps: number;

  constructor(width: number, { eps = 1e-5 }: { eps?: number } = {}) {
    super();
    this.weight = ones(parameter(width));
    this.#eps = eps;
  }

  /** [..., E] → [..., E] */
  forward(x: Tensor): Tensor {
    return apply('rmsNorm', [x, this.weight], { eps: this.#eps });
  }
}
