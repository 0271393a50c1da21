import { expect } from 'chai';
import { textOf } from '../src/wide-text.ts';
import { randomOf } from './support/generated.ts';

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Compared as codes, since two texts with the same lone surrogate print alike. */
function check(bytes: Uint8Array, end: number): void {
  const expected = utf8.decode(bytes.subarray(0, end));
  expect(textOf(bytes, end) === expected, JSON.stringify(expected)).to.equal(true);
}

describe('text of UTF-8 that is mostly not ASCII', () => {
  it('has every character, as the engine decodes it', () => {
    let text = '';
    for (let code = 0; code <= 0x10ffff; code += code < 0x10000 ? 1 : 17)
      if (code < 0xd800 || code > 0xdfff) text += String.fromCodePoint(code);
    const bytes = new TextEncoder().encode(text);
    expect(textOf(bytes, bytes.length)).to.equal(text);
  });

  it('has U+FFFD where the engine has it, whatever is wrong with the bytes', () => {
    const random = randomOf(6);
    const good = new TextEncoder().encode('好é😀'.repeat(30));
    for (let turn = 0; turn < 3000; turn++) {
      const bytes = good.slice();
      for (let change = 0; change < 2; change++)
        bytes[Math.floor(random() * bytes.length)] = random() < 0.5 ? 0x80 | (random() * 128) : random() * 256;
      check(bytes, bytes.length);
    }
    // Too long, a surrogate, beyond Unicode, and forms that are never right
    for (const wrong of [
      [0xe0, 0x9f, 0xbf],
      [0xed, 0xa0, 0x80],
      [0xf0, 0x8f, 0xbf, 0xbf],
      [0xf4, 0x90, 0x80, 0x80],
      [0xc1, 0xbf],
      [0xf5, 0x80, 0x80, 0x80],
      [0x80],
      [0xff],
    ])
      check(Uint8Array.from([...good, ...wrong, ...good]), 2 * good.length + wrong.length);
  });

  it('ends where it is told, within a character too', () => {
    const bytes = new TextEncoder().encode('好é😀'.repeat(40));
    for (let end = 0; end < 120; end++) check(bytes, bytes.length - end);
  });
});
