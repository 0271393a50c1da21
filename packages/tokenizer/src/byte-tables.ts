import type { BPETables } from './bpe.ts';
import { byteCharacters, byteOfCode } from './byte-characters.ts';
import { idLimit, isId } from './format.ts';
import { addEntry, findEntry, HASH_START, hashEnd, hashStep } from './models/token-table.ts';
import { PairTable } from './pair-table.ts';
import { powerOfTwo } from './power-of-two.ts';
import { TokenBytes } from './token-bytes.ts';

const BLANK = 0x20;

/**
 * The tables of a byte-level model as tokenizer.json writes it, made from the characters without a string, list or map for each token and
 * merge. Null where anything is not as it is in all but a few files: whoever asked then reads it by the general way, which says what is wrong.
 */
export function byteTables(
  vocab: Readonly<Record<string, unknown>>,
  merges: readonly unknown[],
  unkToken: string | null,
  whole: boolean,
): BPETables | null {
  const words = wordsOf(vocab);
  if (!words) return null;
  const unknown = unkToken === null ? -1 : vocab[unkToken];
  const pairs = pairsOf(words, merges);
  if (!pairs || typeof unknown !== 'number') return null;
  const { tokens, spellings } = words;
  const bytes = Int32Array.from(byteCharacters, (character) => (vocab[character] as number | undefined) ?? unknown);
  return { tokens, pairs, bytes, whole, unkToken, spellings };
}

/** Tokens with a table that finds their ids by their bytes. */
interface Words {
  readonly tokens: TokenBytes;
  /** Places by hash: an id plus one, 0 where free. */
  readonly slots: Int32Array;
  /** Tokens with characters that stand for no byte: they are text and are found by no bytes. */
  readonly spellings: ReadonlyMap<number, string>;
}

function wordsOf(vocab: Readonly<Record<string, unknown>>): Words | null {
  const names = Object.keys(vocab);
  const ids = Object.values(vocab);
  const limit = idLimit(names.length);
  let count = 0;
  let room = 0;
  for (let i = 0; i < names.length; i++) {
    const id = ids[i];
    if (!isId(id) || id >= limit || names[i] === '') return null;
    if (id >= count) count = id + 1;
    room += 3 * names[i]!.length;
  }
  const order = new Int32Array(count).fill(-1);
  for (let i = 0; i < names.length; i++) {
    const id = ids[i] as number;
    if (order[id]! >= 0) return null;
    order[id] = i;
  }
  const arena = new Uint8Array(room);
  const offsets = new Int32Array(count + 1);
  const slots = new Int32Array(powerOfTwo(2 * names.length, 1024));
  const spellings = new Map<number, string>();
  let at = 0;
  for (let id = 0; id < count; id++) {
    const name = order[id]! < 0 ? '' : names[order[id]!]!;
    const start = at;
    let hash = HASH_START;
    for (let i = 0; i < name.length; i++) {
      const byte = byteOfCode(name.charCodeAt(i));
      if (byte < 0) {
        spellings.set(id, name);
        at = start + new TextEncoder().encodeInto(name, arena.subarray(start)).written;
        break;
      }
      arena[at++] = byte;
      hash = hashStep(hash, byte);
    }
    offsets[id + 1] = at;
    if (at === start || spellings.has(id)) continue;
    addEntry(slots, id, hashEnd(hash));
  }
  return { tokens: new TokenBytes(arena.slice(0, at), offsets), slots, spellings };
}

function pairsOf(words: Words, merges: readonly unknown[]): PairTable | null {
  const lefts = new Int32Array(merges.length);
  const rights = new Int32Array(merges.length);
  const merged = new Int32Array(merges.length);
  let joined = new Uint8Array(256);
  for (let rank = 0; rank < merges.length; rank++) {
    const merge = merges[rank];
    const text = Array.isArray(merge) && merge.length === 2 ? spelled(merge) : merge;
    if (typeof text !== 'string') return null;
    if (joined.length < text.length) joined = new Uint8Array(2 * text.length);
    let length = 0;
    let middle = -1;
    let hash = HASH_START;
    let leftHash = HASH_START;
    let rightHash = HASH_START;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code === BLANK) {
        if (middle >= 0) return null;
        middle = length;
        leftHash = hash;
        continue;
      }
      const byte = byteOfCode(code);
      if (byte < 0) return null;
      joined[length++] = byte;
      hash = hashStep(hash, byte);
      if (middle >= 0) rightHash = hashStep(rightHash, byte);
    }
    if (middle < 0) return null;
    const left = find(words, joined, 0, middle, leftHash);
    const right = find(words, joined, middle, length, rightHash);
    const both = find(words, joined, 0, length, hash);
    if (left < 0 || right < 0 || both < 0) return null;
    lefts[rank] = left;
    rights[rank] = right;
    merged[rank] = both;
  }
  return PairTable.from(
    lefts,
    rights,
    lefts.map((_, rank) => rank),
    merged,
  );
}

const spelled = ([left, right]: readonly unknown[]): string | null =>
  typeof left === 'string' && typeof right === 'string' ? `${left} ${right}` : null;

/** The id of the token that has these bytes, −1 for none. */
function find({ tokens, slots }: Words, bytes: Uint8Array, start: number, end: number, hash: number): number {
  return findEntry(slots, tokens.arena, tokens.offsets, bytes, start, end, hashEnd(hash));
}
