import { onnxType } from '../dtype.ts';
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from './model.ts';

/** Numbers of the fields of onnx.proto; AttributeProto.type has its own numbers. */
const ATTRIBUTE = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, floats: 6, ints: 7, strings: 8 } as const;

/** Protobuf's wire format, written forward; the length of a nested message is known by measuring it first. */
class Writer {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(512);
  length = 0;

  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const size = Math.max(this.bytes.length * 2, this.length + count);
    if (size > 2 ** 31) throw new RangeError('the model is larger than 2 GiB, the limit of the ONNX format');
    const grown = new Uint8Array(size);
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  varint(value: number | bigint): void {
    this.reserve(10);
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 127n) {
      this.bytes[this.length++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.bytes[this.length++] = Number(rest);
  }

  int(field: number, value: number | bigint): void {
    this.varint(field << 3);
    this.varint(value);
  }

  float(field: number, value: number): void {
    this.varint((field << 3) | 5);
    this.reserve(4);
    new DataView(this.bytes.buffer).setFloat32(this.length, value, true);
    this.length += 4;
  }

  data(field: number, value: Uint8Array): void {
    this.varint((field << 3) | 2);
    this.varint(value.length);
    this.reserve(value.length);
    this.bytes.set(value, this.length);
    this.length += value.length;
  }

  text(field: number, value: string): void {
    this.data(field, new TextEncoder().encode(value));
  }

  message(field: number, write: (nested: Writer) => void): void {
    const nested = new Writer();
    write(nested);
    this.data(field, nested.bytes.subarray(0, nested.length));
  }
}

function tensor(w: Writer, { name, dtype, dims, data }: OnnxTensor): void {
  for (const dim of dims) w.int(1, dim);
  w.int(2, onnxType(dtype));
  w.text(8, name);
  w.data(9, new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength));
}

function attribute(w: Writer, name: string, value: OnnxAttribute): void {
  w.text(1, name);
  const kind = (Object.keys(value) as (keyof typeof ATTRIBUTE)[])[0]!;
  if ('float' in value) w.float(2, value.float);
  else if ('int' in value) w.int(3, safeInteger(value.int));
  else if ('string' in value) w.text(4, value.string);
  else if ('tensor' in value) w.message(5, (t) => tensor(t, value.tensor));
  else if ('graph' in value) w.message(6, (g) => graph(g, value.graph));
  else if ('floats' in value) for (const item of value.floats) w.float(7, item);
  else if ('ints' in value) for (const item of value.ints) w.int(8, safeInteger(item));
  else for (const item of value.strings) w.text(9, item);
  w.int(20, ATTRIBUTE[kind]);
}

function safeInteger(value: number): number {
  if (!Number.isSafeInteger(value)) throw new TypeError(`an int attribute must be an integer, got ${value}`);
  return value;
}

function node(w: Writer, { opType, domain, name, inputs, outputs, attributes }: OnnxNode): void {
  for (const value of inputs) w.text(1, value);
  for (const value of outputs) w.text(2, value);
  if (name) w.text(3, name);
  w.text(4, opType);
  for (const [key, value] of Object.entries(attributes ?? {})) w.message(5, (a) => attribute(a, key, value));
  if (domain) w.text(7, domain);
}

function valueInfo(w: Writer, { name, dtype, dims }: OnnxValue): void {
  w.text(1, name);
  w.message(2, (type) =>
    type.message(1, (tensorType) => {
      tensorType.int(1, onnxType(dtype));
      if (!dims) return;
      tensorType.message(2, (shape) => {
        for (const dim of dims) shape.message(1, (d) => (typeof dim === 'number' ? d.int(1, dim) : d.text(2, dim)));
      });
    }),
  );
}

function graph(w: Writer, { name, nodes, inputs, outputs, initializers }: OnnxGraph): void {
  for (const item of nodes) w.message(1, (n) => node(n, item));
  w.text(2, name);
  for (const item of initializers) {
    w.reserve(item.data.byteLength + 256);
    w.message(5, (t) => tensor(t, item));
  }
  for (const item of inputs) w.message(11, (v) => valueInfo(v, item));
  for (const item of outputs) w.message(12, (v) => valueInfo(v, item));
}

/** A model as the bytes of an .onnx file. @throws RangeError past 2 GiB. */
export function encodeModel({ graph: main, opsets }: OnnxModel): Uint8Array<ArrayBuffer> {
  const w = new Writer();
  w.int(1, 10); // IR version 10: opset 21
  w.text(2, 'rivulet');
  w.message(7, (g) => graph(g, main));
  for (const [domain, version] of Object.entries(opsets))
    w.message(8, (o) => {
      if (domain) o.text(1, domain);
      o.int(2, version);
    });
  return w.bytes.slice(0, w.length);
}
