import { byteToken } from '../byte-token.ts';
import { TokenizerFormatError } from '../format.ts';
import { sentencePieceDecoder } from '../sentencepiece/decoder.ts';
import type { Tokenizer } from '../tokenizer.ts';
import { tokenizerFromJSON } from '../tokenizer-json.ts';

export interface ScoredToken {
  /** As in SentencePiece: blanks are ▁, bytes are <0x0A>. */
  readonly token: string;
  readonly score: number;
}

const HEADER = 4;
const ENTRY = 8;
/** Ids 3 to 258 are the bytes. */
const BYTES = 3;
/** In bytes: all ways to cut a token are tried, so a long one is an error. */
const LONGEST = 256;

/**
 * Reads llama2.c's `tokenizer.bin` (https://github.com/karpathy/llama2.c): the length of the longest token, and for every token a
 * float32 score, its length and its bytes. The first ids are unknown, start, end, and the 256 bytes.
 * @throws TokenizerFormatError naming the token that is cut off or wrong.
 */
export function tokenizerFromLlama2c(bytes: Uint8Array): Tokenizer {
  const tokens = readLlama2c(bytes);
  const vocab = new Map<string, number>();
  tokens.forEach(({ token }, id) => {
    if (vocab.has(token))
      throw new TokenizerFormatError(`token ${id}`, `${JSON.stringify(token)} is token ${vocab.get(token)} too`);
    vocab.set(token, id);
  });
  return tokenizerFromJSON({
    added_tokens: [0, 1, 2].map((id) => ({ id, content: tokens[id]!.token, special: true })),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '▁' },
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [
        { SpecialToken: { id: '<s>', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '<s>', type_id: 1 } },
        { Sequence: { id: 'B', type_id: 1 } },
      ],
      special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
    },
    decoder: sentencePieceDecoder(true),
    model: {
      type: 'BPE',
      unk_token: '<unk>',
      fuse_unk: true,
      byte_fallback: true,
      vocab: Object.fromEntries(vocab),
      merges: mergesOf(tokens, vocab),
    },
  });
}

/** The tokens of the file, by id. */
export function readLlama2c(bytes: Uint8Array): ScoredToken[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER) throw new TokenizerFormatError('max_token_length', 'the file ends inside it');
  const longest = view.getInt32(0, true);
  if (longest < 1 || longest > LONGEST)
    throw new TokenizerFormatError('max_token_length', `expected 1 to ${LONGEST}, got ${longest}`);
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const tokens: ScoredToken[] = [];
  for (let at = HEADER; at < bytes.length; ) {
    const id = tokens.length;
    const field = `token ${id}`;
    if (at + ENTRY > bytes.length) throw new TokenizerFormatError(field, 'the file ends inside it');
    const score = view.getFloat32(at, true);
    const length = view.getInt32(at + 4, true);
    at += ENTRY;
    if (!Number.isFinite(score)) throw new TokenizerFormatError(field, `the score is ${score}`);
    if (length < 1 || length > longest)
      throw new TokenizerFormatError(field, `expected a length of 1 to ${longest}, got ${length}`);
    if (at + length > bytes.length) throw new TokenizerFormatError(field, 'the file ends inside it');
    try {
      tokens.push({ token: spelling(decoder.decode(bytes.subarray(at, at + length)), id), score });
    } catch {
      throw new TokenizerFormatError(field, 'is no UTF-8');
    }
    at += length;
  }
  if (tokens.length < BYTES + 256)
    throw new TokenizerFormatError('tokens', `expected ${BYTES + 256} at least, got ${tokens.length}`);
  for (let byte = 0; byte < 256; byte++) {
    const expected = byteToken(byte);
    if (tokens[BYTES + byte]!.token !== expected)
      throw new TokenizerFormatError(`token ${BYTES + byte}`, `expected ${expected}`);
  }
  return tokens;
}

/** The exporter writes ▁ as a blank, and line feeds around the start and end tokens. */
function spelling(token: string, id: number): string {
  if (id < BYTES) return token.trim();
  return token.replaceAll(' ', '▁');
}

/** Every way to cut a token into two others; a higher score of the whole goes first. */
function mergesOf(tokens: readonly ScoredToken[], vocab: ReadonlyMap<string, number>): [string, string][] {
  const merges: { left: string; right: string; score: number; ids: [number, number] }[] = [];
  for (const { token, score } of tokens.slice(BYTES + 256)) {
    const found: (typeof merges)[number][] = [];
    for (let i = 1; i < token.length; i++) {
      const [left, right] = [token.slice(0, i), token.slice(i)];
      const [a, b] = [vocab.get(left), vocab.get(right)];
      if (a !== undefined && b !== undefined) found.push({ left, right, score, ids: [a, b] });
    }
    found.sort((x, y) => x.ids[0] - y.ids[0] || x.ids[1] - y.ids[1]);
    merges.push(...found);
  }
  merges.sort((x, y) => y.score - x.score); // stable: equal scores keep the order of their ids
  return merges.map(({ left, right }): [string, string] => [left, right]);
}
