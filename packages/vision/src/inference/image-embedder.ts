import type { ImageConfig } from '../image/image-config.ts';
import type { ImageSource } from '../image/source.ts';
import type { Backbone } from '../models/backbone.ts';
import { ImageProgram, type ImageProgramOptions } from './image-program.ts';

/** A backbone compiled for what lies before its classifier: files in, a vector out, of which similar images have similar ones. */
export class ImageEmbedder {
  readonly #program: ImageProgram;

  private constructor(program: ImageProgram) {
    this.#program = program;
  }

  /** Compiles the model with its weights of now. */
  static async compile(
    model: Pick<Backbone, 'forwardEmbedding'>,
    image: ImageConfig,
    options: ImageProgramOptions = {},
  ): Promise<ImageEmbedder> {
    return new ImageEmbedder(await ImageProgram.compile((x) => model.forwardEmbedding(x), image, options));
  }

  /** The vector of an image, [E]. @throws ImageError naming a file that is no image. */
  async embed(input: ImageSource): Promise<Float32Array> {
    return (await this.#program.run(input)).data as Float32Array;
  }

  dispose(): Promise<void> {
    return this.#program.dispose();
  }
}
