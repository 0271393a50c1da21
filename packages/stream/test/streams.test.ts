import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DecodingSession, LanguageModel } from '@rivulet/generation';
import {
  type Classifier,
  classify,
  collect,
  detokenize,
  fromIterable,
  fromPull,
  generate,
  ItemError,
  lift,
  lines,
  mapAsync,
  type TextTokenizer,
  tokenize,
} from '@rivulet/stream';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  bufferCount,
  delay,
  EMPTY,
  filter,
  firstValueFrom,
  lastValueFrom,
  map,
  NEVER,
  type Observable,
  type OperatorFunction,
  of,
  take,
  throwError,
  toArray,
} from 'rxjs';

const list = <T>(source: Observable<T>): Promise<T[]> => firstValueFrom(source.pipe(toArray()));

/** Bytes as tokens: 0 ends a text. */
const bytes: TextTokenizer = {
  encode: (text) => Int32Array.from(new TextEncoder().encode(text)),
  decode: (ids) => new TextDecoder().decode(Uint8Array.from(ids as ArrayLike<number> & Iterable<number>)),
  decodeStream: () => {
    const decoder = new TextDecoder();
    return { push: (id) => decoder.decode(Uint8Array.of(id), { stream: true }), end: () => decoder.decode() };
  },
};

/** Repeats its prompt, one byte a step. */
class Echo implements LanguageModel {
  readonly vocabSize = 256;
  readonly eosTokenIds = [0];
  steps = 0;
  open_ = 0;
  delay = 0;

  async open(prompt: ArrayLike<number>): Promise<DecodingSession> {
    if (prompt.length > 40) throw new RangeError(`the prompt has ${prompt.length} tokens`);
    this.open_++;
    let at = 0;
    return {
      firstToken: 0,
      step: async () => {
        this.steps++;
        if (this.delay > 0) await sleep(this.delay);
        const logits = new Float32Array(256);
        logits[prompt[at++] ?? 0] = 9;
        return logits;
      },
      dispose: () => {
        this.open_--;
      },
    };
  }
}

const lengths: Classifier<string> = {
  classify: async (text) => {
    if (text === 'bad') throw new Error('is no image');
    return [
      { label: String(text.length), score: 0.9 },
      { label: 'other', score: 0.1 },
    ];
  },
};

/** The pipelines that the rules below are checked for: from strings to one value or more per string. */
const pipelines: Record<string, { window: number; build: () => OperatorFunction<string, unknown>; outputs: number }> = {
  tokenize: { window: 1, build: () => tokenize(bytes), outputs: 1 },
  'mapAsync (1)': { window: 1, build: () => mapAsync(async (text) => text), outputs: 1 },
  'mapAsync (4)': { window: 4, build: () => mapAsync(async (text) => text, { concurrency: 4 }), outputs: 1 },
  classify: { window: 1, build: () => classify(lengths), outputs: 1 },
  'lift(map)': { window: 1, build: () => lift(map((text: string) => text.length)), outputs: 1 },
  'tokenize, generate, collect': {
    window: 1,
    build: () => (source) => source.pipe(tokenize(bytes), generate(new Echo()), collect(bytes)),
    outputs: 1,
  },
  'lift, tokenize, generate, collect, mapAsync (3)': {
    window: 3,
    build: () => (source) =>
      source.pipe(
        lift(map((text) => `${text}!`)),
        tokenize(bytes),
        generate(new Echo()),
        collect(bytes),
        mapAsync(async (x) => x, { concurrency: 3 }),
      ),
    outputs: 1,
  },
};

