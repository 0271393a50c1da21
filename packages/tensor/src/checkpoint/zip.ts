import type { ByteSource } from './byte-source.ts';
import { CheckpointError } from './checkpoint-error.ts';

/** A file in a ZIP archive. */
export interface ZipEntry {
  readonly path: string;
  readonly size: number;
  /** Its bytes from `begin` up to `end`. */
  readonly read: (begin: number, end: number) => Promise<Uint8Array<ArrayBuffer>>;
}

const MAX_DIRECTORY = 100_000_000;
const END = 22; // bytes of the end record, without its comment
const ALL_ONES = 0xffffffff;

/**
 * The files of an archive whose entries are stored, not compressed, as PyTorch writes them; they are read in place.
 * Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (4.3.6 ff., ZIP64 included).
 * @throws CheckpointError where the archive is damaged, encrypted, or in several volumes.
 */
export async function readZip(source: ByteSource): Promise<Map<string, ZipEntry>> {
  const { begin, end, count } = await findDirectory(source);
  const bytes = await source.read(begin, end);
  const data = new DataView(bytes.buffer);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes.length || data.getUint32(at, true) !== 0x02014b50)
      return fail(source, `has a damaged directory: entry ${i} of ${count} is missing`);
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => data.getUint16(at + field, true));
    const next = at + 46 + nameLength! + extraLength! + commentLength!;
    if (next > bytes.length) return fail(source, `has a damaged directory: entry ${i} of ${count} is cut off`);
    const path = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength!));
    if (entries.has(path)) return fail(source, `has the entry '${path}' twice`);
    const extra = new DataView(bytes.buffer, at + 46 + nameLength!, extraLength!);
    const [size, packed, offset] = wide(
      extra,
      [24, 20, 42].map((field) => data.getUint32(at + field, true)),
    );
    const method = data.getUint16(at + 10, true);
    if (data.getUint16(at + 8, true) & 1) return fail(source, `has the encrypted entry '${path}'`);
    if (method === 0 && size !== packed)
      return fail(source, `has the entry '${path}' with two sizes, ${size} and ${packed}`);
    if (offset! + 30 + packed! > begin) return fail(source, `has the entry '${path}' outside of the file`);
    entries.set(path, entryOf(source, path, method, size!, offset!, begin));
    at = next;
  }
  return entries;
}

function fail(source: ByteSource, message: string): never {
  throw new CheckpointError(source.name, message);
}

/** Numbers that do not fit 32 bits stand, in this order, in the extra field 1. */
function wide(extra: DataView, numbers: number[]): number[] {
  let at = 0;
  while (at + 4 <= extra.byteLength && extra.getUint16(at, true) !== 1) at += 4 + extra.getUint16(at + 2, true);
  at += 4;
  return numbers.map((number) => {
    if (number !== ALL_ONES || at + 8 > extra.byteLength) return number;
    at += 8;
    return Number(extra.getBigUint64(at - 8, true));
  });
}

interface Directory {
  readonly begin: number;
  readonly end: number;
  readonly count: number;
}

async function findDirectory(source: ByteSource): Promise<Directory> {
  const tailStart = Math.max(0, source.size - END - 0xffff); // the comment may be so long
  const tail = await source.read(tailStart, source.size);
  const data = new DataView(tail.buffer);
  let at = tail.length - END;
  while (
    at >= 0 &&
    !(data.getUint32(at, true) === 0x06054b50 && at + END + data.getUint16(at + 20, true) === tail.length)
  )
    at--;
  if (at < 0) return fail(source, 'is a ZIP archive without its end: the file is truncated');
  let [count, length, begin] = [
    data.getUint16(at + 10, true),
    data.getUint32(at + 12, true),
    data.getUint32(at + 16, true),
  ];
  let limit = tailStart + at;
  if (data.getUint16(at + 4, true) !== 0) return fail(source, 'is one volume of a ZIP archive in several');
  if (at >= 20 && data.getUint32(at - 20, true) === 0x07064b50) {
    limit = Number(data.getBigUint64(at - 12, true));
    if (limit + 56 > source.size) return fail(source, 'has a damaged ZIP64 directory');
    const record = new DataView((await source.read(limit, limit + 56)).buffer);
    if (record.getUint32(0, true) !== 0x06064b50) return fail(source, 'has a damaged ZIP64 directory');
    [count, length, begin] = [32, 40, 48].map((field) => Number(record.getBigUint64(field, true))) as [
      number,
      number,
      number,
    ];
  }
  if (begin + length > limit) return fail(source, 'has a ZIP directory that lies outside of the file');
  if (length > MAX_DIRECTORY)
    return fail(source, `has a ZIP directory of ${length} bytes; at most ${MAX_DIRECTORY} are allowed`);
  return { begin, end: begin + length, count };
}

function entryOf(
  source: ByteSource,
  path: string,
  method: number,
  size: number,
  offset: number,
  limit: number,
): ZipEntry {
  let start: Promise<number> | undefined;
  const findStart = async (): Promise<number> => {
    if (method !== 0)
      return fail(source, `has the compressed entry '${path}' (method ${method}); PyTorch stores entries uncompressed`);
    const header = new DataView((await source.read(offset, offset + 30)).buffer);
    if (header.getUint32(0, true) !== 0x04034b50) return fail(source, `has a damaged entry '${path}'`);
    const begin = offset + 30 + header.getUint16(26, true) + header.getUint16(28, true);
    if (begin + size > limit) return fail(source, `has the entry '${path}' outside of the file`);
    return begin;
  };
  return {
    path,
    size,
    read: async (begin, end) => {
      start ??= findStart();
      const first = await start;
      return source.read(first + begin, first + end);
    },
  };
}
