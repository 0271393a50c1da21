import { type BackendName, type HostTensor, openBackend, type Session, type TypedArray } from '@rivulet/tensor';
import { expect } from 'chai';
import { channelBlock } from '../src/backend/channel-block.ts';
import { encodeModel } from '../src/onnx/encode.ts';
import type { OnnxGraph, OnnxNode, OnnxValue } from '../src/onnx/model.ts';

const value = (name: string, dtype: OnnxValue['dtype'], ...dims: (number | string)[]): OnnxValue => ({
  name,
  dtype,
  dims,
});

function model(
  nodes: OnnxNode[],
  inputs: OnnxValue[],
  outputs: OnnxValue[],
  initializers: OnnxGraph['initializers'] = [],
): Uint8Array {
  return encodeModel({ graph: { name: 'test', nodes, inputs, outputs, initializers }, opsets: { '': 21 } });
}

const host = (dtype: HostTensor['dtype'], dims: number[], data: TypedArray): HostTensor => ({ dtype, dims, data });
const floats = (...values: number[]): HostTensor => host('float32', [values.length], Float32Array.from(values));
const sum = model(
  [{ opType: 'Add', inputs: ['a', 'b'], outputs: ['y'] }],
  [value('a', 'float32', 'N'), value('b', 'float32', 'N')],
  [value('y', 'float32', 'N')],
);

async function rejection(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => expect.fail('it did not fail'),
    (error: Error) => error,
  );
}

