import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import fc from 'fast-check';
import { Tiktoken } from 'tiktoken';
import { Tokenizer as Reference } from 'tokenizers';
import {
  compileTokenizer,
  type LoadTokenizerOptions,
  loadTokenizer,
  readSentencePieceFile,
  type Tokenizer,
  TokenizerFileError,
  tokenizerFromCompiled,
  tokenizerFromJSON,
  tokenizerFromLlama2c,
  tokenizerFromTiktoken,
  tokenizerFromVocabMerges,
  tokenizerFromWordPieceVocab,
  tokenizerToJSON,
} from '../src/index.ts';
import { tiktokenPatterns } from './support/byte-level-references.ts';
import { llama2cFile } from './support/damaged-files.ts';
import { referenceIds, sharedBytes, sharedText } from './support/reference.ts';
import { anyText, smallTokenizer } from './support/texts.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The lines of a vocab.txt with the vocabulary of a tokenizer.json. */
function vocabLines(json: string): string {
  const { vocab } = JSON.parse(json).model as { vocab: Record<string, number> };
  const lines: string[] = [];
  for (const [token, id] of Object.entries(vocab)) lines[id] = token;
  return `${lines.join('\n')}\n`;
}

async function sameIds(ours: Tokenizer, reference: Reference, numRuns = 100): Promise<void> {
  await fc.assert(
    fc.asyncProperty(anyText, async (text) => {
      expect([...ours.encode(text)]).to.deep.equal(await referenceIds(reference, text));
    }),
    { numRuns },
  );
}

/** The error of one line that loading gives. */
async function failure(
  source: Parameters<typeof loadTokenizer>[0],
  options?: LoadTokenizerOptions,
): Promise<TokenizerFileError> {
  const error = await loadTokenizer(source, options).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(TokenizerFileError);
  expect((error as Error).message).to.not.include('\n');
  return error as TokenizerFileError;
}

describe('vocab.txt', () => {
  it("gives the ids of BERT's tokenizer.json", async function () {
    const json = sharedText(this, 'tokenizers/hf/bert_base_cased.json');
    const ours = tokenizerFromWordPieceVocab(vocabLines(json), { lowerCase: false });
    await sameIds(ours, Reference.fromString(json));
    expect(JSON.parse(tokenizerToJSON(ours)).added_tokens).to.deep.equal(JSON.parse(json).added_tokens);
    expect(ours.decode(ours.encode('Hello, unbelievable world!'))).to.equal('Hello, unbelievable world!');
  });

  it('lowers case and takes accents off unless told otherwise', () => {
    const vocab = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'cafe', 'Café', 'café', '中'].join('\r\n');
    const tokens = (options: Parameters<typeof tokenizerFromWordPieceVocab>[1], text = 'Café'): string[] =>
      tokenizerFromWordPieceVocab(vocab, options).encoding(text).tokens;
    expect(tokens({})).to.deep.equal(['[CLS]', 'cafe', '[SEP]']);
    expect(tokens({ lowerCase: false })).to.deep.equal(['[CLS]', 'Café', '[SEP]']);
    expect(tokens({ stripAccents: false })).to.deep.equal(['[CLS]', 'café', '[SEP]']);
    expect(tokens({ clsToken: null, sepToken: null })).to.deep.equal(['cafe']);
    expect(tokens({ tokenizeChineseChars: false }, '中中')).to.deep.equal(['[CLS]', '[UNK]', '[SEP]']);
  });

  it('names what it lacks', () => {
    expect(() => tokenizerFromWordPieceVocab('a\nb\n')).to.throw('vocab.txt: the vocabulary lacks the token "[UNK]"');
    expect(() => tokenizerFromWordPieceVocab('[UNK]\n', { clsToken: '<s>' })).to.throw('lacks the token "<s>"');
    expect(() => tokenizerFromWordPieceVocab('\n\n')).to.throw('has no tokens');
    expect(() => tokenizerFromWordPieceVocab(Uint8Array.of(0xff))).to.throw('vocab.txt: is no UTF-8 text');
  });
});

