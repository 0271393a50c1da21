import { expect } from 'chai';
import { loadDamaged } from './support/damaged-files.ts';

describe('damaged tokenizer files', () => {
  it('are read, or refused with one line, without haste for memory', async () => {
    let accepted = 0;
    for await (const outcome of loadDamaged(300, 1)) {
      expect(outcome.failure, `${outcome.sample}: ${Buffer.from(outcome.bytes).toString('base64')}`).to.equal(null);
      if (outcome.accepted) accepted++;
    }
    expect(accepted).to.be.within(10, 290);
  });
});
