import type { LanguageModel } from '@rivulet/generation';
import { expect } from 'chai';
import { lastValueFrom, type Observable, take, tap, toArray } from 'rxjs';
import {
  collect,
  detokenize,
  fromIterable,
  generate,
  ItemError,
  lines,
  type TextTokenizer,
  type TokenEvent,
  tokenize,
} from '../src/index.ts';
import { bytes, parrot } from './support/fakes.ts';
import { failure, turns } from './support/probe.ts';

const all = <T>(stream: Observable<T>): Promise<T[]> => lastValueFrom(stream.pipe(toArray()));
const at = (event: object): TokenEvent => ({ index: 0, text: 'x', ...event }) as TokenEvent;

describe('a text pipeline', () => {
  it('reads, generates and writes; types are inferred from step to step', async () => {
    const stream: Observable<string> = lines(['héllo\nbye\n']).pipe(
      tokenize(bytes),
      generate(parrot(), { maxNewTokens: 64, numBeams: 4 }),
      detokenize(bytes),
    );
    expect((await all(stream)).join('')).to.equal('héllo\nbye\n');
  });

  it('tokenize numbers the texts', async () => {
    const items = await all(fromIterable(['a', 'bc']).pipe(tokenize(bytes)));
    expect(items.map(({ index, text, ids }) => [index, text, [...ids]])).to.deep.equal([
      [0, 'a', [97]],
      [1, 'bc', [98, 99]],
    ]);
  });

  it('generate tells the events of one item after the other, with its number and text', async () => {
    const events = await all(fromIterable(['ab', 'c']).pipe(tokenize(bytes), generate(parrot())));
    expect(events.map(({ index, text, type }) => `${index} ${text} ${type}`)).to.deep.equal([
      '0 ab generation-start',
      '0 ab token',
      '0 ab token',
      '0 ab generation-end',
      '1 c generation-start',
      '1 c token',
      '1 c generation-end',
    ]);
  });

  it('an empty or blank line gives an empty line and does not reach the model', async () => {
    const model = parrot();
    const stream = lines(['a\n\n  \nb\n']).pipe(tokenize(bytes), generate(model), detokenize(bytes));
    expect((await all(stream)).join('')).to.equal('a\n\n\nb\n');
    expect(model.calls.opened).to.equal(2);
  });

  it('gives tokens as they are made, not at the end of the item', async () => {
    let release = (): void => {};
    const model = parrot((step) => (step === 3 ? new Promise<void>((resolve) => { release = resolve; }) : undefined)); // biome-ignore format: one thought
    const seen: string[] = [];
    const done = lastValueFrom(
      fromIterable(['abc']).pipe(tokenize(bytes), generate(model), detokenize(bytes), toArray()),
    );
    fromIterable(['abc']).pipe(tokenize(bytes), generate(parrot()), detokenize(bytes)).subscribe((text) => seen.push(text)); // biome-ignore format: one thought
    await turns();
    expect(seen).to.deep.equal(['a', 'b', 'c', '\n']);
    expect(model.calls.steps).to.equal(3);
    release();
    expect(await done).to.deep.equal(['a', 'b', 'c', '\n']);
  });

  it('wrong options fail where the operator is made', () => {
    expect(() => generate(parrot(), { numBeams: 0 })).to.throw(RangeError, 'numBeams');
  });

  it('unsubscribing stops the model within one step and disposes its session', async () => {
    for (const numBeams of [1, 3]) {
      const model = parrot();
      const stream = fromIterable(['a long text', 'another']).pipe(
        tokenize(bytes),
        generate(model, { numBeams }),
        detokenize(bytes),
      );
      let steps = 0;
      const seen: string[] = [];
      const subscription = stream.subscribe((text) => {
        seen.push(text);
        steps = model.calls.steps;
        subscription.unsubscribe();
      });
      await turns();
      expect(seen).to.have.length(1);
      expect(model.calls.steps - steps).to.be.at.most(1);
      expect(model.calls).to.include({ opened: 1, disposed: 1 });
    }
  });

  it('unsubscribing during a step lets no other follow', async () => {
    const model = parrot(async (step) => {
      if (step === 2) subscription.unsubscribe();
      await turns(1);
    });
    const subscription = fromIterable(['a long text']).pipe(tokenize(bytes), generate(model)).subscribe();
    await turns();
    expect(model.calls).to.deep.equal({ opened: 1, steps: 2, disposed: 1 });
  });

  it('take(n) ends the work as well', async () => {
    const model = parrot();
    await all(fromIterable(['abcdef']).pipe(tokenize(bytes), generate(model), detokenize(bytes), take(2)));
    await turns();
    expect(model.calls).to.include({ steps: 2, disposed: 1 });
  });
});

describe('detokenize', () => {
  const run = (events: TokenEvent[], options = {}): Promise<string[]> =>
    all(fromIterable(events).pipe(detokenize(bytes, options)));
  const start = at({ type: 'generation-start' });
  const token = (id: number): TokenEvent => at({ type: 'token', id });
  const end = at({ type: 'generation-end', tokens: [], score: 0, reason: 'eos' });

  it('holds a character back until its last byte is there', async () => {
    expect(await run([start, token(0xc3), token(0xa9), token(33), end])).to.deep.equal(['é', '!', '\n']);
  });

  it('replaces a character that stays incomplete, and starts the next item afresh', async () => {
    expect(await run([start, token(0xc3), end, start, token(0xa9), end])).to.deep.equal(['\ufffd\n', '\ufffd', '\n']);
  });

  it('ends items with the separator, which may be empty', async () => {
    expect(await run([start, token(97), end], { separator: ' | ' })).to.deep.equal(['a', ' | ']);
    expect(await run([start, token(97), end], { separator: '' })).to.deep.equal(['a']);
  });
});

