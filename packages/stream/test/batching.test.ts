import { expect } from 'chai';
import fc from 'fast-check';
import { lastValueFrom, type OperatorFunction, toArray } from 'rxjs';
import { batchByLength, batcher, fromIterable, fromPull, mapAsync, mapByLength, restoreOrder } from '../src/index.ts';
import { failure, turns } from './support/probe.ts';

const all = <T, R>(items: Iterable<NoInfer<T>>, operator: OperatorFunction<T, R>): Promise<R[]> =>
  lastValueFrom(fromIterable(items).pipe(operator, toArray()));

describe('groups of like length', () => {
  it('hold every item once, within the bounds, and no window mixes with the next', async () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 60 });
    const bounds = fc.record({ maxTokens: fc.integer({ min: 1, max: 30 }), maxSize: fc.integer({ min: 1, max: 9 }), window: fc.integer({ min: 1, max: 20 }) }); // biome-ignore format: one thought
    await fc.assert(
      fc.asyncProperty(lengths, bounds, async (items, { maxTokens, maxSize, window }) => {
        const groups = await all(items, batchByLength({ maxTokens, maxSize, window, lengthOf: (n: number) => n }));
        for (const group of groups) {
          const longest = Math.max(...group.map(({ item }) => item));
          expect(group.length).to.be.at.most(maxSize);
          if (group.length > 1) expect(longest * group.length).to.be.at.most(maxTokens);
          expect(new Set(group.map(({ index }) => Math.floor(index / window))).size).to.equal(1);
        }
        const flat = groups.flat().sort((a, b) => a.index - b.index);
        expect(flat).to.deep.equal(items.map((item, index) => ({ item, index })));
        const restored = fromIterable(groups).pipe(restoreOrder(), toArray());
        expect(await lastValueFrom(restored)).to.deep.equal(items);
      }),
    );
  });

  it('pad less than neighbours would', async () => {
    const items = Array.from({ length: 200 }, (_, i) => 1 + ((i * 37) % 50));
    const groups = await all(items, batchByLength({ maxTokens: 200, lengthOf: (n: number) => n }));
    const padded = groups.reduce((sum, group) => sum + group.length * Math.max(...group.map(({ item }) => item)), 0);
    const real = items.reduce((sum, n) => sum + n, 0);
    expect(padded / real).to.be.below(1.15);
  });

  it('restoreOrder gives what lies behind a missing number at the end, also before an error', async () => {
    const groups = [[{ index: 0, item: 'a' }, { index: 2, item: 'c' }], [{ index: 3, item: 'd' }]]; // biome-ignore format: a table
    expect(await all(groups, restoreOrder())).to.deep.equal(['a', 'c', 'd']);
    const broken = fromPull(async function* () {
      yield* groups;
      throw new Error('end');
    });
    const seen: string[] = [];
    await new Promise((resolve) => broken.pipe(restoreOrder()).subscribe({ next: (x) => seen.push(x), error: resolve })); // biome-ignore format: one thought
    expect(seen).to.deep.equal(['a', 'c', 'd']);
  });

  it('mapByLength gives results in the items’ order, and names a function that gives too few', async () => {
    const options = { maxTokens: 6, lengthOf: (text: string) => text.length };
    const sizes: number[] = [];
    const upper = mapByLength(async (texts: string[]) => {
      sizes.push(texts.length);
      return texts.map((text) => text.toUpperCase());
    }, options);
    expect(await all(['abc', 'd', 'efg', 'h', 'i'], upper)).to.deep.equal(['ABC', 'D', 'EFG', 'H', 'I']);
    expect(sizes).to.deep.equal([3, 2]);
    const few = mapByLength((texts: string[]) => texts.slice(1), options);
    expect(((await failure(all(['a', 'b'], few))) as Error).message).to.equal('mapByLength: 2 items gave 1 results');
  });

  for (const [name, value] of [['maxTokens', 0], ['window', 0.5], ['maxSize', -1]] as const) // biome-ignore format: a table
    it(`refuses ${name} ${value}`, () => {
      const options = { maxTokens: 9, lengthOf: () => 1, [name]: value };
      expect(() => batchByLength(options)).to.throw(RangeError, name);
    });
});

