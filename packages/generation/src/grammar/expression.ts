/** What regular expressions, schemas and grammars are turned into. */
export type Expression =
  /** One of these code points, as ranges with both ends in them. */
  | { readonly type: 'class'; readonly ranges: readonly Range[] }
  | { readonly type: 'sequence'; readonly parts: readonly Expression[] }
  | { readonly type: 'choice'; readonly parts: readonly Expression[] }
  | { readonly type: 'repeat'; readonly part: Expression; readonly min: number; readonly max: number }
  | { readonly type: 'rule'; readonly name: string };

export type Range = readonly [from: number, to: number];

export const MAX_CODE_POINT = 0x10ffff;
const MAX_REPEAT = 1000;

export function literal(text: string): Expression {
  return sequence(Array.from(text, (char) => oneOf([[char.codePointAt(0)!, char.codePointAt(0)!]])));
}

export function oneOf(ranges: readonly Range[]): Expression {
  return { type: 'class', ranges };
}

export function sequence(parts: readonly Expression[]): Expression {
  return parts.length === 1 ? parts[0]! : { type: 'sequence', parts };
}

export function choice(parts: readonly Expression[]): Expression {
  return parts.length === 1 ? parts[0]! : { type: 'choice', parts };
}

/** @throws RangeError where the bounds are not in order or above 1000. */
export function repeat(part: Expression, min: number, max: number = Number.POSITIVE_INFINITY): Expression {
  if (min > max) throw new RangeError(`a repetition of ${min} to ${max} times is not possible`);
  if (min > MAX_REPEAT || (max > MAX_REPEAT && max !== Number.POSITIVE_INFINITY))
    throw new RangeError(
      `a repetition has at most ${MAX_REPEAT} times, got ${max === Number.POSITIVE_INFINITY ? min : max}`,
    );
  return { type: 'repeat', part, min, max };
}

/** How often the quantifier *, +, ?, {n}, {n,} or {n,m} repeats; undefined for anything else. */
export function quantifierBounds(sign: string): [min: number, max: number] | undefined {
  if (sign === '*') return [0, Number.POSITIVE_INFINITY];
  if (sign === '+') return [1, Number.POSITIVE_INFINITY];
  if (sign === '?') return [0, 1];
  if (!sign.startsWith('{')) return undefined;
  const [min, max] = sign.slice(1, -1).split(',');
  return [Number(min), max === undefined ? Number(min) : max === '' ? Number.POSITIVE_INFINITY : Number(max)];
}

export function optional(part: Expression): Expression {
  return repeat(part, 0, 1);
}

export function rule(name: string): Expression {
  return { type: 'rule', name };
}

/** All code points outside these ranges. */
export function complement(ranges: readonly Range[]): Range[] {
  const rest: Range[] = [];
  let from = 0;
  for (const [low, high] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (low > from) rest.push([from, low - 1]);
    from = Math.max(from, high + 1);
  }
  if (from <= MAX_CODE_POINT) rest.push([from, MAX_CODE_POINT]);
  return rest;
}
