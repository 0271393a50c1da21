import type { Tensor } from '@rivulet/tensor';
import type { ImageConfig } from '../image/image-config.ts';
import type { ImageSource } from '../image/source.ts';
import { ImageProgram, type ImageProgramOptions } from './image-program.ts';

export interface ImageLabel {
  readonly label: string;
  /** A probability, 0 to 1. */
  readonly score: number;
}

/** What maps images [N, C, H, W] to logits [N, classes]. */
export interface ImageLogits {
  forward(x: Tensor): Tensor;
}

/** An image model compiled for inference: files in, labels out. */
export class ImageClassifier {
  readonly #program: ImageProgram;
  /** In the order of the logits. */
  readonly labels: readonly string[];

  private constructor(program: ImageProgram, labels: readonly string[]) {
    this.#program = program;
    this.labels = labels;
  }

  /** Compiles the model with its weights of now. @throws RangeError where the labels are not as many as the logits. */
  static async compile(
    model: ImageLogits,
    labels: readonly string[],
    image: ImageConfig,
    options: ImageProgramOptions = {},
  ): Promise<ImageClassifier> {
    const forward = (x: Tensor): Tensor => {
      const logits = model.forward(x);
      if (logits.size(-1) !== labels.length)
        throw new RangeError(`${labels.length} labels for a model of ${logits.size(-1)} classes`);
      return logits.softmax(-1);
    };
    return new ImageClassifier(await ImageProgram.compile(forward, image, options), labels);
  }

  /**
   * All labels of an image (a path, an address or a file's bytes), best first. Calls that are made while the model works are run
   * together, so many at once are faster than one after the other.
   * @throws ImageError naming a file that is no image.
   */
  async classify(input: ImageSource): Promise<ImageLabel[]> {
    const { data } = await this.#program.run(input);
    const labels = this.labels.map((label, i) => ({ label, score: Number(data[i]) }));
    return labels.sort((a, b) => b.score - a.score);
  }

  dispose(): Promise<void> {
    return this.#program.dispose();
  }
}
