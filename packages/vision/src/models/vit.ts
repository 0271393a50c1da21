import {
  dropout,
  type Layer,
  LayerNorm,
  type Linear,
  linear,
  Module,
  sequential,
  truncatedNormal,
  uniform,
} from '@rivulet/nn';
import { concat, constant, type HostTensor, parameter, type Tensor } from '@rivulet/tensor';
import { Block } from '@rivulet/transformer';
import { truncatedLinear } from '../layers/head.ts';
import { resizePositions } from '../layers/positions.ts';
import { Backbone } from './backbone.ts';

export interface ViTConfig {
  /** Height and width of the images, in pixels; for those of another size the positions are interpolated. */
  readonly imageSize: number;
  readonly patchSize: number;
  readonly channels: number;
  readonly embedDim: number;
  readonly depth: number;
  readonly numHeads: number;
  readonly mlpRatio: number;
  readonly numClasses: number;
  /** Probability of dropout in training. */
  readonly dropout: number;
  /** What the classifier sees: the class token, or the mean of the patches. Default 'token'. */
  readonly pool?: 'token' | 'mean';
  /** DeiT's second token, which learns from a teacher; the logits are the mean of both heads. Default false. */
  readonly distilled?: boolean;
}

/** Cuts images into patches and projects each: a convolution whose stride is its kernel. Names as in timm. */
export class PatchEmbed extends Module {
  readonly proj: PatchProjection;
  readonly #patch: number;

  constructor({ imageSize, patchSize, channels, embedDim }: ViTConfig) {
    super();
    if (imageSize % patchSize !== 0)
      throw new RangeError(`imageSize ${imageSize} is not divisible by patchSize ${patchSize}`);
    this.proj = new PatchProjection(channels, embedDim, patchSize);
    this.#patch = patchSize;
  }

  /** Patches of an image in rows and columns. @throws RangeError where they do not fill it. */
  grid(x: Tensor): { readonly rows: number; readonly columns: number } {
    const [rows, columns] = [x.size(2) / this.#patch, x.size(3) / this.#patch];
    if (!Number.isInteger(rows) || !Number.isInteger(columns))
      throw new RangeError(`an image of ${x.size(2)}x${x.size(3)} is not divisible by patchSize ${this.#patch}`);
    return { rows, columns };
  }

  /** [N, C, H, W] → [N, H/P · W/P, E] */
  forward(x: Tensor): Tensor {
    return this.proj.forward(x);
  }
}

class PatchProjection extends Module {
  readonly weight: Tensor; // [E, C, P, P]
  readonly bias: Tensor; // [E]
  readonly #patch: number;

  constructor(channels: number, embedDim: number, patch: number) {
    super();
    const bound = 1 / Math.sqrt(channels * patch * patch);
    this.weight = uniform(parameter(embedDim, channels, patch, patch), bound);
    this.bias = uniform(parameter(embedDim), bound);
    this.#patch = patch;
  }

  forward(x: Tensor): Tensor {
    const patch = this.#patch;
    const [channels, rows, columns] = [x.size(1), x.size(2) / patch, x.size(3) / patch];
    const patches = x.reshape([x.dim(0), channels, rows, patch, columns, patch]).permute([0, 2, 4, 1, 3, 5]);
    const width = channels * patch * patch;
    const flat = patches.reshape([x.dim(0), rows * columns, width]);
    return linear(flat, this.weight.reshape([this.weight.size(0), width]), this.bias);
  }
}

/**
 * Vision Transformer (https://arxiv.org/abs/2010.11929): patches and a class token through pre-norm blocks, with learned
 * positions; distilled, DeiT (https://arxiv.org/abs/2012.12877). Parameters as in timm's `VisionTransformer`.
 */
export class ViT extends Backbone {
  readonly cls_token: Tensor; // [1, 1, E]
  readonly dist_token: Tensor | null; // [1, 1, E]
  readonly pos_embed: Tensor; // [1, tokens + patches, E]
  readonly patch_embed: PatchEmbed;
  readonly blocks: Block[];
  readonly norm: LayerNorm | null; // before the pooling …
  readonly fc_norm: LayerNorm | null; // … or behind it
  head: Linear;
  head_dist: Linear | null;
  readonly #config: ViTConfig;
  /** How many tokens stand before those of the patches. */
  readonly prefixTokens: number;

