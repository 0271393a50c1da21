import { dropout, LayerNorm, Linear, linear, Module, storageOf, truncatedNormal, uniform } from '@rivulet/nn';
import { concat, parameter, type Tensor } from '@rivulet/tensor';
import { Block } from '@rivulet/transformer';

export interface ViTConfig {
  /** Height and width of the images, in pixels. */
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
}

/** Cuts images into patches and projects each: a convolution whose stride is its kernel. Names as in timm. */
export class PatchEmbed extends Module {
  readonly proj: PatchProjection;

  constructor({ imageSize, patchSize, channels, embedDim }: ViTConfig) {
    super();
    if (imageSize % patchSize !== 0)
      throw new RangeError(`imageSize ${imageSize} is not divisible by patchSize ${patchSize}`);
    this.proj = new PatchProjection(channels, embedDim, patchSize);
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
 * positions. Parameters as in timm's `VisionTransformer`.
 */
export class ViT extends Module {
  readonly cls_token: Tensor; // [1, 1, E]
  readonly pos_embed: Tensor; // [1, 1 + patches, E]
  readonly patch_embed: PatchEmbed;
  readonly blocks: Block[];
  readonly norm: LayerNorm;
  head: Linear;
  readonly #config: ViTConfig;

  constructor(config: ViTConfig) {
    super();
    const { imageSize, patchSize, embedDim, depth, numClasses } = config;
    this.#config = config;
    this.patch_embed = new PatchEmbed(config);
    this.cls_token = truncatedNormal(parameter(1, 1, embedDim), 1e-6);
    this.pos_embed = truncatedNormal(parameter(1, 1 + (imageSize / patchSize) ** 2, embedDim), 0.02);
    this.blocks = Array.from({ length: depth }, () => new Block(config));
    this.norm = new LayerNorm(embedDim, { eps: 1e-6 });
    this.head = classifier(embedDim, numClasses);
  }

  /** [N, C, H, W] → [N, 1 + patches, E], the class token first. */
  forwardFeatures(x: Tensor): Tensor {
    const patches = this.patch_embed.forward(x);
    const token = this.cls_token.expand([x.dim(0), 1, this.#config.embedDim]);
    const embedded = dropout(concat([token, patches], 1).add(this.pos_embed), this.#config.dropout);
    return this.norm.forward(this.blocks.reduce((y, block) => block.forward(y), embedded));
  }

  /** [N, 1 + patches, E] → logits [N, classes] */
  forwardHead(features: Tensor): Tensor {
    return this.head.forward(features.slice(1, 0, 1).squeeze(1));
  }

  /** [N, C, H, W] → logits [N, classes] */
  forward(x: Tensor): Tensor {
    return this.forwardHead(this.forwardFeatures(x));
  }

  /** Puts a new, untrained head for `numClasses` in the place of the old one. */
  resetClassifier(numClasses: number): void {
    this.head = classifier(this.#config.embedDim, numClasses);
  }
}

function classifier(embedDim: number, numClasses: number): Linear {
  const head = new Linear(embedDim, numClasses);
  truncatedNormal(head.weight, 0.02);
  storageOf(head.bias!).data.fill(0 as never);
  return head;
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
