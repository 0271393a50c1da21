import { bytesOf, holds, onnxType } from '../dtype.ts';
import { atOnce, type InParts } from '../slices.ts';
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from './model.ts';
import { BackwardWriter } from './wire.ts';

/** The oldest version of the file format that has every element type of ours; newer runtimes read all older ones. */
const IR_VERSION = 10;

/** TensorProto.DataLocation of onnx.proto. */
const EXTERNAL = 1;

/** AttributeProto.AttributeType of onnx.proto. */
const ATTRIBUTE = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, floats: 6, ints: 7, strings: 8 } as const;

/**
 * A model as the bytes of an .onnx file (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). The order of fields is
 * fixed: equal models give equal bytes.
 * @throws RangeError past 2 GiB, and where a tensor's data does not fill its dims.
 * @throws TypeError where an int attribute or a dim is no integer, or a typed array does not hold its dtype.
 */
export function encodeModel(model: OnnxModel): Uint8Array<ArrayBuffer> {
  return atOnce(encodeInParts(model));
}

export function* encodeInParts({ graph: main, opsets }: OnnxModel): InParts<Uint8Array<ArrayBuffer>> {
  const w = new BackwardWriter();
  backward(Object.entries(opsets), ([domain, version]) =>
    w.message(8, () => {
      w.int(2, integer(version, `the version of opset '${domain}'`));
      if (domain) w.text(1, domain);
    }),
  );
  const before = w.length;
  yield* graph(w, main);
  w.endMessage(7, before);
  w.text(2, 'rivulet');
  w.int(1, IR_VERSION);
  return yield* w.finish();
}

/** The writer goes from back to front, so the fields below stand in falling order and lists are walked from their end. */
function backward<T>(items: readonly T[], write: (item: T) => void): void {
  for (let i = items.length - 1; i >= 0; i--) write(items[i]!);
}

function* graph(w: BackwardWriter, { name, nodes, inputs, outputs, initializers }: OnnxGraph): InParts<void> {
  yield* messages(w, 12, outputs, valueInfo);
  yield* messages(w, 11, inputs, valueInfo);
  yield* messages(w, 5, initializers, tensor);
  w.text(2, name);
  yield* messages(w, 1, nodes, node);
}

/** A part for each item. */
function* messages<T>(
  w: BackwardWriter,
  field: number,
  items: readonly T[],
  write: (w: BackwardWriter, item: T) => void,
): InParts<void> {
  for (let i = items.length - 1; i >= 0; i--) {
    w.message(field, () => write(w, items[i]!));
    yield;
  }
}

function node(w: BackwardWriter, { opType, domain, name, inputs, outputs, attributes = {} }: OnnxNode): void {
  if (domain) w.text(7, domain);
  backward(Object.entries(attributes), ([key, value]) =>
    w.message(5, () => attribute(w, key, value, `attribute '${key}' of ${opType}${name ? ` '${name}'` : ''}`)),
  );
  w.text(4, opType);
  if (name) w.text(3, name);
  backward(outputs, (value) => w.text(2, value));
  backward(inputs, (value) => w.text(1, value));
}

function attribute(w: BackwardWriter, name: string, value: OnnxAttribute, label: string): void {
  const kind = (Object.keys(value) as (keyof typeof ATTRIBUTE)[])[0];
  if (!kind || !(kind in ATTRIBUTE))
    throw new TypeError(`${label} has the kind '${kind}', expected one of ${Object.keys(ATTRIBUTE).join(', ')}`);
  w.int(20, ATTRIBUTE[kind]);
  if ('float' in value) w.float(2, value.float);
  else if ('int' in value) w.int(3, integer(value.int, label));
  else if ('string' in value) w.text(4, value.string);
  else if ('tensor' in value) w.message(5, () => tensor(w, value.tensor));
  else if ('graph' in value) w.message(6, () => atOnce(graph(w, value.graph)));
  else if ('floats' in value) backward(value.floats, (item) => w.float(7, item));
  else if ('ints' in value) backward(value.ints, (item) => w.int(8, integer(item, label)));
  else backward(value.strings, (item) => w.text(9, item));
  w.text(1, name);
}

function tensor(w: BackwardWriter, { name, dtype, dims, data, location, offset = 0 }: OnnxTensor): void {
  const label = `the tensor '${name}', ${dtype} [${dims.join(', ')}],`;
  if (!holds(dtype, data)) throw new TypeError(`${label} has a ${data.constructor.name}, which does not hold ${dtype}`);
  const size = dims.reduce((a, b) => a * b, bytesOf(dtype));
  if (size !== data.byteLength) throw new RangeError(`${label} needs ${size} bytes, its data has ${data.byteLength}`);
  if (location !== undefined) {
    w.int(14, EXTERNAL);
    const entries = { location, offset: `${offset}`, length: `${data.byteLength}` };
    backward(Object.entries(entries), ([key, value]) =>
      w.message(13, () => {
        w.text(2, value);
        w.text(1, key);
      }),
    );
  } else w.bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  w.text(8, name);
  w.int(2, onnxType(dtype));
  backward(dims, (dim) => w.int(1, integer(dim, label)));
}

function valueInfo(w: BackwardWriter, { name, dtype, dims }: OnnxValue): void {
  const size = (dim: number | string): void =>
    typeof dim === 'string' ? w.text(2, dim) : w.int(1, integer(dim, `a dim of the value '${name}'`));
  w.message(2, () =>
    w.message(1, () => {
      if (dims) w.message(2, () => backward(dims, (dim) => w.message(1, () => size(dim))));
      w.int(1, onnxType(dtype));
    }),
  );
  w.text(1, name);
}

function integer(value: number, label: string): number {
  if (!Number.isSafeInteger(value)) throw new TypeError(`${label} must be an integer, got ${value}`);
  return value;
}
