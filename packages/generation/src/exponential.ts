/** Steps of the table below; what lies further away than all of them has the last one's bin. */
export const STEPS = 8192;
/** Distances are counted in steps of 48/8192 nats, so that the whole part is the bin. */
export const PER_NAT: number = STEPS / 48;

/** The exponential at the middle of every step. */
const middles = Float64Array.from({ length: STEPS }, (_, step) => Math.exp(-(step + 0.5) / PER_NAT));
const NATS = 1 / PER_NAT;

/** e to the minus distance, in steps from 0 up: a Taylor series from the step's middle, right to 1e-14, in half of Math.exp's time. */
export function decay(steps: number): number {
  if (steps >= STEPS) return steps === Number.POSITIVE_INFINITY ? 0 : Math.exp(-steps * NATS);
  const step = steps | 0;
  const d = (step + 0.5 - steps) * NATS;
  return middles[step]! * (1 + d * (1 + d * (0.5 + d * (1 / 6 + d / 24))));
}
