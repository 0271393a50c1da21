import type { Tensor } from '@rivulet/tensor';
import { dropPath } from '../functional/drop-path.ts';
import { dropout } from '../functional/dropout.ts';
import { Module } from '../module.ts';

/** `dropout` as a layer, as `torch.nn.Dropout`. @throws RangeError where p is not in [0, 1). */
export class Dropout extends Module {
  readonly #p: number;

  constructor(p = 0.5) {
    super();
    wantProbability('Dropout', p);
    this.#p = p;
  }

  /** Any shape → the same. */
  forward(x: Tensor): Tensor {
    return dropout(x, this.#p);
  }
}

/** `dropPath` as a layer, as timm's `DropPath`. @throws RangeError where p is not in [0, 1). */
export class DropPath extends Module {
  readonly #p: number;

  constructor(p = 0) {
    super();
    wantProbability('DropPath', p);
    this.#p = p;
  }

  /** [N, …] → [N, …] */
  forward(x: Tensor): Tensor {
    return dropPath(x, this.#p);
  }
}

export function wantProbability(layer: string, p: number): void {
  if (!(p >= 0 && p < 1)) throw new RangeError(`${layer}: the probability must be in [0, 1), got ${p}`);
}
