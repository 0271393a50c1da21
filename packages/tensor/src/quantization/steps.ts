import type { ActivationRange } from './calibration.ts';

/** x ≈ scale · (q − zeroPoint), q of 0 to 255. */
export interface Steps {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** The 256 steps that cover a range; 0 is always one of them, since padding and ReLU put it everywhere. */
export function stepsOf({ min, max }: ActivationRange): Steps {
  const [low, high] = [Math.min(0, min), Math.max(0, max)];
  if (high === low) return { scale: 1, zeroPoint: 0 };
  const scale = (high - low) / 255;
  return { scale, zeroPoint: Math.round(-low / scale) };
}
