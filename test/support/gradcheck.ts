import { compile, gradients, type HostTensor, type Random, seeded, type Tensor, tensor } from '@rivulet/tensor';
import { AssertionError } from 'chai';

export interface GradcheckOptions {
  /** Shapes of the float32 inputs. */
  readonly shapes: readonly (readonly number[])[];
  /** Where the inputs lie. Default [−1, 1]. */
  readonly range?: readonly [number, number];
  /** Step of the difference. Default 1e-2: float32 leaves about 1e-4 of noise at that step. */
  readonly step?: number;
  readonly tolerance?: number;
  readonly threads?: number;
}

/**
 * Compares the gradient of sum(weights · f(inputs)) with central differences, along random directions and for the first
 * values of each input. The weights are random, so that errors do not cancel.
 */
export async function gradcheck(
  f: (...inputs: Tensor[]) => Tensor,
  { shapes, range: [low, high] = [-1, 1], step = 1e-2, tolerance = 1e-2, threads = 2 }: GradcheckOptions,
): Promise<void> {
  const random = seeded(7);
  const values = shapes.map((shape) => uniform(random, shape, low, high));
  const names = shapes.map((_, i) => `x${i}`);
  const specs = Object.fromEntries(shapes.map((shape, i) => [names[i]!, { shape }]));
  const loss = (inputs: Readonly<Record<string, Tensor>>): Tensor => {
    const y = f(...names.map((name) => inputs[name]!));
    const weights = uniform(seeded(3), y.shape as number[], -1, 1);
    return y.mul(tensor(weights.data, y.shape as number[])).sum();
  };
  const backward = await compile(
    specs,
    (inputs) => {
      const wrt = names.map((name) => inputs[name]!);
      const total = loss(inputs);
      return Object.fromEntries(gradients(total, wrt).map((g, i) => [`g${i}`, g]));
    },
    { threads },
  );
  const forward = await compile(specs, (inputs) => ({ loss: loss(inputs) }), { threads });
  const feed = (vs: readonly HostTensor[]): Record<string, HostTensor> =>
    Object.fromEntries(vs.map((v, i) => [names[i]!, v]));
  try {
    const analytic = await backward.run(feed(values));
    const evaluate = async (vs: readonly HostTensor[]): Promise<number> =>
      (await forward.run(feed(vs))).loss.data[0] as number;
    for (const [i, value] of values.entries()) {
      const g = analytic[`g${i}`]!.data as Float32Array;
      const directions = [...Array(6).keys()].map((k) => {
        if (k < 3) return uniform(random, value.dims, -1, 1).data as Float32Array;
        const unit = new Float32Array(value.data.length);
        unit[((k - 3) * 7) % unit.length] = 1;
        return unit;
      });
      for (const direction of directions) {
        const moved = (sign: number): HostTensor[] =>
          values.map((v, j) =>
            j === i ? { ...v, data: (v.data as Float32Array).map((x, k) => x + sign * step * direction[k]!) } : v,
          );
        const numeric = ((await evaluate(moved(1))) - (await evaluate(moved(-1)))) / (2 * step);
        const exact = g.reduce((sum, x, k) => sum + x * direction[k]!, 0);
        const scale = Math.max(1, Math.abs(numeric), Math.abs(exact));
        if (!(Math.abs(numeric - exact) <= tolerance * scale))
          throw new AssertionError(
            `input ${i}: the gradient along a direction is ${exact}, differences say ${numeric}`,
          );
      }
    }
  } finally {
    await backward.dispose();
    await forward.dispose();
  }
}

function uniform(random: Random, shape: readonly number[], low: number, high: number): HostTensor {
  const data = Float32Array.from(
    { length: shape.reduce((a, b) => a * b, 1) },
    () => low + (high - low) * random.nextFloat(),
  );
  return { dtype: 'float32', dims: shape, data };
}
