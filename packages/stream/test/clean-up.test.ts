import { expect } from 'chai';
import { catchError, from, interval, lastValueFrom, mergeMap, of, take, toArray } from 'rxjs';
import {
  fromIterable,
  fromPull,
  generate,
  ItemError,
  lift,
  lines,
  mapAsync,
  type PullObservable,
  pullOperator,
  tokenize,
} from '../src/index.ts';
import { bytes, parrot } from './support/fakes.ts';
import { failure, turns } from './support/probe.ts';

const oneThenSilence = (): PullObservable<number> =>
  fromPull(async function* () {
    yield 1;
    await new Promise(() => {});
  });

describe('clean-up', () => {
  it('an error of mapAsync does not wait for a source that is silent', async () => {
    const work = async (): Promise<never> => {
      await turns(2);
      throw new Error('f');
    };
    const stream = oneThenSilence().pipe(mapAsync(work, { concurrency: 2 }));
    expect(await failure(lastValueFrom(stream)))
      .to.be.an('error')
      .with.property('message', 'f');
  }).timeout(2000);

  it('nor does one of generate with several at once', async () => {
    const model = parrot(() => {
      throw new Error('model');
    });
    const silent = fromPull(async function* () {
      yield 'a';
      await new Promise(() => {});
    });
    const stream = silent.pipe(tokenize(bytes), generate(model, { concurrency: 2 }));
    expect(((await failure(lastValueFrom(stream))) as Error).message).to.include('model');
  }).timeout(2000);

  it('nor does an end', async () => {
    const stream = oneThenSilence().pipe(
      mapAsync(async (x) => turns(2).then(() => x), { concurrency: 2 }),
      lift(take(1)),
    );
    expect(await lastValueFrom(stream)).to.equal(1);
  }).timeout(2000);

  it('unsubscribing reaches what a lifted operator runs', async () => {
    let ticks = 0;
    const subscription = fromIterable([1]).pipe(lift(mergeMap(() => interval(0)))).subscribe(); // biome-ignore format: short
    const counted = fromIterable([1]).pipe(lift(mergeMap(() => interval(0).pipe(mergeMap(() => of(ticks++)))))).subscribe(); // biome-ignore format: short
    while (ticks < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    subscription.unsubscribe();
    counted.unsubscribe();
    const before = ticks;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ticks).to.equal(before);
  });

  it('a lifted catchError handles the source’s error', async () => {
    const broken = fromPull<number>(async function* () {
      yield 1;
      throw new Error('up');
    });
    expect(await lastValueFrom(broken.pipe(lift(catchError(() => of(9))), toArray()))).to.deep.equal([1, 9]);
  });

  it('a queue of 200,000 pushed values is emptied in linear time', async () => {
    const pass = pullOperator<number, number>((source) => source);
    expect(await lastValueFrom(from(Array(200_000).keys()).pipe(pass))).to.equal(199_999);
  }).timeout(10_000);

  it('an error of the tokenizer says which item', async () => {
    const broken = { ...bytes, encode: (): Int32Array => { throw new Error('no'); } }; // biome-ignore format: one thought
    const error = await failure(lastValueFrom(fromIterable(['a']).pipe(tokenize(broken))));
    expect(error).to.be.instanceOf(ItemError).and.include({ index: 0, text: 'a' });
  });

  it('lines counts no part of a line’s end, and keeps a last \\r', async () => {
    const read = (chunks: string[]): Promise<string[]> =>
      lastValueFrom(lines(chunks, { maxLineLength: 3 }).pipe(toArray()));
    expect(await read(['abc\r', '\nab\r'])).to.deep.equal(['abc', 'ab\r']);
    expect(await read(['\ufeffa\n'])).to.deep.equal(['a']);
  });
});
