import { expect } from 'chai';
import {
  bufferCount,
  concatMap,
  delay,
  filter,
  lastValueFrom,
  map,
  type OperatorFunction,
  of,
  scan,
  startWith,
  take,
  throwError,
  toArray,
} from 'rxjs';
import { demandOf, fromIterable, lift } from '../src/index.ts';
import { failure, Meter, naturals, turns } from './support/probe.ts';

describe('lift', () => {
  const operators: [string, OperatorFunction<number, unknown>][] = [
    ['map', map((x) => x * 2)],
    ['filter', filter((x) => x % 2 === 0)],
    ['scan', scan((sum, x) => sum + x, 0)],
    ['bufferCount, with a rest', bufferCount(2)],
    ['concatMap to several', concatMap((x) => of(x, x))],
    ['startWith', startWith(9)],
    ['delay', delay(0)],
  ];
  for (const [name, operator] of operators)
    it(`gives what ${name} gives by itself`, async () => {
      const items = [1, 2, 3, 4, 5];
      const plain = await lastValueFrom(of(...items).pipe(operator, toArray()));
      expect(await lastValueFrom(fromIterable(items).pipe(lift(operator), toArray()))).to.deep.equal(plain);
    });

  it('ends with the operator and returns the source', async () => {
    const meter = new Meter();
    const two = meter.source(naturals()).pipe(lift(take(2)), toArray());
    expect(await lastValueFrom(two)).to.deep.equal([0, 1]);
    await turns();
    expect(meter).to.include({ pulled: 2, returned: 1 });
  });

  it('passes on an error of the operator', async () => {
    const broken = new Error('broken');
    const stream = fromIterable([1]).pipe(lift(concatMap(() => throwError(() => broken))));
    expect(await failure(lastValueFrom(stream))).to.equal(broken);
  });
});

describe('demandOf', () => {
  it('tells whether the source can be asked, and whether a plain operator hides it', () => {
    const pulled = fromIterable([1]).pipe(lift(map((x) => x)));
    expect(demandOf(pulled)).to.equal('pulled');
    expect(demandOf(pulled.pipe(map((x) => x)))).to.equal('hidden');
    expect(demandOf(pulled.pipe(concatMap((x) => of(x)), map((x) => x)))).to.equal('hidden'); // biome-ignore format: short
    expect(demandOf(of(1).pipe(map((x) => x)))).to.equal('pushed');
  });
});
