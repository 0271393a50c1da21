import { expect } from 'chai';
import { lastValueFrom, toArray } from 'rxjs';
import { fromIterable, mapAsync } from '../src/index.ts';
import { failure, naturals, turns } from './support/probe.ts';

describe('mapAsync', () => {
  it('keeps the order, whatever ends first', async () => {
    const slowFirst = mapAsync(async (x: number) => { await turns(6 - x); return x * 10; }, { concurrency: 3 }); // biome-ignore format: one thought
    expect(await lastValueFrom(fromIterable([1, 2, 3, 4, 5]).pipe(slowFirst, toArray()))).to.deep.equal([
      10, 20, 30, 40, 50,
    ]);
  });

  it('works on `concurrency` items at once and no more', async () => {
    let running = 0;
    let most = 0;
    const work = async (x: number): Promise<number> => {
      most = Math.max(most, ++running);
      await turns(2);
      running--;
      return x;
    };
    await lastValueFrom(fromIterable(Array(20).keys()).pipe(mapAsync(work, { concurrency: 4 })));
    expect(most).to.equal(4);
  });

  it('gives what came before the item that failed, then its error', async () => {
    const seen: number[] = [];
    const work = async (x: number): Promise<number> => {
      if (x === 2) throw new Error('two');
      await turns(2);
      return x;
    };
    const stream = fromIterable(Array(9).keys()).pipe(mapAsync(work, { concurrency: 3 }));
    const error = await new Promise((resolve) => stream.subscribe({ next: (x) => seen.push(x), error: resolve }));
    expect(error).to.be.an('error').with.property('message', 'two');
    expect(seen).to.deep.equal([0, 1]);
  });

  it('takes a function that throws at once as one that rejects', async () => {
    const stream = fromIterable([1]).pipe(mapAsync(() => { throw new Error('at once'); })); // biome-ignore format: one thought
    expect(await failure(lastValueFrom(stream)))
      .to.be.an('error')
      .with.property('message', 'at once');
  });

  it('tells the work in flight when it is no longer wanted', async () => {
    const signals: AbortSignal[] = [];
    const work = (_: number, signal: AbortSignal): Promise<void> => {
      signals.push(signal);
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
    };
    const subscription = fromIterable(naturals())
      .pipe(mapAsync(work, { concurrency: 3 }))
      .subscribe();
    await turns();
    expect(signals.map(({ aborted }) => aborted)).to.deep.equal([false, false, false]);
    subscription.unsubscribe();
    await turns();
    expect(signals.map(({ aborted }) => aborted)).to.deep.equal([true, true, true]);
  });

  for (const concurrency of [0, 1.5, Number.NaN])
    it(`rejects concurrency ${concurrency}`, () => {
      expect(() => mapAsync((x) => x, { concurrency })).to.throw(RangeError, 'concurrency');
    });
});
