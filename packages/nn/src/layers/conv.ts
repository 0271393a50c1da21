import { type PerAxis, parameter, perAxis, type Tensor } from '@rivulet/tensor';
import { type ConvOptions, type ConvTransposeOptions, conv, convTranspose } from '../functional/conv.ts';
import { uniform } from '../init.ts';
import { Module } from '../module.ts';

export interface ConvConfig extends ConvOptions {
  /** Default true. */
  readonly bias?: boolean;
}

/** Weight and bias, uniform in ±1/√(inputs of one output) as PyTorch starts them. */
function weights(shape: readonly number[], outputs: number, bias: boolean): [Tensor, Tensor | null] {
  const bound = 1 / Math.sqrt(shape.slice(1).reduce((a, b) => a * b, 1));
  return [uniform(parameter(...shape), bound), bias ? uniform(parameter(outputs), bound) : null];
}

function perGroup(what: string, channels: number, groups: number): number {
  if (channels % groups !== 0) throw new RangeError(`${what} ${channels} are not divisible by ${groups} groups`);
  return channels / groups;
}

/** Convolution over one axis. Parameters, names and initial distribution as in `torch.nn.Conv1d`. */
export class Conv1d extends Module {
  readonly weight: Tensor; // [O, I/groups, k]
  readonly bias: Tensor | null; // [O]
  readonly #options: ConvOptions;

  constructor(inChannels: number, outChannels: number, kernel: number, { bias = true, ...options }: ConvConfig = {}) {
    super();
    const shape = [outChannels, perGroup('inChannels', inChannels, options.groups ?? 1), kernel];
    [this.weight, this.bias] = weights(shape, outChannels, bias);
    this.#options = options;
  }

  /** [N, I, L] → [N, O, L'] */
  forward(x: Tensor): Tensor {
    return conv(x, this.weight, this.bias, this.#options);
  }
}

/** Convolution over two axes. Parameters, names and initial distribution as in `torch.nn.Conv2d`. */
export class Conv2d extends Module {
  readonly weight: Tensor; // [O, I/groups, kh, kw]
  readonly bias: Tensor | null; // [O]
  readonly #options: ConvOptions;

  constructor(inChannels: number, outChannels: number, kernel: PerAxis, { bias = true, ...options }: ConvConfig = {}) {
    super();
    const inputs = perGroup('inChannels', inChannels, options.groups ?? 1);
    const shape = [outChannels, inputs, ...perAxis('Conv2d', 'the kernel', kernel, 2)];
    [this.weight, this.bias] = weights(shape, outChannels, bias);
    this.#options = options;
  }

  /** [N, I, H, W] → [N, O, H', W'] */
  forward(x: Tensor): Tensor {
    return conv(x, this.weight, this.bias, this.#options);
  }
}

export interface ConvTransposeConfig extends ConvTransposeOptions {
  /** Default true. */
  readonly bias?: boolean;
}

/** Transposed convolution over two axes. Parameters, names and initial distribution as in `torch.nn.ConvTranspose2d`. */
export class ConvTranspose2d extends Module {
  readonly weight: Tensor; // [I, O/groups, kh, kw]
  readonly bias: Tensor | null; // [O]
  readonly #options: ConvTransposeOptions;

  constructor(
    inChannels: number,
    outChannels: number,
    kernel: PerAxis,
    { bias = true, ...options }: ConvTransposeConfig = {},
  ) {
    super();
    const outputs = perGroup('outChannels', outChannels, options.groups ?? 1);
    const shape = [inChannels, outputs, ...perAxis('ConvTranspose2d', 'the kernel', kernel, 2)];
    [this.weight, this.bias] = weights(shape, outChannels, bias);
    this.#options = options;
  }

  /** [N, I, H, W] → [N, O, H', W'] */
  forward(x: Tensor): Tensor {
    return convTranspose(x, this.weight, this.bias, this.#options);
  }
}
