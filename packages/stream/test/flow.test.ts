import { expect } from 'chai';
import { lastValueFrom, type OperatorFunction, toArray } from 'rxjs';
import {
  batch,
  batchByTime,
  batchByTokens,
  batcher,
  CircuitOpenError,
  type DeadLetter,
  deduplicate,
  expectWithin,
  fromIterable,
  fromPull,
  Gate,
  mapItems,
  mapOrBury,
  normalize,
  ofLanguage,
  ofLength,
  ofScript,
  rateLimit,
  sentences,
  TimeoutError,
  through,
  windows,
  withCircuitBreaker,
  withRetry,
  withTimeout,
} from '../src/index.ts';
import { failure, turns } from './support/probe.ts';

const all = <T, R>(items: Iterable<NoInfer<T>>, operator: OperatorFunction<T, R>): Promise<R[]> =>
  lastValueFrom(fromIterable(items).pipe(operator, toArray()));
const signal = new AbortController().signal;

describe('groups', () => {
  it('batch gives the rest at the end', async () => {
    expect(await all([1, 2, 3], batch(2))).to.deep.equal([[1, 2], [3]]);
  });

  it('batchByTokens counts padding and leaves long items alone', async () => {
    const byLength = batchByTokens<number>({ maxTokens: 5, lengthOf: (n) => n });
    expect(await all([2, 2, 5, 1, 9, 1, 1], byLength)).to.deep.equal([[2, 2], [5], [1], [9], [1, 1]]);
  });

  it('batchByTime gives a group although the source is silent', async () => {
    let release = (): void => {};
    const source = fromPull(async function* () {
      yield 1;
      yield 2;
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      yield 3;
    });
    const seen: number[][] = [];
    await lastValueFrom(
      source.pipe(
        batchByTime({ maxSize: 9, maxWait: 1 }),
        mapItems((group) => {
          seen.push(group);
          release();
        }),
      ),
    );
    expect(seen).to.deep.equal([[1, 2], [3]]);
  });

  it('batcher joins concurrent calls, gives each its own result and shares a failure', async () => {
    const sizes: number[] = [];
    const double = batcher(
      async (items: number[]) => {
        sizes.push(items.length);
        if (items.includes(-1)) throw new Error('broken');
        return items.map((x) => 2 * x);
      },
      { maxSize: 3 },
    );
    expect(await Promise.all([1, 2, 3, 4].map((x) => double(x)))).to.deep.equal([2, 4, 6, 8]);
    expect(sizes).to.deep.equal([3, 1]);
    expect(((await failure(double(-1))) as Error).message).to.equal('broken');
  });
});

describe('text filters', () => {
  it('normalize, sentences, windows, deduplicate, ofLength and ofScript do what they say', async () => {
    expect(await all([' A\n e\u0301 '], normalize({ lowerCase: true }))).to.deep.equal(['a \u00e9']);
    expect(await all(['One. Two!  '], sentences())).to.deep.equal(['One.', 'Two!']);
    const text = { index: 0, text: '', ids: Int32Array.of(1, 2, 3, 4) };
    const cut = await all([text], windows({ size: 3, stride: 2 }));
    expect(cut.map(({ offset, ids }) => [offset, ...ids])).to.deep.equal([
      [0, 1, 2, 3],
      [2, 3, 4],
    ]);
    expect(await all([1, 2, 1, 3, 2], deduplicate({}))).to.deep.equal([1, 2, 3]);
    expect(await all(['', 'ab', 'abcd'], ofLength({ min: 1, max: 3 }))).to.deep.equal(['ab']);
    expect(await all(['hello', '你好 ok', '12'], ofScript('Han'))).to.deep.equal(['你好 ok']);
    expect(() => ofScript('Klingonese')).to.throw(RangeError, 'Klingonese');
  });
});

