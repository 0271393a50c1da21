import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { Tokenizer as Reference } from 'tokenizers';
import { type TrainTokenizerOptions, trainTokenizerJSON } from '../src/index.ts';
import { digamma } from '../src/training/digamma.ts';
import { UnigramLattice } from '../src/training/unigram-lattice.ts';
import { seedPieces } from '../src/training/unigram-seeds.ts';
import { unigramWords } from '../src/training/unigram-words.ts';
import { sharedText } from './support/reference.ts';

interface UnigramFile {
  readonly model: { readonly type: string; readonly unk_id: number; readonly vocab: readonly [string, number][] };
}

const train = async (texts: Iterable<string>, options: Partial<TrainTokenizerOptions>): Promise<UnigramFile> =>
  (await trainTokenizerJSON(texts, { model: 'Unigram', ...options })) as UnigramFile;

function finish<R>(work: Generator<unknown, R>): R {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

/** Small words over few letters, with counts. */
const someWords = fc
  .array(fc.tuple(fc.stringMatching(/^[abc]{1,7}$/), fc.integer({ min: 1, max: 9 })), { minLength: 1, maxLength: 6 })
  .map((list) => new Map(list));
const ANY = { initialAlphabet: [], limitAlphabet: Infinity };

describe('Unigram training', () => {
  it('needs no more tokens for a new text than SentencePiece', async function () {
    const { vocabSize, tokens } = JSON.parse(
      readFileSync(new URL('./fixtures/unigram-training.json', import.meta.url), 'utf8'),
    ) as { vocabSize: number; tokens: number };
    const text = sharedText(this, 'data/text/tinyshakespeare/input.txt');
    const cut = Math.floor((text.length * 9) / 10);
    const file = await train(text.slice(0, cut).split('\n'), { vocabSize });
    expect(file.model.vocab).to.have.length(vocabSize);
    const reference = Reference.fromString(JSON.stringify(file));
    let ours = 0;
    for (const line of text.slice(cut).split('\n')) ours += (await reference.encode(line)).getIds().length;
    expect(ours).to.be.at.most(tokens);
  });

  it('keeps every character, mixes no scripts and sorts by probability', async () => {
    const text = 'the theme, the thesis: 12 мир мира 中文中文! '.repeat(4);
    const { model } = await train([text], { vocabSize: 60, specialTokens: ['<s>'] });
    expect(model.vocab.slice(0, 2)).to.deep.equal([
      ['<unk>', 0],
      ['<s>', 0],
    ]);
    expect(model.unk_id).to.equal(0);
    const pieces = model.vocab.slice(2);
    const names = new Set(pieces.map(([piece]) => piece));
    for (const character of text.replaceAll(' ', '▁')) expect(names.has(character), character).to.equal(true);
    expect(names.has('▁the')).to.equal(true);
    for (const name of names) expect(name).to.match(/^▁?(\p{sc=Latin}*|\p{sc=Cyrillic}*|\p{sc=Han}*|\p{sc=Common}*)$/u);
    const scores = pieces.map(([, score]) => score);
    expect(scores).to.deep.equal(scores.toSorted((a, b) => b - a));
    expect(scores.reduce((sum, score) => sum + Math.exp(score), 0)).to.be.within(0.5, 1.0001);
  });

  it('takes no text, one character, and characters that are left out', async () => {
    expect((await train([], {})).model.vocab).to.deep.equal([['<unk>', 0]]);
    expect((await train(['a'], { vocabSize: 3 })).model.vocab.map(([piece]) => piece)).to.have.members([
      '<unk>',
      'a',
      '▁',
    ]);
    const { model } = await train(['aab aab aab c'], { limitAlphabet: 3 });
    expect(model.vocab.map(([piece]) => piece).join('')).not.to.include('c');
    const tooSmall = await train(['abc'], { vocabSize: 4 }).catch((error: Error) => error);
    expect(tooSmall)
      .to.be.instanceOf(RangeError)
      .with.property('message')
      .that.matches(/at least 5 .*got 4/);
  });

  it('expects pieces as often as all ways to put the words together say', () => {
    fc.assert(
      fc.property(
        someWords,
        fc.array(fc.double({ min: -9, max: -0.1, noNaN: true }), { minLength: 80, maxLength: 80 }),
        (given, scores) => {
          const words = unigramWords(given, ANY);
          const pieces = finish(seedPieces(words, 4, 80));
          const lattice = finish(UnigramLattice.of(words, pieces));
          const names = Array.from(pieces.lengths, (length, i) =>
            Array.from(words.ids.subarray(pieces.starts[i]!, pieces.starts[i]! + length), (id) =>
              String.fromCodePoint(words.alphabet[id]!),
            ).join(''),
          );
          names.forEach((_, i) => {
            lattice.scores[i] = scores[i]!;
          });
          const expected = new Float64Array(names.length);
          let best = 0;
          for (const [word, count] of given) {
            const ways = waysOf(word, names);
            const weights = ways.map((way) => Math.exp(way.reduce((sum, piece) => sum + scores[piece]!, 0)));
            const total = weights.reduce((sum, weight) => sum + weight, 0);
            ways.forEach((way, i) => {
              for (const piece of way) expected[piece]! += (count * weights[i]!) / total;
            });
            best += count * Math.log(Math.max(...weights));
          }
          for (const [i, value] of finish(lattice.expectations()).entries())
            expect(value).to.be.closeTo(expected[i]!, 1e-9);
          const found = finish(lattice.frequencies()).reduce((sum, value, i) => sum + value * scores[i]!, 0);
          expect(found).to.be.closeTo(best, 1e-9);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('begins with the substrings that are frequent and do not always go on the same way', () => {
    fc.assert(
      fc.property(someWords, (given) => {
        const words = unigramWords(given, ANY);
        const pieces = finish(seedPieces(words, 5, 1000));
        const found = Array.from(pieces.lengths, (length, i) => {
          const ids = words.ids.subarray(pieces.starts[i]!, pieces.starts[i]! + length);
          return `${Array.from(ids, (id) => String.fromCodePoint(words.alphabet[id]!)).join('')} ${pieces.counts[i]}`;
        });
        const counts = new Map<string, number>();
        for (const [word, count] of given)
          for (let i = 0; i < word.length; i++)
            for (let end = i + 1; end <= word.length; end++)
              counts.set(word.slice(i, end), (counts.get(word.slice(i, end)) ?? 0) + count);
        const wanted = [...counts].filter(
          ([part, count]) =>
            part.length === 1 ||
            (part.length <= 5 && count > 1 && ![...'abc'].some((next) => counts.get(part + next) === count)),
        );
        expect(found).to.have.members(wanted.map(([part, count]) => `${part} ${count}`));
      }),
      { numRuns: 100 },
    );
  });

  it('knows the digamma function', () => {
    // Abramowitz and Stegun, table 6.1 and formulas 6.3.2 to 6.3.5.
    expect(digamma(1)).to.be.closeTo(-0.5772156649015329, 1e-10);
    expect(digamma(0.5)).to.be.closeTo(-1.9635100260214235, 1e-10);
    expect(digamma(10)).to.be.closeTo(2.251752589066721, 1e-10);
  });
});

/** Every way to write a word as pieces, by their numbers. */
function waysOf(word: string, names: readonly string[]): number[][] {
  if (word === '') return [[]];
  return names.flatMap((name, piece) =>
    word.startsWith(name) ? waysOf(word.slice(name.length), names).map((way) => [piece, ...way]) : [],
  );
}
