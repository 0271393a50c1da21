import { Readable } from 'node:stream';
import { expect } from 'chai';
import fc from 'fast-check';
import { lastValueFrom, toArray } from 'rxjs';
import { type LinesOptions, lines } from '../src/index.ts';
import { failure, turns } from './support/probe.ts';

const read = (
  chunks: Iterable<string | Uint8Array> | AsyncIterable<Uint8Array>,
  options?: LinesOptions,
): Promise<string[]> => lastValueFrom(lines(chunks, options).pipe(toArray()));
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('lines', () => {
  const cases: [string, string, string[]][] = [
    ['nothing', '', []],
    ['one line without an end', 'a', ['a']],
    ['one line with an end', 'a\n', ['a']],
    ['\\r\\n', 'a\r\nb\r\n', ['a', 'b']],
    ['empty lines', '\n\na\n', ['', '', 'a']],
    ['a \\r inside a line', 'a\rb\n', ['a\rb']],
    ['a byte order mark, only at the start', '\ufeffa\n\ufeffb\n', ['a', '\ufeffb']],
    ['characters of several bytes', 'é漢😀\nü', ['é漢😀', 'ü']],
  ];
  for (const [name, text, expected] of cases)
    it(`reads ${name}`, async () => {
      expect(await read([utf8(text)])).to.deep.equal(expected);
      expect(await read(Readable.from([Buffer.from(text)]))).to.deep.equal(expected);
    });

  it('gives the same however the bytes are cut', async () => {
    const pieces = fc.array(fc.constantFrom('a', 'é', '漢', '😀', '\n', '\r\n'), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(pieces, fc.array(fc.nat(60), { maxLength: 8 }), async (text, cuts) => {
        const data = utf8(text.join(''));
        const at = [0, ...cuts.map((cut) => Math.min(cut, data.length)).sort((a, b) => a - b), data.length];
        const chunks = at.slice(1).map((end, i) => data.subarray(at[i]!, end));
        const expected = text.join('').split(/\r?\n/);
        if (expected.at(-1) === '') expected.pop();
        expect(await read(chunks)).to.deep.equal(expected);
      }),
    );
  });

  it('reads strings cut anywhere, between \\r and \\n too', async () => {
    expect(await read(['a', 'b\r', '\nc', '\n', ''])).to.deep.equal(['ab', 'c']);
  });

  it('replaces invalid and incomplete UTF-8', async () => {
    expect(await read([Uint8Array.of(97, 0xff, 98, 10, 0xc3)])).to.deep.equal(['a\ufffdb', '\ufffd']);
  });

  it('bounds the length of a line and says which one', async () => {
    expect(await read(['abc\nabc'], { maxLineLength: 3 })).to.deep.equal(['abc', 'abc']);
    for (const chunks of [['a\nabcd\n'], ['a\nab', 'cd'], ['a\nabc', 'd\n']]) {
      const error = await failure(read(chunks, { maxLineLength: 3 }));
      expect(error).to.be.instanceOf(RangeError).with.property('message', 'line 2 has more than 3 characters');
    }
  });

  it('gives up on an endless line without reading all of it', async () => {
    let chunks = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (; ; chunks++) yield utf8('x'.repeat(1000));
    }
    expect(await failure(read(endless(), { maxLineLength: 5000 }))).to.be.instanceOf(RangeError);
    expect(chunks).to.be.at.most(5);
  });

  it('passes on an error of reading, after the whole lines before it', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield utf8('a\nb');
      throw new Error('EIO');
    }
    const seen: string[] = [];
    const error = await new Promise((resolve) =>
      lines(broken()).subscribe({ next: (line) => seen.push(line), error: resolve }),
    );
    expect(error).to.be.an('error').with.property('message', 'EIO');
    expect(seen).to.deep.equal(['a']);
  });

  it('stops reading when unsubscribed while a read is blocked', async () => {
    const input = new Readable({ read() {} });
    input.push('a\n');
    const seen: string[] = [];
    const subscription = lines(input).subscribe((line) => seen.push(line));
    await turns();
    subscription.unsubscribe();
    input.push('b\n');
    await turns();
    expect(seen).to.deep.equal(['a']);
    expect(input.destroyed).to.equal(true);
  });

  it('reads 100,000 lines', async () => {
    const text = utf8('some words of a line\n'.repeat(1000));
    expect(await read(Array.from({ length: 100 }, () => text))).to.have.length(100_000);
  });
});
