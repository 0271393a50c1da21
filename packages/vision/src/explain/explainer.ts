import { type CompileOptions, compile, type HostTensor, type Tensor } from '@rivulet/tensor';
import { decodeImage, type Image } from '../image/decode.ts';
import type { ImageConfig } from '../image/image-config.ts';
import { fitImage, normalizeImage } from '../image/preprocess.ts';
import type { ImageSource } from '../image/source.ts';
import type { HeatMap } from '../pictures/overlays.ts';

/** Where a model looked. */
export interface Explanation {
  /** The image as the model sees it, of its size. */
  readonly image: Image;
  /** From 0 to 1; the strongest place is 1. */
  readonly map: HeatMap;
  /** The class that is explained. */
  readonly label: number;
  /** Probabilities of all classes. */
  readonly scores: Float32Array;
}

export interface Explainer {
  /**
   * @param label the class to explain; by default the likeliest.
   * @throws ImageError naming a file that is no image, RangeError for a class that there is not.
   */
  explain(input: ImageSource, label?: number): Promise<Explanation>;
  dispose(): Promise<void>;
}

/** Tensors of an image [1, C, H, W], and of a class as a row of 0s with a 1, [1, classes]. */
export type Looks = (x: Tensor, target: Tensor) => { readonly logits: Tensor; readonly looks: Tensor };

/**
 * An explainer of what a graph gives besides its logits.
 * @param mapOf makes the heat map of `looks`.
 */
export async function explainer(
  trace: Looks,
  classes: number,
  image: ImageConfig,
  mapOf: (looks: HostTensor) => HeatMap,
  options: CompileOptions = {},
): Promise<Explainer> {
  const shape = [1, image.channels, ...image.size];
  const graph = await compile(
    { images: { shape }, target: { shape: [1, classes] } },
    ({ images, target }) => {
      const { logits, looks } = trace(images, target);
      return { scores: logits.softmax(-1), looks };
    },
    options,
  );
  const explain = async (input: ImageSource, label?: number): Promise<Explanation> => {
    if (label !== undefined && !(Number.isInteger(label) && label >= 0 && label < classes))
      throw new RangeError(`there is no class ${label}; the model has ${classes}`);
    const [height, width] = image.size;
    const data = fitImage(await decodeImage(input, { channels: image.channels }), image);
    const images: HostTensor = { dtype: 'float32', dims: shape, data: normalizeImage(data, image) };
    const run = (chosen: number | undefined): Promise<Record<'scores' | 'looks', HostTensor>> => {
      const target = new Float32Array(classes);
      if (chosen !== undefined) target[chosen] = 1;
      return graph.run({ images, target: { dtype: 'float32', dims: [1, classes], data: target } });
    };
    const first = await run(label);
    const scores = first.scores.data as Float32Array;
    const explained = label ?? scores.indexOf(scores.reduce((a, b) => Math.max(a, b)));
    const { looks } = label === undefined ? await run(explained) : first;
    const seen: Image = { width, height, channels: image.channels, data };
    return { image: seen, map: scaled(mapOf(looks)), label: explained, scores };
  };
  return { explain, dispose: () => graph.dispose() };
}

/** From 0 to 1 by its least and its greatest value; all 0 where they are equal. */
function scaled({ width, height, data }: HeatMap): HeatMap {
  const [least, most] = [data.reduce((a, b) => Math.min(a, b)), data.reduce((a, b) => Math.max(a, b))];
  return { width, height, data: data.map((value) => (most > least ? (value - least) / (most - least) : 0)) };
}