for (const [name, { window, build, outputs }] of Object.entries(pipelines))
  describe(`the operators ${name}`, () => {
    it('never: neither emit nor end, and let go when unsubscribed', async () => {
      let events = 0;
      const subscription = NEVER.pipe(build()).subscribe({
        next: () => events++,
        complete: () => events++,
        error: () => events++,
      });
      await sleep(5);
      subscription.unsubscribe();
      await sleep(5);
      expect(events).to.equal(0);
    });

    it('empty: end', async () => {
      expect(await list(EMPTY.pipe(build()))).to.deep.equal([]);
      expect(await list(fromIterable<string>([]).pipe(build()))).to.deep.equal([]);
    });

    it('one and many: give all in order, from pulled and from pushed sources', async () => {
      const items = ['a', 'bb', '', 'é'];
      expect(await list(of('x').pipe(build()))).to.have.length(outputs);
      const pulled = await list(fromIterable(items).pipe(build()));
      expect(pulled).to.have.length(items.length * outputs);
      expect(await list(of(...items).pipe(build()))).to.deep.equal(pulled);
      expect(await list(of(...items).pipe(delay(1), build()))).to.deep.equal(pulled);
    });

    it('error: pass the error of the source on, behind what came before', async () => {
      const failing = fromPull(async function* () {
        yield 'a';
        throw new Error('the source broke');
      });
      const seen: unknown[] = [];
      const error = await lastValueFrom(
        failing.pipe(
          build(),
          map((x) => seen.push(x)),
        ),
      ).catch((e: Error) => e);
      expect(error).to.have.property('message', 'the source broke');
      expect(seen).to.have.length(outputs);
      expect(await list(throwError(() => new Error('at once')).pipe(build())).catch((e: Error) => e.message)).to.equal(
        'at once',
      );
    });

    it('early unsubscribe: stop the source', async () => {
      let closed = false;
      const endless = fromPull(async function* () {
        try {
          for (let i = 0; ; i++) yield `${i % 7}`;
        } finally {
          closed = true;
        }
      });
      await list(endless.pipe(build(), take(3)));
      await sleep(5);
      expect(closed).to.equal(true);
    });

    it(`hold the law: pulled − completed ≤ ${window}`, () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.string({ maxLength: 5 }), { maxLength: 20 }),
          fc.integer({ min: 0, max: 3 }),
          async (items, work) => {
            let [pulled, completed, worst] = [0, 0, 0];
            const source = fromPull(async function* () {
              for (const item of items) {
                pulled++;
                worst = Math.max(worst, pulled - completed);
                yield item;
              }
            });
            const slow = mapAsync(async () => {
              for (let i = 0; i < work; i++) await null;
              completed++;
            });
            await list(source.pipe(build(), slow));
            expect(completed).to.equal(items.length * outputs);
            expect(worst).to.be.at.most(window);
          },
        ),
        { numRuns: 60, seed: 9 },
      ));

    it('are cold: every subscription is a run of its own', async () => {
      let runs = 0;
      const source = fromPull(async function* () {
        runs++;
        yield 'a';
      }).pipe(build());
      expect(runs).to.equal(0);
      expect(await list(source)).to.deep.equal(await list(source));
      expect(runs).to.equal(2);
    });
  });

