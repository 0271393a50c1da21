import { expect } from 'chai';
import fc from 'fast-check';
import {
  bufferCount,
  concatMap,
  filter,
  from,
  lastValueFrom,
  map,
  mergeMap,
  type Observable,
  type OperatorFunction,
  tap,
} from 'rxjs';
import { classify, collect, detokenize, generate, lift, mapAsync, tokenize } from '../src/index.ts';
import { bytes, parrot } from './support/fakes.ts';
import { Meter, naturals, turns } from './support/probe.ts';

type Stage = OperatorFunction<unknown, unknown>;
interface Chain {
  readonly name: string;
  readonly stages: Stage[];
  readonly window: number;
}

const stage = <T, R>(operator: OperatorFunction<T, R>): Stage => operator as unknown as Stage;
const waiting = (delays: readonly number[]): ((x: unknown) => Promise<unknown>) => {
  let calls = 0;
  return async (x) => {
    await turns(delays[calls++ % delays.length]!);
    return x;
  };
};
const parallel = (concurrency: number, delays: readonly number[]): Stage =>
  stage(mapAsync(waiting(delays), { concurrency }));

/** Runs the chain over `count` items; each is complete when the subscriber's callback has returned. */
async function run(count: number, { stages }: Chain): Promise<Meter> {
  const meter = new Meter();
  const items = Array.from({ length: count }, (_, i) => `${i}`);
  let stream: Observable<unknown> = meter.source(items);
  for (const operator of stages) stream = stream.pipe(operator);
  await lastValueFrom(stream.pipe(tap(() => meter.completed++)), { defaultValue: null });
  return meter;
}

describe('the law: pulled − completed ≤ window', () => {
  const delays = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 6 });
  const concurrency = fc.integer({ min: 1, max: 5 });

  it('holds for mapAsync with its concurrency, which it also uses', async () => {
    await fc.assert(
      fc.asyncProperty(concurrency, delays, fc.nat(25), async (window, times, count) => {
        const meter = await run(count, { name: 'mapAsync', stages: [parallel(window, times)], window });
        expect(meter.most).to.be.at.most(window);
        expect(meter.pulled).to.equal(count);
        expect(meter.returned).to.equal(1);
      }),
      { numRuns: 60 },
    );
    const meter = await run(20, { name: 'mapAsync', stages: [parallel(4, [3])], window: 4 });
    expect(meter.most).to.equal(4);
  });

  it('holds for chains of them: 1 + the sum of (window − 1)', async () => {
    const chains = fc.array(fc.tuple(concurrency, delays), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(chains, fc.nat(20), async (windows, count) => {
        const stages = windows.map(([c, times]) => parallel(c, times));
        const window = 1 + windows.reduce((sum, [c]) => sum + c - 1, 0);
        expect((await run(count, { name: 'chain', stages, window })).most).to.be.at.most(window);
      }),
      { numRuns: 60 },
    );
  });

  const label = { classify: async (input: unknown) => [{ label: `${input}`, score: 1 }] };
  const chains: Chain[] = [
    { name: 'tokenize', stages: [stage(tokenize(bytes))], window: 1 },
    { name: 'classify', stages: [stage(classify(label))], window: 1 },
    { name: 'lift(map)', stages: [stage(lift(map((x) => x)))], window: 1 },
    {
      name: 'generate, collect',
      stages: [stage(tokenize(bytes)), stage(generate(parrot())), stage(collect(bytes))],
      window: 1,
    },
    { name: 'with mapAsync(3)', stages: [stage(tokenize(bytes)), parallel(3, [1, 0, 2]), stage(generate(parrot())), stage(collect(bytes))], window: 3 }, // biome-ignore format: a table
  ];
  for (const chain of chains)
    it(`holds for ${chain.name}`, async () => {
      const meter = await run(20, chain);
      expect(meter.most).to.be.at.most(chain.window);
      expect(meter.completed).to.equal(20);
    });

  it('holds where items become many pieces: nothing is pulled before the last piece of the one before', async () => {
    const meter = new Meter();
    const text = meter.source(['abc', 'de', 'f']).pipe(tokenize(bytes), generate(parrot()), detokenize(bytes));
    await lastValueFrom(text.pipe(tap((piece) => (meter.completed += piece === '\n' ? 1 : 0))));
    expect(meter).to.include({ most: 1, pulled: 3, completed: 3 });
  });

  it('needs no bookkeeping where items are dropped or gathered', async () => {
    const meter = new Meter();
    const thirds = meter.source([...Array(30).keys()]).pipe(
      lift(filter((x) => x % 3 === 0)),
      lift(bufferCount(2)),
      mapAsync((x) => x),
    );
    expect(await lastValueFrom(thirds)).to.deep.equal([24, 27]);
    expect(meter.pulled).to.equal(30);
  });

  it('pulls nothing before someone subscribes, and not on for a slow last stage', async () => {
    const meter = new Meter();
    let release = (): void => {};
    const slow = meter.source(naturals()).pipe(
      tokenizeNumbers(),
      mapAsync((x) => new Promise((resolve) => { release = () => resolve(x); })), // biome-ignore format: one thought
    );
    expect(meter.pulled).to.equal(0);
    const subscription = slow.subscribe();
    await turns();
    expect(meter.pulled).to.equal(1);
    release();
    await turns();
    expect(meter.pulled).to.equal(2);
    subscription.unsubscribe();
    release();
    await turns();
    expect(meter).to.include({ pulled: 2, returned: 1 });
  });
});

