/** Learning rates by step; the first step is 1. */
export type Schedule = (step: number) => number;

/** Linear from 0 to `lr` over `warmup` steps, then a cosine down to `floor`·lr at `steps` (https://arxiv.org/abs/1608.03983). */
export function cosine({ lr, steps, warmup = 0, floor = 0 }: CosineOptions): Schedule {
  return (step) => {
    if (step < warmup) return (lr * step) / warmup;
    const progress = Math.min(1, (step - warmup) / Math.max(1, steps - warmup));
    return lr * (floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * progress)));
  };
}

export interface CosineOptions {
  /** The highest rate. */
  readonly lr: number;
  /** The step at which the floor is reached. */
  readonly steps: number;
  readonly warmup?: number;
  /** A share of lr. Default 0. */
  readonly floor?: number;
}
