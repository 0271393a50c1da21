import {
  type Compiled,
  type CompileOptions,
  compile,
  type InputSpecs,
  type Outputs,
  symbol,
  type Tensor,
} from '@rivulet/tensor';
import { decodeImage } from './image/decode.ts';
import type { ImageConfig } from './image/image-config.ts';
import { preprocess } from './image/preprocess.ts';

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
  readonly #graph: Compiled<InputSpecs, Outputs>;
  readonly #labels: readonly string[];
  readonly #image: ImageConfig;

  private constructor(graph: Compiled<InputSpecs, Outputs>, labels: readonly string[], image: ImageConfig) {
    this.#graph = graph;
    this.#labels = labels;
    this.#image = image;
  }

  /** Compiles the model with its weights of now. */
  static async compile(
    model: ImageLogits,
    labels: readonly string[],
    image: ImageConfig,
    options: CompileOptions = {},
  ): Promise<ImageClassifier> {
    const shape = [symbol('N'), image.channels, ...image.size];
    const graph = await compile<InputSpecs, Outputs>(
      { images: { shape } },
      ({ images }) => ({ scores: model.forward(images!).softmax(-1) }),
      options,
    );
    return new ImageClassifier(graph, labels, image);
  }

  /** All labels of an image (a path or a file's bytes), best first. @throws ImageError naming a file that is no image. */
  async classify(input: string | Uint8Array): Promise<ImageLabel[]> {
    const { channels, size } = this.#image;
    const data = await preprocess(await decodeImage(input, { channels }), this.#image);
    const { scores } = await this.#graph.run({ images: { dtype: 'float32', dims: [1, channels, ...size], data } });
    const labels = this.#labels.map((label, i) => ({ label, score: scores!.data[i] as number }));
    return labels.sort((a, b) => b.score - a.score);
  }

  dispose(): Promise<void> {
    return this.#graph.dispose();
  }
}
