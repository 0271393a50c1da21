import { type CompileOptions, gradients, input, type Tensor } from '@rivulet/tensor';
import type { ImageConfig } from '../image/image-config.ts';
import type { Backbone } from '../models/backbone.ts';
import { ViT } from '../models/vit.ts';
import { type Explainer, explainer } from './explainer.ts';

/**
 * Grad-CAM (https://arxiv.org/abs/1610.02391): the channels of a feature map, weighted by how much the class's logit would grow with
 * them, added up where they speak for the class. Of a ViT the tokens that enter its last block: behind it only the class token counts.
 * @param level the stage to look at, as `featureMaps` counts; by default the last that has places.
 * @throws RangeError where that stage has no places.
 */
export async function gradCam(
  model: Backbone,
  image: ImageConfig,
  { level, ...options }: CompileOptions & { readonly level?: number } = {},
): Promise<Explainer> {
  const stages = model.stages();
  const tokens = model instanceof ViT;
  const at = level ?? stages.length - (tokens ? 2 : 1);
  const probe = input('images', [1, image.channels, ...image.size]);
  const [features] = model.featureMaps(probe, [at]);
  if (features!.rank !== 4 && !tokens)
    throw new RangeError(
      `Grad-CAM needs a feature map [N, C, H, W]; stage ${at} gives [${features!.shape.join(', ')}]`,
    );
  const classes = model.forward(probe).size(-1);
  const grid = tokens ? model.patch_embed.grid(probe) : { rows: features!.size(2), columns: features!.size(3) };
  const trace = (x: Tensor, target: Tensor): { logits: Tensor; looks: Tensor } => {
    const map = model.featureMaps(x, [at])[0]!;
    let y = map;
    for (const stage of stages.slice(at + 1)) y = typeof stage === 'function' ? stage(y) : stage.forward(y);
    const logits = model.forwardHead(y);
    const [slope] = gradients(logits.mul(target).sum(), [map]);
    // Places along the last axis, [1, C, places]
    const flat = (t: Tensor): Tensor =>
      tokens ? t.slice(1, model.prefixTokens).transpose(1, 2) : t.reshape([1, t.size(1), grid.rows * grid.columns]);
    return {
      logits,
      looks: flat(map)
        .mul(flat(slope!).mean(-1, { keepDims: true }))
        .sum(1)
        .relu(),
    };
  };
  const mapOf = ({ data }: { readonly data: ArrayLike<number | bigint> }) => ({
    width: grid.columns,
    height: grid.rows,
    data: Float32Array.from(data, Number),
  });
  return explainer(trace, classes, image, mapOf, options);
}
