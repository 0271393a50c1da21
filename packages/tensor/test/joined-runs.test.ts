import { JoinedRuns } from '@rivulet/tensor';
import { expect } from 'chai';

describe('JoinedRuns', () => {
  it('runs a lone item at once, and together those that come meanwhile', async () => {
    const batches: number[][] = [];
    const runs = new JoinedRuns<number, number>(async (items) => {
      batches.push([...items]);
      await new Promise((resolve) => setTimeout(resolve, 2));
      return items.map((item) => 10 * item);
    }, 3);
    expect(await Promise.all([1, 2, 3, 4, 5, 6].map((item) => runs.run(item)))).to.deep.equal([10, 20, 30, 40, 50, 60]);
    expect(batches).to.deep.equal([[1], [2, 3, 4], [5, 6]]);
    expect(await runs.run(7)).to.equal(70);
  });

  it('fails the items of a batch that fails, and goes on', async () => {
    const runs = new JoinedRuns<number, number>(async (items) => {
      if (items.includes(2)) throw new Error('no twos');
      return items;
    }, 2);
    const results = await Promise.allSettled([1, 2, 3, 4].map((item) => runs.run(item)));
    expect(results.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(() => new JoinedRuns(async () => [], 0)).to.throw(RangeError, 'maxBatch must be a whole number from 1');
  });

  it('takes those with a higher priority first, and equals in the order in which they came', async () => {
    const batches: number[][] = [];
    const runs = new JoinedRuns<number, number>(async (items) => {
      batches.push([...items]);
      await new Promise((resolve) => setTimeout(resolve, 2));
      return items;
    }, 2);
    await Promise.all([1, 2, 3, 14, 5, 26, 17].map((item) => runs.run(item, undefined, Math.floor(item / 10))));
    expect(batches).to.deep.equal([[1], [26, 14], [17, 2], [3, 5]]); // biome-ignore format: batches
  });

  it('gathers what is asked for together, and drops what is aborted while it waits', async () => {
    const batches: number[][] = [];
    const runs = new JoinedRuns<number, number>(
      async (items) => {
        batches.push([...items]);
        await new Promise((resolve) => setTimeout(resolve, 2));
        return items;
      },
      3,
      { gather: true },
    );
    const twice = async (item: number): Promise<number> => (await runs.run(item)) + (await runs.run(10 * item));
    const controller = new AbortController();
    const dropped = runs.run(4, controller.signal).catch((error: unknown) => error);
    controller.abort('enough');
    expect(await Promise.all([1, 2, 3].map(twice))).to.deep.equal([11, 22, 33]);
    expect(await dropped).to.equal('enough');
    expect(batches).to.deep.equal([[1, 2, 3], [10, 20, 30]]); // biome-ignore format: two batches
  });
});
