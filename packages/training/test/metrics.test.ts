import { readFileSync } from 'node:fs';
import {
  Accuracy,
  AUROC,
  CHRF,
  ConfusionMatrix,
  type FScores,
  MeanIoU,
  Perplexity,
  PrecisionRecall,
  TopKAccuracy,
} from '@rivulet/training';
import { expect } from 'chai';

interface Case {
  readonly classes: number;
  readonly truth: number[];
  readonly guess: number[];
  readonly scores: number[][];
  readonly accuracy: number;
  readonly confusion: number[][];
  readonly perClass: number[][];
  readonly micro: number[];
  readonly macro: number[];
  readonly weighted: number[];
  readonly iou: number[];
}

interface CHRFCase {
  readonly name: string;
  readonly options: {
    word_order?: number;
    char_order?: number;
    beta?: number;
    lowercase?: boolean;
    whitespace?: boolean;
  };
  readonly score: number;
  readonly signature: string;
}

// Made by tools/reference/metrics.py.
const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8'));
const { cases, auroc } = read('metrics') as {
  cases: Case[];
  auroc: { labels: number[]; values: number[]; area: number }[];
};
const chrf = (read('chrf') as { cases: CHRFCase[] }).cases;
const corpora = (read('bleu') as { cases: { name: string; hypotheses: string[]; references: string[][] }[] }).cases;

/** Gives the pairs in two parts, after others that are forgotten. */
function inParts(metric: { update(a: number[], b: number[]): void; reset(): void }, a: number[], b: number[]): void {
  metric.update([0, 1], [1, 1]);
  metric.reset();
  metric.update(a.slice(0, 2), b.slice(0, 2));
  metric.update(a.slice(2), b.slice(2));
}

const triple = ({ precision, recall, f1 }: FScores): number[] => [precision, recall, f1];

describe('classification metrics', () => {
  for (const [i, { classes, truth, guess, ...expected }] of cases.entries())
    it(`agree with scikit-learn: case ${i}`, () => {
      const [accuracy, confusion] = [new Accuracy(), new ConfusionMatrix({ classes })];
      const [scores, iou] = [new PrecisionRecall({ classes }), new MeanIoU({ classes })];
      for (const metric of [accuracy, confusion, scores, iou]) inParts(metric, guess, truth);
      expect(accuracy.compute()).to.be.closeTo(expected.accuracy, 1e-12);
      expect(confusion.compute()).to.deep.equal(expected.confusion);
      const found = scores.compute();
      found.perClass.forEach((row, c) => {
        expect([...triple(row), row.support]).to.be.allclose(expected.perClass[c]!, { atol: 1e-12 });
      });
      for (const kind of ['micro', 'macro', 'weighted'] as const)
        expect(triple(found[kind]), kind).to.be.allclose(expected[kind], { atol: 1e-12 });
      const union = iou.compute();
      expect(union.perClass.filter((value) => !Number.isNaN(value))).to.be.allclose(expected.iou, { atol: 1e-12 });
      expect(union.mean).to.be.closeTo(expected.iou.reduce((a, b) => a + b) / expected.iou.length, 1e-12);
    });

  it('count the k best, of ties the first', () => {
    for (const { classes, truth, scores } of cases)
      for (let k = 1; k <= classes; k++) {
        const metric = new TopKAccuracy({ k });
        const data = Float32Array.from(scores.flat());
        metric.update({ dtype: 'float32', dims: [truth.length, classes], data }, truth);
        const right = truth.filter((target, i) => {
          const row = data.subarray(i * classes, (i + 1) * classes);
          const order = [...row.keys()].sort((a, b) => row[b]! - row[a]! || a - b);
          return order.slice(0, k).includes(target);
        });
        expect(metric.compute()).to.be.closeTo(right.length / truth.length, 1e-12);
      }
  });

  it('leave out ignored targets, and take bigints', () => {
    const accuracy = new Accuracy({ ignoreIndex: -100 });
    accuracy.update(BigInt64Array.of(1n, 2n, 3n), Int32Array.of(1, -100, 0));
    expect(accuracy.compute()).to.equal(0.5);
    const matrix = new ConfusionMatrix({ classes: 2, ignoreIndex: 255 });
    matrix.update([0, 1, 1], [0, 255, 0]);
    expect(matrix.compute()).to.deep.equal([
      [1, 1],
      [0, 0],
    ]);
  });

  it('name what does not fit', () => {
    expect(() => new Accuracy().update([1], [1, 2])).to.throw(RangeError, '1 predictions for 2 targets');
    expect(() => new MeanIoU({ classes: 2 }).update([0], [2])).to.throw(
      RangeError,
      'target 0 is 2, expected a class from 0 to 1',
    );
    expect(() => new ConfusionMatrix({ classes: 2 }).update([-1], [1])).to.throw(RangeError, 'prediction 0 is -1');
    expect(() => new ConfusionMatrix({ classes: 0 })).to.throw(RangeError, 'number of classes');
    expect(() => new TopKAccuracy({ k: 0 })).to.throw(RangeError, 'k must be');
    const scores = { dtype: 'float32', dims: [1, 3], data: new Float32Array(3) } as const;
    expect(() => new TopKAccuracy({ k: 1 }).update(scores, [0, 1])).to.throw(RangeError, 'scores [1, 3] for 2 targets');
  });
});

describe('AUROC', () => {
  it("is scikit-learn's, ties included", () => {
    for (const { labels, values, area } of auroc) {
      const metric = new AUROC();
      inParts(metric, values, labels);
      expect(metric.compute()).to.be.closeTo(area, 1e-12);
    }
  });

  it('is NaN of one class, and refuses what is no decision', () => {
    const metric = new AUROC();
    metric.update([0.5], [1]);
    expect(metric.compute()).to.satisfy(Number.isNaN);
    expect(() => metric.update([0.5], [2])).to.throw(RangeError, 'target 0 is 2');
    expect(() => metric.update([Number.NaN], [1])).to.throw(RangeError, 'score 0 is NaN');
  });
});

describe('Perplexity', () => {
  it('is the exponential of the mean over all tokens', () => {
    const metric = new Perplexity();
    metric.update(100, 1);
    metric.reset();
    metric.update(3 * Math.log(4), 3);
    metric.update(Math.log(16), 1);
    expect(metric.compute()).to.be.closeTo(4 ** 1.25, 1e-12);
    expect(() => metric.update(1, -1)).to.throw(RangeError, 'count');
  });
});

describe('CHRF', () => {
  it("is sacreBLEU's, for all its corpora and options", () => {
    for (const { name, options, score, signature } of chrf) {
      const { word_order: wordOrder = 0, char_order: charOrder = 6, ...rest } = options;
      const metric = new CHRF({ wordOrder, charOrder, ...rest });
      const { hypotheses, references } = corpora.find((corpus) => corpus.name === name)!;
      metric.update('x', ['y', 'z', 'x']);
      metric.reset();
      hypotheses.forEach((hypothesis, i) => {
        const truths = references.map((list) => list[i]!);
        metric.update(hypothesis, truths.length === 1 ? truths[0]! : truths);
      });
      const found = metric.compute();
      expect(found.score, `${name} ${JSON.stringify(options)}`).to.be.closeTo(score, 1e-9);
      expect(found.signature).to.equal(signature);
    }
  });

  it('refuses a hypothesis without a reference', () => {
    expect(() => new CHRF().update('a', [])).to.throw(RangeError, 'needs a reference');
    expect(() => new CHRF({ wordOrder: -1 })).to.throw(RangeError, 'wordOrder');
  });
});
