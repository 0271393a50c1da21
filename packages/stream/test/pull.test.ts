import { setTimeout as sleep } from 'node:timers/promises';
import { fromPull, lift, mapAsync, type PullObservable } from '@rivulet/stream';
import { expect } from 'chai';
import { firstValueFrom, map, type OperatorFunction, take, toArray } from 'rxjs';

/** Numbers without end; says when its run was closed. */
function endless(): { source: PullObservable<number>; closed: () => boolean } {
  let closed = false;
  const source = fromPull(async function* () {
    try {
      for (let i = 0; ; i++) yield i;
    } finally {
      closed = true;
    }
  });
  return { source, closed: () => closed };
}

describe('fromPull', () => {
  const operators: Record<string, OperatorFunction<number, number>> = {
    'no operator': map((x) => x),
    mapAsync: mapAsync(async (x) => x),
    'mapAsync (4)': mapAsync(async (x) => x, { concurrency: 4 }),
    lift: lift(map((x) => x)),
    'a chain': (source) =>
      source.pipe(
        lift(map((x) => x)),
        mapAsync((x) => x),
        lift(map((x) => x)),
      ),
  };
  for (const [name, operator] of Object.entries(operators))
    it(`closes its source when unsubscribed behind ${name}`, async () => {
      const { source, closed } = endless();
      expect(await firstValueFrom(source.pipe(operator, take(3), toArray()))).to.deep.equal([0, 1, 2]);
      await sleep(5);
      expect(closed()).to.equal(true);
    });

  it('gives a result without waiting for an item that does not come', async () => {
    const silent = fromPull(async function* () {
      yield 'first';
      await new Promise(() => {});
    });
    expect(await firstValueFrom(silent.pipe(mapAsync(async (x) => x, { concurrency: 4 })))).to.equal('first');
  });
});