describe('work', () => {
  it('withRetry tries again, and throws the last error as it is', async () => {
    let calls = 0;
    const work = withRetry(
      (until: number) => {
        if (++calls < until) throw new Error(`call ${calls}`);
        return calls;
      },
      { wait: 0 },
    );
    expect(await work(3, signal)).to.equal(3);
    calls = 0;
    expect(((await failure(Promise.resolve(work(9, signal)))) as Error).message).to.equal('call 3');
  });

  it('withRetry waits longer each time, with jitter from its seed, and gives up on what is not worth it or not wanted', async () => {
    const waits: number[] = [];
    const { setTimeout: real } = globalThis;
    globalThis.setTimeout = ((callback: () => void, ms: number) => {
      waits.push(ms);
      return real(callback, 0);
    }) as typeof setTimeout;
    const down = (): never => {
      throw new Error('down');
    };
    try {
      const tries = async (seed: number): Promise<number[]> => {
        waits.length = 0;
        await failure(Promise.resolve(withRetry(down, { attempts: 5, wait: 100, maxWait: 300, seed })(0, signal)));
        return [...waits];
      };
      const first = await tries(1);
      for (const [i, longest] of [100, 200, 300, 300].entries()) expect(first[i]).to.be.within(longest / 2, longest);
      expect(await tries(1)).to.deep.equal(first);
      expect(await tries(2)).to.not.deep.equal(first);
      waits.length = 0;
      await failure(Promise.resolve(withRetry(down, { retryable: () => false })(0, signal)));
      expect(waits).to.deep.equal([]);
    } finally {
      globalThis.setTimeout = real;
    }
    const controller = new AbortController();
    const waiting = Promise.resolve(withRetry(down, { wait: 1e6 })(0, controller.signal));
    await turns(2);
    controller.abort(new Error('unsubscribed'));
    expect(await failure(waiting)).to.have.property('message', 'unsubscribed');
  });

  it('withTimeout aborts the work’s signal', async () => {
    let aborted = false;
    const work = withTimeout((_: number, own) => {
      own.addEventListener('abort', () => {
        aborted = true;
      });
      return new Promise<number>(() => {});
    }, 1);
    expect(await failure(Promise.resolve(work(1, signal)))).to.be.instanceOf(TimeoutError);
    expect(aborted).to.equal(true);
  });

  it('withCircuitBreaker stops trying after failures in a row, and closes after a success', async () => {
    let [time, calls, healthy] = [0, 0, false];
    const work = withCircuitBreaker(
      () => {
        calls++;
        if (!healthy) throw new Error('down');
        return 'up';
      },
      { failures: 2, rest: 10, now: () => time },
    );
    const call = (): Promise<unknown> => Promise.resolve(work(0, signal));
    await failure(call());
    await failure(call());
    expect(await failure(call())).to.be.instanceOf(CircuitOpenError);
    expect(calls).to.equal(2);
    [time, healthy] = [10, true];
    expect(await call()).to.equal('up');
    expect(await call()).to.equal('up');
  });

  it('expectWithin fails where the source is silent, and leaves it', async () => {
    let left = false;
    const silent = fromPull(async function* (own) {
      yield 1;
      own.addEventListener('abort', () => {
        left = true;
      });
      await new Promise(() => {});
    });
    const seen: number[] = [];
    const error = await new Promise((resolve) => silent.pipe(expectWithin(5)).subscribe({ next: (x) => seen.push(x), error: resolve })); // biome-ignore format: one thought
    expect(error).to.be.instanceOf(TimeoutError);
    expect([seen, left]).to.deep.equal([[1], true]);
  });

  it('mapOrBury works on several items at once and numbers what it buries', async () => {
    const letters: DeadLetter<number>[] = [];
    const odd = mapOrBury(async (x: number) => { await turns(6 - x); if (x % 2 === 0) throw new Error('even'); return x; }, { next: (letter) => letters.push(letter) }, { concurrency: 3 }); // biome-ignore format: one thought
    expect(await all([1, 2, 3, 4, 5], odd)).to.deep.equal([1, 3, 5]);
    expect(letters.map(({ index, item }) => [index, item])).to.have.deep.members([[1, 2], [3, 4]]); // biome-ignore format: a table
  });

  it('rateLimit lets no more through in any stretch than it may', async () => {
    const { setTimeout: real } = globalThis;
    const now = performance.now;
    let time = 0; // a clock that only waiting moves
    performance.now = () => time;
    globalThis.setTimeout = ((callback: () => void, ms: number) => {
      time += ms;
      return real(callback, 0);
    }) as typeof setTimeout;
    try {
      const limited = fromIterable(Array(7).keys()).pipe(rateLimit({ count: 3, per: 20 }));
      expect(await lastValueFrom(limited.pipe(mapItems(() => time), toArray()))).to.deep.equal([0, 0, 0, 20, 20, 20, 40]); // biome-ignore format: one thought
    } finally {
      globalThis.setTimeout = real;
      performance.now = now;
    }
  });

  it('ofLanguage keeps what its detector names, at once or later', async () => {
    const detect = (text: string): string => (text.startsWith('der') ? 'deu' : 'eng');
    expect(await all(['der Hund', 'the dog'], ofLanguage(['deu'], detect))).to.deep.equal(['der Hund']);
    expect(await all(['der Hund', 'the dog'], ofLanguage(['eng'], async (text) => detect(text)))).to.deep.equal(['the dog']); // biome-ignore format: one thought
    expect(() => ofLanguage([], detect)).to.throw(RangeError, 'one language');
  });

  it('mapOrBury sends failed items to the side and goes on', async () => {
    const letters: DeadLetter<number>[] = [];
    const inverse = mapOrBury(
      (x: number) => {
        if (x === 0) throw new Error('zero');
        return 1 / x;
      },
      { next: (letter) => letters.push(letter) },
    );
    expect(await all([1, 0, 2], inverse)).to.deep.equal([1, 0.5]);
    expect(letters.map(({ index, item }) => [index, item])).to.deep.equal([[1, 0]]);
  });

  it('a gate holds items back until it is opened', async () => {
    const gate = new Gate();
    gate.pause();
    const seen: number[] = [];
    const subscription = fromIterable([1, 2])
      .pipe(through(gate))
      .subscribe((x) => seen.push(x));
    await turns();
    expect(seen).to.deep.equal([]);
    gate.resume();
    await turns();
    expect(seen).to.deep.equal([1, 2]);
    subscription.unsubscribe();
  });
});
