import type { Tensor } from '@rivulet/tensor';
import {
  type BinaryCrossEntropyOptions,
  type BinaryCrossEntropyWithLogitsOptions,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
} from '../functional/binary-cross-entropy.ts';
import { type CrossEntropyOptions, crossEntropy, type NLLOptions, nllLoss } from '../functional/cross-entropy.ts';
import { type CTCOptions, ctcLoss } from '../functional/ctc-loss.ts';
import { type KLDivOptions, klDiv } from '../functional/kl-div.ts';
import type { ReductionOptions } from '../functional/reduction.ts';
import {
  type HuberOptions,
  huberLoss,
  l1Loss,
  mseLoss,
  type SmoothL1Options,
  smoothL1Loss,
} from '../functional/regression-losses.ts';

/** A loss with its options, as the classes of `torch.nn`: `new HuberLoss({ delta: 2 }).forward(input, target)`. */
type Loss<O> = new (options?: O) => { forward(input: Tensor, target: Tensor): Tensor };

function lossClass<O>(loss: (input: Tensor, target: Tensor, options: O) => Tensor): Loss<O> {
  return class {
    readonly #options: O | undefined;

    constructor(options?: O) {
      this.#options = options;
    }

    forward(input: Tensor, target: Tensor): Tensor {
      return loss(input, target, this.#options ?? ({} as O));
    }
  };
}

export const CrossEntropyLoss: Loss<CrossEntropyOptions> = lossClass(crossEntropy);
export const NLLLoss: Loss<NLLOptions> = lossClass(nllLoss);
export const MSELoss: Loss<ReductionOptions> = lossClass(mseLoss);
export const L1Loss: Loss<ReductionOptions> = lossClass(l1Loss);
export const SmoothL1Loss: Loss<SmoothL1Options> = lossClass(smoothL1Loss);
export const HuberLoss: Loss<HuberOptions> = lossClass(huberLoss);
export const BCELoss: Loss<BinaryCrossEntropyOptions> = lossClass(binaryCrossEntropy);
export const BCEWithLogitsLoss: Loss<BinaryCrossEntropyWithLogitsOptions> = lossClass(binaryCrossEntropyWithLogits);
export const KLDivLoss: Loss<KLDivOptions> = lossClass(klDiv);

/** `ctcLoss` with its options. */
export class CTCLoss {
  readonly #options: CTCOptions;

  constructor(options: CTCOptions = {}) {
    this.#options = options;
  }

  forward(logProbs: Tensor, targets: Tensor, inputLengths: Tensor, targetLengths: Tensor): Tensor {
    return ctcLoss(logProbs, targets, inputLengths, targetLengths, this.#options);
  }
}