describe('collect', () => {
  it('gives one record per item', async () => {
    const records = await all(fromIterable(['hé', '', 'b']).pipe(tokenize(bytes), generate(parrot()), collect(bytes)));
    expect(records.map(({ index, source, text, tokens }) => ({ index, source, text, tokens }))).to.deep.equal([
      { index: 0, source: 'hé', text: 'hé', tokens: [104, 0xc3, 0xa9] },
      { index: 1, source: '', text: '', tokens: [] },
      { index: 2, source: 'b', text: 'b', tokens: [98] },
    ]);
    for (const { score } of records) expect(score).to.be.within(-0.1, 0);
  });
});

describe('an error of one item', () => {
  const failing = (): ReturnType<typeof parrot> =>
    parrot((_, prompt) => {
      if (prompt[0] === 98) throw new RangeError('no b');
    });

  it('fails the stream with an ItemError that says which', async () => {
    const stream = fromIterable(['a', `b${'x'.repeat(500)}`, 'c']).pipe(
      tokenize(bytes),
      generate(failing()),
      collect(bytes),
    );
    const error = (await failure(all(stream))) as ItemError;
    expect(error)
      .to.be.instanceOf(ItemError)
      .and.include({ name: 'ItemError', index: 1, text: `b${'x'.repeat(500)}` });
    expect(error.cause).to.be.instanceOf(RangeError);
    expect(error.message).to.include('item 1').and.include('no b');
    expect(error.message.length).to.be.below(120);
  });

  it('goes to onItemError instead, and the item ends without tokens', async () => {
    const errors: ItemError[] = [];
    const model = failing();
    const operator = generate(model, { onItemError: (error) => errors.push(error) });
    const records = await all(fromIterable(['a', 'b', 'c']).pipe(tokenize(bytes), operator, collect(bytes)));
    expect(records.map(({ text }) => text)).to.deep.equal(['a', '', 'c']);
    expect(errors.map(({ index }) => index)).to.deep.equal([1]);
    expect(model.calls).to.include({ opened: 3, disposed: 3 });
  });

  it('of the tokenizer’s decoder reaches the error channel', async () => {
    const broken: TextTokenizer = { ...bytes, decodeStream: () => { throw new Error('no such id'); } }; // biome-ignore format: one thought
    const stream = fromIterable(['a']).pipe(tokenize(bytes), generate(parrot()), collect(broken));
    expect(await failure(all(stream)))
      .to.be.an('error')
      .with.property('message', 'no such id');
  });

  it('works on several texts at once, and gives their events one text after the other', async () => {
    const releases: (() => void)[] = [];
    const model = parrot(() => new Promise<void>((resolve) => void releases.push(resolve)));
    const seen: string[] = [];
    const done = all(
      fromIterable(['ab', 'c', 'd', 'e']).pipe(
        tokenize(bytes),
        generate(model, { concurrency: 3 }),
        detokenize(bytes, { separator: '.' }),
        tap((text) => void seen.push(text)),
      ),
    );
    await turns();
    expect(model.calls.opened).to.equal(3);
    releases[1]!(); // the second text is first
    await turns();
    expect(seen).to.deep.equal([]);
    let at = 0;
    while (at < 8) {
      releases[at++]?.();
      await turns();
    }
    for (const release of releases) release();
    await turns();
    for (const release of releases) release();
    expect((await done).join('')).to.equal('ab.c.d.e.');
  });

  it('with several at once, an error ends the others too', async () => {
    const model = parrot((_, prompt) => {
      if (prompt[0] === 98) throw new Error('no b');
    });
    const stream = fromIterable(['aaaa', 'b', 'cccc']).pipe(tokenize(bytes), generate(model, { concurrency: 3 }));
    const error = await failure(all(stream));
    expect(error).to.be.instanceOf(ItemError).with.property('index', 1);
    await turns();
    expect(model.calls.disposed).to.equal(model.calls.opened);
    const { opened, steps } = model.calls;
    await turns();
    expect(model.calls).to.include({ opened, steps });
  });

  it('pulls no more texts than are in work at once', async () => {
    let pulled = 0;
    const source = function* (): Generator<string> {
      for (;;) yield String(pulled++);
    };
    const model = parrot(() => new Promise(() => {}));
    const stream = fromIterable(source()).pipe(tokenize(bytes), generate(model, { concurrency: 4 }));
    const subscription = stream.subscribe();
    await turns();
    expect(pulled).to.equal(4);
    subscription.unsubscribe();
  });

  it('a model that continues its prompt gets blank texts, and its text is the sequel of the prompt', async () => {
    const model: LanguageModel = { ...parrot(), continuesPrompt: true };
    const decoded: number[] = [];
    const spy: TextTokenizer = {
      ...bytes,
      decodeStream: () => ({ push: (id) => String(decoded[decoded.push(id) - 1]), end: () => '' }),
    };
    const text = all(fromIterable([' ']).pipe(tokenize(bytes), generate(model), detokenize(spy, { echo: true })));
    expect((await text).join('')).to.equal(' 32\n');
    expect(decoded).to.deep.equal([32, 32]);
  });
});
