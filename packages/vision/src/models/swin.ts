import {
  attention,
  Conv2d,
  dropout,
  dropPath,
  type Layer,
  LayerNorm,
  type Linear,
  Module,
  mergeHeads,
  sequential,
  splitHeads,
  storageOf,
  truncatedNormal,
} from '@rivulet/nn';
import { bufferOf, constant, parameter, type Tensor } from '@rivulet/tensor';
import { globalPool, truncatedLinear } from '../layers/head.ts';
import { Backbone } from './backbone.ts';

export interface SwinConfig {
  /** Width of the first stage's tokens; each further stage doubles it. */
  readonly embedDim: number;
  /** Blocks of each stage. */
  readonly depths: readonly number[];
  readonly numHeads: readonly number[];
  /** Height and width of a window, in tokens. Default 7. */
  readonly windowSize?: number;
  readonly numClasses: number;
  /** Probability of dropout behind attention and MLP. Default 0. */
  readonly dropout?: number;
  /** Probability that training leaves out a branch, growing to this from 0 with the depth. Default 0.2. */
  readonly dropPath?: number;
}

/** Attention within windows, with a learned bias for every distance (the paper's §3.2). Names as in torchvision. */
class WindowAttention extends Module {
  readonly relative_position_bias_table: Tensor; // [(2w − 1)², heads]
  readonly relative_position_index: Tensor; // int64 [w⁴]
  readonly qkv: Linear;
  readonly proj: Linear;
  readonly #heads: number;
  readonly #window: number;
  readonly #shift: number;

  constructor(dim: number, heads: number, window: number, shift: number) {
    super();
    this.qkv = truncatedLinear(dim, 3 * dim);
    this.proj = truncatedLinear(dim, dim);
    this.relative_position_bias_table = truncatedNormal(parameter((2 * window - 1) ** 2, heads), 0.02);
    this.relative_position_index = bufferOf('int64', window ** 4);
    const index = storageOf(this.relative_position_index).data;
    for (let i = 0; i < window ** 4; i++) {
      const [from, to] = [Math.floor(i / window ** 2), i % window ** 2];
      const down = Math.floor(from / window) - Math.floor(to / window) + window - 1;
      index[i] = BigInt(down * (2 * window - 1) + (from % window) - (to % window) + window - 1);
    }
    this.#heads = heads;
    this.#window = window;
    this.#shift = shift;
  }

