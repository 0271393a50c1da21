import { concat, type Tensor } from '@rivulet/tensor';

/** How angles are changed for texts longer than the model was first trained on; names and values as in Hugging Face's `rope_scaling`. */
export type RotaryScaling =
  | { readonly type: 'default' }
  | { readonly type: 'linear'; readonly factor: number }
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFreqFactor: number;
      readonly highFreqFactor: number;
      readonly originalMaxPositions: number;
    };

export interface RotaryOptions {
  /** Of a head; even. */
  readonly width: number;
  /** Positions in the tables. */
  readonly positions: number;
  /** Default 10,000. */
  readonly theta?: number;
  readonly scaling?: RotaryScaling;
}

export interface RotaryTables {
  /** Both [positions, width / 2], row-major. */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/**
 * Cosines and sines of rotary position embeddings (https://arxiv.org/abs/2104.09864), rounded to float32 where Hugging Face's
 * Llama rounds.
 * @throws RangeError for an odd width.
 */
export function rotaryTables({ width, positions, theta = 10_000, scaling }: RotaryOptions): RotaryTables {
  if (width % 2 !== 0) throw new RangeError(`rotary embeddings need heads of an even width, got ${width}`);
  const half = width / 2;
  const frequencies = Array.from({ length: half }, (_, i) =>
    Math.fround(scaled(1 / Math.fround(theta ** ((2 * i) / width)), scaling)),
  );
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let at = 0; at < positions; at++)
    for (let i = 0; i < half; i++) {
      const angle = Math.fround(at * frequencies[i]!);
      cos[at * half + i] = Math.cos(angle);
      sin[at * half + i] = Math.sin(angle);
    }
  return { cos, sin };
}

function scaled(frequency: number, scaling: RotaryScaling | undefined): number {
  if (!scaling || scaling.type === 'default') return frequency;
  if (scaling.type === 'linear') return frequency / scaling.factor;
  // Llama 3.1: long waves are stretched, short ones stay, those between change smoothly.
  const { factor, lowFreqFactor: low, highFreqFactor: high, originalMaxPositions } = scaling;
  const turns = (originalMaxPositions * frequency) / (2 * Math.PI);
  if (turns > high) return frequency;
  if (turns < low) return frequency / factor;
  const smooth = (turns - low) / (high - low);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}

/** Turns the halves of each head against each other: x [B, H, L, D], cos and sin [L, D/2] → [B, H, L, D]. */
export function rotate(x: Tensor, cos: Tensor, sin: Tensor): Tensor {
  const [a, b] = x.chunk(2, -1) as [Tensor, Tensor];
  return concat([a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin))], -1);
}
