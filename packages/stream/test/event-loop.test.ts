import { expect } from 'chai';
import { filter, firstValueFrom, type OperatorFunction } from 'rxjs';
import { batchByTime, filterItems, fromIterable, lift, mapAsync, mapItems } from '../src/index.ts';
import { naturals } from './support/probe.ts';

/** Numbers without an end; where the event loop never turns, an error instead of a test that hangs. */
function* endless(): Generator<number> {
  const begin = performance.now();
  for (const x of naturals()) {
    if (x % 1024 === 0 && performance.now() - begin > 3000) throw new Error('the event loop did not turn');
    yield x;
  }
}

describe('an endless source that always has a value at hand', () => {
  const chains: Record<string, OperatorFunction<number, unknown>> = {
    'steps that drop all': filterItems(() => false),
    'steps that drop all, later': filterItems(async () => false),
    'steps that give all': mapItems((x) => x),
    mapAsync: mapAsync(async (x) => x, { concurrency: 2 }),
    'mapAsync behind steps that drop all': (source) =>
      source.pipe(
        filterItems(() => false),
        mapAsync(async (x) => x),
      ),
    'a lifted operator that drops all': lift(filter(() => false)),
  };
  for (const [name, operator] of Object.entries(chains))
    it(`lets timers run, and can be left: ${name}`, async () => {
      let last = 0;
      const subscription = fromIterable(endless())
        .pipe(mapItems((x) => { last = x; return x; }), operator) // biome-ignore format: one thought
        .subscribe();
      await new Promise((resolve) => setTimeout(resolve, 1));
      subscription.unsubscribe();
      const seen = last;
      await new Promise((resolve) => setTimeout(resolve, 1));
      expect(last - seen).to.be.at.most(2);
    });

  it('lets batchByTime end its groups', async () => {
    const groups = fromIterable(endless()).pipe(batchByTime({ maxSize: Number.MAX_SAFE_INTEGER, maxWait: 1 }));
    expect(await firstValueFrom(groups)).to.have.length.of.at.least(1);
  });
});
