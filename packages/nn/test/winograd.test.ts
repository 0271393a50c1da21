import { adaptiveAvgPool, BatchNorm2d, Conv2d, Module, sequential, storageOf } from '@rivulet/nn';
import { compileStep, gradients, type HostTensor, symbol, type Tensor } from '@rivulet/tensor';
import { expect } from 'chai';
import { fill, fillModule } from '../../../test/support/parity.ts';

/** Every kind of convolution that channels-last graphs have a form for, and a grouped one, for which they have none. */
class Net extends Module {
  readonly stem = new Conv2d(3, 16, 3, { padding: 1, bias: false });
  readonly norm = new BatchNorm2d(16);
  readonly wide = new Conv2d(16, 24, 3, { padding: 1 });
  readonly valid = new Conv2d(24, 16, 3, { padding: 0 });
  readonly down = new Conv2d(16, 20, 3, { padding: 1, stride: 2 });
  readonly point = new Conv2d(20, 16, 1, { stride: 2, bias: false });
  readonly grouped = new Conv2d(16, 16, 3, { padding: 1, groups: 4 });

  /** [N, 3, H, W] → [N, 16] */
  forward(x: Tensor): Tensor {
    const start = sequential(x, [this.stem, this.norm, (t) => t.relu()]);
    const wide = this.wide.forward(start).tanh();
    const rest = sequential(wide, [this.valid, this.down, this.point]);
    return adaptiveAvgPool(this.grouped.forward(rest).add(rest), 1).reshape([x.dim(0), 16]);
  }
}

async function run(winograd: 0 | 2 | 4, size: readonly [number, number], batch: number): Promise<HostTensor[]> {
  const net = new Net();
  fillModule(net);
  const specs = { x: { shape: [symbol('N'), 3, ...size] } };
  const parameters = [...net.parameters().values()];
  const step = await compileStep(
    specs,
    ({ x }) => {
      const y = net.forward(x);
      const grads = gradients(y.mul(y).sum(), [x, ...parameters]);
      const named = [y, ...grads].map((t, i) => [`t${String(i).padStart(2, '0')}`, t] as const);
      return { outputs: Object.fromEntries(named), updates: new Map() };
    },
    { winograd },
  );
  const results = await step.run({ x: fill([batch, 3, ...size], 3) });
  await step.dispose();
  return [...Object.values(results), storageOf(net.norm.running_mean), storageOf(net.norm.running_var)];
}

/** The largest difference as a share of the largest value; means of about 0 are compared by what they are means of. */
function distance(a: HostTensor, b: HostTensor): number {
  const [x, y] = [Array.from(a.data, Number), Array.from(b.data, Number)];
  const largest = Math.max(0.1, ...x.map(Math.abs));
  return Math.max(...x.map((value, i) => Math.abs(value - y[i]!))) / largest;
}

describe("Winograd's convolutions", () => {
  for (const [height, width] of [
    [8, 8],
    [12, 9],
    [6, 17],
  ] as const)
    it(`give the plain ones' outputs, gradients and statistics: ${height} × ${width}`, async () => {
      const plain = await run(0, [height, width], 3);
      for (const tile of [2, 4] as const) {
        const fast = await run(tile, [height, width], 3);
        plain.forEach((t, i) => {
          expect(fast[i]!.dims).to.deep.equal(t.dims);
          expect(distance(t, fast[i]!), `tile ${tile}, tensor ${i}`).to.be.lessThan(tile === 2 ? 1e-5 : 3e-5);
        });
      }
    });
});