describe('vocab.json and merges.txt', () => {
  const files = (json: string): { vocab: string; merges: string } => {
    const { vocab, merges } = JSON.parse(json).model as { vocab: object; merges: (string | string[])[] };
    const lines = merges.map((pair) => (typeof pair === 'string' ? pair : pair.join(' ')));
    return { vocab: JSON.stringify(vocab), merges: `#version: 0.2\n${lines.join('\n')}\n` };
  };

  it("give the ids of GPT-2's tokenizer.json", async function () {
    const json = sharedText(this, 'tokenizers/hf/gpt2.json');
    const { vocab, merges } = files(json);
    const ours = tokenizerFromVocabMerges(vocab, merges);
    await sameIds(ours, Reference.fromString(json));
    expect([...ours.encode('a<|endoftext|>')]).to.deep.equal([64, 50_256]);
  });

  it("put RoBERTa's tokens around a text where the vocabulary has them", () => {
    const small = files(tokenizerToJSON(smallTokenizer()));
    const vocab = { ...JSON.parse(small.vocab), '<pad>': 400, '<unk>': 401, '<mask>': 402 };
    const ours = tokenizerFromVocabMerges(vocab, small.merges);
    expect(ours.encoding('the').tokens.at(0)).to.equal('<s>');
    expect(ours.encoding('the').tokens.at(-1)).to.equal('</s>');
    expect(ours.encoding('the', { addSpecialTokens: false }).ids).to.deep.equal([...smallTokenizer().encode('the')]);
    expect(tokenizerFromVocabMerges(vocab, small.merges, { kind: 'gpt2' }).encoding('the').tokens[0]).to.not.equal(
      '<s>',
    );
  });

  it("give the ids of CLIP's tokenizer.json", async function () {
    const json = sharedText(this, 'tokenizers/hf/clip_base.json');
    const { vocab, merges } = files(json);
    const ours = tokenizerFromVocabMerges(vocab, merges);
    await sameIds(ours, Reference.fromString(json));
  });

  it('name the line or token that is wrong', () => {
    expect(() => tokenizerFromVocabMerges('{"a":0}', '#version: 0.2\na b c\n')).to.throw(
      'merges.txt line 2: expected two',
    );
    expect(() => tokenizerFromVocabMerges('{"a":0}', 'a b\n')).to.throw(
      'merges.txt line 1: vocab.json lacks the token "b"',
    );
    expect(() => tokenizerFromVocabMerges('{"a":"x"}', '')).to.throw('vocab.json["a"]: expected an id');
    expect(() => tokenizerFromVocabMerges('[]', '')).to.throw('vocab.json: expected an object');
  });
});

describe("llama2.c's tokenizer.bin", () => {
  it("gives the ids of SentencePiece's model", async function () {
    const { pieces } = readSentencePieceFile(sharedBytes(this, 'tokenizers/sentencepiece/llama2.model'));
    const tokens = pieces.slice(259).map(({ piece, score }): [string, number] => [piece.replaceAll('▁', ' '), score]);
    const ours = tokenizerFromLlama2c(llama2cFile(tokens));
    await sameIds(ours, Reference.fromString(sharedText(this, 'tokenizers/hf/llama2.json')));
  });

  it('names the token that is wrong', () => {
    const file = llama2cFile();
    const read =
      (change: (view: DataView) => void, end = file.length) =>
      (): unknown => {
        const copy = file.slice(0, end);
        change(new DataView(copy.buffer));
        return tokenizerFromLlama2c(copy);
      };
    expect(read(() => {}, 3)).to.throw('max_token_length: the file ends inside it');
    expect(read((view) => view.setInt32(0, -1, true))).to.throw('max_token_length: expected 1 to 256, got -1');
    expect(read((view) => view.setFloat32(4, Number.NaN, true))).to.throw('token 0: the score is NaN');
    expect(read((view) => view.setInt32(8, 99, true))).to.throw('token 0: expected a length of 1 to 27, got 99');
    expect(read(() => {}, file.length - 1)).to.throw('token 262: the file ends inside it');
    expect(read(() => {}, 18)).to.throw('token 1: the file ends inside it');
    expect(() =>
      tokenizerFromLlama2c(
        llama2cFile([
          ['a', 0],
          ['a', 0],
        ]),
      ),
    ).to.throw('token 260: "a" is token 259 too');
  });
});

