import { type CompileOptions, concat, type HostTensor, input, type Tensor } from '@rivulet/tensor';
import type { ImageConfig } from '../image/image-config.ts';
import { ViT } from '../models/vit.ts';
import type { HeatMap } from '../pictures/overlays.ts';
import { type Explainer, explainer } from './explainer.ts';

/**
 * Attention roll-out (https://arxiv.org/abs/2005.00928): how much of each patch reaches the class token (where the model pools by the
 * mean: all patches), when every block passes on half of a token itself and half of what it attends to, the heads' mean. It does not
 * depend on the class.
 * @throws TypeError where the model is no ViT.
 */
export async function attentionRollout(
  model: unknown,
  image: ImageConfig,
  options: CompileOptions = {},
): Promise<Explainer> {
  if (!(model instanceof ViT)) throw new TypeError('attention roll-out needs a ViT: other models have no class token');
  const probe = input('images', [1, image.channels, ...image.size]);
  const classes = model.forward(probe).size(-1);
  const { rows, columns } = model.patch_embed.grid(probe);
  const { prefixTokens } = model;
  const trace = (x: Tensor): { logits: Tensor; looks: Tensor } => {
    const stages = [...model.blocks.keys()]; // a stage's output is what enters the block of its number
    const tokens = model.featureMaps(x, stages);
    const maps = model.blocks.map(({ attn, norm1 }, i) => attn.weights(norm1.forward(tokens[i]!)).mean(1)); // [1, L, L]
    return { logits: model.forward(x), looks: concat(maps, 0) };
  };
  const mapOf = ({ data, dims }: HostTensor): HeatMap => {
    const [depth, length] = dims as [number, number];
    const weights = data as Float32Array;
    const pooled = model.fc_norm !== null;
    // What reaches the output, followed back from the last block to the patches.
    let share = Float32Array.from({ length }, (_, i) => (pooled ? (i < prefixTokens ? 0 : 1) : i === 0 ? 1 : 0));
    for (let block = depth - 1; block >= 0; block--) {
      const before = share.map((value) => value / 2);
      for (let to = 0; to < length; to++)
        for (let from = 0, at = (block * length + to) * length; from < length; from++)
          before[from]! += (share[to]! * weights[at + from]!) / 2;
      share = before;
    }
    return { width: columns, height: rows, data: share.slice(prefixTokens) };
  };
  return explainer(trace, classes, image, mapOf, options);
}
