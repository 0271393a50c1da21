import { byteLength, type MetadataValue } from './checkpoint.ts';
import { CheckpointError } from './checkpoint-error.ts';
import { duplicateKey } from './json-keys.ts';
import { STORED, type StoredType } from './stored-types.ts';

/** A tensor's place in a file; `begin` and `end` count from behind the header. */
export interface Entry {
  readonly key: string;
  readonly begin: number;
  readonly end: number;
  readonly dims: readonly number[];
  readonly type: StoredType;
}

/** Before the header stand eight bytes with its length. */
export const PREFIX = 8;

/** Headers may not be longer, whatever the file says (the limit of the format's own library). */
const MAX_HEADER = 100_000_000;

/** The header's length. @param prefix the file's first bytes, eight of them where it has so many. */
export function headerLength(prefix: Uint8Array, fileSize: number, name: string): number {
  if (fileSize < PREFIX)
    throw new CheckpointError(
      name,
      `has ${fileSize} bytes; a .safetensors file starts with ${PREFIX} that give the header's length`,
    );
  const length = new DataView(prefix.buffer, prefix.byteOffset, PREFIX).getBigUint64(0, true);
  const rest = fileSize - PREFIX;
  if (length > rest)
    throw new CheckpointError(
      name,
      `says its header has ${length} bytes, but only ${rest} follow; it is truncated or no .safetensors file`,
    );
  if (length > MAX_HEADER)
    throw new CheckpointError(name, `says its header has ${length} bytes; at most ${MAX_HEADER} are allowed`);
  return Number(length);
}

export interface Header {
  /** In the order of the file. */
  readonly entries: readonly Entry[];
  readonly metadata: ReadonlyMap<string, MetadataValue>;
}

/** What the header says. @param available bytes behind the header. */
export function parseHeader(bytes: Uint8Array, available: number, name: string): Header {
  const header = parseObject(bytes, name);
  const entries = Object.entries(header)
    .filter(([key]) => key !== '__metadata__')
    .map(([key, value]) => parseEntry(key, value, available, name));
  let expected = 0;
  for (const { key, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== expected)
      throw new CheckpointError(
        name,
        `tensor '${key}' starts at byte ${begin}, expected ${expected}: the data overlaps or has a hole`,
      );
    expected = end;
  }
  if (expected !== available)
    throw new CheckpointError(name, `has ${available - expected} bytes behind the last tensor, expected none`);
  return { entries, metadata: parseMetadata(header, name) };
}

function parseMetadata(header: object, name: string): Map<string, string> {
  const metadata: unknown = Object.hasOwn(header, '__metadata__') ? Reflect.get(header, '__metadata__') : {};
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata))
    throw new CheckpointError(name, `has the __metadata__ ${JSON.stringify(metadata)}, expected an object of strings`);
  for (const [key, value] of Object.entries(metadata))
    if (typeof value !== 'string')
      throw new CheckpointError(name, `has the __metadata__ '${key}': ${JSON.stringify(value)}, expected a string`);
  return new Map(Object.entries(metadata));
}

function parseObject(bytes: Uint8Array, name: string): object {
  let header: unknown;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (error) {
    throw new CheckpointError(name, `has a header that is no JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    throw new CheckpointError(name, 'has a header that is no JSON object');
  const twice = duplicateKey(text);
  if (twice !== null) throw new CheckpointError(name, `has the key '${twice}' twice in its header`);
  return header;
}

function parseEntry(key: string, value: unknown, available: number, name: string): Entry {
  const { dtype: code, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  const fail = (message: string): never => {
    throw new CheckpointError(name, `tensor '${key}' ${message}`);
  };
  const type = STORED.get(code as string);
  if (!type) return fail(`has the type ${JSON.stringify(code)}; known: ${[...STORED.keys()].join(', ')}`);
  if (!isSizes(shape)) return fail(`has the shape ${JSON.stringify(shape)}, expected a list of sizes`);
  if (!isSizes(offsets) || offsets.length !== 2)
    return fail(`has the offsets ${JSON.stringify(offsets)}, expected [begin, end]`);
  const [begin, end] = offsets as [number, number];
  const needed = byteLength(type, shape);
  if (end - begin !== needed)
    return fail(`${code} [${shape.join(', ')}] needs ${needed} bytes, its offsets give ${end - begin}`);
  if (end > available) return fail(`ends at byte ${end} of ${available}: the file is truncated`);
  return { key, begin, end, dims: shape, type };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