describe('compiled tokenizer', () => {
  const text = "Hello, the hello world's 12 cats. 中文中文 <s> 你好\n\n  the end 👩‍👩‍👧</s>";
  const compiled = compileTokenizer(smallTokenizer(['<s>', null, '</s>']));

  it('gives back the tokenizer', () => {
    const tokenizer = smallTokenizer(['<s>', null, '</s>']);
    tokenizer.chat = { templates: { default: '{{ messages }}' }, specialTokens: { bos_token: '<s>' } };
    const again = tokenizerFromCompiled(compileTokenizer(tokenizer));
    expect(tokenizerToJSON(again)).to.equal(tokenizerToJSON(tokenizer));
    expect(again.chat).to.deep.equal(tokenizer.chat);
    expect(again.encode(text)).to.deep.equal(tokenizer.encode(text));
  });

  for (const name of ['gpt2', 'gte'])
    it(`gives back ${name}`, function () {
      const tokenizer = tokenizerFromJSON(sharedText(this, `tokenizers/hf/${name}.json`));
      const again = tokenizerFromCompiled(compileTokenizer(tokenizer));
      expect(JSON.parse(tokenizerToJSON(again))).to.deep.equal(JSON.parse(tokenizerToJSON(tokenizer)));
      expect(again.encoding(text)).to.deep.equal(tokenizer.encoding(text));
    });

  it('gives back tiktoken ranks with their split', function () {
    const file = sharedBytes(this, 'tokenizers/tiktoken/p50k_base.tiktoken');
    for (const pattern of ['cl100k', String.raw`\p{L}+|\s+|[^\s\p{L}]`]) {
      const tokenizer = tokenizerFromTiktoken(file, { pattern, specialTokens: { '<|endoftext|>': 50_256 } });
      const again = tokenizerFromCompiled(compileTokenizer(tokenizer));
      expect(again.encode(text)).to.deep.equal(tokenizer.encode(text));
      expect(again.decode(again.encode(text))).to.equal(tokenizer.decode(tokenizer.encode(text)));
      expect(compileTokenizer(again)).to.deep.equal(compileTokenizer(tokenizer));
    }
  });

  it('refuses other versions and damaged files', () => {
    const changed = (at: number, value: number): Uint8Array => {
      const copy = compiled.slice();
      copy[at] = value;
      return copy;
    };
    expect(() => tokenizerFromCompiled(changed(4, 9))).to.throw('version 9 is not supported; expected 1');
    expect(() => tokenizerFromCompiled(changed(0, 9))).to.throw('begins with RVTK');
    expect(() => tokenizerFromCompiled(compiled.subarray(0, 8))).to.throw('ends inside its header');
    expect(() => tokenizerFromCompiled(compiled.subarray(0, -1))).to.throw('its checksum is wrong');
    for (let at = 8; at < compiled.length; at += 37)
      expect(() => tokenizerFromCompiled(changed(at, compiled[at]! ^ 16))).to.throw('its checksum is wrong');
  });
});

