import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Tokenizer as Reference } from 'tokenizers';
import { takesColour, viewTokens } from '../../packages/rivulet/src/commands/token-view.ts';
import { compileTokenizer, loadTokenizer, tokenizerFromWordPieceVocab } from '../../packages/tokenizer/src/index.ts';
import { rivulet, root, temporaryFolder } from '../support/repository.ts';

const tokenizer = join(root, 'models/zh-en/tokenizer.json');

describe('rivulet encode and decode', () => {
  const folder = temporaryFolder();

  it('give each other back, with the ids of the reference', async () => {
    const text = 'Hello, world!\n\n你好吗？ 👍\n';
    const { stdout: ids, code } = await rivulet(['encode', '--tokenizer', tokenizer], { input: text });
    expect(code).to.equal(0);
    const reference = Reference.fromFile(tokenizer);
    const expected = await Promise.all(
      text
        .trimEnd()
        .split('\n')
        .map(async (line) => (await reference.encode(line)).getIds()),
    );
    expect(
      ids
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).to.deep.equal(expected);
    const { stdout } = await rivulet(['decode', '--tokenizer', tokenizer], { input: ids });
    expect(stdout).to.equal(text);
  });

  it('name a line that is no list of ids, or an unknown id, and go on', async () => {
    const { stdout, stderr, code } = await rivulet(['decode', '--tokenizer', tokenizer], {
      input: '[1]\nx\n[99999]\n[-1]\n[2]\n',
    });
    expect(code).to.equal(1);
    expect(stdout.split('\n')).to.have.length(6);
    expect(stderr.split('\n').slice(0, 3)).to.satisfy(([a, b, c]: string[]) => {
      return (
        a!.startsWith('rivulet: standard input:2: expected a JSON array of ids') &&
        b!.includes(':3: there is no token 99999') &&
        c!.includes(':4: expected')
      );
    });
  });

  it('name a tokenizer that cannot be read', async () => {
    const { stderr, code } = await rivulet(['encode', '--tokenizer', '/no/such.json'], { input: 'x' });
    expect(code).to.equal(1);
    expect(stderr).to.match(/^rivulet: \/no\/such\.json: cannot be read: ENOENT/);
  });

  it('give JSON objects when asked, and read every format', async () => {
    const ours = await loadTokenizer(tokenizer);
    const compiled = join(folder(), 'tokenizer.rvtk');
    writeFileSync(compiled, compileTokenizer(ours));
    const ids = [...ours.encode('Hello 你好', { addSpecialTokens: false })];
    const encoded = await rivulet(['encode', '--json', '--no-special-tokens', '--tokenizer', compiled], {
      input: 'Hello 你好\n',
    });
    expect(JSON.parse(encoded.stdout)).to.deep.equal({
      text: 'Hello 你好',
      ids,
      tokens: ids.map((id) => ours.idToToken(id)),
    });
    const ranks = join(folder(), 'ranks');
    writeFileSync(
      ranks,
      Array.from({ length: 256 }, (_, byte) => `${Buffer.of(byte).toString('base64')} ${byte}\n`).join(''),
    );
    const bytes = await rivulet(['encode', '--tiktoken-pattern', 'cl100k', '--tokenizer', ranks], { input: 'ab\n' });
    expect(bytes.stdout).to.equal('[97,98]\n');
    const decoded = await rivulet(['decode', '--json', '--special-tokens', '--tokenizer', folder()], {
      input: `${JSON.stringify([...ours.encode('Hello 你好')])}\n`,
    });
    expect(JSON.parse(decoded.stdout).text).to.equal(
      ours.decode(ours.encode('Hello 你好'), { skipSpecialTokens: false }),
    );
  });
});

describe('rivulet count', () => {
  const folder = temporaryFolder();

  it('counts the tokens of whole files, and of standard input', async () => {
    const ours = await loadTokenizer(tokenizer);
    const texts = ['Hello, world!\n\n你好吗？ 👍\n'.repeat(3000), 'the end'];
    const files = texts.map((text, i) => {
      const file = join(folder(), `${i}.txt`);
      writeFileSync(file, text);
      return file;
    });
    const counts = texts.map((text) => ours.encode(text, { addSpecialTokens: false }).length);
    const several = await rivulet(['count', '--tokenizer', tokenizer, files[0]!, '/no/such.txt', files[1]!]);
    expect(several.stdout).to.equal(
      `${counts[0]} ${files[0]}\n${counts[1]} ${files[1]}\n${counts[0]! + counts[1]!} total\n`,
    );
    expect([several.code, several.stderr]).to.deep.equal([
      1,
      "rivulet: /no/such.txt: ENOENT: no such file or directory, open '/no/such.txt'\n",
    ]);
    const one = await rivulet(['count', '--json', '--tokenizer', tokenizer], { input: texts[0]! });
    expect(JSON.parse(one.stdout)).to.deep.equal({
      file: null,
      tokens: counts[0],
      bytes: Buffer.byteLength(texts[0]!),
    });
  });
});

describe('rivulet tokenizer inspect', () => {
  const inspect = async (...args: string[]): Promise<string> => {
    const { stdout, stderr, code } = await rivulet(['tokenizer', 'inspect', tokenizer, ...args], {
      env: { FORCE_COLOR: '' },
    });
    expect([code, stderr]).to.deep.equal([0, '']);
    return stdout;
  };

  it('tells what a tokenizer is made of, and shows the tokens of a text', async () => {
    const text = await inspect('Hello world\n👍');
    expect(text).to.match(/^model +BPE over bytes, [\d,]+ merges$/m);
    expect(text).to.match(/^vocabulary +[\d,]+ ids/m);
    expect(text).to.match(/^pre-tokenizer +ByteLevel \(/m);
    expect(text).to.match(/^in parts +yes$/m);
    expect(text).to.match(/\| world\|↵\|(·\|)*👍/);
    const ids = [...(await loadTokenizer(tokenizer)).encode('Hello world\n👍')];
    expect(text).to.include(`${JSON.stringify(ids)}\n${ids.length} tokens\n`);
    const json = JSON.parse(await inspect('--json', 'Hello world\n👍'));
    expect(json.tokens.map(({ id }: { id: number }) => id)).to.deep.equal(ids);
  });

  it('colours tokens on a terminal alone, and never against NO_COLOR', async () => {
    expect(takesColour({}, true)).to.equal(true);
    expect(takesColour({}, false)).to.equal(false);
    expect(takesColour({ NO_COLOR: '1', FORCE_COLOR: '1' }, true)).to.equal(false);
    expect(takesColour({ NO_COLOR: '', FORCE_COLOR: '1' }, false)).to.equal(true);
    const words = tokenizerFromWordPieceVocab('[UNK]\n[CLS]\n[SEP]\nhello\n##s\n');
    const text = 'Hellos  x';
    const plain = viewTokens(text, words.encoding(text), false);
    expect(plain).to.equal('[CLS]|Hello|s|x|[SEP]');
    const coloured = viewTokens(text, words.encoding(text), true);
    expect(coloured).to.include('\u001b[30;48;5;223mHello\u001b[0m');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
    expect(coloured.replace(/\u001b\[[\d;]*m/g, '')).to.equal('[CLS]Hellos  x[SEP]');
  });
});
