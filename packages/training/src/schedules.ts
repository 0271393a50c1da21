import type { Schedule } from './schedule.ts';

// The schedules of torch.optim.lr_scheduler. Theirs count from 0, so that step 1 here has their value after no step.

/** A number that every schedule starts from. */
interface Rate {
  readonly lr: number;
}

/** The same rate for all steps. */
export function constantRate(lr: number): Schedule {
  wantRate('constantRate', lr);
  return () => lr;
}

export interface StepDecayOptions extends Rate {
  /** So many steps have the same rate. */
  readonly every: number;
  /** The factor from one rate to the next. Default 0.1. */
  readonly gamma?: number;
}

/** The rate times `gamma` after every `every` steps, as StepLR. */
export function stepDecay({ lr, every, gamma = 0.1 }: StepDecayOptions): Schedule {
  wantRate('stepDecay', lr);
  wantSteps('stepDecay', 'every', every);
  return (step) => lr * gamma ** Math.floor((step - 1) / every);
}

export interface MultiStepDecayOptions extends Rate {
  /** After so many steps the rate falls; rising. */
  readonly milestones: readonly number[];
  /** Default 0.1. */
  readonly gamma?: number;
}

/** The rate times `gamma` after every milestone, as MultiStepLR. */
export function multiStepDecay({ lr, milestones, gamma = 0.1 }: MultiStepDecayOptions): Schedule {
  wantRate('multiStepDecay', lr);
  return (step) => lr * gamma ** milestones.filter((milestone) => step > milestone).length;
}

export interface ExponentialDecayOptions extends Rate {
  /** The factor of one step. */
  readonly gamma: number;
}

/** The rate times `gamma` after every step, as ExponentialLR. */
export function exponentialDecay({ lr, gamma }: ExponentialDecayOptions): Schedule {
  wantRate('exponentialDecay', lr);
  return (step) => lr * gamma ** (step - 1);
}

export interface CosineRestartsOptions extends Rate {
  /** Steps of the first round. */
  readonly first: number;
  /** How much longer every round is than the one before. Default 1. */
  readonly factor?: number;
  /** The lowest rate. Default 0. */
  readonly minLr?: number;
}

/** A cosine from `lr` down to `minLr`, again and again (https://arxiv.org/abs/1608.03983), as CosineAnnealingWarmRestarts. */
export function cosineRestarts({ lr, first, factor = 1, minLr = 0 }: CosineRestartsOptions): Schedule {
  wantRate('cosineRestarts', lr);
  wantSteps('cosineRestarts', 'first', first);
  wantSteps('cosineRestarts', 'factor', factor);
  return (step) => {
    let [at, length] = [step - 1, first];
    if (factor === 1) at %= first;
    else for (; at >= length; length *= factor) at -= length;
    return minLr + ((lr - minLr) * (1 + Math.cos((Math.PI * at) / length))) / 2;
  };
}

export interface LinearRateOptions extends Rate {
  /** The share of `lr` at the first step. Default 1/3. */
  readonly start?: number;
  /** The share after `steps` steps, and from there on. Default 1. */
  readonly end?: number;
  readonly steps: number;
}

/** From one share of the rate to another along a line, such as a warm-up, as LinearLR. */
export function linearRate({ lr, start = 1 / 3, end = 1, steps }: LinearRateOptions): Schedule {
  wantRate('linearRate', lr);
  wantSteps('linearRate', 'steps', steps);
  return (step) => lr * (start + (end - start) * Math.min(1, (step - 1) / steps));
}

export interface OneCycleOptions {
  /** The highest rate. */
  readonly maxLr: number;
  /** All steps of the run. */
  readonly steps: number;
  /** The share of the steps that the rate rises in. Default 0.3. */
  readonly rise?: number;
  /** The first rate is the highest over this. Default 25. */
  readonly divisor?: number;
  /** The last rate is the first over this. Default 10,000. */
  readonly finalDivisor?: number;
  /** Default 'cosine'. */
  readonly shape?: 'cosine' | 'linear';
  /** Falls to the first rate as fast as it rose, then on to the last. Default false: at once to the last. */
  readonly threePhase?: boolean;
}

