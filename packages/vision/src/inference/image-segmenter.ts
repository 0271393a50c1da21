import { decodeImage, type Image } from '../image/decode.ts';
import type { ImageConfig } from '../image/image-config.ts';
import { resizeImage } from '../image/resize.ts';
import type { ImageSource } from '../image/source.ts';
import type { ClassMap } from '../pictures/overlays.ts';
import type { ImageLogits } from './image-classifier.ts';
import { ImageProgram, type ImageProgramOptions } from './image-program.ts';

/** The classes of an image's pixels. */
export interface Segmentation extends ClassMap {
  /** The image as it was decoded, upright, in the model's channels. */
  readonly image: Image;
}

/** A segmentation model compiled for inference: files in, the class of every pixel out. */
export class ImageSegmenter {
  readonly labels: readonly string[];
  readonly #program: ImageProgram;
  readonly #image: ImageConfig;

  private constructor(program: ImageProgram, labels: readonly string[], image: ImageConfig) {
    this.#program = program;
    this.labels = labels;
    this.#image = image;
  }

  /**
   * Compiles a model that maps images [N, C, H, W] to logits [N, classes, H, W], with its weights of now. Images are squashed to the
   * model's size, so that all of their pixels get a class.
   * @throws RangeError where the labels are not as many as the classes, or more than 256.
   */
  static async compile(
    model: ImageLogits,
    labels: readonly string[],
    { crop: _, resize: __, ...image }: ImageConfig,
    options: ImageProgramOptions = {},
  ): Promise<ImageSegmenter> {
    const config: ImageConfig = { ...image, layout: 'squash' };
    if (labels.length > 256) throw new RangeError(`${labels.length} labels are more than 256`);
    const program = await ImageProgram.compile(
      (x) => {
        const logits = model.forward(x);
        if (logits.size(1) !== labels.length)
          throw new RangeError(`${labels.length} labels for a model of ${logits.size(1)} classes`);
        return logits.argmax(1);
      },
      config,
      options,
    );
    return new ImageSegmenter(program, labels, config);
  }

  /** The class of every pixel of the image, in its own size. @throws ImageError naming a file that is no image. */
  async segment(input: ImageSource): Promise<Segmentation> {
    const image = await decodeImage(input, { channels: this.#image.channels });
    const { data } = await this.#program.runImage(image);
    const [height, width] = this.#image.size;
    const classes: Image = {
      width,
      height,
      channels: 1,
      data: Uint8Array.from(data as ArrayLike<number | bigint>, Number),
    };
    const size = { width: image.width, height: image.height };
    return { ...size, image, data: resizeImage(classes, { ...size, interpolation: 'nearest' }).data };
  }

  dispose(): Promise<void> {
    return this.#program.dispose();
  }
}
