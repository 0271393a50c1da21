import { embedding, parameter, type Tensor } from '@rivulet/tensor';
import { normal } from '../init.ts';
import { Module, storageOf } from '../module.ts';

/** A table of vectors, looked up by id. Parameters and initial distribution (normal, deviation 1) as in `torch.nn.Embedding`. */
export class Embedding extends Module {
  readonly weight: Tensor; // [V, E]
  readonly #options: { paddingIndex?: number };

  /** @param paddingIdx a row that starts as zeros and is not trained. */
  constructor(numEmbeddings: number, embeddingDim: number, { paddingIdx, deviation = 1 }: EmbeddingOptions = {}) {
    super();
    this.weight = normal(parameter(numEmbeddings, embeddingDim), deviation);
    this.#options = paddingIdx === undefined ? {} : { paddingIndex: paddingIdx };
    if (paddingIdx !== undefined)
      storageOf(this.weight).data.fill(0 as never, paddingIdx * embeddingDim, (paddingIdx + 1) * embeddingDim);
  }

  /** ids (int32 or int64) [...] → [..., E]. The run fails where an id is outside the table. */
  forward(ids: Tensor): Tensor {
    return embedding(this.weight, ids, this.#options);
  }
}

export interface EmbeddingOptions {
  readonly paddingIdx?: number;
  /** Of the initial values. Default 1. */
  readonly deviation?: number;
}