/** Up to the highest rate and down to nearly nothing (https://arxiv.org/abs/1708.07120), as OneCycleLR. Later steps keep the last rate. */
export function oneCycle(options: OneCycleOptions): Schedule {
  const { maxLr, steps, rise = 0.3, divisor = 25, finalDivisor = 1e4, shape = 'cosine', threePhase = false } = options;
  wantRate('oneCycle', maxLr);
  wantSteps('oneCycle', 'steps', steps);
  if (!(rise >= 0 && rise <= 1)) throw new RangeError(`oneCycle: rise must be in [0, 1], got ${rise}`);
  const first = maxLr / divisor;
  const top = rise * steps - 1;
  const phases = threePhase
    ? [
        { end: top, from: first, to: maxLr },
        { end: 2 * rise * steps - 2, from: maxLr, to: first },
        { end: steps - 1, from: first, to: first / finalDivisor },
      ]
    : [
        { end: top, from: first, to: maxLr },
        { end: steps - 1, from: maxLr, to: first / finalDivisor },
      ];
  return (step) => {
    const at = Math.min(step, steps) - 1;
    const i = phases.findIndex(({ end }, j) => at <= end || j === phases.length - 1);
    const { end, from, to } = phases[i]!;
    const start = i === 0 ? 0 : phases[i - 1]!.end;
    const share = (at - start) / (end - start);
    return shape === 'linear' ? from + (to - from) * share : to + ((from - to) / 2) * (1 + Math.cos(Math.PI * share));
  };
}

export interface InverseSquareRootOptions extends Rate {
  /** The rate rises to `lr` for so many steps. */
  readonly warmup: number;
}

/** lr · min(step/warmup, √(warmup/step)): the schedule of the Transformer (https://arxiv.org/abs/1706.03762, §5.3). */
export function inverseSquareRoot({ lr, warmup }: InverseSquareRootOptions): Schedule {
  wantRate('inverseSquareRoot', lr);
  wantSteps('inverseSquareRoot', 'warmup', warmup);
  return (step) => lr * Math.min(step / warmup, Math.sqrt(warmup / step));
}

export interface PolynomialDecayOptions extends Rate {
  readonly steps: number;
  /** Default 1, a line. */
  readonly power?: number;
}

/** lr · (1 − step/steps)^power, 0 from there on, as PolynomialLR. */
export function polynomialDecay({ lr, steps, power = 1 }: PolynomialDecayOptions): Schedule {
  wantRate('polynomialDecay', lr);
  wantSteps('polynomialDecay', 'steps', steps);
  return (step) => lr * (1 - Math.min(1, (step - 1) / steps)) ** power;
}

/**
 * One schedule after the other, as SequentialLR: `milestones[i]` steps from the beginning the next one starts at its step 1.
 * `inTurn([linearRate({ lr, steps: 500 }), exponentialDecay({ lr, gamma: 0.999 })], [500])`
 * @throws RangeError unless there is one milestone less than schedules, and they rise.
 */
export function inTurn(schedules: readonly Schedule[], milestones: readonly number[]): Schedule {
  if (schedules.length !== milestones.length + 1 || milestones.some((m, i) => !(m > (milestones[i - 1] ?? 0))))
    throw new RangeError(
      `inTurn: ${schedules.length} schedules want ${schedules.length - 1} rising milestones, got [${milestones.join(', ')}]`,
    );
  return (step) => {
    const passed = milestones.filter((milestone) => step > milestone);
    return schedules[passed.length]!(step - (passed.at(-1) ?? 0));
  };
}

/**
 * Schedules multiplied, as ChainedScheduler: each says its share of `lr`.
 * `combined(0.1, [linearRate({ lr: 1, steps: 500 }), exponentialDecay({ lr: 1, gamma: 0.999 })])`
 */
export function combined(lr: number, shares: readonly Schedule[]): Schedule {
  wantRate('combined', lr);
  return (step) => shares.reduce((rate, share) => rate * share(step), lr);
}

function wantRate(name: string, lr: number): void {
  if (!(lr >= 0)) throw new RangeError(`${name}: the learning rate must be 0 or more, got ${lr}`);
}

function wantSteps(name: string, option: string, value: number): void {
  if (!Number.isInteger(value) || value < 1)
    throw new RangeError(`${name}: ${option} must be an integer of 1 or more, got ${value}`);
}
