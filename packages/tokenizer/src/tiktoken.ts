import type { AddedToken } from './added-tokens.ts';
import { BPE } from './bpe.ts';
import { idLimit, TokenizerFormatError } from './format.ts';
import { FEW, mergeFew } from './merge-few.ts';
import { mergeLong } from './merge-long.ts';
import { MergeOrder } from './merge-order.ts';
import { namedSplitter } from './named-splitters.ts';
import { PairTable } from './pair-table.ts';
import { splitPattern } from './split-pattern.ts';
import { TokenBytes } from './token-bytes.ts';
import { Tokenizer } from './tokenizer.ts';

export interface TiktokenOptions {
  /** How text is split before merging: that of a known vocabulary, or a regular expression in tiktoken's syntax. */
  readonly pattern: 'cl100k' | 'o200k' | 'p50k' | 'r50k' | (string & {});
  /** Special token → id. Default none. */
  readonly specialTokens?: Readonly<Record<string, number>>;
}

const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true } as const;

/**
 * Reads tiktoken's rank files: on every line the token's bytes in base64, a blank, and the rank, which is the id.
 * @throws TokenizerFormatError naming the line that is wrong, or a byte without a token.
 */
export function tokenizerFromTiktoken(file: Uint8Array, { pattern, specialTokens = {} }: TiktokenOptions): Tokenizer {
  const tokens = readRanks(file);
  const bytes = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    bytes[byte] = tokens.trie.find(Uint8Array.of(byte), 0, 1);
    if (bytes[byte]! < 0) throw new TokenizerFormatError('rank file', `has no token for the byte ${byte}`);
  }
  const pairs = ordered(tokens, bytes) ?? { pairs: unordered(tokens, bytes), order: null };
  const addedTokens = Object.entries(specialTokens).map(([content, id]): AddedToken => {
    if (!Number.isInteger(id) || id < 0)
      throw new TokenizerFormatError(`specialTokens["${content}"]`, `expected an id, got ${id}`);
    return { id, content, special: true, singleWord: false, lstrip: false, rstrip: false, normalized: false };
  });
  return new Tokenizer({
    model: new BPE({ tokens, bytes, whole: true, ...pairs }),
    preTokenizer: byteLevel,
    decoder: byteLevel,
    addedTokens,
    splitter: namedSplitter(pattern) ?? splitPattern(pattern),
  });
}

const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const BLANK = 0x20;
const EQUALS = 0x3d;

const sextets: Int8Array = (() => {
  const table = new Int8Array(256).fill(-1);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  for (let i = 0; i < 64; i++) table[alphabet.charCodeAt(i)] = i;
  return table;
})();

function wrong(line: number): never {
  throw new TokenizerFormatError(`rank file, line ${line}`, 'expected a token in base64, a blank and its rank');
}

/** Bytes of all tokens; ranks may come in any order. */
function readRanks(file: Uint8Array): TokenBytes {
  const found = new Uint8Array(file.length);
  const starts: number[] = [];
  const ranks: number[] = [];
  let size = 0;
  let highest = -1;
  for (let at = 0, line = 1; at < file.length; line++) {
    if (file[at] === LINE_FEED) {
      at++;
      continue;
    }
    starts.push(size);
    let bits = 0;
    let held = 0;
    for (; at < file.length && file[at] !== BLANK && file[at] !== EQUALS; at++) {
      const sextet = sextets[file[at]!]!;
      if (sextet < 0) wrong(line);
      bits = ((bits << 6) | sextet) & 0xffff;
      held += 6;
      if (held >= 8) {
        held -= 8;
        found[size++] = (bits >>> held) & 255;
      }
    }
    while (file[at] === EQUALS) at++;
    if (file[at++] !== BLANK || starts.at(-1) === size) wrong(line);
    let rank = -1;
    for (; at < file.length && file[at] !== LINE_FEED && file[at] !== RETURN; at++) {
      const digit = file[at]! - 48;
      if (digit < 0 || digit > 9 || rank > 2 ** 24) wrong(line);
      rank = Math.max(rank, 0) * 10 + digit;
    }
    if (file[at] === RETURN) at++;
    at++;
    // A file of n tokens has room for few holes: a huge rank is an error, not a reason to take memory.
    if (rank < 0 || rank > 2 ** 24) wrong(line);
    highest = Math.max(highest, rank);
    ranks.push(rank);
  }
  if (ranks.length === 0) throw new TokenizerFormatError('rank file', 'is empty');
  if (highest >= idLimit(ranks.length))
    throw new TokenizerFormatError('rank file', `the rank ${highest} is out of proportion to ${ranks.length} tokens`);
  starts.push(size);
  const line = new Int32Array(highest + 1).fill(-1);
  ranks.forEach((rank, i) => {
    if (line[rank]! >= 0)
      throw new TokenizerFormatError(
        `rank file, line ${i + 1}`,
        `the rank ${rank} belongs to line ${line[rank]! + 1} too`,
      );
    line[rank] = i;
  });
  const arena = new Uint8Array(size);
  const offsets = new Int32Array(highest + 2);
  let at = 0;
  for (let rank = 0; rank <= highest; rank++) {
    const i = line[rank]!;
    if (i >= 0) {
      for (let from = starts[i]!; from < starts[i + 1]!; from++) arena[at++] = found[from]!; // a few bytes: a subarray costs more
    }
    offsets[rank + 1] = at;
  }
  return new TokenBytes(arena, offsets);
}

/**
 * The pairs of ids that tokens are merged from, whose ranks are the ids: a token that lower ranks lead to has one pair, the two
 * parts that merging leaves last. Null where a part's rank is above the token's, so that more may lead to it.
 */
function ordered(tokens: TokenBytes, bytes: Int32Array): { pairs: PairTable; order: MergeOrder } | null {
  const pairs = new PairTable(tokens.count);
  const order = new MergeOrder(tokens, bytes, pairs);
  const { arena, offsets, trie } = tokens;
  for (let id = 0; id < tokens.count; id++) {
    const end = offsets[id + 1]!;
    if (end - offsets[id]! < 2) continue;
    let later = false;
    let left = trie.prefixes[id]!;
    let right = -1;
    for (; left >= 0; left = trie.prefixes[left]!) {
      right = trie.find(arena, offsets[id]! + tokens.lengthOf(left), end);
      if (right < 0) continue;
      if (left > id || right > id) later = true;
      else if (order.makes(left) && order.makes(right) && order.mayMeet(left, right)) break;
    }
    if (left < 0 && later) return null;
    if (left < 0) continue;
    pairs.add(left, right, id, id);
    order.add(id, left, right, id);
  }
  return { pairs, order };
}

/** The same in any order of ranks: where merging by lower ranks leaves more than two parts, every way to cut a token in two. */
function unordered(tokens: TokenBytes, bytes: Int32Array): PairTable {
  const pairs = new PairTable(tokens.count);
  const { arena, offsets, trie } = tokens;
  for (let id = 0; id < tokens.count; id++) {
    const [start, end] = [offsets[id]!, offsets[id + 1]!];
    if (end - start < 2) continue;
    const parts = Int32Array.from(tokens.of(id), (byte) => bytes[byte]!);
    const count = parts.length <= FEW ? mergeFew(parts, parts.length, pairs) : mergeLong(parts, parts.length, pairs);
    if (count === 2) pairs.add(parts[0]!, parts[1]!, id, id);
    else
      for (let left = trie.prefixes[id]!; left >= 0; left = trie.prefixes[left]!) {
        const right = trie.find(arena, start + tokens.lengthOf(left), end);
        if (right >= 0) pairs.add(left, right, id, id);
      }
  }
  return pairs;
}
