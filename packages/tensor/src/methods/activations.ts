import { apply } from '../apply.ts';
import { ShapeError } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { ElementwiseMethods } from './elementwise.ts';

/** Activation functions, with PyTorch's defaults. */
export abstract class ActivationMethods extends ElementwiseMethods {
  relu(this: Tensor): Tensor {
    return apply('relu', [this], {});
  }
  /** min(max(x, 0), 6). */
  relu6(this: Tensor): Tensor {
    return apply('relu6', [this], {});
  }
  /** x, or slope·x where it is negative. */
  leakyRelu(this: Tensor, slope = 0.01): Tensor {
    return apply('leakyRelu', [this], { slope });
  }
  /** x, or α·(eˣ − 1) where it is negative (https://arxiv.org/abs/1511.07289). */
  elu(this: Tensor, alpha = 1): Tensor {
    return apply('elu', [this], { alpha });
  }
  /** https://arxiv.org/abs/1706.02515 */
  selu(this: Tensor): Tensor {
    return apply('selu', [this], {});
  }
  sigmoid(this: Tensor): Tensor {
    return apply('sigmoid', [this], {});
  }
  /** x/6 + 1/2, limited to [0, 1]. */
  hardSigmoid(this: Tensor): Tensor {
    return apply('hardSigmoid', [this], {});
  }
  /** x·hardSigmoid(x) (https://arxiv.org/abs/1905.02244). */
  hardSwish(this: Tensor): Tensor {
    return apply('hardSwish', [this], {});
  }
  tanh(this: Tensor): Tensor {
    return apply('tanh', [this], {});
  }
  /** x·Φ(x) (https://arxiv.org/abs/1606.08415), exactly or, as GPT-2 has it, by tanh. */
  gelu(this: Tensor, { approximate = 'none' }: { approximate?: 'none' | 'tanh' } = {}): Tensor {
    return apply('gelu', [this], { approximate });
  }
  /** x·sigmoid(x), also called swish. */
  silu(this: Tensor): Tensor {
    return apply('silu', [this], {});
  }
  /** x·tanh(softplus(x)) (https://arxiv.org/abs/1908.08681). */
  mish(this: Tensor): Tensor {
    return this.mul(this.softplus().tanh());
  }
  /** log(1 + exp(β·x))/β, and x itself where β·x exceeds the threshold. */
  softplus(this: Tensor, { beta = 1, threshold = 20 }: { beta?: number; threshold?: number } = {}): Tensor {
    if (!(beta > 0)) throw new ShapeError('softplus', `beta must be positive, got ${beta}`);
    const scaled = beta === 1 ? this : this.mul(beta);
    const soft = apply('softplus', [scaled], {});
    const value = beta === 1 ? soft : soft.div(beta);
    // From 17 on the two are equal in float32.
    return threshold >= 17 ? value : scaled.greater(threshold).where(this, value);
  }
}
