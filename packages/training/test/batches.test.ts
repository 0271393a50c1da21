import { bucketBatches, padRows, rowLengths } from '@rivulet/training';
import { expect } from 'chai';
import fc from 'fast-check';

const lengthsOf = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 200 });
const size = (batch: Iterable<number> & { length: number }, lengths: readonly number[]): number =>
  batch.length * Math.max(...[...batch].map((i) => lengths[i]!));

describe('bucketBatches', () => {
  it('has every item in exactly one batch', () => {
    fc.assert(
      fc.property(
        lengthsOf,
        fc.integer({ min: 1, max: 300 }),
        fc.nat(),
        fc.nat(20),
        (lengths, tokensPerBatch, seed, epoch) => {
          const batches = bucketBatches({ lengths, tokensPerBatch, seed, epoch });
          expect(batches.flatMap((batch) => [...batch]).sort((a, b) => a - b)).to.deep.equal(lengths.map((_, i) => i));
          expect(batches.every((batch) => batch.length > 0)).to.equal(true);
        },
      ),
    );
  });

  it('keeps to the most positions and rows; what is too long alone is a batch of its own', () => {
    fc.assert(
      fc.property(
        lengthsOf,
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 9 }),
        (lengths, tokensPerBatch, maxRows) => {
          for (const batch of bucketBatches({ lengths, tokensPerBatch, maxRows, seed: 1, epoch: 0 })) {
            expect(batch.length).to.be.at.most(maxRows);
            if (batch.length > 1) expect(size(batch, lengths)).to.be.at.most(tokensPerBatch);
          }
        },
      ),
    );
  });

  const lengths = Array.from({ length: 2000 }, (_, i) => 1 + ((i * 7919) % 60));
  const plan = { lengths, tokensPerBatch: 512, seed: 5 };

  it('gives the same batches for the same seed and epoch, others for others', () => {
    const first = bucketBatches({ ...plan, epoch: 2 });
    expect(bucketBatches({ ...plan, epoch: 2 })).to.deep.equal(first);
    expect(bucketBatches({ ...plan, epoch: 3 })).to.not.deep.equal(first);
    expect(bucketBatches({ ...plan, epoch: 2, seed: 6 })).to.not.deep.equal(first);
  });

  it('stays as it is from version to version: a resumed run needs the batches it began with', () => {
    const batches = bucketBatches({ lengths: [3, 9, 4, 4, 7, 2, 8, 5, 6, 1], tokensPerBatch: 16, seed: 1, epoch: 0 });
    expect(batches.map((batch) => [...batch])).to.deep.equal([[9, 5, 0, 2], [8, 4], [1], [3, 7], [6]]);
  });

  it('pads little, and mixes short and long batches', () => {
    const batches = bucketBatches({ ...plan, epoch: 0 });
    const tokens = lengths.reduce((a, b) => a + b);
    const padded = batches.reduce((sum, batch) => sum + size(batch, lengths), 0);
    expect(padded / tokens).to.be.lessThan(1.1);
    const widths = batches.map((batch) => Math.max(...[...batch].map((i) => lengths[i]!)));
    expect(widths).to.not.deep.equal([...widths].sort((a, b) => a - b));
  });

  it('gives no batch for no items', () => {
    expect(bucketBatches({ lengths: [], tokensPerBatch: 10, seed: 1, epoch: 0 })).to.deep.equal([]);
  });
});

describe('padRows, rowLengths', () => {
  it('fill rows up at the end', () => {
    const rows = [Int32Array.of(5, 6, 7), Int32Array.of(8), Int32Array.of()];
    expect(padRows(rows, 0)).to.deep.equal({
      dtype: 'int32',
      dims: [3, 3],
      data: Int32Array.of(5, 6, 7, 8, 0, 0, 0, 0, 0),
    });
    expect(rowLengths(rows)).to.deep.equal({ dtype: 'int32', dims: [3], data: Int32Array.of(3, 1, 0) });
  });
});
