import { type Encoding, emptyEncoding, sliceEncoding } from './encoding.ts';
import { choice, count, type Json, object, string } from './format.ts';

export interface TruncationOptions {
  /** Tokens in all, added ones included. */
  readonly maxLength: number;
  /** Which text is cut. Default 'longest_first'. */
  readonly strategy?: 'longest_first' | 'only_first' | 'only_second';
  /** Tokens that overflowing parts share with what comes before. Default 0. */
  readonly stride?: number;
  /** The side that is cut off. Default 'right'. */
  readonly direction?: 'left' | 'right';
}

export interface PaddingOptions {
  /** 'longest' of the batch, or a number of tokens. Default 'longest'. */
  readonly length?: 'longest' | number;
  readonly direction?: 'left' | 'right';
  readonly multipleOf?: number | null;
  readonly id?: number;
  readonly typeId?: number;
  readonly token?: string;
}

const STRATEGIES = { LongestFirst: 'longest_first', OnlyFirst: 'only_first', OnlySecond: 'only_second' } as const;

export function readTruncation(value: unknown): TruncationOptions | null {
  if (value === null || value === undefined) return null;
  const json = object('truncation', value);
  const strategies = Object.keys(STRATEGIES) as (keyof typeof STRATEGIES)[];
  return {
    maxLength: count('truncation.max_length', json.max_length),
    stride: count('truncation.stride', json.stride ?? 0),
    strategy: STRATEGIES[choice('truncation.strategy', json.strategy, strategies, 'LongestFirst')],
    direction: direction('truncation.direction', json),
  };
}

export function readPadding(value: unknown): PaddingOptions | null {
  if (value === null || value === undefined) return null;
  const json = object('padding', value);
  const { strategy, pad_to_multiple_of: multiple = null } = json;
  return {
    length:
      strategy === 'BatchLongest'
        ? 'longest'
        : count('padding.strategy.Fixed', object('padding.strategy', strategy).Fixed),
    direction: direction('padding.direction', json),
    multipleOf: multiple === null ? null : count('padding.pad_to_multiple_of', multiple),
    id: count('padding.pad_id', json.pad_id ?? 0),
    typeId: count('padding.pad_type_id', json.pad_type_id ?? 0),
    token: string('padding.pad_token', json.pad_token ?? '[PAD]'),
  };
}

const direction = (field: string, json: Json): 'left' | 'right' =>
  choice(field, json.direction, ['Left', 'Right'] as const, 'Right') === 'Left' ? 'left' : 'right';

const capital = (side: 'left' | 'right' = 'right'): string => (side === 'left' ? 'Left' : 'Right');

export function truncationToJSON(options: TruncationOptions | null): object | null {
  if (!options) return null;
  const strategy = Object.entries(STRATEGIES).find(([, name]) => name === (options.strategy ?? 'longest_first'))![0];
  return {
    direction: capital(options.direction),
    max_length: options.maxLength,
    strategy,
    stride: options.stride ?? 0,
  };
}

export function paddingToJSON(options: PaddingOptions | null): object | null {
  if (!options) return null;
  const { length = 'longest' } = options;
  return {
    strategy: length === 'longest' ? 'BatchLongest' : { Fixed: length },
    direction: capital(options.direction),
    pad_to_multiple_of: options.multipleOf ?? null,
    pad_id: options.id ?? 0,
    pad_type_id: options.typeId ?? 0,
    pad_token: options.token ?? '[PAD]',
  };
}

/**
 * Cuts one text or two to `room` tokens in all.
 * @throws RangeError where the strategy leaves nothing to cut, or the stride is not below what is left of a text.
 */
export function truncate(texts: readonly Encoding[], room: number, options: TruncationOptions): Encoding[] {
  const { strategy = 'longest_first', stride = 0, direction: side = 'right' } = options;
  const [a, b] = texts as [Encoding, Encoding | undefined];
  if (room < 0)
    throw new RangeError(
      `truncation: maxLength ${options.maxLength} leaves no room beside ${options.maxLength - room} special tokens`,
    );
  const cut = (e: Encoding, length: number): Encoding => truncateOne(e, length, stride, side);
  const total = a.ids.length + (b?.ids.length ?? 0);
  if (total <= room) return [...texts];
  if (strategy === 'longest_first') {
    if (!b) return [cut(a, room)];
    // the reference stops reading a text at maxLength tokens, so that more make no difference
    const [first, second] = [a, b].map((e) => Math.min(e.ids.length, options.maxLength)) as [number, number];
    let [small, large] = [Math.min(first, second), Math.max(first, second)];
    large = small > room ? small : Math.max(small, room - small);
    if (small + large > room) {
      small = Math.floor(room / 2);
      large = small + (room % 2);
    }
    return first > second ? [cut(a, large), cut(b, small)] : [cut(a, small), cut(b, large)];
  }
  const target = strategy === 'only_first' ? a : b;
  if (!target) throw new RangeError("truncation: strategy 'only_second' needs a pair of texts");
  const left = target.ids.length - (total - room);
  if (left <= 0 && room > 0)
    throw new RangeError(
      `truncation: strategy '${strategy}' would leave nothing of a text of ${target.ids.length} tokens`,
    );
  if (room === 0) return texts.map((e) => cut(e, 0));
  return texts.map((e) => (e === target ? cut(e, left) : e));
}

function truncateOne(e: Encoding, length: number, stride: number, side: 'left' | 'right'): Encoding {
  const total = e.ids.length;
  if (length >= total) return e;
  if (length === 0) return { ...emptyEncoding(), overflowing: [e] };
  if (stride >= length)
    throw new RangeError(`truncation: stride ${stride} must be below the ${length} tokens that are left`);
  const parts: Encoding[] = [];
  const step = length - stride;
  if (side === 'right')
    for (let start = 0, end = 0; end < total; start += step) {
      end = Math.min(start + length, total);
      parts.push(sliceEncoding(e, start, end));
    }
  else
    for (let end = total, start = total; start > 0; end -= step) {
      start = Math.max(0, end - length);
      parts.push(sliceEncoding(e, start, end));
    }
  return { ...parts[0]!, overflowing: parts.slice(1) };
}

/** Fills encodings up to one length. */
export function pad(encodings: readonly Encoding[], options: PaddingOptions): void {
  const { length: wanted = 'longest', multipleOf } = options;
  let length = wanted === 'longest' ? encodings.reduce((max, e) => Math.max(max, e.ids.length), 0) : wanted;
  if (multipleOf) length = Math.ceil(length / multipleOf) * multipleOf;
  for (const e of encodings) padOne(e, length, options);
}

function padOne(e: Encoding, length: number, options: PaddingOptions): void {
  const { direction: side = 'right', id = 0, typeId = 0, token = '[PAD]' } = options;
  for (const part of e.overflowing) padOne(part, length, options);
  const missing = length - e.ids.length;
  if (missing <= 0) return;
  const put = <T>(list: T[], value: () => T): void => {
    const fill = Array.from({ length: missing }, value);
    const all = side === 'right' ? list.concat(fill) : fill.concat(list);
    list.length = 0;
    for (const x of all) list.push(x);
  };
  put(e.ids, () => id);
  put(e.tokens, () => token);
  put<[number, number]>(e.offsets, () => [0, 0]);
  put(e.typeIds, () => typeId);
  put(e.specialTokensMask, () => 1);
  put(e.attentionMask, () => 0);
  put<number | null>(e.wordIds, () => null);
  put<number | null>(e.sequenceIds, () => null);
}
