import { type LanguageModel, score as scoreText } from '@rivulet/generation';
import { expect } from 'chai';
import { lastValueFrom, type Observable, toArray } from 'rxjs';
import { embed, fromIterable, ItemError, mapItems, score, tokenize, translate } from '../src/index.ts';
import { bytes, parrot } from './support/fakes.ts';
import { failure, turns, until } from './support/probe.ts';

const all = <T>(stream: Observable<T>): Promise<T[]> => lastValueFrom(stream.pipe(toArray()));

describe('translate', () => {
  it('gives one record per text, in order, several at once', async () => {
    const model = parrot();
    const records = await all(fromIterable(['hé', '', 'b']).pipe(translate(model, bytes, { concurrency: 2 })));
    expect(records.map(({ index, source, text, reason }) => ({ index, source, text, reason }))).to.deep.equal([
      { index: 0, source: 'hé', text: 'hé', reason: 'eos' },
      { index: 1, source: '', text: '', reason: 'empty' },
      { index: 2, source: 'b', text: 'b', reason: 'eos' },
    ]);
    expect(model.calls.opened).to.equal(2);
  });

  it('refuses a model that continues its prompt, and wrong options, where it is made', () => {
    const model: LanguageModel = { ...parrot(), continuesPrompt: true };
    expect(() => translate(model, bytes)).to.throw(TypeError, 'use generate');
    expect(() => translate(parrot(), bytes, { numBeams: 0 })).to.throw(RangeError, 'numBeams');
  });
});

describe('embed', () => {
  it('gives a vector per text, in order; several texts are in work at once', async () => {
    let running = 0;
    let most = 0;
    const model = {
      async embed(ids: ArrayLike<number>): Promise<Float32Array> {
        most = Math.max(most, ++running);
        await turns(4 - ids.length);
        running--;
        return Float32Array.of(ids.length);
      },
    };
    const stream = fromIterable(['a', 'bc', 'def']).pipe(tokenize(bytes), embed(model, { concurrency: 3 }));
    expect((await all(stream)).map(({ index, text, vector }) => [index, text, ...vector])).to.deep.equal([[0, 'a', 1], [1, 'bc', 2], [2, 'def', 3]]); // biome-ignore format: a table
    expect(most).to.equal(3);
  });

  it('fails with an ItemError, or leaves the item out', async () => {
    const model = { embed: async (ids: ArrayLike<number>) => { if (ids.length === 0) throw new RangeError('no tokens'); return Float32Array.from(Array.from(ids)); } }; // biome-ignore format: one thought
    const texts = fromIterable(['a', '', 'b']).pipe(tokenize(bytes));
    expect(await failure(all(texts.pipe(embed(model))))).to.be.instanceOf(ItemError).with.property('index', 1); // biome-ignore format: short
    const errors: ItemError[] = [];
    const rest = await all(texts.pipe(embed(model, { onItemError: (error) => errors.push(error) })));
    expect(rest.map(({ index }) => index)).to.deep.equal([0, 2]);
    expect(errors.map((error) => error.message)).to.deep.equal(['item 1 (""): no tokens']);
  });
});

describe('score', () => {
  const model: LanguageModel = { ...parrot(), continuesPrompt: true };

  it('gives what generation’s score gives of each text, and opens several sessions at once', async () => {
    const releases: (() => void)[] = [];
    const slow = {
      ...parrot(() => new Promise<void>((resolve) => void releases.push(resolve))),
      continuesPrompt: true,
    };
    const stream = all(fromIterable(['ab', 'cd']).pipe(tokenize(bytes), score(slow, { concurrency: 2 })));
    await until(() => releases.length === 2);
    for (const release of releases) release();
    const scored = await stream;
    for (const { text, logLikelihood, logProbs, perplexity } of scored)
      expect({ logLikelihood, logProbs, perplexity }).to.deep.equal(await scoreText(model, bytes.encode(text)));
    expect(scored.map(({ index }) => index)).to.deep.equal([0, 1]);
  });

  it('judges translations of a source', async () => {
    const pairs = fromIterable(['ab']).pipe(
      tokenize(bytes),
      mapItems((item) => ({ ...item, prompt: bytes.encode('ab') })),
    );
    const [good] = await all(pairs.pipe(score(parrot())));
    expect(good!.logLikelihood).to.be.within(-0.1, 0);
    expect(await failure(all(fromIterable(['ab']).pipe(tokenize(bytes), score(parrot()))))).to.be.instanceOf(ItemError);
  });

  it('names the text that cannot be judged', async () => {
    const error = await failure(all(fromIterable(['ab', 'c']).pipe(tokenize(bytes), score(model))));
    expect(error).to.be.instanceOf(ItemError).with.property('index', 1);
  });
});
