import { Module } from '@rivulet/nn';
import { input, resolve, type Shape, type Tensor, topological } from '@rivulet/tensor';
import type { Backbone } from '../models/backbone.ts';

/**
 * A network that names every pixel, on the stages of a backbone. The backbone's own classifier takes no part: neither the state
 * dict nor the parameters have it, as in torchvision's segmentation models.
 */
export abstract class Segmenter extends Module {
  readonly backbone: Backbone;
  readonly #unused: ReadonlySet<string>;

  /** @param levels the stages that are built on, counted as in `featureMaps`. */
  constructor(backbone: Backbone, levels: readonly number[]) {
    super();
    this.backbone = backbone;
    this.#unused = unusedKeys(backbone, levels);
  }

  /** [N, C, H, W] → logits [N, classes, H, W] */
  abstract forward(x: Tensor): Tensor;

  override stateDict(): Map<string, Tensor> {
    return new Map([...super.stateDict()].filter(([key]) => !this.#unused.has(key)));
  }
}

/** Channels and stride of some stages of a backbone for colour images. */
export function levelsOf(
  backbone: Backbone,
  levels: readonly number[],
): { readonly channels: number; readonly stride: number }[] {
  return backbone.featureMaps(probe(), levels).map((map) => {
    const [, channels, , columns] = map.shape as readonly number[];
    if (map.rank !== 4)
      throw new RangeError(`a stage of shape [${map.shape.join(', ')}] is no feature map [N, C, H, W]`);
    return { channels: channels!, stride: Math.round(SIDE / columns!) };
  });
}

const SIDE = 256;
const probe = (): Tensor => input('probe', [1, 3, SIDE, SIDE] satisfies Shape);

/** The tensors of those modules of which the stages use none. */
function unusedKeys(backbone: Backbone, levels: readonly number[]): Set<string> {
  const used = new Set(topological(backbone.featureMaps(probe(), levels).map(resolve)));
  const state = [...backbone.stateDict()];
  const owner = (key: string): string => key.slice(0, Math.max(0, key.lastIndexOf('.')));
  const owners = new Set(state.filter(([, t]) => used.has(t.node)).map(([key]) => owner(key)));
  return new Set(state.filter(([key]) => !owners.has(owner(key))).map(([key]) => `backbone.${key}`));
}
