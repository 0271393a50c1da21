import { expect } from 'chai';
import fc from 'fast-check';
import { Tokenizer as Reference } from 'tokenizers';
import { byteTables } from '../src/byte-tables.ts';
import { BPE, TokenizerFormatError, tokenizerFromJSON, tokenizerToJSON } from '../src/index.ts';
import type { PairTable } from '../src/pair-table.ts';
import { referenceIds, sharedText } from './support/reference.ts';
import { anyText, smallTokenizer } from './support/texts.ts';

type Json = Record<string, unknown>;
const written = tokenizerToJSON(smallTokenizer(['<s>', null, '</s>']));
const fresh = (): Json & { model: Json; pre_tokenizer: Json; added_tokens: Json[] } => JSON.parse(written);

/** The error that reading this file gives. */
function failure(source: string | object): TokenizerFormatError {
  try {
    tokenizerFromJSON(source);
  } catch (error) {
    expect(error).to.be.instanceOf(TokenizerFormatError);
    return error as TokenizerFormatError;
  }
  throw new Error('the file was accepted');
}

describe('tokenizer.json', () => {
  it('is read back as it was written', () => {
    expect(tokenizerToJSON(tokenizerFromJSON(written))).to.equal(written);
  });

  it('is read from text and from an object, with merges as pairs and as strings', () => {
    const old = fresh();
    old.model.merges = (old.model.merges as string[][]).map((pair) => pair.join(' '));
    const text = 'Hello, 中文 world';
    expect(tokenizerFromJSON(old).encode(text)).to.deep.equal(tokenizerFromJSON(written).encode(text));
  });

  it('is read to the same model with and without a map of all tokens', () => {
    const { vocab, merges } = fresh().model as { vocab: Record<string, number>; merges: [string, string][] };
    // Holes, ids in another order than the file's, a token that is text, a pair that comes twice
    const changed = Object.fromEntries(Object.entries(vocab).map(([token, id]) => [token, 2 * id]));
    changed.日本 = 1;
    const entries = Object.fromEntries(Object.entries(changed).reverse());
    const pairs = [...merges, merges[0]!];
    const tables = byteTables(entries, pairs, null, false);
    expect(tables).not.to.equal(null);
    const [fast, plain] = [new BPE(tables!), new BPE({ vocab: new Map(Object.entries(entries)), merges: pairs })];
    const { tokens, pairs: table, bytes, spellings } = plain.tables();
    expect(tables!.tokens).to.deep.equal(tokens);
    expect(tables!.bytes).to.deep.equal(bytes);
    expect(tables!.spellings).to.deep.equal(spellings);
    const ranks = (pairTable: PairTable): number[][] => {
      const all: number[][] = [];
      pairTable.each((left, right, rank) =>
        all.push([left, right, rank, pairTable.merged(pairTable.find(left, right))]),
      );
      return all.sort((a, b) => a[2]! - b[2]!);
    };
    expect(ranks(tables!.pairs)).to.deep.equal(ranks(table));
    expect(fast.idToToken(1)).to.equal('日本');
  });

  it('is left to the general way where it is unusual', () => {
    const { vocab, merges } = fresh().model as { vocab: Record<string, number>; merges: [string, string][] };
    const [a] = Object.keys(vocab);
    for (const [entries, pairs, unk] of [
      [{ ...vocab, 日本: 0 }, merges, null],
      [{ ...vocab, 日本: 1e6 }, merges, null],
      [{ ...vocab, 日本: 0.5 }, merges, null],
      [{ ...vocab, '': 900 }, merges, null],
      [vocab, ['ab'], null],
      [vocab, ['a b c'], null],
      [vocab, [['a', 1]], null],
      [vocab, [['日', '本']], null],
      [vocab, [[a, 'zqzqzq']], null],
      [vocab, merges, 'absent'],
    ] as const)
      expect(byteTables(entries, pairs, unk, false)).to.equal(null);
  });

  const variants: Record<string, (json: ReturnType<typeof fresh>) => void> = {
    add_prefix_space: (json) => Object.assign(json.pre_tokenizer, { add_prefix_space: true }),
    'use_regex false': (json) => Object.assign(json.pre_tokenizer, { use_regex: false }),
    ignore_merges: (json) => {
      const vocab = json.model.vocab as Record<string, number>;
      vocab.zqzq = 320;
      Object.assign(json.model, { ignore_merges: true });
    },
    'no post_processor': (json) => Object.assign(json, { post_processor: null }),
    'a vocabulary without some bytes': (json) => {
      delete (json.model.vocab as Record<string, number>)['7'];
    },
    'unk_token for missing bytes': (json) => {
      delete (json.model.vocab as Record<string, number>)['7'];
      Object.assign(json.model, { unk_token: '<s>' });
    },
  };
  for (const [name, change] of Object.entries(variants))
    it(`gives the ids of the reference: ${name}`, async () => {
      const json = fresh();
      change(json);
      const ours = tokenizerFromJSON(json);
      const reference = Reference.fromString(JSON.stringify(json));
      const texts = fc.oneof(anyText, fc.constantFrom('zqzq', ' zqzq', '', ' ', '777', 'a7b'));
      await fc.assert(
        fc.asyncProperty(texts, async (text) => {
          expect([...ours.encode(text)]).to.deep.equal(await referenceIds(reference, text));
        }),
        { numRuns: 300 },
      );
    });

  it("of GPT-2 gives the reference's ids, read and written again", async function () {
    const text = sharedText(this, 'tokenizers/hf/gpt2.json');
    const ours = tokenizerFromJSON(text);
    const reference = Reference.fromString(text);
    const again = tokenizerFromJSON(tokenizerToJSON(ours));
    await fc.assert(
      fc.asyncProperty(anyText, async (sample) => {
        const ids = await referenceIds(reference, sample);
        expect([...ours.encode(sample)]).to.deep.equal(ids);
        expect([...again.encode(sample)]).to.deep.equal(ids);
      }),
      { numRuns: 300 },
    );
    expect(ours.vocabSize).to.equal(50_257);
  });

  it("of GPT-2 gives the reference's ids for real English and Chinese", async function () {
    const text = sharedText(this, 'tokenizers/hf/gpt2.json');
    const ours = tokenizerFromJSON(text);
    const reference = Reference.fromString(text);
    for (const file of ['tinyshakespeare/input.txt', 'xiyouji/xiyouji.txt']) {
      const sample = sharedText(this, `data/text/${file}`).slice(0, 100_000);
      const ids = ours.encode(sample);
      expect(ids).to.deep.equal(Int32Array.from(await referenceIds(reference, sample)));
      expect(ours.decode(ids)).to.equal(sample);
    }
  });

  it('that asks for an unsupported part is refused by name', () => {
    const parts: [string, unknown, string][] = [
      ['pre_tokenizer', { type: 'Sudachi' }, 'Sudachi'],
      ['decoder', { type: 'Magic' }, 'Magic'],
      ['post_processor', { type: 'Magic' }, 'Magic'],
      ['normalizer', { type: 'Magic' }, 'Magic'],
      ['model', { type: 'Trigram' }, 'Trigram'],
    ];
    for (const [field, value, type] of parts) {
      const error = failure({ ...fresh(), [field]: value });
      expect(error.field).to.equal(field);
      expect(error.message).to.contain(`${field}: ${type} is not supported; supported: `);
    }
  });

  it('that is malformed is refused with the field that is wrong', () => {
    const model = fresh().model;
    const files: [string | object, string][] = [
      ['{', 'tokenizer.json'],
      ['[]', 'tokenizer.json'],
      [{ ...fresh(), model: undefined }, 'model'],
      [{ ...fresh(), model: { ...model, vocab: [] } }, 'model.vocab'],
      [{ ...fresh(), model: { ...model, vocab: { a: -1 } } }, 'model.vocab["a"]'],
      [{ ...fresh(), model: { ...model, vocab: { a: 0, b: 0 } } }, 'model.vocab["b"]'],
      [{ ...fresh(), model: { ...model, merges: ['a'] } }, 'model.merges[0]'],
      [{ ...fresh(), model: { ...model, merges: [['no', 'token']] } }, 'model.merges'],
      [{ ...fresh(), added_tokens: [{ id: 'x', content: '<s>' }] }, 'added_tokens[0].id'],
    ];
    for (const [file, field] of files) expect(failure(file).field).to.equal(field);
  });

  it('that was damaged at random is read, or refused with a field', () => {
    let state = 1;
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % below;
    };
    const values = [null, -1, 1.5, 'x', [], {}, true, 2 ** 40, [[]], { type: 'Nope' }];
    for (let run = 0; run < 300; run++) {
      const file = fresh() as Json;
      let node: Record<string, unknown> = file as Record<string, unknown>;
      for (;;) {
        const keys = Object.keys(node);
        const key = keys[random(keys.length)]!;
        const child = node[key];
        if (typeof child === 'object' && child !== null && Object.keys(child).length > 0 && random(4) > 0) {
          node = child as Record<string, unknown>;
          continue;
        }
        if (random(4) === 0) delete node[key];
        else node[key] = values[random(values.length)];
        break;
      }
      try {
        tokenizerFromJSON(file);
      } catch (error) {
        if (!(error instanceof TokenizerFormatError)) throw error;
      }
    }
  });
});