const tokenizeNumbers = (): OperatorFunction<number, unknown> => lift(map((x) => ({ x })));

describe('plain rxjs operators', () => {
  const count = 50;
  const slow = (): OperatorFunction<number, number> => mapAsync(async (x: number) => { await turns(1); return x; }); // biome-ignore format: one thought

  it('in between lose the demand, but no item and no order', async () => {
    const meter = new Meter();
    const seen: number[] = [];
    await lastValueFrom(meter.source(Array(count).keys()).pipe(map((x) => x), slow(), tap((x) => { seen.push(x); meter.completed++; }))); // biome-ignore format: one thought
    expect(seen).to.deep.equal([...Array(count).keys()]);
    expect(meter.most).to.be.above(10);
  });

  it('in between keep the demand when lifted', async () => {
    const meter = new Meter();
    await lastValueFrom(
      meter.source(Array(count).keys()).pipe(
        lift(map((x) => x)),
        slow(),
        tap(() => meter.completed++),
      ),
    );
    expect(meter).to.include({ most: 1, completed: count });
  });

  type Flatten = (work: (x: number) => Observable<number>) => OperatorFunction<number, number>;
  const flattening: Record<string, Flatten> = {
    concatMap: (work) => concatMap(work),
    mergeMap: (work) => mergeMap(work),
  };
  for (const [name, operator] of Object.entries(flattening))
    it(`${name} after the chain asks for all of it; mapAsync in its place does not`, async () => {
      const meter = new Meter();
      const work = async (x: number): Promise<number> => { await turns(1); return x; }; // biome-ignore format: one thought
      await lastValueFrom(
        meter.source(Array(count).keys()).pipe(
          operator((x) => from(work(x))),
          tap(() => meter.completed++),
        ),
      );
      expect(meter.most).to.be.above(10);
      const held = new Meter();
      await lastValueFrom(
        held.source(Array(count).keys()).pipe(
          mapAsync(work),
          tap(() => held.completed++),
        ),
      );
      expect(held.most).to.equal(1);
    });
});

describe('many items', () => {
  it('100,000 pass through a chain', async () => {
    const meter = new Meter();
    await lastValueFrom(
      meter.source(Array(100_000).keys()).pipe(
        lift(map((x) => x + 1)),
        mapAsync((x) => x),
        tap(() => meter.completed++),
      ),
    );
    expect(meter).to.include({ pulled: 100_000, completed: 100_000, most: 1 });
  });
});
