import { readFileSync } from 'node:fs';
import { GRU, GRUCell, LSTM, LSTMCell, RNN, RNNCell } from '@rivulet/recurrent';
import { compile, type Tensor, tensor } from '@rivulet/tensor';
import { expect } from 'chai';
import { backends, checkParity, type Expected, fill, fillModule } from '../../../test/support/parity.ts';

type Variant = 'plain' | 'stacked';

// Made by tools/reference/torch_recurrent.py.
const file = new URL('./fixtures/torch-recurrent.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as {
  cases: Record<'rnn' | 'relu' | 'gru' | 'lstm', Record<Variant, Expected>> & {
    cells: Record<'rnn' | 'gru' | 'lstm', Expected>;
  };
};

const sizes = { inputSize: 5, hiddenSize: 4 };
const variants = {
  plain: { config: sizes, states: 1, rows: {} },
  stacked: {
    config: { ...sizes, numLayers: 2, bidirectional: true },
    states: 4,
    rows: { lengths: tensor([6, 2, 4], [3], 'int32') },
  },
} as const;

const layers = {
  rnn: (variant: Variant) => oneState(new RNN(variants[variant].config), variant),
  relu: (variant: Variant) => oneState(new RNN({ ...variants[variant].config, nonlinearity: 'relu' }), variant),
  gru: (variant: Variant) => oneState(new GRU(variants[variant].config), variant),
  lstm: (variant: Variant) => {
    const lstm = new LSTM(variants[variant].config);
    const forward = (x: Tensor, h: Tensor, c?: Tensor): Tensor[] => {
      const { outputs, final } = lstm.forward(x, { ...variants[variant].rows, initial: { h, c: c! } });
      return [outputs, final.h, final.c];
    };
    return { module: lstm, states: 2, forward };
  },
};

function oneState(module: RNN | GRU, variant: Variant) {
  const forward = (x: Tensor, initial: Tensor): Tensor[] => {
    const { outputs, final } = module.forward(x, { ...variants[variant].rows, initial });
    return [outputs, final];
  };
  return { module, states: 1, forward };
}

describe('recurrent layers', () => {
  for (const [name, make] of Object.entries(layers))
    for (const variant of ['plain', 'stacked'] as const) {
      const expected = cases[name as keyof typeof layers][variant];
      const given = (states: number) => [
        fill([6, 3, 5], 3),
        ...Array.from({ length: states }, (_, i) => fill([variants[variant].states, 3, 4], 4 + i)),
      ];

      it(`give PyTorch's outputs and gradients: ${name}, ${variant}`, async () => {
        const { module, states, forward } = make(variant);
        fillModule(module);
        await checkParity(expected, module, given(states), (x, h, c) => forward(x!, h!, c));
      });

      it(`give PyTorch's outputs by the runtime's own operation: ${name}, ${variant}`, async () => {
        const { module, states, forward } = make(variant);
        fillModule(module);
        const feeds = given(states);
        const specs = Object.fromEntries(feeds.map(({ dims }, i) => [`x${i}`, { shape: dims }]));
        for (const backend of backends) {
          const graph = await compile(
            specs,
            ({ x0, x1, x2 }) => Object.fromEntries(forward(x0!, x1!, x2).map((y, i) => [`y${i}`, y])),
            { backend },
          );
          const results = await graph.run(Object.fromEntries(feeds.map((feed, i) => [`x${i}`, feed])));
          await graph.dispose();
          expected.outputs.forEach((y, i) => {
            expect(results[`y${i}`]!.data, backend).to.be.allclose(y);
          });
        }
      });
    }

  it('start from zeros where no state is given', async () => {
    const lstm = new LSTM(sizes);
    fillModule(lstm);
    const graph = await compile({ x: { shape: [6, 3, 5] }, zero: { shape: [1, 3, 4] } }, ({ x, zero }) => ({
      implicit: lstm.forward(x).outputs,
      explicit: lstm.forward(x, { initial: { h: zero, c: zero } }).outputs,
    }));
    const zero = { dtype: 'float32', dims: [1, 3, 4], data: new Float32Array(12) } as const;
    const { implicit, explicit } = await graph.run({ x: fill([6, 3, 5], 3), zero });
    await graph.dispose();
    expect(implicit.data).to.deep.equal(explicit.data);
  });

  it('refuse sizes that are none', () => {
    expect(() => new GRU({ inputSize: 0, hiddenSize: 4 })).to.throw(RangeError, 'inputSize must be a positive integer');
    expect(() => new LSTM({ ...sizes, numLayers: 1.5 })).to.throw(RangeError, 'numLayers');
    expect(() => new RNN({ ...sizes, dropout: 1 })).to.throw(RangeError, 'dropout');
  });

  it('name the input that does not fit', async () => {
    const gru = new GRU(sizes);
    let error: Error | undefined;
    await compile({ x: { shape: [6, 3, 7] } }, ({ x }) => ({ y: gru.forward(x).outputs })).catch((e) => (error = e));
    expect(error?.message).to.match(/gru.*\[12, 5\].*\[12, 7\]/);
  });
});

describe('recurrent cells', () => {
  it("give PyTorch's outputs and gradients", async () => {
    const [x, h, c] = [fill([3, 5], 3), fill([3, 4], 4), fill([3, 4], 5)];
    const rnn = new RNNCell(sizes);
    fillModule(rnn);
    await checkParity(cases.cells.rnn, rnn, [x, h], (x, h) => [rnn.forward(x!, h!)]);
    const gru = new GRUCell(sizes);
    fillModule(gru);
    await checkParity(cases.cells.gru, gru, [x, h], (x, h) => [gru.forward(x!, h!)]);
    const lstm = new LSTMCell(sizes);
    fillModule(lstm);
    await checkParity(cases.cells.lstm, lstm, [x, h, c], (x, h, c) => {
      const next = lstm.forward(x!, { h: h!, c: c! });
      return [next.h, next.c];
    });
  });
});
