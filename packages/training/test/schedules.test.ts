import { readFileSync } from 'node:fs';
import {
  combined,
  constantRate,
  cosine,
  cosineRestarts,
  exponentialDecay,
  inTurn,
  inverseSquareRoot,
  linearRate,
  multiStepDecay,
  oneCycle,
  Plateau,
  polynomialDecay,
  type Schedule,
  stepDecay,
} from '@rivulet/training';
import { expect } from 'chai';

// Made by tools/reference/torch_schedules.py.
const file = new URL('./fixtures/torch-schedules.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: Record<string, number[]> };

const lr = 0.1;
const schedules: Record<string, Schedule> = {
  constantRate: constantRate(lr),
  stepDecay: stepDecay({ lr, every: 7, gamma: 0.5 }),
  multiStepDecay: multiStepDecay({ lr, milestones: [3, 20, 21], gamma: 0.3 }),
  exponentialDecay: exponentialDecay({ lr, gamma: 0.93 }),
  cosine: cosine({ lr, steps: 60, warmup: 10 }),
  'cosine floor': cosine({ lr, steps: 50, floor: 0.2 }),
  cosineRestarts: cosineRestarts({ lr, first: 8, minLr: 0.01 }),
  'cosineRestarts longer': cosineRestarts({ lr, first: 4, factor: 2 }),
  linearRate: linearRate({ lr, start: 0.25, steps: 11 }),
  oneCycle: oneCycle({ maxLr: lr, steps: 51 }),
  'oneCycle linear': oneCycle({ maxLr: lr, steps: 51, shape: 'linear', rise: 0.4, divisor: 10 }),
  'oneCycle three phases': oneCycle({ maxLr: lr, steps: 51, threePhase: true, finalDivisor: 100 }),
  inverseSquareRoot: inverseSquareRoot({ lr, warmup: 10 }),
  polynomialDecay: polynomialDecay({ lr, steps: 40, power: 2 }),
  inTurn: inTurn(
    [linearRate({ lr, start: 0.1, steps: 10 }), exponentialDecay({ lr, gamma: 0.9 }), stepDecay({ lr, every: 3 })],
    [10, 30],
  ),
  combined: combined(lr, [linearRate({ lr: 1, start: 0.1, steps: 10 }), exponentialDecay({ lr: 1, gamma: 0.9 })]),
};

const wave = (step: number): number =>
  [3, 2, 2.5, 1.99995, 1.5, 1.5, 1.6, 1.4999, 1.2, 1.3][step % 10]! + 0.2 * Math.floor(step / 10);

describe('schedules', () => {
  for (const [name, schedule] of Object.entries(schedules))
    it(`follow PyTorch for 50 steps: ${name}`, () => {
      const rates = cases[name]!.map((_, i) => schedule(i + 1));
      expect(rates).to.be.allclose(cases[name]!, { atol: 1e-12, rtol: 1e-9 });
    });

  it('refuse options out of range, by name', () => {
    expect(() => stepDecay({ lr, every: 0 })).to.throw(RangeError, 'stepDecay: every must be an integer of 1 or more');
    expect(() => exponentialDecay({ lr: -1, gamma: 1 })).to.throw(RangeError, 'exponentialDecay: the learning rate');
    expect(() => oneCycle({ maxLr: lr, steps: 10, rise: 2 })).to.throw(RangeError, 'rise');
    expect(() => inTurn([constantRate(lr)], [3])).to.throw(RangeError, '1 schedules want 0 rising milestones');
  });
});

describe('Plateau', () => {
  const options = {
    plateau: { lr, factor: 0.5, patience: 2, cooldown: 2, minLr: 0.004 },
    'plateau max': { lr, mode: 'max', patience: 1, factor: 0.7, threshold: 0.3, thresholdMode: 'absolute' },
  } as const;
  for (const name of ['plateau', 'plateau max'] as const)
    it(`follows PyTorch for 50 evaluations: ${name}, also when restored in between`, () => {
      let plateau = new Plateau(options[name]);
      const rates = cases[name]!.map((_, i) => {
        if (i % 7 === 0) {
          const saved = JSON.parse(JSON.stringify(plateau.state));
          plateau = new Plateau(options[name]);
          plateau.restore(saved);
        }
        const rate = plateau.rate();
        plateau.update(wave(i));
        return rate;
      });
      expect(rates).to.be.allclose(cases[name]!, { atol: 1e-12, rtol: 1e-9 });
      expect(new Set(rates).size).to.be.greaterThan(2);
    });

  it('refuses a factor that does not reduce', () => {
    expect(() => new Plateau({ lr, factor: 1 })).to.throw(RangeError, 'factor must be in (0, 1)');
  });
});
