import { expect } from 'chai';
import { ItemError } from '../src/index.ts';

describe('ItemError', () => {
  it('names the item on one line, shortened, and the cause', () => {
    const cause = new Error('too long');
    const error = new ItemError(3, `one\ntwo ${'x'.repeat(100)}`, cause);
    expect(error).to.be.an('error').and.include({ index: 3, cause });
    expect(error.message).to.equal(`item 3 ("one\\ntwo ${'x'.repeat(52)}…"): too long`);
    expect(error.text).to.have.length(108);
  });

  it('takes a cause that is no Error', () => {
    expect(new ItemError(0, 'a', 'gone').message).to.equal('item 0 ("a"): gone');
  });
});