describe('lines', () => {
  const text = 'one\r\ntwo\n\nvier é 中 👍\nlast';
  const expected = ['one', 'two', '', 'vier é 中 👍', 'last'];

  it('gives the lines whatever the cut of the chunks', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), async (sizes) => {
        const whole = new TextEncoder().encode(`\ufeff${text}`);
        const chunks: Uint8Array[] = [];
        for (let at = 0, i = 0; at < whole.length; at += sizes[i++ % sizes.length]!)
          chunks.push(whole.subarray(at, at + sizes[i % sizes.length]!));
        const even: Uint8Array[] = [];
        for (let at = 0; at < whole.length; at += sizes[0]!) even.push(whole.subarray(at, at + sizes[0]!));
        expect(await list(lines(even))).to.deep.equal(expected);
      }),
    ));

  it('takes strings, and a last line with its end', async () => {
    expect(await list(lines([text]))).to.deep.equal(expected);
    expect(await list(lines(['a\n', 'b\n']))).to.deep.equal(['a', 'b']);
    expect(await list(lines([]))).to.deep.equal([]);
  });

  it('reads invalid UTF-8 as U+FFFD', async () => {
    expect(await list(lines([Uint8Array.of(0x61, 0xff, 0x0a, 0xe4)]))).to.deep.equal(['a\ufffd', '\ufffd']);
  });

  it('bounds the length of a line, also of one that never ends', async () => {
    const endless = async function* (): AsyncGenerator<string> {
      yield 'short\n';
      for (;;) yield 'x'.repeat(1000);
    };
    const seen: string[] = [];
    const error = await lastValueFrom(
      lines(endless(), { maxLineLength: 5000 }).pipe(map((line) => seen.push(line))),
    ).catch((e: Error) => e);
    expect(error).to.be.instanceOf(RangeError).with.property('message', 'line 2 has more than 5000 characters');
    expect(seen).to.have.length(1);
  });

  it('lets go of an input that is silent', async () => {
    const input = new PassThrough();
    const subscription = lines(input).subscribe();
    await sleep(5);
    subscription.unsubscribe();
    await sleep(5);
    expect(input.destroyed || input.listenerCount('readable') === 0).to.equal(true);
  });

  it('does not read ahead of its reader', async () => {
    let chunks = 0;
    const source = async function* (): AsyncGenerator<string> {
      for (; chunks < 1000; chunks++) yield 'a\nb\n';
    };
    await list(
      lines(source()).pipe(
        mapAsync(async (line) => line),
        take(10),
      ),
    );
    expect(chunks).to.be.at.most(6);
  });
});

describe('generate', () => {
  it('gives the events of every item, then their text piece by piece', async () => {
    const source = fromIterable(['aé', '']);
    const events = await list(source.pipe(tokenize(bytes), generate(new Echo())));
    expect(events.map(({ index, type }) => `${index} ${type}`)).to.deep.equal([
      '0 generation-start',
      '0 token',
      '0 token',
      '0 token',
      '0 generation-end',
      '1 generation-start',
      '1 generation-end',
    ]);
    const pieces = await list(source.pipe(tokenize(bytes), generate(new Echo()), detokenize(bytes)));
    expect(pieces).to.deep.equal(['a', 'é', '\n', '\n']);
    const records = await list(source.pipe(tokenize(bytes), generate(new Echo()), collect(bytes)));
    expect(records.map(({ source: original, text: result }) => [original, result])).to.deep.equal([
      ['aé', 'aé'],
      ['', ''],
    ]);
  });

  it('stops the model within one step of unsubscribing, and closes its session', async () => {
    const model = new Echo();
    model.delay = 2;
    const seen: unknown[] = [];
    await new Promise<void>((resolve) => {
      const subscription = fromIterable(['a long sentence', 'another one'])
        .pipe(tokenize(bytes), generate(model))
        .subscribe((event) => {
          seen.push(event);
          if (seen.length < 4) return;
          subscription.unsubscribe();
          resolve();
        });
    });
    const steps = model.steps;
    await sleep(30);
    expect(model.steps - steps).to.be.at.most(1);
    expect(model.open_).to.equal(0);
    expect(seen).to.have.length(4);
  });

  it('fails with the number and the text of the item', async () => {
    const source = fromIterable(['fine', 'x'.repeat(100), 'never reached']);
    const texts: string[] = [];
    const error = await lastValueFrom(
      source.pipe(
        tokenize(bytes),
        generate(new Echo()),
        collect(bytes),
        map(({ text }) => texts.push(text)),
      ),
    ).catch((e: unknown) => e);
    expect(error).to.be.instanceOf(ItemError);
    const { index, text, message, cause } = error as ItemError;
    expect({ index, text: text.length, message }).to.deep.equal({
      index: 1,
      text: 100,
      message: `item 1 ("${'x'.repeat(60)}…"): the prompt has 100 tokens`,
    });
    expect(cause).to.be.instanceOf(RangeError);
    expect(texts).to.deep.equal(['fine']);
  });

  it('goes on behind a failed item where someone takes the error', async () => {
    const errors: ItemError[] = [];
    const source = fromIterable(['a', 'x'.repeat(100), 'b']);
    const records = await list(
      source.pipe(tokenize(bytes), generate(new Echo(), { onItemError: (e) => errors.push(e) }), collect(bytes)),
    );
    expect(records.map(({ text }) => text)).to.deep.equal(['a', '', 'b']);
    expect(errors.map(({ index }) => index)).to.deep.equal([1]);
  });

  it('refuses wrong options before anything runs', () => {
    expect(() => generate(new Echo(), { numBeams: 0 })).to.throw(RangeError, 'numBeams');
    expect(() => generate(new Echo(), { beams: 2 } as object)).to.throw(TypeError, "no option 'beams'");
  });
});

