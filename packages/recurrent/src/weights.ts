import { uniform } from '@rivulet/nn';
import { parameter, type Tensor } from '@rivulet/tensor';

export interface RecurrentConfig {
  readonly inputSize: number;
  readonly hiddenSize: number;
  /** Layers, each reading what the one below puts out. Default 1. */
  readonly numLayers?: number;
  /** Reads the sequence in both directions; the outputs of both are joined. Default false. */
  readonly bidirectional?: boolean;
  /** Between the layers, in training. Default 0. */
  readonly dropout?: number;
}

export interface RecurrentInput {
  /** int32 [B]: how many steps of each row count, as `torch.nn.utils.rnn.pack_padded_sequence`; all by default. */
  readonly lengths?: Tensor;
}

/** The weights of one layer in one direction. */
export type DirectionWeights = readonly [weightIH: Tensor, weightHH: Tensor, biasIH: Tensor, biasHH: Tensor];

/** A field of a recurrent layer: `weight_ih_l0`, `bias_hh_l1_reverse`. */
export type WeightName = `${'weight' | 'bias'}_${'ih' | 'hh'}_l${number}${'' | '_reverse'}`;

const suffixes = ['', '_reverse'] as const;

/**
 * Makes the weights of all layers as fields of `target`, named, ordered and initialized as in PyTorch: uniform in ±1/√H.
 * @param gates how many gates are stacked in each weight.
 */
export function makeWeights(
  target: { [name: WeightName]: Tensor },
  { inputSize, hiddenSize, numLayers = 1, bidirectional = false, dropout = 0 }: RecurrentConfig,
  gates: number,
): void {
  for (const [name, value] of Object.entries({ inputSize, hiddenSize, numLayers }))
    if (!Number.isInteger(value) || value < 1) throw new RangeError(`${name} must be a positive integer, got ${value}`);
  if (!(dropout >= 0 && dropout < 1)) throw new RangeError(`dropout must be in [0, 1), got ${dropout}`);
  const rows = gates * hiddenSize;
  const make = (...shape: number[]): Tensor => uniform(parameter(...shape), 1 / Math.sqrt(hiddenSize));
  for (let layer = 0; layer < numLayers; layer++) {
    const width = layer === 0 ? inputSize : hiddenSize * (bidirectional ? 2 : 1);
    for (const suffix of bidirectional ? suffixes : suffixes.slice(0, 1)) {
      target[`weight_ih_l${layer}${suffix}`] = make(rows, width);
      target[`weight_hh_l${layer}${suffix}`] = make(rows, hiddenSize);
      target[`bias_ih_l${layer}${suffix}`] = make(rows);
      target[`bias_hh_l${layer}${suffix}`] = make(rows);
    }
  }
}

/** What `makeWeights` made for one layer, per direction. */
export function layerWeights(
  source: { readonly [name: WeightName]: Tensor },
  layer: number,
  bidirectional: boolean,
): DirectionWeights[] {
  return suffixes
    .slice(0, bidirectional ? 2 : 1)
    .map((suffix) => [
      source[`weight_ih_l${layer}${suffix}`]!,
      source[`weight_hh_l${layer}${suffix}`]!,
      source[`bias_ih_l${layer}${suffix}`]!,
      source[`bias_hh_l${layer}${suffix}`]!,
    ]);
}