for (const name of ['native', 'node', 'wasm'] as const satisfies readonly BackendName[])
  describe(`backend '${name}'`, () => {
    const using = async (bytes: Uint8Array, work: (session: Session) => Promise<void>): Promise<void> => {
      const session = await (await openBackend(name)).createSession(bytes, { threads: 2 });
      try {
        await work(session);
      } finally {
        await session.dispose();
      }
    };

    it('runs a graph', () =>
      using(sum, async (session) => {
        expect(session.inputNames).to.deep.equal(['a', 'b']);
        expect(session.outputNames).to.deep.equal(['y']);
        const [y] = await session.run([floats(1, 2), floats(10, 20)]);
        expect(y).to.deep.equal(floats(11, 22));
      }));

    it('writes into the tensors it is given', () =>
      using(sum, async (session) => {
        const y = floats(0, 0);
        const [same] = await session.run([floats(1, 2), floats(3, 4)], [y]);
        expect(same).to.equal(y);
        expect([...y.data]).to.deep.equal([4, 6]);
      }));

    it('takes and gives every element type', async () => {
      const tensors = [
        host('float32', [2], Float32Array.of(1.5, -2)),
        host('int32', [2], Int32Array.of(1, -2)),
        host('int64', [2], BigInt64Array.of(2n ** 40n, -2n)),
        host('uint8', [2], Uint8Array.of(1, 255)),
        host('bool', [2], Uint8Array.of(1, 0)),
        host('int32', [], Int32Array.of(7)),
        host('float32', [0, 3], new Float32Array(0)),
      ];
      const nodes = tensors.map((_, i) => ({ opType: 'Identity', inputs: [`x${i}`], outputs: [`y${i}`] }));
      const values = (letter: string): OnnxValue[] => tensors.map((t, i) => value(`${letter}${i}`, t.dtype, ...t.dims));
      await using(model(nodes, values('x'), values('y')), async (session) => {
        expect(await session.run(tensors)).to.deep.equal(tensors);
      });
    });

    it('keeps the memory of small tensors over garbage collections', () =>
      using(sum, async (session) => {
        const tensors = Array.from({ length: 200 }, (_, i) => floats(i, i + 1));
        for (const t of tensors) await session.run([t, t]);
        globalThis.gc?.();
        Array.from({ length: 1000 }, () => new Float32Array(2).fill(9));
        for (const [i, t] of tensors.entries()) {
          const [y] = await session.run([t, t]);
          expect([...y!.data]).to.deep.equal([2 * i, 2 * i + 2]);
        }
      }));

    it('runs beside the event loop', async () => {
      const product = model(
        Array.from({ length: 4 }, (_, i) => ({ opType: 'MatMul', inputs: [`a${i}`, 'a0'], outputs: [`a${i + 1}`] })),
        [value('a0', 'float32', 700, 700)],
        [value('a4', 'float32', 700, 700)],
      );
      await using(product, async (session) => {
        let ticks = 0;
        let running = true;
        const tick = (): void => {
          ticks++;
          if (running) setTimeout(tick, 1);
        };
        tick();
        await session.run([host('float32', [700, 700], new Float32Array(490_000).fill(0.01))]);
        running = false;
        expect(ticks).to.be.greaterThan(3);
      });
    });

    it('may run several times at once', () =>
      using(sum, async (session) => {
        const runs = Array.from({ length: 20 }, (_, i) => session.run([floats(i, i), floats(1, 2)]));
        const results = await Promise.all(runs);
        results.forEach(([y], i) => {
          expect([...y!.data]).to.deep.equal([i + 1, i + 2]);
        });
      }));

    it('computes the same with every kind of optimization', async () => {
      const twice = model(
        [
          { opType: 'Mul', inputs: ['a', 'c'], outputs: ['x'] },
          { opType: 'Mul', inputs: ['a', 'c'], outputs: ['z'] },
          { opType: 'Add', inputs: ['x', 'z'], outputs: ['y'] },
        ],
        [value('a', 'float32', 2)],
        [value('y', 'float32', 2)],
        [{ name: 'c', ...floats(3, 5) }],
      );
      for (const optimization of ['all', 'extended', 'basic', 'folding', 'none'] as const) {
        const session = await (await openBackend(name)).createSession(twice, { optimization });
        const [y] = await session.run([floats(1, 2)]);
        expect([...y!.data]).to.deep.equal([6, 20]);
        await session.dispose();
      }
    });

    it('refuses what does not fit, by name', () =>
      using(sum, async (session) => {
        const a = floats(1, 2);
        expect((await rejection(session.run([a]))).message).to.equal('the session has 2 inputs (a, b), got 1');
        expect((await rejection(session.run([a, host('int32', [2], new Int32Array(2))]))).message).to.include(
          "input 'b' is int32",
        );
        expect((await rejection(session.run([a, { ...a, dims: [3] }]))).message).to.include(
          '2 values for the shape [3]',
        );
        expect((await rejection(session.run([a, floats(1, 2, 3)]))).message).to.match(/^ONNX Runtime: /);
        const shared = new Float32Array(4);
        const [low, high] = [host('float32', [3], shared.subarray(0, 3)), host('float32', [3], shared.subarray(1, 4))];
        expect((await rejection(session.run([low, floats(1, 2, 3)], [high]))).message).to.include('shares memory');
      }));

    it('says why a model does not load', async () => {
      const unknown = model(
        [{ opType: 'NoSuchOp', inputs: ['a'], outputs: ['y'] }],
        [value('a', 'float32', 1)],
        [value('y', 'float32', 1)],
      );
      const backend = await openBackend(name);
      expect((await rejection(backend.createSession(unknown))).message).to.include('NoSuchOp');
      expect((await rejection(backend.createSession(Uint8Array.of(1, 2, 3)))).message).to.match(/^ONNX Runtime: /);
    });

    it('refuses to run once disposed', async () => {
      const session = await (await openBackend(name)).createSession(sum);
      const running = session.run([floats(1), floats(2)]);
      await session.dispose();
      await session.dispose();
      expect([...(await running)[0]!.data]).to.deep.equal([3]);
      expect((await rejection(session.run([floats(1), floats(2)]))).message).to.include('disposed');
    });

    it('gives its memory back', async function () {
      if (!globalThis.gc) this.skip();
      const backend = await openBackend(name);
      const bias = host('float32', [100_000], new Float32Array(100_000));
      const large = model(
        [{ opType: 'Add', inputs: ['a', 'bias'], outputs: ['y'] }],
        [value('a', 'float32', 100_000)],
        [value('y', 'float32', 100_000)],
        [{ ...bias, name: 'bias' }],
      );
      const cycle = async (): Promise<void> => {
        const session = await backend.createSession(large, { threads: 1 });
        await session.run([bias]);
        await session.dispose();
      };
      for (let i = 0; i < 30; i++) await cycle();
      globalThis.gc();
      const before = process.memoryUsage().rss;
      for (let i = 0; i < 200; i++) await cycle();
      globalThis.gc();
      expect((process.memoryUsage().rss - before) / 2 ** 20).to.be.lessThan(100); // 200 leaked sessions would be 160 MiB and more
    });
  });

