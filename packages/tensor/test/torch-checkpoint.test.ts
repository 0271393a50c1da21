import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CheckpointError, type HostTensor, openCheckpoint, openTorch, readCheckpoint, seeded } from '@rivulet/tensor';
import { expect } from 'chai';
import { type PickleContext, unpickle } from '../src/checkpoint/pickle.ts';
import { PickleError } from '../src/checkpoint/pickle-bytes.ts';
import { torchContext } from '../src/checkpoint/torch-globals.ts';

const fixtures = fileURLToPath(new URL('fixtures/checkpoints/', import.meta.url));

interface Expected {
  readonly tensors: Record<string, { readonly dims: number[]; readonly values: (number | string)[] }>;
  readonly options: object;
  readonly metadata: Record<string, unknown>;
}

const expected = JSON.parse(readFileSync(join(fixtures, 'expected.json'), 'utf8')) as Record<string, Expected>;

/** A tensor as the reference script writes it down. */
function describeTensor({ dims, data, dtype }: HostTensor): object {
  const names: Record<string, string> = { NaN: 'nan', Infinity: 'inf', '-Infinity': '-inf' };
  const values = [...data].map((x) => {
    if (dtype === 'bool') return x;
    if (dtype !== 'float32') return String(x);
    return Number.isFinite(x) ? x : names[String(x)];
  });
  return { dims, values };
}

describe('checkpoints of PyTorch', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rivulet-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  for (const [file, { tensors, options, metadata }] of Object.entries(expected))
    it(`reads ${file} as PyTorch does`, async () => {
      const checkpoint = await openCheckpoint(join(fixtures, file), options);
      expect([...checkpoint.tensors.keys()].sort()).to.deep.equal(Object.keys(tensors).sort());
      for (const [name, tensor] of await checkpoint.readAll()) {
        expect(describeTensor(tensor), name).to.deep.equal(tensors[name]);
        expect(checkpoint.tensors.get(name)).to.deep.include({ dims: tensor.dims, dtype: tensor.dtype });
      }
      for (const [name, value] of Object.entries(metadata)) {
        const read = checkpoint.metadata.get(name);
        expect(typeof read === 'bigint' ? String(read) : read, name).to.equal(value);
      }
      await checkpoint.dispose();
    });

  it('takes the tensors of one nested dict, and says where they are otherwise', async () => {
    const file = join(fixtures, 'training.pt');
    const state = await readCheckpoint(file, { root: 'model' });
    expect([...state.keys()])
      .to.include('conv.weight')
      .and.not.include('model.conv.weight');
    const optimizer = await readCheckpoint(file, { root: ['optimizer', 'state'], flatten: true });
    expect([...optimizer.keys()]).to.include('0.exp_avg');
    const nested = await openTorch(file).catch((error: Error) => error);
    expect(nested).to.be.instanceOf(CheckpointError);
    expect((nested as Error).message).to.include(
      `${file}: has tensors in nested values: 'model' (9), 'optimizer' (12)`,
    );
    const missing = await openTorch(file, { root: 'state_dict' }).catch((error: Error) => error);
    expect((missing as Error).message).to.include("has no 'state_dict'; it has 'epoch', 'best'");
  });

  it('gives tensors that are stored once one array', async () => {
    const state = await readCheckpoint(join(fixtures, 'state-protocol2.pth'));
    expect(state.get('tied.weight')!.data).to.equal(state.get('conv.weight')!.data);
    expect(state.get('conv.bias')!.data).to.not.equal(state.get('norm.bias')!.data);
  });

  it('gives the bytes on request, and float16 as it is', async () => {
    const checkpoint = await openCheckpoint(join(fixtures, 'types.pt'));
    const { type, dims, bytes } = await checkpoint.readRaw('bfloat16');
    expect([type, dims, [...bytes.subarray(0, 2)]]).to.deep.equal(['BF16', [3], [0xab, 0x3e]]);
    const half = await checkpoint.read('float16', { half: true });
    expect([half.dtype, half.data[1]]).to.deep.equal(['float16', 0x7bff]);
    await checkpoint.dispose();
  });

  const refusals: Record<string, RegExp> = {
    'system.pt': /asks for "(posix|nt)\.system", which is not allowed/,
    'eval.pt': /asks for "builtins\.eval", which is not allowed/,
    'getattr.pt': /asks for "__builtin__\.getattr"/,
    'inst.pt': /the opcode 0x69/,
    'protocol0.pt': /the opcode 0x|protocol 0/,
    'truncated.pt': /ends too early/,
    'huge-string.pt': /ends too early: 2147483648 bytes are needed/,
    'huge-bytes.pt': /ends too early/,
    'huge-integer.pt': /an integer of 1073741824 bytes; at most 64/,
    'negative-integer.pt': /an integer of -1 bytes/,
    'laughs.pt': /holds more than 1000000 values/,
    'cycle.pt': /nests values deeper than 100/,
    'marks.pt': /nests deeper than 10000/,
    'deep.pt': /nests values deeper than 100/,
    'no-memo.pt': /a reference to 7, which was not remembered/,
    'empty-stack.pt': /an operation without its operands/,
    'left-over.pt': /STOP with values left over/,
    'no-storage.pt': /tensor 'w' is in the storage '0', which the file lacks/,
    'short-storage.pt': /tensor 'w' is in the storage '0' of 16 bytes, of which the file has 8/,
    'beyond-storage.pt': /tensor \[4\] with stride \[1\] at 1, which its storage '0' of 4 elements does not hold/,
    'stride-beyond.pt': /with stride \[100, 1\]/,
    'negative-stride.pt': /offset, size or stride is wrong/,
    'negative-offset.pt': /offset, size or stride is wrong/,
    'expanded.pt': /repeats 1 stored elements/,
    'overflow.pt': /repeats 1 stored elements/,
    'key-path.pt': /the storage '..\/..\/..\/etc\/passwd', which the file lacks/,
    'compressed.pt': /the compressed entry 'x\/data.pkl'/,
    'whole-model.pt': /asks for "torch\.nn\.modules\.container\.Sequential"/,
    'sparse.pt': /asks for "torch\._utils\._rebuild_sparse_tensor"/,
    'torchscript.pt': /is a TorchScript program; save the state_dict/,
    'cut.pt': /without its end: the file is truncated/,
    'legacy-cut.pt': /bytes of the 256 of storage '\d+'; it is truncated/,
    'plain-pickle.pt': /is no checkpoint of PyTorch.*torch\.save/,
    'not-torch.zip': /0 entries called data\.pkl/,
  };
  it('has a refusal for every hostile file', () =>
    expect(readdirSync(join(fixtures, 'hostile')).sort()).to.deep.equal(Object.keys(refusals).sort()));
  for (const [file, message] of Object.entries(refusals))
    it(`refuses hostile/${file}, naming the file`, async () => {
      const path = join(fixtures, 'hostile', file);
      const error = await readCheckpoint(path, { flatten: true }).catch((e: unknown) => e);
      expect(error).to.be.instanceOf(CheckpointError).with.property('file', path);
      expect((error as Error).message).to.match(message);
    });

  it('survives any damage to a file', async () => {
    const random = seeded(7);
    const draw = (n: number): number => Math.floor(random.nextFloat() * n);
    for (const name of ['state-protocol2.pth', 'legacy.pth', 'training.pt', 'zip64.pt']) {
      const good = readFileSync(join(fixtures, name));
      const path = join(folder, name);
      for (let i = 0; i < 75; i++) {
        const bad = Buffer.from(good.subarray(0, i % 5 === 0 ? draw(good.length) : good.length));
        for (let n = draw(4); n >= 0 && bad.length > 0; n--) bad[draw(bad.length)] = draw(256);
        writeFileSync(path, bad);
        const error = await readCheckpoint(path, { flatten: true }).then(
          () => null,
          (e: unknown) => e,
        );
        if (error !== null && !(error instanceof CheckpointError)) throw error;
      }
    }
  });
});

