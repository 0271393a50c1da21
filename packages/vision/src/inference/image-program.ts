import {
  type Compiled,
  type CompileOptions,
  compile,
  type HostTensor,
  type InputSpecs,
  JoinedRuns,
  type Outputs,
  symbol,
  type Tensor,
} from '@rivulet/tensor';
import { decodeImage, type Image } from '../image/decode.ts';
import type { ImageConfig } from '../image/image-config.ts';
import { preprocess } from '../image/preprocess.ts';
import type { ImageSource } from '../image/source.ts';

export interface ImageProgramOptions extends CompileOptions {
  /** Images that wait for the model are worked on together, at most so many. Default 8. */
  readonly maxBatch?: number;
}

/** What a model gives for one image. */
export interface ImageOutput {
  readonly data: HostTensor['data'];
  readonly dims: readonly number[];
}

/** A function of images, compiled with the weights of now: files in, one result each; those that wait are run together. */
export class ImageProgram {
  readonly #graph: Compiled<InputSpecs, Outputs>;
  readonly #image: ImageConfig;
  readonly #runs: JoinedRuns<Float32Array, ImageOutput>;

  private constructor(graph: Compiled<InputSpecs, Outputs>, image: ImageConfig, most: number) {
    this.#graph = graph;
    this.#image = image;
    this.#runs = new JoinedRuns((batch) => this.#run(batch), most);
  }

  /** @param forward maps images [N, C, H, W] to [N, …]. */
  static async compile(
    forward: (x: Tensor) => Tensor,
    image: ImageConfig,
    { maxBatch = 8, ...options }: ImageProgramOptions = {},
  ): Promise<ImageProgram> {
    const shape = [symbol('N'), image.channels, ...image.size];
    const trace = ({ images }: Readonly<Record<string, Tensor>>): Outputs => ({ y: forward(images!) });
    return new ImageProgram(await compile<InputSpecs, Outputs>({ images: { shape } }, trace, options), image, maxBatch);
  }

  /** @throws ImageError naming a file that is no image. */
  async run(input: ImageSource): Promise<ImageOutput> {
    return this.runImage(await decodeImage(input, { channels: this.#image.channels }));
  }

  /** As `run`, for an image that is decoded and has the model's channels. */
  async runImage(image: Image): Promise<ImageOutput> {
    return this.#runs.run(preprocess(image, this.#image));
  }

  dispose(): Promise<void> {
    return this.#graph.dispose();
  }

  async #run(batch: readonly Float32Array[]): Promise<ImageOutput[]> {
    const { channels, size } = this.#image;
    const data = batch.length === 1 ? batch[0]! : new Float32Array(batch.length * batch[0]!.length);
    if (batch.length > 1) for (const [i, image] of batch.entries()) data.set(image, i * image.length);
    const { y } = await this.#graph.run({
      images: { dtype: 'float32', dims: [batch.length, channels, ...size], data },
    });
    const [, ...dims] = y!.dims;
    const length = y!.data.length / batch.length;
    return batch.map((_, i) => ({ dims, data: y!.data.slice(i * length, (i + 1) * length) as HostTensor['data'] }));
  }
}