describe('mapAsync that does not keep the order', () => {
  it('gives each result as soon as it is there', async () => {
    const releases: (() => void)[] = [];
    const work = (x: number): Promise<number> => new Promise((resolve) => { releases[x] = () => resolve(x); }); // biome-ignore format: one thought
    const seen: number[] = [];
    const done = new Promise<void>((resolve) => {
      fromIterable([0, 1, 2, 3]).pipe(mapAsync(work, { concurrency: 3, ordered: false })).subscribe({ next: (x) => seen.push(x), complete: resolve }); // biome-ignore format: one thought
    });
    await turns();
    expect(releases).to.have.length(3);
    for (const x of [2, 0, 3, 1]) {
      releases[x]!();
      await turns();
    }
    await done;
    expect(seen).to.deep.equal([2, 0, 3, 1]);
  });
});

describe('batcher', () => {
  it('lets a group grow while others are in work', async () => {
    const groups: number[][] = [];
    const releases: (() => void)[] = [];
    const call = batcher(
      async (items: number[]) => {
        groups.push(items);
        await new Promise<void>((resolve) => void releases.push(resolve));
        return items;
      },
      { maxSize: 3, concurrency: 1 },
    );
    const calls = [call(1)];
    await new Promise((resolve) => setTimeout(resolve, 3));
    for (const x of [2, 3, 4, 5]) calls.push(call(x));
    await turns();
    expect(groups).to.deep.equal([[1]]);
    for (let i = 0; i < 3; i++) {
      releases[i]!();
      await turns();
    }
    expect(groups).to.deep.equal([[1], [2, 3, 4], [5]]);
    expect(await Promise.all(calls)).to.deep.equal([1, 2, 3, 4, 5]);
  });

  it('keeps its time where timers starve: the next call starts a group that is due', async () => {
    const groups: number[][] = [];
    const call = batcher(async (items: number[]) => { groups.push(items); return items; }, { maxSize: 1000, maxWait: 5 }); // biome-ignore format: one thought
    const first = call(0);
    const end = performance.now() + 200;
    // Promises only: no timer has a chance in here.
    for (let x = 1; groups.length === 0 && performance.now() < end; x++) {
      void call(x).catch(() => {});
      await Promise.resolve();
      for (const stop = performance.now() + 1; performance.now() < stop; );
    }
    expect(groups.length).to.equal(1);
    expect(await first).to.equal(0);
  });

  it('lets go of calls whose caller gave up', async () => {
    const groups: number[][] = [];
    const call = batcher(async (items: number[]) => { groups.push(items); return items; }, { maxSize: 9 }); // biome-ignore format: one thought
    const controller = new AbortController();
    const [left, kept] = [call(1, controller.signal), call(2)];
    controller.abort(new Error('gave up'));
    expect(await failure(left)).to.be.an('error').with.property('message', 'gave up'); // biome-ignore format: short
    expect(await kept).to.equal(2);
    expect(groups).to.deep.equal([[2]]);
    expect(await failure(call(3, controller.signal))).to.have.property('message', 'gave up');
  });

  it('works for the items of a stream, and says when the function gives too few', async () => {
    const double = batcher(async (items: number[]) => items.map((x) => 2 * x), { maxSize: 4 });
    expect(await all([1, 2, 3, 4, 5], mapAsync(double, { concurrency: 4 }))).to.deep.equal([2, 4, 6, 8, 10]);
    const few = batcher(async () => [], { maxSize: 1 });
    expect(((await failure(few(1))) as Error).message).to.equal('batcher: 1 items gave 0 results');
  });
});
