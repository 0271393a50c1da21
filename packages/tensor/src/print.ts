import type { HostTensor } from './backend/backend.ts';
import { fromFloat16 } from './checkpoint/float16.ts';
import type { DType } from './dtype.ts';

/** Values by rows, as deep as the tensor has axes. */
export type NestedValues = number | boolean | NestedValues[];

// PyTorch's defaults (https://docs.pytorch.org/docs/stable/generated/torch.set_printoptions.html).
const PRECISION = 4;
const THRESHOLD = 1000;
const EDGE = 3;
const LINE_WIDTH = 80;

const PREFIX = 'tensor(';

/** The values as numbers; float16 is decoded. */
export function numbersOf({ dtype, data }: HostTensor): ArrayLike<number | bigint> {
  return dtype === 'float16' ? fromFloat16(data as Uint16Array) : data;
}

export function nestedValues(host: HostTensor): NestedValues {
  const values = numbersOf(host);
  const convert = (value: number | bigint): number | boolean => (host.dtype === 'bool' ? value !== 0 : Number(value));
  const build = (axis: number, at: number, size: number): NestedValues => {
    if (axis === host.dims.length) return convert(values[at]!);
    const length = host.dims[axis]!;
    return Array.from({ length }, (_, i) => build(axis + 1, at + (i * size) / length, size / length));
  };
  return build(0, 0, values.length);
}

/** The text that PyTorch prints, with shorter names of types: `tensor([1, 2], dtype=int32)`. */
export function formatValues(host: HostTensor): string {
  const { dtype, dims } = host;
  const empty = host.data.length === 0;
  const suffixes = [
    ...(empty && dims.length !== 1 ? [`size=(${dims.join(', ')})`] : []),
    ...((empty ? dtype !== 'float32' : !['float32', 'int64', 'bool'].includes(dtype)) ? [`dtype=${dtype}`] : []),
  ];
  const summarize = host.data.length > THRESHOLD;
  let text = PREFIX + (empty ? '[]' : formatRows(host, summarize));
  for (const suffix of suffixes) {
    const lastLine = text.length - text.lastIndexOf('\n') - 1;
    text += lastLine + suffix.length + 3 > LINE_WIDTH ? `,\n${' '.repeat(PREFIX.length)}${suffix}` : `, ${suffix}`;
  }
  return `${text})`;
}

/** The positions along an axis that are printed; null stands for those left out. */
function shown(length: number, summarize: boolean): (number | null)[] {
  if (!summarize || length <= 2 * EDGE) return Array.from({ length }, (_, i) => i);
  return [0, 1, 2, null, length - 3, length - 2, length - 1];
}

function formatRows(host: HostTensor, summarize: boolean): string {
  const values = numbersOf(host);
  const { dims } = host;
  const sizes = dims.map((_, axis) => dims.slice(axis + 1).reduce((a, b) => a * b, 1)); // elements per step of an axis

  const visible: (number | bigint)[] = [];
  const collect = (axis: number, at: number): void => {
    if (axis === dims.length) visible.push(values[at]!);
    else for (const i of shown(dims[axis]!, summarize)) if (i !== null) collect(axis + 1, at + i * sizes[axis]!);
  };
  collect(0, 0);
  const { width, format } = formatter(host.dtype, visible);

  const rows = (axis: number, at: number, indent: number): string => {
    if (axis === dims.length) return format(values[at]!);
    const inner = dims.length - axis - 1;
    const parts = shown(dims[axis]!, summarize).map((i) => {
      if (i === null) return inner === 0 ? ' ...' : '...';
      return rows(axis + 1, at + i * sizes[axis]!, indent + 1);
    });
    if (inner > 0) return `[${parts.join(`,${'\n'.repeat(inner)}${' '.repeat(indent + 1)}`)}]`;
    const perLine = Math.max(1, Math.floor((LINE_WIDTH - indent) / (width + 2)));
    const lines: string[] = [];
    for (let i = 0; i < parts.length; i += perLine) lines.push(parts.slice(i, i + perLine).join(', '));
    return `[${lines.join(`,\n${' '.repeat(indent + 1)}`)}]`;
  };
  return rows(0, 0, PREFIX.length);
}

/** Writes numbers in equal width: integers, decimals or powers of ten, by what all of them are. */
function formatter(
  dtype: DType,
  values: readonly (number | bigint)[],
): { width: number; format: (value: number | bigint) => string } {
  const float = dtype === 'float32' || dtype === 'float16';
  const write = float ? floatWriter(values as number[]) : integerWriter(dtype);
  const measured = float ? values.filter((value) => Number.isFinite(value) && value !== 0) : values;
  const width = Math.max(1, ...measured.map((value) => write(value).length));
  return { width, format: (value) => write(value).padStart(width) };
}

function integerWriter(dtype: DType): (value: number | bigint) => string {
  return dtype === 'bool' ? (value) => (value ? 'True' : 'False') : String;
}

function floatWriter(values: readonly number[]): (value: number | bigint) => string {
  const sizes = values.filter((value) => Number.isFinite(value) && value !== 0).map(Math.abs);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const scientific = sizes.length > 0 && (most / least > 1000 || most > 1e8 || least < 1e-4);
  const whole = sizes.every(Number.isInteger);
  return (value) => {
    const x = Number(value);
    if (!Number.isFinite(x)) return Number.isNaN(x) ? 'nan' : x > 0 ? 'inf' : '-inf';
    if (scientific) return x.toExponential(PRECISION).replace(/e([+-])(\d)$/, 'e$10$2');
    return whole ? `${x.toFixed(0)}.` : x.toFixed(PRECISION);
  };
}