describe('classify', () => {
  it('gives as many labels as asked', async () => {
    const results = await list(fromIterable(['abc']).pipe(classify(lengths, { topK: 2 })));
    expect(results).to.deep.equal([
      {
        index: 0,
        input: 'abc',
        labels: [
          { label: '3', score: 0.9 },
          { label: 'other', score: 0.1 },
        ],
      },
    ]);
    expect(() => classify(lengths, { topK: 0 })).to.throw(RangeError, 'topK');
  });

  it('fails with the item, or goes on where someone takes the error', async () => {
    const source = fromIterable(['a', 'bad', 'b']);
    const error = await list(source.pipe(classify(lengths))).catch((e: unknown) => e);
    expect(error).to.be.instanceOf(ItemError).with.property('index', 1);
    const errors: string[] = [];
    const results = await list(source.pipe(classify(lengths, { onItemError: ({ message }) => errors.push(message) })));
    expect(results.map(({ index }) => index)).to.deep.equal([0, 2]);
    expect(errors).to.deep.equal(['item 1 ("bad"): is no image']);
  });
});

describe('mapAsync', () => {
  it('works on several items at once and keeps their order', async () => {
    let [running, most] = [0, 0];
    const results = await list(
      fromIterable([5, 1, 4, 1, 3]).pipe(
        mapAsync(
          async (ms) => {
            most = Math.max(most, ++running);
            await sleep(ms);
            running--;
            return ms;
          },
          { concurrency: 3 },
        ),
      ),
    );
    expect(results).to.deep.equal([5, 1, 4, 1, 3]);
    expect(most).to.equal(3);
  });

  it('gives a result without waiting for the next item', async () => {
    const source = fromPull(async function* () {
      yield 'first';
      await new Promise(() => {}); // a silent source
    });
    expect(await firstValueFrom(source.pipe(mapAsync(async (x) => x, { concurrency: 4 })))).to.equal('first');
  });

  it('aborts the signal of the work that is under way', async () => {
    let aborted = false;
    const subscription = fromIterable([1])
      .pipe(mapAsync((_, signal) => new Promise(() => signal.addEventListener('abort', () => (aborted = true)))))
      .subscribe();
    await sleep(5);
    subscription.unsubscribe();
    expect(aborted).to.equal(true);
  });

  it('streams 100,000 items', async () => {
    let sum = 0;
    const numbers = fromPull(async function* () {
      for (let i = 0; i < 100_000; i++) yield i;
    });
    await lastValueFrom(
      numbers.pipe(
        mapAsync((x) => x),
        map((x) => (sum += x)),
      ),
    );
    expect(sum).to.equal((100_000 * 99_999) / 2);
  });
});

describe('lift', () => {
  it('keeps demand through operators that drop, collect and end early', async () => {
    let pulled = 0;
    const source = fromPull(async function* () {
      for (; pulled < 1000; ) yield ++pulled;
    });
    expect(
      await list(source.pipe(lift(filter((x) => x % 2 === 0)), lift(bufferCount(2)), lift(take(2)))),
    ).to.deep.equal([
      [2, 4],
      [6, 8],
    ]);
    expect(pulled).to.equal(8);
  });

  it('gives what comes late at the end', async () => {
    expect(await list(fromIterable([1, 2]).pipe(lift(delay(2))))).to.deep.equal([1, 2]);
  });
});
