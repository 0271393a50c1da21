import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CheckpointError,
  type HostTensor,
  openCheckpoint,
  openSafetensors,
  readCheckpoint,
  replaceFile,
  seeded,
  writeSafetensors,
} from '@rivulet/tensor';
import { expect } from 'chai';

const fixtures = fileURLToPath(new URL('fixtures/checkpoints/', import.meta.url));
const shared = fileURLToPath(new URL('../../../../shared/data/checkpoints/', import.meta.url));

const floats = (...values: number[]): HostTensor => ({
  dtype: 'float32',
  dims: [values.length],
  data: Float32Array.from(values),
});

async function failure(promise: Promise<unknown>): Promise<CheckpointError> {
  const error = await promise.then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).to.be.instanceOf(CheckpointError);
  return error as CheckpointError;
}

describe('checkpoints', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rivulet-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Writes a safetensors file with this header and so many zeros behind it. */
  const put = (name: string, header: object, size: number): string => {
    const text = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    writeFileSync(join(folder, name), Buffer.concat([length, text, Buffer.alloc(size)]));
    return join(folder, name);
  };

  it('reads tensors on demand, and tells what a file has before', async () => {
    const path = join(folder, 'x.safetensors');
    await writeSafetensors(path, new Map([['a', floats(1, 2)], ['b', floats(3)]]), { metadata: { format: 'pt' } }); // biome-ignore format: a table
    const checkpoint = await openSafetensors(path);
    expect([...checkpoint.tensors]).to.deep.equal([
      ['a', { type: 'F32', dtype: 'float32', dims: [2], byteLength: 8 }],
      ['b', { type: 'F32', dtype: 'float32', dims: [1], byteLength: 4 }],
    ]);
    expect([...checkpoint.metadata]).to.deep.equal([['format', 'pt']]);
    expect(await checkpoint.read('b')).to.deep.equal(floats(3));
    expect((await failure(checkpoint.read('c'))).message).to.equal(`${path}: has no tensor 'c'; it has 2: 'a', 'b'`);
    await checkpoint.dispose();
    await checkpoint.dispose();
    expect((await failure(checkpoint.read('b'))).message).to.include('was disposed of');
  });

  it('reads into one buffer per tensor: no copy besides', async () => {
    const path = join(folder, 'large.safetensors');
    const values = { dtype: 'float32', dims: [2 ** 24], data: new Float32Array(2 ** 24).fill(1) } as const; // 64 MiB
    await writeSafetensors(path, new Map([['a', values]]));
    const checkpoint = await openSafetensors(path);
    globalThis.gc!();
    const before = process.memoryUsage().arrayBuffers;
    const { data } = await checkpoint.read('a');
    const used = process.memoryUsage().arrayBuffers - before;
    expect(used / data.byteLength).to.be.within(0.99, 1.1);
    expect(data.byteLength).to.equal(data.buffer.byteLength);
    await checkpoint.dispose();
  });

  it('keeps the bytes of types that have no counterpart, and says so', async () => {
    const path = put(
      'x.safetensors',
      {
        c: { dtype: 'C64', shape: [1], data_offsets: [0, 8] },
        f: { dtype: 'F4', shape: [2, 2], data_offsets: [8, 10] },
        s: { dtype: 'F6_E2M3', shape: [4], data_offsets: [10, 13] },
      },
      13,
    );
    const checkpoint = await openSafetensors(path);
    expect((await failure(checkpoint.read('f'))).message).to.equal(
      `${path}: tensor 'f' F4 has no counterpart here; readRaw gives its bytes`,
    );
    expect(await checkpoint.readRaw('f')).to.deep.equal({ type: 'F4', dims: [2, 2], bytes: new Uint8Array(2) });
    expect(checkpoint.tensors.get('c')!.dtype).to.equal(null);
    await checkpoint.dispose();
  });

  it('refuses values that our types cannot hold', async () => {
    const path = put('x.safetensors', { u: { dtype: 'U64', shape: [1], data_offsets: [0, 8] } }, 0);
    writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.alloc(8, 255)]));
    expect((await failure(readCheckpoint(path))).message).to.equal(
      `${path}: tensor 'u' U64 has the value 18446744073709551615 at 0, which int64 cannot hold`,
    );
  });

  const header: Record<string, [object, RegExp]> = {
    'metadata that is no text': [{ __metadata__: { a: 1 } }, /the __metadata__ 'a': 1, expected a string/],
    'metadata that is a list': [{ __metadata__: [] }, /the __metadata__ \[\], expected an object/],
    'sizes whose product overflows': [
      { a: { dtype: 'F32', shape: [2 ** 40, 2 ** 40, 2 ** 40], data_offsets: [0, 4] } },
      /needs \d+(\.\d+)?e\+\d+ bytes, its offsets give 4/,
    ],
    'endless sizes times zero': [
      { a: { dtype: 'F32', shape: [...new Array(40).fill(2 ** 52), 0], data_offsets: [0, 0] } },
      /needs NaN bytes/,
    ],
    'offsets in the wrong order': [
      { a: { dtype: 'F32', shape: [1], data_offsets: [4, 0] } },
      /needs 4 bytes, its offsets give -4/,
    ],
    'packed elements that fill no byte': [
      { a: { dtype: 'F4', shape: [3], data_offsets: [0, 2] } },
      /needs 1.5 bytes, its offsets give 2/,
    ],
  };
  for (const [what, [content, message]] of Object.entries(header))
    it(`refuses ${what} in a header`, async () =>
      expect((await failure(readCheckpoint(put('x.safetensors', content, 0)))).message).to.match(message));

  it('refuses a name that stands twice in a header', async () => {
    const text = Buffer.from('{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},"\\u0061":{}}');
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    writeFileSync(join(folder, 'x'), Buffer.concat([length, text, Buffer.alloc(1)]));
    expect((await failure(readCheckpoint(join(folder, 'x')))).message).to.include(
      "has the key 'a' twice in its header",
    );
  });

  it('survives any damage to a header', async () => {
    const good = readFileSync(join(fixtures, 'types.safetensors'));
    const end = 8 + Number(good.readBigUInt64LE());
    const random = seeded(11);
    const draw = (n: number): number => Math.floor(random.nextFloat() * n);
    const path = join(folder, 'bad');
    for (let i = 0; i < 300; i++) {
      const bad = Buffer.from(good.subarray(0, i % 10 === 0 ? draw(good.length) : good.length));
      for (let n = draw(3); n >= 0; n--) bad[draw(Math.min(end, bad.length))] = i % 2 ? 0x30 + draw(10) : draw(256);
      writeFileSync(path, bad);
      const error = await readCheckpoint(path).then(
        () => null,
        (e: unknown) => e,
      );
      if (error !== null && !(error instanceof CheckpointError)) throw error;
    }
  });

  describe('in several files', () => {
    const tensors = new Map([['a', floats(1, 2)], ['b', floats(3)], ['c', floats(4, 5, 6)]]); // biome-ignore format: a table
    const write = (maxShardSize: number): Promise<void> =>
      writeSafetensors(join(folder, 'model.safetensors'), tensors, { maxShardSize, metadata: { format: 'pt' } });

    it('writes no file larger than asked for, and an index as other tools do', async () => {
      await write(12);
      expect(readdirSync(folder).sort()).to.deep.equal([
        'model-00001-of-00002.safetensors',
        'model-00002-of-00002.safetensors',
        'model.safetensors.index.json',
      ]);
      const index = JSON.parse(readFileSync(join(folder, 'model.safetensors.index.json'), 'utf8')) as object;
      expect(index).to.deep.equal({
        metadata: { format: 'pt', total_size: 24 },
        weight_map: {
          a: 'model-00001-of-00002.safetensors',
          b: 'model-00001-of-00002.safetensors',
          c: 'model-00002-of-00002.safetensors',
        },
      });
    });

    it('reads them as one, by the index or the folder', async () => {
      await write(4);
      expect(await readCheckpoint(folder)).to.deep.equal(tensors);
      const checkpoint = await openCheckpoint(join(folder, 'model.safetensors.index.json'));
      expect(await checkpoint.read('c')).to.deep.equal(floats(4, 5, 6));
      expect(checkpoint.metadata.get('total_size')).to.equal(24);
      await checkpoint.dispose();
    });

    it('leaves nothing of an earlier checkpoint in another number of files', async () => {
      writeFileSync(join(folder, 'model-other.safetensors'), 'kept');
      for (const [size, files] of [
        [4, 5],
        [1000, 2],
        [12, 4],
        [1000, 2],
      ] as const) {
        // biome-ignore format: a table
        await write(size);
        expect(readdirSync(folder)).to.have.length(files);
        expect(await readCheckpoint(folder)).to.deep.equal(tensors);
      }
    });

    it('names a missing file, and a tensor missing in its file', async () => {
      await write(12);
      const index = join(folder, 'model.safetensors.index.json');
      const text = readFileSync(index, 'utf8');
      writeFileSync(index, text.replace('"c"', '"d"'));
      expect((await failure(readCheckpoint(folder))).message).to.equal(
        `${index}: says that the tensor 'd' is in model-00002-of-00002.safetensors, which does not have it`,
      );
      writeFileSync(index, text);
      rmSync(join(folder, 'model-00001-of-00002.safetensors'));
      expect((await failure(readCheckpoint(folder))).message).to.equal(
        `${index}: needs the file model-00001-of-00002.safetensors for 2 tensors ('a' …); there is none`,
      );
    });

    const indexes: Record<string, [string, RegExp]> = {
      'a file elsewhere': ['{"weight_map":{"a":"../x.safetensors"}}', /puts 'a' in "\.\.\/x\.safetensors"/],
      'no file': ['{"weight_map":{"a":3}}', /puts 'a' in 3/],
      itself: ['{"weight_map":{"a":"x.json"}}', /x\.json: is an index, where a file with tensors is expected/],
      'a list': ['{"weight_map":[]}', /has no weight_map/],
      'a tensor twice': ['{"weight_map":{"a":"1","a":"2"}}', /has the key 'a' twice/],
      'no JSON': ['{"weight_map":', /is no JSON/],
    };
    for (const [what, [text, message]] of Object.entries(indexes))
      it(`refuses an index that names ${what}`, async () => {
        writeFileSync(join(folder, 'x.json'), text);
        expect((await failure(readCheckpoint(join(folder, 'x.json')))).message).to.match(message);
      });
  });

  it('tells the format from the content, whatever the name', async () => {
    copyFileSync(join(fixtures, 'state-protocol2.pth'), join(folder, 'a.safetensors'));
    copyFileSync(join(fixtures, 'legacy.pth'), join(folder, 'b.zip'));
    copyFileSync(join(fixtures, 'types.safetensors'), join(folder, 'c.pth'));
    const formats: string[] = [];
    for (const name of readdirSync(folder).sort()) {
      const checkpoint = await openCheckpoint(join(folder, name));
      formats.push(checkpoint.format);
      await checkpoint.dispose();
    }
    expect(formats).to.deep.equal(['torch', 'torch', 'safetensors']);
  });

  it('finds the checkpoint in a folder, or says what it looked for', async () => {
    expect((await failure(readCheckpoint(folder))).message).to.include(
      'holds no checkpoint; looked for model.safetensors, model.safetensors.index.json, pytorch_model.bin',
    );
    copyFileSync(join(fixtures, 'state-protocol2.pth'), join(folder, 'pytorch_model.bin'));
    expect((await readCheckpoint(folder)).has('conv.weight')).to.equal(true);
    const shard = { metadata: {}, weight_map: { 'conv.bias': 'shard.bin' } };
    writeFileSync(join(folder, 'pytorch_model.bin.index.json'), JSON.stringify(shard));
    copyFileSync(join(folder, 'pytorch_model.bin'), join(folder, 'shard.bin'));
    rmSync(join(folder, 'pytorch_model.bin'));
    expect([...(await readCheckpoint(folder)).keys()]).to.deep.equal(['conv.bias']);
    expect((await failure(readCheckpoint(join(folder, 'none')))).message).to.include('none: cannot be read: ENOENT');
    expect((await failure(readCheckpoint(join(fixtures, 'types.safetensors'), { root: 'model' }))).message).to.include(
      'which has no nested values; the option root is model',
    );
  });

  it('reads the checkpoints of real models', async function () {
    if (!existsSync(shared)) this.skip(); // ../shared/data is not there
    for (const name of readdirSync(shared)) {
      const checkpoint = await openCheckpoint(join(shared, name));
      const values = await checkpoint.readAll();
      expect(values.size).to.be.greaterThan(40);
      await checkpoint.dispose();
    }
  });

  it('leaves the old file where making the new one fails', async () => {
    const path = join(folder, 'kept');
    writeFileSync(path, 'old');
    const error = await failure(
      replaceFile(
        path,
        (function* () {
          yield 'half of it';
          throw new Error('ENOSPC: no space left on device');
        })(),
      ),
    );
    expect(error.message).to.equal(`${path}: cannot be written: ENOSPC: no space left on device`);
    expect(readFileSync(path, 'utf8')).to.equal('old');
    expect(readdirSync(folder)).to.deep.equal(['kept']);
  });

  it('leaves the old files where the system takes no more bytes', async function () {
    if (process.platform === 'win32') this.skip(); // limits are set by a POSIX shell
    await writeSafetensors(join(folder, 'model.safetensors'), new Map([['x', floats(1, 2, 3)]]));
    const before = readFileSync(join(folder, 'model.safetensors'));
    const script = `
      import { writeSafetensors } from '@rivulet/tensor';
      const data = new Float32Array(1 << 20);
      for (const maxShardSize of [1e9, 1 << 22])
        await writeSafetensors(process.argv[1], new Map(['x', 'y'].map((key) => [key, { dtype: 'float32', dims: [data.length], data }])), { maxShardSize })
          .catch((error) => console.log(error.name, error.message));`;
    const node = [...process.execArgv, '--import=tsx', '--conditions=source', '--input-type=module', '--eval', script];
    const { stdout, stderr } = spawnSync(
      'sh',
      ['-c', 'ulimit -f 64 && exec "$@"', 'sh', process.execPath, ...node, join(folder, 'model.safetensors')],
      { encoding: 'utf8', cwd: fileURLToPath(new URL('.', import.meta.url)) },
    );
    expect(stdout.trim().split('\n'), stderr).to.have.length(2);
    for (const line of stdout.trim().split('\n'))
      expect(line).to.match(/^CheckpointError .*: cannot be written: EFBIG/);
    expect(readdirSync(folder)).to.deep.equal(['model.safetensors']);
    expect(readFileSync(join(folder, 'model.safetensors'))).to.deep.equal(before);
  });
});
