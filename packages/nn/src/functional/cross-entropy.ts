import { apply, full, type Tensor } from '@rivulet/tensor';

export interface CrossEntropyOptions {
  /** Targets with this value count neither in the loss nor in the mean. Default −100. */
  readonly ignoreIndex?: number;
  /** The share of probability spread over all classes (https://arxiv.org/abs/1512.00567, §7). Default 0. */
  readonly labelSmoothing?: number;
}

export interface CrossEntropy {
  /** The mean over the counted targets, []. 0 where none counts. */
  readonly loss: Tensor;
  /** The sum over the counted targets, []. */
  readonly sum: Tensor;
  /** How many targets count, float32 []. */
  readonly count: Tensor;
}

/** As `crossEntropy`, with the sum and the count that corpus figures need. */
export function crossEntropyParts(logits: Tensor, targets: Tensor, options: CrossEntropyOptions = {}): CrossEntropy {
  const { ignoreIndex = -100, labelSmoothing = 0 } = options;
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
    throw new RangeError(`crossEntropy: labelSmoothing must be in [0, 1], got ${labelSmoothing}`);
  const flat = targets.rank === 1 ? targets : targets.reshape([-1]);
  const ignored = flat.equal(ignoreIndex);
  const safe = ignored.where(full([], 0, flat.dtype), flat);
  const losses = apply('crossEntropy', [logits.reshape([-1, logits.dim(-1)]), safe], { labelSmoothing });
  const counted = ignored.not().cast('float32');
  const sum = losses.mul(counted).sum();
  const count = counted.sum();
  return { loss: sum.div(count.maximum(1)), sum, count };
}

/**
 * Mean cross entropy of logits [..., V] against class numbers [...] (int32 or int64), as torch.nn.CrossEntropyLoss.
 * @throws ShapeError where the shapes do not fit; the run fails where a target is outside the classes.
 */
export function crossEntropy(logits: Tensor, targets: Tensor, options: CrossEntropyOptions = {}): Tensor {
  return crossEntropyParts(logits, targets, options).loss;
}
