import { readFileSync } from 'node:fs';
import {
  BatchNorm2d,
  Conv2d,
  ConvTranspose2d,
  freeze,
  type Layer,
  Linear,
  Module,
  MultiheadAttention,
  observeForward,
  sequential,
  summary,
} from '@rivulet/nn';
import { lstm, parameter, scan, symbol, type Tensor, zeros } from '@rivulet/tensor';
import { expect } from 'chai';

// Made by tools/reference/torch_flops.py.
const file = new URL('./fixtures/torch-flops.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: Record<string, number> };

class Net extends Module {
  readonly conv = new Conv2d(3, 4, 3, { padding: 1 });
  readonly bn = new BatchNorm2d(4);
  readonly layers: Layer[] = [new Linear(4, 8), (x) => x.relu(), new Linear(8, 2, { bias: false })];

  forward(x: Tensor): Tensor {
    return sequential(this.bn.forward(this.conv.forward(x)).mean([2, 3]), this.layers);
  }
}

class Calls extends Module {
  readonly #call: (x: Tensor) => Tensor;
  constructor(call: (x: Tensor) => Tensor) {
    super();
    this.#call = call;
  }
  forward(x: Tensor): Tensor {
    return this.#call(x);
  }
}

describe('summary', () => {
  it('lists layers, output shapes, parameters and operations', () => {
    const model = new Net();
    freeze(model, { except: 'layers' });
    const { layers, ...totals } = summary(model, [[2, 3, 8, 8]]);
    expect(layers.map(({ path, type, outputs }) => `${path} ${type} ${outputs.join(';')}`)).to.deep.equal([
      ' Net 2,2',
      'conv Conv2d 2,4,8,8',
      'bn BatchNorm 2,4,8,8',
      'layers.0 Linear 2,8',
      'layers.2 Linear 2,2',
    ]);
    expect(layers.map(({ trainable, frozen, flops }) => [trainable, frozen, flops])).to.deep.equal([
      [40 + 16, 112 + 8, 27648 + 128 + 64],
      [0, 112, 2 * 2 * 4 * 64 * 27],
      [0, 8, 0],
      [40, 0, 2 * 2 * 4 * 8],
      [16, 0, 2 * 2 * 8 * 2],
    ]);
    expect(totals).to.deep.include({ trainable: 56, frozen: 120, flops: 27840 });
    expect(totals.buffers).to.be.at.least(8);
  });

  it('prints as a table', () => {
    const text = summary(new Net(), [[2, 3, 8, 8]]).toString();
    expect(text).to.match(
      /^layer +output +parameters +FLOPs\nNet +\[2, 2\] +176 +27,840\n {2}conv \(Conv2d\) +\[2, 4, 8, 8\]/,
    );
    expect(text).to.contain('parameters 176: trainable 176, frozen 0');
  });

  it("counts as PyTorch's flop counter", () => {
    const attention = new MultiheadAttention({ embedDim: 8, numHeads: 2 });
    const counted = {
      linear: summary(new Linear(6, 3), [[4, 5, 6]]),
      conv: summary(new Conv2d(4, 6, 3, { stride: 2, padding: 1, groups: 2 }), [[2, 4, 9, 7]]),
      convTranspose: summary(new ConvTranspose2d(4, 6, 3, { stride: 2 }), [[2, 4, 9, 7]]),
      attention: summary(attention, [[2, 5, 8]], { forward: (x) => attention.forward(x!, x!) }),
    };
    for (const [name, { flops }] of Object.entries(counted)) expect(flops, name).to.equal(cases[name]);
  });

  it('counts every step of a recurrence and every call of a shared layer', () => {
    const step = new Calls((x) => {
      const w = parameter(3, 3);
      const { outputs } = scan(([h], [s]) => ({ carry: [h!.add(s!).matmul(w)], outputs: [h!] }), {
        initial: [zeros([2, 3])],
        sequences: [x],
      });
      return outputs[0]!;
    });
    expect(summary(step, [[5, 2, 3]]).flops).to.equal(5 * 2 * 2 * 3 * 3);
    const native = new Calls((x) => {
      const weights = [parameter(16, 3), parameter(16, 4), parameter(16), parameter(16)];
      return lstm([x, zeros([2, 4]), zeros([2, 4]), ...weights], { reverse: false }).outputs;
    });
    expect(summary(native, [[5, 2, 3]]).flops).to.equal(2 * 5 * 2 * (16 * 3 + 16 * 4));
    class Twice extends Module {
      readonly fc = new Linear(3, 3);
      forward(x: Tensor): Tensor {
        return this.fc.forward(this.fc.forward(x));
      }
    }
    const { layers } = summary(new Twice(), [[1, 3]]);
    expect(layers.map(({ flops }) => flops)).to.deep.equal([36, 36]);
  });

  it('refuses models without forward and open sizes', () => {
    class Bare extends Module {}
    expect(() => summary(new Bare(), [[1]])).to.throw(TypeError, 'Bare has no forward');
    expect(() => summary(new Linear(2, 2), [{ shape: [symbol('B'), 2] }])).to.throw(
      TypeError,
      'input 0 needs fixed sizes',
    );
    expect(() => summary(new Linear(2, 2), [[1, 3]])).to.throw('linear');
  });
});

describe('observeForward', () => {
  it('tells inner calls before outer ones, and leaves the modules as they were', () => {
    const model = new Net();
    const before = [...model.stateDict().keys()];
    const paths: string[] = [];
    observeForward(
      model,
      () => model.forward(zeros([1, 3, 4, 4])),
      ({ path }) => paths.push(path),
    );
    expect(paths).to.deep.equal(['conv', 'bn', 'layers.0', 'layers.2', '']);
    expect(Object.hasOwn(model.conv, 'forward')).to.equal(false);
    expect([...model.stateDict().keys()]).to.deep.equal(before);
    expect(() =>
      observeForward(
        model,
        () => model.forward(zeros([1, 2, 4, 4])),
        () => {},
      ),
    ).to.throw('conv');
    expect(Object.hasOwn(model.conv, 'forward')).to.equal(false);
  });
});