describe('unpickle', () => {
  const nothing: PickleContext = {
    find: () => null,
    persistent: () => {
      throw new PickleError('has a persistent id');
    },
  };
  const bytes = (...parts: (string | number)[]): Uint8Array =>
    Uint8Array.from(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...Buffer.from(part, 'latin1')])));

  it('reads numbers, texts and containers', () => {
    // {'a': (1, -2, 300, 2.5, None, True), 'b': [b'x', 'é', {7}, -1]}
    const pickle = bytes(
      '\x80\x04}(\x8c\x01a(K\x01J\xfe\xff\xff\xffM\x2c\x01G\x40\x04\0\0\0\0\0\0N\x88t',
      '\x8c\x01b](C\x01x\x8c\x02\xc3\xa9\x8f(K\x07\x90\x8a\x01\xffeu.',
    );
    expect(unpickle(pickle, nothing)).to.deep.equal({
      value: new Map<string, unknown>([
        ['a', [1, -2, 300, 2.5, null, true]],
        ['b', [Uint8Array.of(120), 'é', new Set([7]), -1]],
      ]),
      end: pickle.length,
    });
  });

  it('calls nothing but what it was given', () => {
    expect(() => unpickle(bytes('\x80\x02cos\nsystem\n.'), nothing)).to.throw(PickleError, '"os.system"');
    for (const name of ['constructor', '__proto__', 'toString'])
      expect(() => unpickle(bytes(`\x80\x02c${name}\n${name}\n.`), torchContext)).to.throw(PickleError, 'not allowed');
    expect(() => unpickle(bytes('\x80\x02K\x01)R.'), nothing)).to.throw(PickleError, 'a call of a plain value');
    expect(() => unpickle(bytes('\x80\x02ctorch\nfloat16\n)R.'), torchContext)).to.throw(
      PickleError,
      'a call of torch.float16',
    );
  });

  it('gives a value or a PickleError for any damage', () => {
    const good = readFileSync(join(fixtures, 'training.pt'));
    const start = good.indexOf(bytes('\x80\x02}'));
    const pickle = good.subarray(start, good.indexOf('PK\x07\x08', start, 'latin1'));
    const random = seeded(3);
    const draw = (n: number): number => Math.floor(random.nextFloat() * n);
    for (let i = 0; i < 2000; i++) {
      const bad = Uint8Array.from(pickle);
      for (let n = 1 + draw(3); n > 0; n--) bad[draw(bad.length)] = draw(256);
      try {
        unpickle(bad, torchContext);
      } catch (error) {
        if (!(error instanceof PickleError)) throw error;
      }
    }
  });
});
