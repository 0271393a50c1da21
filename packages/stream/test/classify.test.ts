import { expect } from 'chai';
import { lastValueFrom, toArray } from 'rxjs';
import { type Classifier, classify, fromIterable, ItemError } from '../src/index.ts';
import { failure } from './support/probe.ts';

const animals: Classifier<string> = {
  async classify(input) {
    if (input === 'broken.png') throw new Error('not an image');
    return [{ label: input, score: 0.7 }, { label: 'dog', score: 0.2 }, { label: 'owl', score: 0.1 }]; // biome-ignore format: a table
  },
};

describe('classify', () => {
  it('gives the best label, or the topK best, with the input and its number', async () => {
    const one = await lastValueFrom(fromIterable(['a', 'b']).pipe(classify(animals), toArray()));
    expect(one).to.deep.equal([
      { index: 0, input: 'a', labels: [{ label: 'a', score: 0.7 }] },
      { index: 1, input: 'b', labels: [{ label: 'b', score: 0.7 }] },
    ]);
    const two = await lastValueFrom(fromIterable(['a']).pipe(classify(animals, { topK: 2 })));
    expect(two.labels.map(({ label }) => label)).to.deep.equal(['a', 'dog']);
  });

  it('gives all labels where topK is more than there are', async () => {
    const { labels } = await lastValueFrom(fromIterable(['a']).pipe(classify(animals, { topK: 9 })));
    expect(labels).to.have.length(3);
  });

  it('fails with an ItemError, or leaves the item out and keeps the numbers', async () => {
    const error = await failure(lastValueFrom(fromIterable(['a', 'broken.png']).pipe(classify(animals))));
    expect(error).to.be.instanceOf(ItemError).and.include({ index: 1, text: 'broken.png' });
    const errors: ItemError[] = [];
    const operator = classify(animals, { onItemError: (e) => errors.push(e) });
    const rest = await lastValueFrom(fromIterable(['a', 'broken.png', 'c']).pipe(operator, toArray()));
    expect(rest.map(({ index }) => index)).to.deep.equal([0, 2]);
    expect(errors.map(({ message }) => message)).to.deep.equal(['item 1 ("broken.png"): not an image']);
  });

  for (const topK of [0, 1.5])
    it(`rejects topK ${topK}`, () => {
      expect(() => classify(animals, { topK })).to.throw(RangeError, 'topK');
    });
});