describe('memory of results', () => {
  it('is used again, with its pages, once nobody has them', async function () {
    const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
    if (!header.glibcVersionRuntime || Object.keys(process.env).some((name) => /^MALLOC_|^GLIBC_/.test(name)))
      this.skip();
    const large = 9 << 20; // elements: 36 MiB, which glibc by itself maps anew each time
    const backend = await openBackend('native');
    const spread = model(
      [{ opType: 'Expand', inputs: ['a', 'shape'], outputs: ['y'] }],
      [value('a', 'float32', 1), value('shape', 'int64', 1)],
      [value('y', 'float32', large)],
    );
    const session = await backend.createSession(spread, { threads: 1 });
    const feeds = [floats(7), host('int64', [1], BigInt64Array.of(BigInt(large)))];
    const kept = await session.run(feeds, [{ dtype: 'float32', dims: [large] }]);
    for (let i = 0; i < 4; i++) await session.run(feeds, [{ dtype: 'float32', dims: [large] }]);
    const before = process.resourceUsage().minorPageFault;
    const runs = 8;
    for (let i = 0; i < runs; i++) await session.run([floats(i), feeds[1]!], [{ dtype: 'float32', dims: [large] }]);
    const pages = (process.resourceUsage().minorPageFault - before) / runs;
    expect(pages).to.be.lessThan((large * 4) / 4096 / 2);
    expect((kept[0]!.data as Float32Array).every((v) => v === 7)).to.equal(true); // what is held stays
    await session.dispose();
  });
});

describe('memory of a session', () => {
  it('does not grow in the second run', async () => {
    const size = 1 << 21; // elements: 8 MiB
    const terms = Array.from({ length: 12 }, (_, i) => `t${i}`);
    const wide = model(
      [
        ...terms.map((t): OnnxNode => ({ opType: 'Mul', inputs: ['a', 'b'], outputs: [t] })),
        { opType: 'Sum', inputs: terms, outputs: ['y'] },
      ],
      [value('a', 'float32', size), value('b', 'float32', 1)],
      [value('y', 'float32', size)],
    );
    const session = await (await openBackend('native')).createSession(wide, { optimization: 'none' });
    const into = [host('float32', [size], new Float32Array(size))];
    const feeds = [host('float32', [size], new Float32Array(size)), floats(2)];
    await session.run(feeds, into);
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 3; i++) await session.run(feeds, into);
    expect((process.memoryUsage().rss - before) / 2 ** 20).to.be.lessThan(30); // a planned block would be 96 MiB
    await session.dispose();
  });
});

describe('openBackend', () => {
  it('names the backends that there are', async () => {
    expect((await rejection(openBackend('cuda' as BackendName))).message).to.equal(
      "there is no backend 'cuda'; there are: native, node, wasm",
    );
  });
});

describe('blocks of channels', () => {
  it('are as long as the vectors of the processor, or there are none', async () => {
    const [native, node, wasm] = await Promise.all(
      (['native', 'node', 'wasm'] as const).map(async (name) => channelBlock(await openBackend(name))),
    );
    expect(native).to.be.oneOf(process.arch === 'x64' ? [8, 16] : [0, 4, 8, 16]);
    expect(node).to.equal(native);
    expect(wasm).to.equal(0);
  });
});
