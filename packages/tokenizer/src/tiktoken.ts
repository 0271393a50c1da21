import type { AddedToken } from './added-tokens.ts';
import { BPE } from './bpe.ts';
import { idLimit, TokenizerFormatError } from './format.ts';
import { mergeLong } from './merge-long.ts';
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
    bytes[byte] = tokens.find(Uint8Array.of(byte), 0, 1);
    if (bytes[byte]! < 0) throw new TokenizerFormatError('rank file', `has no token for the byte ${byte}`);
  }
  const addedTokens = Object.entries(specialTokens).map(([content, id]): AddedToken => {
    if (!Number.isInteger(id) || id < 0)
      throw new TokenizerFormatError(`specialTokens["${content}"]`, `expected an id, got ${id}`);
    return { id, content, special: true, singleWord: false, lstrip: false, rstrip: false, normalized: false };
  });
  return new Tokenizer({
    model: new BPE({ tokens, pairs: pairsOf(tokens, bytes), bytes, whole: true }),
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

/** Bytes of all tokens; ranks may come in any order. */
function readRanks(file: Uint8Array): TokenBytes {
  const found = new Uint8Array(file.length);
  const starts: number[] = [];
  const ranks: number[] = [];
  let size = 0;
  let highest = -1;
  for (let at = 0, line = 1; at < file.length; line++) {
    const wrong = (): never => {
      throw new TokenizerFormatError(`rank file, line ${line}`, 'expected a token in base64, a blank and its rank');
    };
    if (file[at] === LINE_FEED) {
      at++;
      continue;
    }
    starts.push(size);
    let bits = 0;
    let held = 0;
    for (; at < file.length && file[at] !== BLANK && file[at] !== EQUALS; at++) {
      const sextet = sextets[file[at]!]!;
      if (sextet < 0) wrong();
      bits = ((bits << 6) | sextet) & 0xffff;
      held += 6;
      if (held >= 8) {
        held -= 8;
        found[size++] = (bits >>> held) & 255;
      }
    }
    while (file[at] === EQUALS) at++;
    if (file[at++] !== BLANK || starts.at(-1) === size) wrong();
    let rank = -1;
    for (; at < file.length && file[at] !== LINE_FEED && file[at] !== RETURN; at++) {
      const digit = file[at]! - 48;
      if (digit < 0 || digit > 9 || rank > 2 ** 24) wrong();
      rank = Math.max(rank, 0) * 10 + digit;
    }
    if (file[at] === RETURN) at++;
    at++;
    // A file of n tokens has room for few holes: a huge rank is an error, not a reason to take memory.
    if (rank < 0 || rank > 2 ** 24) wrong();
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
      arena.set(found.subarray(starts[i]!, starts[i + 1]!), at);
      at += starts[i + 1]! - starts[i]!;
    }
    offsets[rank + 1] = at;
  }
  return new TokenBytes(arena, offsets);
}

/**
 * The pair that each token is merged from. Inside a token merging goes as it would for the token alone, so that one pair leads to
 * it: the last two parts that merging with lower ranks leaves. Where more are left, every way to cut the token in two is kept.
 */
function pairsOf(tokens: TokenBytes, bytes: Int32Array): PairTable {
  const pairs = new PairTable(tokens.count);
  const { arena, offsets } = tokens;
  const parts = new Int32Array(tokens.longest);
  for (let id = 0; id < tokens.count; id++) {
    const [start, end] = [offsets[id]!, offsets[id + 1]!];
    if (end - start < 2) continue;
    let count = end - start;
    for (let i = 0; i < count; i++) parts[i] = bytes[arena[start + i]!]!;
    if (count > 2) count = count <= 64 ? mergeFew(parts, count, pairs) : mergeLong(parts, count, pairs);
    if (count === 2) pairs.add(parts[0]!, parts[1]!, id, id);
    else
      for (let middle = start + 1; middle < end; middle++) {
        const left = tokens.find(arena, start, middle);
        const right = left < 0 ? -1 : tokens.find(arena, middle, end);
        if (right >= 0) pairs.add(left, right, id, id);
      }
  }
  return pairs;
}

const found = new Int32Array(64);

/** `mergeLong` for few parts, without its lists. */
function mergeFew(ids: Int32Array, length: number, pairs: PairTable): number {
  let count = length;
  for (let i = 0; i + 1 < count; i++) found[i] = pairs.find(ids[i]!, ids[i + 1]!);
  for (;;) {
    let at = -1;
    let best = 0x7fffffff;
    for (let i = 0; i + 1 < count; i++) {
      if (found[i]! < 0) continue;
      const rank = pairs.rank(found[i]!);
      if (rank < best) {
        best = rank;
        at = i;
      }
    }
    if (at < 0) return count;
    ids[at] = pairs.merged(found[at]!);
    count--;
    for (let i = at + 1; i < count; i++) {
      ids[i] = ids[i + 1]!;
      found[i] = found[i + 1]!;
    }
    if (at > 0) found[at - 1] = pairs.find(ids[at - 1]!, ids[at]!);
    if (at + 1 < count) found[at] = pairs.find(ids[at]!, ids[at + 1]!);
  }
}