describe('loadTokenizer', () => {
  let folder = '';
  let server: Server;
  let address = '';
  const ranks = Array.from({ length: 256 }, (_, byte) => `${Buffer.of(byte).toString('base64')} ${byte}\n`).join('');
  const text = 'Hello, the hello world';

  before((done) => {
    folder = mkdtempSync(join(tmpdir(), 'rivulet-tokenizers-'));
    const contents: Record<string, string | Uint8Array> = {
      'tokenizer.json': tokenizerToJSON(smallTokenizer()),
      'tokenizer_config.json': JSON.stringify({ bos_token: { content: '<s>' }, chat_template: '{{ bos_token }}' }),
      'tokenizer.rvtk': compileTokenizer(smallTokenizer()),
      'vocab.txt': '[UNK]\n[CLS]\n[SEP]\nhello\n',
      'cl100k_small.tiktoken': ranks,
      'vocab.json': JSON.stringify(JSON.parse(tokenizerToJSON(smallTokenizer())).model.vocab),
      'merges.txt': '#version: 0.2\nh e\n',
      'broken.json': '{"model": {"type": "BPE", "vocab": 3}, "pre_tokenizer": {"type": "ByteLevel"}}',
      'other.txt': 'Once upon a time\n',
      'empty.json': '',
    };
    for (const [name, content] of Object.entries(contents)) writeFileSync(join(folder, name), content);
    server = createServer((request, response) => {
      const content = contents[request.url!.slice(1).replace(/\?.*/, '')];
      if (request.url!.includes('forbidden')) response.writeHead(403);
      else if (content === undefined) response.writeHead(404);
      response.end(content);
    }).listen(0, '127.0.0.1', () => {
      address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      done();
    });
  });
  after((done) => {
    rmSync(folder, { recursive: true });
    server.close(done);
  });

  it('takes bytes, a path, a folder, and URLs', async () => {
    const ids = smallTokenizer().encode(text);
    const bytes = compileTokenizer(smallTokenizer());
    const foreign = runInNewContext('Uint8Array.from(bytes)', { bytes }) as Uint8Array;
    expect(foreign).to.not.be.instanceOf(Uint8Array);
    const sources = [bytes, bytes.buffer as ArrayBuffer, foreign, folder, join(folder, 'tokenizer.rvtk')];
    const urls = [
      pathToFileURL(folder),
      address,
      `${address}tokenizer.json?download=true`,
      new URL(`${address}tokenizer.rvtk`),
    ];
    for (const source of [...sources, ...urls]) expect((await loadTokenizer(source)).encode(text)).to.deep.equal(ids);
  });

  it('reads the configuration beside the file', async () => {
    const { chat } = await loadTokenizer(folder);
    expect(chat).to.deep.equal({ templates: { default: '{{ bos_token }}' }, specialTokens: { bos_token: '<s>' } });
    expect((await loadTokenizer(folder, { config: null })).chat).to.equal(null);
    const named = {
      chat_template: [
        { name: 'default', template: 'a' },
        { name: 'tool_use', template: 'b' },
      ],
    };
    expect((await loadTokenizer(folder, { config: named })).chat!.templates).to.deep.equal({
      default: 'a',
      tool_use: 'b',
    });
    const cased = await loadTokenizer(join(folder, 'vocab.txt'), { config: { do_lower_case: false } });
    expect(cased.encoding('hello Hello').tokens).to.deep.equal(['[CLS]', 'hello', '[UNK]', '[SEP]']);
  });

  it('finds every format out', async () => {
    const types: Record<string, string> = { 'vocab.txt': 'BertPreTokenizer' };
    for (const name of [
      'vocab.txt',
      'cl100k_small.tiktoken',
      'vocab.json',
      'merges.txt',
      'tokenizer.json',
      'tokenizer.rvtk',
    ])
      expect((await loadTokenizer(join(folder, name))).preTokenizer!.type).to.equal(types[name] ?? 'ByteLevel');
    expect((await loadTokenizer(bytesOf('a\n[UNK]\n'))).vocabSize).to.equal(2);
    expect(
      (await loadTokenizer(bytesOf('a\nb\n<unk>'), { format: 'wordpiece', wordPiece: { unkToken: '<unk>' } }))
        .vocabSize,
    ).to.equal(3);
  });

  it("reads tiktoken's files with their special tokens", async function () {
    const file = sharedText(this, 'tokenizers/tiktoken/cl100k_base.tiktoken');
    const ours = await loadTokenizer(bytesOf(file), { name: 'cl100k_base.tiktoken' });
    const reference = new Tiktoken(file, { '<|endoftext|>': 100_257 }, tiktokenPatterns.cl100k);
    const sample = 'Hello <|endoftext|> world';
    expect(ours.encode(sample)).to.deep.equal(Int32Array.from(reference.encode(sample, 'all')));
  });

  it('names the file and the field in one line', async () => {
    const at = (name: string): string => join(folder, name);
    const cases: [Parameters<typeof loadTokenizer>[0], string][] = [
      [at('broken.json'), `${at('broken.json')}: model.vocab: expected an object, got 3`],
      [at('absent.json'), `${at('absent.json')}: cannot be read: ENOENT`],
      [at('empty.json'), `${at('empty.json')}: content: the file is empty`],
      [at('tokenizer_config.json'), `${at('tokenizer_config.json')}: content: is JSON, but neither`],
      [`${address}absent.json`, `${address}absent.json: there is no such file`],
      [`${address}forbidden/`, `${address}forbidden/tokenizer.json: cannot be fetched: the server answers 403`],
      ['http://127.0.0.1:1/tokenizer.json', 'http://127.0.0.1:1/tokenizer.json: cannot be fetched: '],
      [bytesOf('Once upon a time\n'), 'tokenizer: content: is no tokenizer of a known kind'],
      [bytesOf('{"a": 0}'), 'tokenizer: merges: a vocab.json needs its merges.txt'],
      [bytesOf(ranks), 'tokenizer: tiktoken.pattern: the name of the file says none of cl100k'],
    ];
    for (const [source, message] of cases) expect((await failure(source)).message).to.match(startsWith(message));
    const nested = `${'{"type":"Sequence","normalizers":['.repeat(20_000)}${']}'.repeat(20_000)}`;
    const deep = bytesOf(`{"normalizer":${nested},"model":{"type":"WordLevel","vocab":{"a":0}}}`);
    expect((await failure(deep)).message).to.equal('tokenizer: its parts are nested too deeply');
    const config = { chat_template: 3 };
    expect((await failure(folder, { config })).message).to.equal(
      `${at('tokenizer_config.json')}: chat_template: expected a string or a list of named ones, got 3`,
    );
    const nothing = mkdtempSync(join(folder, 'nothing-'));
    writeFileSync(join(nothing, 'words.json'), '{"a": 0}');
    expect((await failure(join(nothing, 'words.json'))).message).to.equal(
      `${join(nothing, 'words.json')}: needs merges.txt beside it, which is absent`,
    );
    expect((await failure(nothing)).message).to.match(
      startsWith(`${nothing}: holds no tokenizer; looked for tokenizer.json`),
    );
  });
});

const startsWith = (text: string): RegExp => new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`);