  /** [N, H, W, C] → the same */
  forward(x: Tensor): Tensor {
    const window = this.#window;
    const [high, wide, width] = [x.size(1), x.size(2), x.size(3)];
    const [rows, columns] = [Math.ceil(high / window), Math.ceil(wide / window)];
    // A window that sees everything has nowhere to shift to.
    const [down, right] = [rows > 1 ? this.#shift : 0, columns > 1 ? this.#shift : 0];
    const padded = x.pad([
      [0, rows * window - high],
      [0, columns * window - wide],
      [0, 0],
    ]);
    const tokens = roll(padded, -down, -right)
      .reshape([-1, rows, window, columns, window, width])
      .permute([0, 1, 3, 2, 4, 5])
      .reshape([-1, window ** 2, width]); // [N·windows, w², C]
    // Windows count as heads, so that one bias serves all images.
    const [q, k, v] = this.qkv
      .forward(tokens)
      .chunk(3, -1)
      .map((t) => splitHeads(t, this.#heads).reshape([x.dim(0), -1, window ** 2, width / this.#heads]));
    const y = attention(q!, k!, v!, { bias: this.#bias(rows, columns, down, right) });
    const merged = mergeHeads(y.reshape([-1, this.#heads, window ** 2, width / this.#heads]));
    const back = this.proj
      .forward(merged)
      .reshape([-1, rows, columns, window, window, width])
      .permute([0, 1, 3, 2, 4, 5])
      .reshape([-1, rows * window, columns * window, width]);
    return roll(back, down, right).slice(1, 0, high).slice(2, 0, wide);
  }

  /** What is added to the scores, [1, windows·heads, w², w²]: distances, and −100 between what only shifting brought together. */
  #bias(rows: number, columns: number, down: number, right: number): Tensor {
    const area = this.#window ** 2;
    const distances = this.relative_position_bias_table
      .gather(this.relative_position_index)
      .reshape([area, area, this.#heads])
      .permute([2, 0, 1]); // [heads, w², w²]
    const all = [rows * columns, this.#heads, area, area];
    const mask = down + right > 0 ? shiftMask(this.#window, rows, columns, down, right) : null;
    const bias = mask ? distances.add(mask) : distances.unsqueeze(0).expand(all);
    return bias.reshape([1, rows * columns * this.#heads, area, area]);
  }
}

const roll = (x: Tensor, down: number, right: number): Tensor => {
  const rolled = down === 0 ? x : x.roll(down, 1);
  return right === 0 ? rolled : rolled.roll(right, 2);
};

/** [windows, 1, w², w²]: 0 within the regions that were neighbours before the shift, −100 between them. */
function shiftMask(window: number, rows: number, columns: number, down: number, right: number): Tensor {
  const region = (at: number, size: number, shift: number): number =>
    at < size - window ? 0 : at < size - shift ? 1 : 2;
  const area = window ** 2;
  const values = new Float32Array(rows * columns * area * area);
  for (let w = 0; w < rows * columns; w++) {
    const regions = Array.from({ length: area }, (_, i) => {
      const row = Math.floor(w / columns) * window + Math.floor(i / window);
      const column = (w % columns) * window + (i % window);
      return 3 * region(row, rows * window, down) + region(column, columns * window, right);
    });
    for (let i = 0; i < area * area; i++)
      values[w * area * area + i] = regions[Math.floor(i / area)] === regions[i % area] ? 0 : -100;
  }
  return constant(values, [rows * columns, 1, area, area]);
}

class Block extends Module {
  readonly norm1: LayerNorm;
  readonly attn: WindowAttention;
  readonly norm2: LayerNorm;
  readonly mlp: Layer[];
  readonly #dropout: number;
  readonly #dropPath: number;

  constructor(attn: WindowAttention, dim: number, p: number, dropPath: number) {
    super();
    this.norm1 = new LayerNorm(dim);
    this.attn = attn;
    this.norm2 = new LayerNorm(dim);
    const drop: Layer = (x) => dropout(x, p);
    this.mlp = [truncatedLinear(dim, 4 * dim), (x) => x.gelu(), drop, truncatedLinear(4 * dim, dim), drop];
    this.#dropout = p;
    this.#dropPath = dropPath;
  }

  forward(x: Tensor): Tensor {
    const attended = dropout(this.attn.forward(this.norm1.forward(x)), this.#dropout);
    const y = x.add(dropPath(attended, this.#dropPath));
    return y.add(dropPath(sequential(this.norm2.forward(y), this.mlp), this.#dropPath));
  }
}

/** Four neighbours become one token of twice the width. */
class PatchMerging extends Module {
  readonly reduction: Linear;
  readonly norm: LayerNorm;

  constructor(dim: number) {
    super();
    this.reduction = truncatedLinear(4 * dim, 2 * dim, { bias: false });
    this.norm = new LayerNorm(4 * dim);
  }

  /** [N, H, W, C] → [N, H/2, W/2, 2C] */
  forward(x: Tensor): Tensor {
    const [high, wide, width] = [x.size(1), x.size(2), x.size(3)];
    const even = x.pad([
      [0, high % 2],
      [0, wide % 2],
      [0, 0],
    ]);
    const [rows, columns] = [Math.ceil(high / 2), Math.ceil(wide / 2)];
    // Of the four, torchvision takes those below each other first.
    const merged = even
      .reshape([-1, rows, 2, columns, 2, width])
      .permute([0, 1, 3, 4, 2, 5])
      .reshape([-1, rows, columns, 4 * width]);
    return this.reduction.forward(this.norm.forward(merged));
  }
}

/** Swin Transformer (https://arxiv.org/abs/2103.14030). Parameters as in torchvision's `SwinTransformer`. */
export class SwinTransformer extends Backbone {
  readonly features: (Layer | Layer[])[];
  readonly norm: LayerNorm;
  head: Linear;
  readonly #width: number;

  constructor({ embedDim, depths, numHeads, windowSize = 7, numClasses, dropout: p = 0, dropPath = 0.2 }: SwinConfig) {
    super();
    const total = depths.reduce((a, b) => a + b, 0);
    let done = 0;
    this.features = depths.flatMap((depth, stage) => {
      const dim = embedDim * 2 ** stage;
      const before: Layer | Layer[] =
        stage === 0
          ? [new Conv2d(3, embedDim, 4, { stride: 4 }), (x) => x.permute([0, 2, 3, 1]), new LayerNorm(embedDim)]
          : new PatchMerging(dim / 2);
      const blocks = Array.from({ length: depth }, (_, i) => {
        const attn = new WindowAttention(
          dim,
          numHeads[stage]!,
          windowSize,
          i % 2 === 0 ? 0 : Math.floor(windowSize / 2),
        );
        return new Block(attn, dim, p, (dropPath * done++) / (total - 1));
      });
      return [before, blocks];
    });
    this.#width = embedDim * 2 ** (depths.length - 1);
    this.norm = new LayerNorm(this.#width);
    this.head = truncatedLinear(this.#width, numClasses);
  }

  /** Strides 4, 8, 16 and 32, each [N, C, H, W]; the last one is normalized. */
  stages(): readonly Layer[] {
    return Array.from({ length: this.features.length / 2 }, (_, i) => (x: Tensor) => {
      const layers = this.features.slice(2 * i, 2 * i + 2).flat();
      const y = sequential(i === 0 ? x : x.permute([0, 2, 3, 1]), layers);
      const last = 2 * i + 2 === this.features.length;
      return (last ? this.norm.forward(y) : y).permute([0, 3, 1, 2]);
    });
  }

  forwardHead(features: Tensor): Tensor {
    return this.head.forward(globalPool(features));
  }

  resetClassifier(numClasses: number): void {
    this.head = truncatedLinear(this.#width, numClasses);
  }
}
