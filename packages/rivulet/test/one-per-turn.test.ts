import { expect } from 'chai';
import { OnePerTurn } from '../src/serve/one-per-turn.ts';

describe('OnePerTurn', () => {
  it('lets one begin in each turn of the event loop, in order, also of those that come later', async () => {
    const turns = new OnePerTurn();
    let turn = 0;
    let counting = true;
    const count = (): void => {
      turn++;
      if (counting) setImmediate(count);
    };
    setImmediate(count);
    const begun: { readonly who: number; readonly turn: number }[] = [];
    const one = async (who: number): Promise<void> => {
      await turns.next();
      begun.push({ who, turn });
      if (who === 1) await one(9);
    };
    await Promise.all([0, 1, 2, 3].map(one));
    counting = false;
    expect(begun.map(({ who }) => who)).to.deep.equal([0, 1, 2, 3, 9]);
    expect(new Set(begun.map((b) => b.turn)).size).to.equal(5);
    await turns.next(); // idle before: it starts anew
  });
});
