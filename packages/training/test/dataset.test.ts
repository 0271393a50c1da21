import { type Batch, Dataset, DatasetError, dataset } from '@rivulet/training';
import { expect } from 'chai';
import fc from 'fast-check';

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function errorOf(items: AsyncIterable<unknown>): Promise<DatasetError> {
  try {
    await all(items);
  } catch (error) {
    expect(error).to.be.instanceOf(DatasetError);
    return error as DatasetError;
  }
  throw new Error('no error');
}

const later = <T>(value: T, turns: number): Promise<T> =>
  turns === 0 ? Promise.resolve(value) : new Promise((resolve) => setImmediate(() => resolve(later(value, turns - 1))));
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const worker = new URL('./fixtures/dataset-worker.mjs', import.meta.url);

/** A source that counts what was taken of it, and whether it was closed. */
function counted(length: number): { source: () => AsyncGenerator<number>; taken: () => number; closed: () => number } {
  let [taken, closed] = [0, 0];
  const source = async function* (): AsyncGenerator<number> {
    try {
      for (let i = 0; i < length; i++) {
        taken++;
        yield i;
      }
    } finally {
      closed++;
    }
  };
  return { source, taken: () => taken, closed: () => closed };
}

describe('dataset', () => {
  it('keeps the order whatever stages work at once', async () => {
    const stage = fc.constantFrom<(d: Dataset<number>) => Dataset<number>>(
      (d) => d.map((x) => later(x, (x * 7) % 4), { concurrency: 3 }),
      (d) => d.prefetch(2),
      (d) => d.map((x) => x),
      (d) => d.filter(() => true),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(12), fc.array(stage, { maxLength: 4 }), async (length, stages) => {
        const data = stages.reduce((d, add) => add(d), dataset(numbers(length)));
        expect(await all(data)).to.deep.equal(numbers(length));
      }),
      { numRuns: 50 },
    );
  });

  it('shuffles by seed and epoch, all items or within a buffer, and loses none', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(30),
        fc.integer(),
        fc.option(fc.integer({ min: 1, max: 40 })),
        async (n, seed, buffer) => {
          const order = (epoch: number): Promise<number[]> =>
            all(dataset(numbers(n)).shuffle({ seed, epoch, ...(buffer === null ? {} : { buffer }) }));
          const first = await order(0);
          expect(await order(0)).to.deep.equal(first);
          expect([...first].sort((a, b) => a - b)).to.deep.equal(numbers(n));
          first.forEach((item, at) => {
            expect(item).to.be.at.most(at + (buffer ?? n)); // a buffer cannot know what comes later
          });
        },
      ),
      { numRuns: 50 },
    );
    const orders = [0, 1, 2].map((epoch) => all(dataset(numbers(20)).shuffle({ seed: 1, epoch })));
    expect(new Set((await Promise.all(orders)).map(String)).size).to.equal(3);
  });

  it('batches, skips, takes and filters, and knows its size', async () => {
    const data = dataset(numbers(7));
    expect(await all(data.batch(3))).to.deep.equal([[0, 1, 2], [3, 4, 5], [6]]);
    expect(await all(data.batch(3, { dropLast: true }))).to.have.length(2);
    expect(await all(data.skip(5))).to.deep.equal([5, 6]);
    expect(await all(data.take(2))).to.deep.equal([0, 1]);
    expect(await all(data.take(0))).to.deep.equal([]);
    expect(await all(data.filter((x) => x % 3 === 0))).to.deep.equal([0, 3, 6]);
    const sizes = [data.batch(3), data.batch(3, { dropLast: true }), data.skip(9), data.take(2), data.filter(Boolean)];
    expect(sizes.map(({ size }) => size)).to.deep.equal([3, 2, 0, 2, null]);
  });

  it('starts anew for every iteration and does nothing before', async () => {
    const { source, taken } = counted(3);
    const data = dataset(source).map((x) => x + 1);
    expect(taken()).to.equal(0);
    expect(await all(data)).to.deep.equal([1, 2, 3]);
    expect(await all(data)).to.deep.equal([1, 2, 3]);
  });

  it('takes no more from the source than its stages may hold, and closes it when left', async () => {
    const { source, taken, closed } = counted(1000);
    let seen = 0;
    for await (const _ of dataset(source)
      .map((x) => x, { concurrency: 3 })
      .batch(2)
      .prefetch(2)) {
      await later(null, 20);
      seen++;
      // batches that were given or are ready, one in the making, and what map holds
      expect(taken()).to.be.at.most(2 * (seen + 2) + 2 + 3);
      if (seen === 4) break;
    }
    expect(closed()).to.equal(1);
    const [before] = [taken()];
    await later(null, 20);
    expect(taken()).to.equal(before);
  });

  it('names the item that an error is about, after the items before it', async () => {
    const data = dataset(numbers(9))
      .filter((x) => x % 2 === 0)
      .map(
        async (x) => {
          if (x === 4) throw new TypeError('bad picture');
          return later(x, 9 - x);
        },
        { concurrency: 4 },
      );
    const seen: number[] = [];
    const error = await errorOf(data.map((x) => seen.push(x)).prefetch(3));
    expect(error.message).to.equal('item 4: bad picture');
    expect(error.index).to.equal(4);
    expect(error.cause).to.be.instanceOf(TypeError);
    expect(seen).to.deep.equal([0, 2]);
    const failing = dataset(function* () {
      yield 1;
      throw new Error('end of file');
    });
    expect((await errorOf(failing.batch(4))).message).to.equal('item 1: end of file');
    expect((await errorOf(dataset([1]).filter(() => Promise.reject(new Error('no'))))).index).to.equal(0);
  });

  it('maps in threads, in order', async () => {
    const data = dataset(numbers(12)).mapInWorkers<{ square: number; index: number; threadId: number }>(worker, {
      workers: 2,
    });
    const results = await all(data);
    expect(results.map(({ square }) => square)).to.deep.equal(numbers(12).map((x) => x * x));
    expect(results.map(({ index }) => index)).to.deep.equal(numbers(12));
    expect(new Set(results.map(({ threadId }) => threadId)).size).to.equal(2);
    expect(await all(dataset([1, 2]).mapInWorkers(worker, { name: 'double' }))).to.deep.equal([2, 4]);
  });

  it('names the item of an error in a thread, and fails where a thread ends or has no such function', async () => {
    const failed = await errorOf(dataset([1, 2, -3, 4]).mapInWorkers(worker, { workers: 2 }));
    expect([failed.index, failed.message]).to.deep.equal([2, 'item 2: -3 is negative']);
    const ended = await errorOf(dataset([1, 'crash', 2]).mapInWorkers(worker));
    expect(ended.message).to.equal('item 1: the worker thread ended with code 3');
    const missing = await errorOf(dataset([1]).mapInWorkers(worker, { name: 'cube' }));
    expect(missing.message).to.contain('exports no function cube');
    const uncopied = await errorOf(dataset([() => 1]).mapInWorkers(worker));
    expect(uncopied.index).to.equal(0);
  });

  it('refuses sizes that make no sense, by name', () => {
    const data = dataset([1]);
    expect(() => data.batch(0)).to.throw(RangeError, 'batch: count must be an integer of 1 or more, got 0');
    expect(() => data.map((x) => x, { concurrency: 0.5 })).to.throw(RangeError, 'map: concurrency');
    expect(() => data.shuffle({ seed: 1, buffer: 0 })).to.throw(RangeError, 'shuffle: buffer');
    expect(() => data.prefetch(0)).to.throw(RangeError, 'prefetch: count');
    expect(() => data.mapInWorkers(worker, { workers: 0 })).to.throw(RangeError, 'workers');
  });

  it('gives fit its batches', () => {
    const data: AsyncIterable<Batch<Record<never, never>>> = dataset([1, 2]).map((items) => ({ feeds: {}, items }));
    expect(data).to.be.instanceOf(Dataset);
  });
});
