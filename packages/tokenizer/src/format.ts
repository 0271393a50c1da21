/** A tokenizer file that is malformed, or asks for a part that does not exist. */
export class TokenizerFormatError extends Error {
  /** Where in the file: `model.merges[3]`. */
  readonly field: string;

  constructor(field: string, message: string) {
    super(`${field}: ${message}`);
    this.name = 'TokenizerFormatError';
    this.field = field;
  }
}

export type Json = Readonly<Record<string, unknown>>;

/** A component as tokenizer.json writes it: its `type` and its settings. */
export type Spec = Json & { readonly type: string };

export function parse(text: string, file = 'tokenizer.json'): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TokenizerFormatError(file, `is no JSON: ${(error as Error).message}`);
  }
}

function mismatch(field: string, expected: string, value: unknown): never {
  throw new TokenizerFormatError(field, `expected ${expected}, got ${describe(value)}`);
}

export function object(field: string, value: unknown): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) mismatch(field, 'an object', value);
  return value as Json;
}

export function array(field: string, value: unknown): readonly unknown[] {
  return Array.isArray(value) ? Array.from(value) : mismatch(field, 'a list', value); // a hole becomes undefined
}

export function string(field: string, value: unknown): string {
  return typeof value === 'string' ? value : mismatch(field, 'a string', value);
}

/** A list of texts. @throws TokenizerFormatError */
export function strings(field: string, value: unknown): string[] {
  return array(field, value).map((item, i) => string(`${field}[${i}]`, item));
}

/** One character, which may be two UTF-16 units. */
export function character(field: string, value: unknown): string {
  const text = string(field, value);
  return [...text].length === 1 ? text : mismatch(field, 'one character', value);
}

/** A boolean; nothing stands for `otherwise`. */
export function boolean(field: string, value: unknown, otherwise: boolean): boolean {
  if (value === undefined || value === null) return otherwise;
  return typeof value === 'boolean' ? value : mismatch(field, 'true or false', value);
}

export function count(field: string, value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) >= 0
    ? (value as number)
    : mismatch(field, 'a whole number from 0', value);
}

/** One of several words; nothing stands for `otherwise`. */
export function choice<T extends string>(field: string, value: unknown, choices: readonly T[], otherwise?: T): T {
  const given = value === undefined || value === null ? otherwise : value;
  return choices.find((c) => c === given) ?? mismatch(field, `one of ${choices.join(', ')}`, value);
}

export const isId = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 26;

export function id(field: string, value: unknown): number {
  return isId(value) ? value : mismatch(field, 'an id', value);
}

export function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  const type = (value as Json | null | undefined)?.type;
  if (typeof type === 'string') return type;
  if (value === null) return 'null';
  return typeof value === 'object' ? 'an object' : (JSON.stringify(value) ?? 'nothing');
}

export function refuse(field: string, value: unknown, supported: string): never {
  throw new TokenizerFormatError(field, `${describe(value)} is not supported; supported: ${supported}`);
}

/** Tables are as long as the highest id: one that is far above the count is an error, not a reason to take memory. */
export const idLimit = (count: number): number => 16 * count + 2 ** 16;

/** Token → id, every id of one token only. */
export function vocabulary(field: string, value: unknown): Map<string, number> {
  const json = object(field, value);
  const tokens = Object.keys(json);
  const ids = Object.values(json);
  const vocab = new Map<string, number>();
  const limit = idLimit(tokens.length);
  const taken = new Uint8Array(limit);
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const own = ids[i];
    if (!isId(own) || own >= limit || taken[own] === 1) return wrongId(`${field}["${token}"]`, own, tokens.length);
    taken[own] = 1;
    vocab.set(token, own);
  }
  return vocab;
}

function wrongId(field: string, value: unknown, tokens: number): never {
  const own = id(field, value);
  if (own >= idLimit(tokens))
    throw new TokenizerFormatError(field, `the id ${own} is out of proportion to ${tokens} tokens`);
  throw new TokenizerFormatError(field, `the id ${own} belongs to another token too`);
}