  /** @throws RangeError where sizes do not divide, or a distilled model is to pool by the mean. */
  constructor(config: ViTConfig) {
    super();
    const { imageSize, patchSize, embedDim, depth, numClasses, pool = 'token', distilled = false } = config;
    if (distilled && pool === 'mean') throw new RangeError('a distilled ViT reads its tokens: pool must be token');
    this.#config = config;
    this.prefixTokens = distilled ? 2 : 1;
    this.patch_embed = new PatchEmbed(config);
    this.cls_token = truncatedNormal(parameter(1, 1, embedDim), 1e-6);
    this.dist_token = distilled ? truncatedNormal(parameter(1, 1, embedDim), 0.02) : null;
    const tokens = this.prefixTokens + (imageSize / patchSize) ** 2;
    this.pos_embed = truncatedNormal(parameter(1, tokens, embedDim), 0.02);
    this.blocks = Array.from({ length: depth }, () => new Block(config));
    const norm = new LayerNorm(embedDim, { eps: 1e-6 });
    this.norm = pool === 'token' ? norm : null;
    this.fc_norm = pool === 'mean' ? norm : null;
    this.head = truncatedLinear(embedDim, numClasses);
    this.head_dist = distilled ? truncatedLinear(embedDim, numClasses) : null;
  }

  /** The embedding and every block, each [N, tokens + patches, E], the class token first; the last one is normalized. */
  stages(): readonly Layer[] {
    const last: Layer = (x) => this.norm?.forward(x) ?? x;
    const [end, ...blocks] = [...this.blocks].reverse();
    const final: Layer[] = end ? [(x) => sequential(x, [end, last])] : [last];
    return [(x) => this.#embed(x), ...blocks.reverse(), ...final];
  }

  #embed(x: Tensor): Tensor {
    const { embedDim, dropout: p } = this.#config;
    const tokens = [this.cls_token, ...(this.dist_token ? [this.dist_token] : [])];
    const expanded = tokens.map((token) => token.expand([x.dim(0), 1, embedDim]));
    const grid = this.patch_embed.grid(x);
    const positions = resizePositions(this.pos_embed, { prefix: tokens.length, ...grid });
    return dropout(concat([...expanded, this.patch_embed.forward(x)], 1).add(positions), p);
  }

  /** [N, tokens + patches, E] → logits [N, classes] */
  forwardHead(features: Tensor): Tensor {
    if (this.fc_norm) return this.head.forward(this.poolFeatures(features));
    const logits = this.head.forward(features.select(1, 0));
    return this.head_dist ? logits.add(this.head_dist.forward(features.select(1, 1))).div(2) : logits;
  }

  /** The class token, or the mean of the patches; distilled, the mean of both tokens. */
  override poolFeatures(features: Tensor): Tensor {
    if (this.fc_norm) return this.fc_norm.forward(features.slice(1, 1).mean(1));
    return this.head_dist ? features.slice(1, 0, 2).mean(1) : features.select(1, 0);
  }

  resetClassifier(numClasses: number): void {
    const { embedDim } = this.#config;
    this.head = truncatedLinear(embedDim, numClasses);
    if (this.head_dist) this.head_dist = truncatedLinear(embedDim, numClasses);
  }
}

/** A checkpoint with its positions interpolated where the model is for images of another size, as timm loads them. */
export async function fitPositions(
  weights: ReadonlyMap<string, HostTensor>,
  { pos_embed, prefixTokens: prefix }: ViT,
): Promise<ReadonlyMap<string, HostTensor>> {
  const stored = weights.get('pos_embed');
  const [, tokens, width] = pos_embed.shape as readonly number[];
  if (!stored || stored.dims[2] !== width || stored.dims[1] === tokens) return weights;
  const side = Math.sqrt(tokens! - prefix);
  const positions = constant(stored.data as Float32Array, stored.dims);
  const data = await resizePositions(positions, { prefix, rows: side, columns: side }).data();
  return new Map([...weights, ['pos_embed', { dtype: stored.dtype, dims: [1, tokens!, width!], data }]]);
}

/** Checks what was read from a file. @throws TypeError naming the field, what it is and what was expected. */
export function parseViTConfig(json: unknown): ViTConfig {
  const config = (json ?? {}) as Record<string, unknown>;
  for (const field of ['imageSize', 'patchSize', 'channels', 'embedDim', 'depth', 'numHeads', 'numClasses'])
    if (!Number.isSafeInteger(config[field]) || (config[field] as number) < 1)
      throw new TypeError(`${field} must be a whole number from 1, got ${JSON.stringify(config[field])}`);
  for (const field of ['mlpRatio', 'dropout'])
    if (typeof config[field] !== 'number' || config[field] < 0)
      throw new TypeError(`${field} must be a number from 0, got ${JSON.stringify(config[field])}`);
  return config as unknown as ViTConfig;
}
