import { seeded, xoshiro128 } from '@rivulet/tensor';
import { expect } from 'chai';
import fc from 'fast-check';

describe('xoshiro128', () => {
  it('gives the numbers of the reference implementation for the state 0, 1, 2, 3', () => {
    const random = xoshiro128([0, 1, 2, 3]);
    const numbers = Array.from({ length: 12 }, () => random.nextUint32());
    expect(numbers).to.deep.equal([
      5760, 17280, 2966400, 32451840, 2604340873, 3891234569, 1254043636, 216095511, 3291724652, 2070429911, 3403762308,
      371730125,
    ]);
  });
});

describe('seeded', () => {
  const draw = (seed: number, stream: number): number[] => {
    const random = seeded(seed, stream);
    return Array.from({ length: 8 }, () => random.nextUint32());
  };

  it('gives the same numbers for the same seed and stream, others for others', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(1000), (seed, stream) => {
        expect(draw(seed, stream)).to.deep.equal(draw(seed, stream));
        expect(draw(seed, stream)).to.not.deep.equal(draw(seed, stream + 1));
        expect(draw(seed, stream)).to.not.deep.equal(draw(seed + 1, stream));
      }),
    );
  });

  it('gives fractions from 0 to below 1, spread evenly', () => {
    const random = seeded(1);
    const numbers = Array.from({ length: 10000 }, () => random.nextFloat());
    expect(numbers.every((x) => x >= 0 && x < 1)).to.equal(true);
    expect(numbers.reduce((a, b) => a + b) / numbers.length).to.be.closeTo(0.5, 0.02);
  });

  it('shuffles to every order about as often', () => {
    const random = seeded(3);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = random.shuffle(['a', 'b', 'c']).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).to.equal(6);
    for (const count of counts.values()) expect(count).to.be.within(850, 1150);
  });

  it('keeps every item when it shuffles', () => {
    fc.assert(
      fc.property(fc.array(fc.nat()), fc.integer(), (items, seed) => {
        expect(
          seeded(seed)
            .shuffle([...items])
            .sort(),
        ).to.deep.equal([...items].sort());
      }),
    );
  });
});
