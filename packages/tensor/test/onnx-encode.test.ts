import { expect } from 'chai';
import { openBackend } from '../src/backend/select.ts';
import { encodeModel } from '../src/onnx/encode.ts';
import type { OnnxAttribute, OnnxGraph, OnnxNode, OnnxTensor } from '../src/onnx/model.ts';

const empty: OnnxGraph = { name: 'g', nodes: [], inputs: [], outputs: [], initializers: [] };
const encode = (graph: Partial<OnnxGraph>): Uint8Array =>
  encodeModel({ graph: { ...empty, ...graph }, opsets: { '': 21 } });
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const floats = (name: string, ...values: number[]): OnnxTensor => ({
  name,
  dtype: 'float32',
  dims: [values.length],
  data: Float32Array.from(values),
});

/** A node that makes a constant of its attribute, run: what the runtime read is what was written. */
async function constant(attribute: Record<string, OnnxAttribute>, dtype: 'float32' | 'int64'): Promise<unknown[]> {
  const model = encode({
    nodes: [{ opType: 'Constant', inputs: [], outputs: ['y'], attributes: attribute }],
    outputs: [{ name: 'y', dtype }],
  });
  const session = await (await openBackend('native')).createSession(model);
  const [y] = await session.run([]);
  await session.dispose();
  return [...y!.data];
}

describe('encodeModel', () => {
  it('writes the bytes of the specification', () => {
    // ModelProto: 1 ir_version, 2 producer_name, 7 graph { 2 name }, 8 opset_import { 2 version }
    expect(hex(encode({}))).to.equal(`080a${'1207'}${hex(new TextEncoder().encode('rivulet'))}3a0312016742021015`);
  });

  it('gives equal bytes for equal models', () => {
    const model = (): Uint8Array => encode({ initializers: [floats('w', ...Array(2000).keys())] });
    expect(Buffer.compare(model(), model())).to.equal(0);
  });

  it('writes texts of any characters and length as UTF-8', () => {
    for (const name of [
      '',
      'a',
      'größe',
      '名前',
      '😀',
      'x'.repeat(63),
      'x'.repeat(64),
      `${'x'.repeat(62)}é`,
      'y'.repeat(5000),
    ]) {
      const bytes = Buffer.from(name);
      const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7];
      expect(Buffer.from(encode({ name })).includes(Buffer.from([0x12, ...length, ...bytes, 0x42]))).to.equal(
        true,
        name,
      );
    }
  });

  it('writes integers of every length', async () => {
    const ints = [
      0,
      1,
      127,
      128,
      16383,
      16384,
      2 ** 21 - 1,
      2 ** 21,
      2 ** 28,
      2 ** 31 - 1,
      2 ** 31,
      2 ** 40,
      -1,
      -(2 ** 40),
    ];
    ints.push(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER);
    expect(await constant({ value_ints: { ints } }, 'int64')).to.deep.equal(ints.map(BigInt));
    for (const int of ints) expect(await constant({ value_int: { int } }, 'int64')).to.deep.equal([BigInt(int)]);
  });

  it('writes floats and tensors', async () => {
    const values = [0, -0, 1.5, -3.25, Number.POSITIVE_INFINITY, 1e-45].map(Math.fround);
    expect(await constant({ value_floats: { floats: values } }, 'float32')).to.deep.equal(values);
    expect(await constant({ value_float: { float: -2.5 } }, 'float32')).to.deep.equal([-2.5]);
    const large = Array.from({ length: 5000 }, (_, i) => i);
    expect(await constant({ value: { tensor: floats('t', ...large) } }, 'float32')).to.deep.equal(large);
  });

  it('writes strings, names beyond ASCII and graphs inside nodes', async () => {
    const branch = (name: string, ...values: number[]): OnnxAttribute => ({
      graph: { ...empty, name, outputs: [{ name, dtype: 'float32' }], initializers: [floats(name, ...values)] },
    });
    const nodes: OnnxNode[] = [
      {
        opType: 'If',
        name: 'wählt',
        inputs: ['größer'],
        outputs: ['結果'],
        attributes: { then_branch: branch('then', 1, 2), else_branch: branch('else', 3) },
      },
      {
        opType: 'Resize',
        inputs: ['image', '', 'scales'],
        outputs: ['y'],
        attributes: { mode: { string: 'nearest' }, coordinate_transformation_mode: { string: 'asymmetric' } },
      },
    ];
    const model = encode({
      nodes,
      inputs: [
        { name: 'größer', dtype: 'bool', dims: [] },
        { name: 'image', dtype: 'float32', dims: [1, 1, 1, 2] },
      ],
      outputs: [
        { name: '結果', dtype: 'float32' },
        { name: 'y', dtype: 'float32' },
      ],
      initializers: [floats('scales', 1, 1, 1, 2)],
    });
    const session = await (await openBackend('native')).createSession(model);
    expect([session.inputNames, session.outputNames]).to.deep.equal([
      ['größer', 'image'],
      ['結果', 'y'],
    ]);
    const image = { dtype: 'float32', dims: [1, 1, 1, 2], data: Float32Array.of(5, 6) } as const;
    for (const [bit, expected] of [
      [1, [1, 2]],
      [0, [3]],
    ] as const) {
      const [chosen, y] = await session.run([{ dtype: 'bool', dims: [], data: Uint8Array.of(bit) }, image]);
      expect([...chosen!.data]).to.deep.equal(expected);
      expect([...y!.data]).to.deep.equal([5, 5, 6, 6]);
    }
    await session.dispose();
  });

  it('reads typed arrays that are views', async () => {
    const data = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
    const tensor: OnnxTensor = { name: 'v', dtype: 'float32', dims: [2], data };
    expect(await constant({ value: { tensor } }, 'float32')).to.deep.equal([1, 2]);
  });

  it('refuses what is larger than the format allows', () => {
    const gigabyte = new Uint8Array(2 ** 30); // never touched, so it takes no memory
    const initializers = ['a', 'b'].map(
      (name): OnnxTensor => ({ name, dtype: 'uint8', dims: [2 ** 30], data: gigabyte }),
    );
    expect(() => encode({ initializers })).to.throw(RangeError, /2147\d{6} bytes, ONNX files hold at most/);
  });

  it('names what does not fit', () => {
    const wrong = { ...floats('w', 1, 2, 3), dims: [2] };
    expect(() => encode({ initializers: [wrong] })).to.throw(
      RangeError,
      "'w', float32 [2], needs 8 bytes, its data has 12",
    );
    expect(() => encode({ initializers: [{ ...wrong, dtype: 'int32' }] })).to.throw(TypeError, 'Float32Array');
    const node = (attribute: OnnxAttribute): OnnxNode => ({
      opType: 'Op',
      inputs: [],
      outputs: [],
      attributes: { a: attribute },
    });
    expect(() => encode({ nodes: [node({ int: 1.5 })] })).to.throw(
      TypeError,
      "attribute 'a' of Op must be an integer, got 1.5",
    );
  });
});
