import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointError, type HostTensor, parseSafetensors, readSafetensors, writeSafetensors } from '@rivulet/tensor';
import { expect } from 'chai';
import fc from 'fast-check';
import { fromFloat16, toFloat16 } from '../src/checkpoint/float16.ts';

const checkpoints = new URL('../../../../shared/data/checkpoints/', import.meta.url);

/** The bytes of a file with this header and so many bytes of data. */
function file(header: unknown, data: number): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

describe('safetensors', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rivulet-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('gives back what was written', () =>
    fc.assert(
      fc.asyncProperty(
        fc.dictionary(
          fc.string({ minLength: 1 }).filter((key) => key !== '__metadata__' && key !== '__proto__'),
          fc.float32Array({ maxLength: 20 }),
        ),
        async (values) => {
          const path = join(folder, 'x.safetensors');
          const tensors = new Map(
            Object.entries(values).map(([key, data]): [string, HostTensor] => [
              key,
              { dtype: 'float32', dims: [data.length], data },
            ]),
          );
          tensors.set('ids', { dtype: 'int64', dims: [1, 2], data: BigInt64Array.of(-1n, 2n ** 60n) });
          tensors.set('flag', { dtype: 'bool', dims: [], data: Uint8Array.of(1) });
          await writeSafetensors(path, tensors, { metadata: { format: 'pt' } });
          expect(await readSafetensors(path)).to.deep.equal(tensors);
          expect(readdirSync(folder)).to.deep.equal(['x.safetensors']);
        },
      ),
      { numRuns: 50 },
    ));

  it('stores float32 in half precision on request', async () => {
    const path = join(folder, 'half.safetensors');
    const data = Float32Array.of(1, -0.1, 65504, 1e-8, 1e6);
    await writeSafetensors(path, new Map([['x', { dtype: 'float32', dims: [5], data }]]), { half: true });
    const { data: read } = (await readSafetensors(path)).get('x')!;
    expect([...read]).to.deep.equal([1, -0.0999755859375, 65504, 0, Number.POSITIVE_INFINITY]);
  });

  it('rounds to the nearest half, ties to even, and reads every half exactly', () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const floats = fromFloat16(halves);
    toFloat16(floats).forEach((half, i) => {
      if (!Number.isNaN(floats[i])) expect(half).to.equal(i);
    });
    expect([...toFloat16(Float32Array.of(1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -25, 65520))]).to.deep.equal([
      0x3c00, 0x3c02, 0, 0x7c00,
    ]);
  });

  it("reads other programs' checkpoints", async function () {
    if (!existsSync(checkpoints)) this.skip(); // ../shared/data is not there
    const stories = await readSafetensors(new URL('stories260K/model.safetensors', checkpoints).pathname);
    expect(stories.get('model.embed_tokens.weight')!.dims).to.deep.equal([512, 64]);
    for (const tensor of stories.values())
      expect((tensor.data as Float32Array).every((x) => Math.abs(x) < 100)).to.equal(true);
  });

  const f32 = (begin: number, end: number, shape: unknown = [1]): object => ({
    dtype: 'F32',
    shape,
    data_offsets: [begin, end],
  });
  const hostile: Record<string, [Uint8Array, RegExp]> = {
    'an empty file': [new Uint8Array(0), /has 0 bytes/],
    'a header longer than the file': [
      file('{}', 0).fill(255, 0, 2),
      /says its header has \d+ bytes, but only 2 follow/,
    ],
    'a huge header length': [new Uint8Array(64).fill(255), /says its header has/],
    'a header that is no JSON': [file('{"a":', 4), /header that is no JSON/],
    'a header that is a list': [file([], 0), /no JSON object/],
    'an unknown type': [
      file({ a: { dtype: 'F8', shape: [1], data_offsets: [0, 1] } }, 1),
      /'a' has the type "F8"; known: F32/,
    ],
    'a negative size': [file({ a: f32(0, 4, [-1]) }, 4), /'a' has the shape \[-1\]/],
    'offsets that do not fit the shape': [file({ a: f32(0, 8) }, 8), /'a' F32 \[1\] needs 4 bytes, its offsets give 8/],
    'a truncated file': [file({ a: f32(0, 4) }, 3), /'a' ends at byte 4 of 3: the file is truncated/],
    'overlapping tensors': [file({ a: f32(0, 4), b: f32(2, 6) }, 6), /'b' starts at byte 2, expected 4/],
    'a hole': [file({ a: f32(0, 4), b: f32(8, 12) }, 12), /'b' starts at byte 8, expected 4/],
    'bytes behind the end': [file({ a: f32(0, 4) }, 9), /5 bytes behind the last tensor/],
    'an entry that is null': [file({ a: null }, 0), /'a' has the type/],
  };
  for (const [what, [bytes, message]] of Object.entries(hostile))
    it(`refuses ${what}, naming the file`, () => {
      expect(() => parseSafetensors(bytes, 'bad.safetensors'))
        .to.throw(CheckpointError, message)
        .with.property('file', 'bad.safetensors');
    });

  it('survives any damage', () => {
    const good = file({ a: f32(0, 4), b: f32(4, 12, [2]) }, 12);
    fc.assert(
      fc.property(
        fc.nat(good.length - 1),
        fc.integer({ min: 0, max: 255 }),
        fc.nat(good.length),
        (at, byte, length) => {
          const bad = good.slice(0, length);
          bad[at] = byte;
          try {
            parseSafetensors(bad, 'x');
          } catch (error) {
            expect(error).to.be.instanceOf(CheckpointError);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('leaves the old file when a new one cannot be written', async () => {
    const path = join(folder, 'kept.safetensors');
    writeFileSync(path, 'old');
    const broken = { dtype: 'float32', dims: [1], get data(): Float32Array { throw new Error('no disk'); } } as unknown as HostTensor; // biome-ignore format: one thought
    let error: unknown;
    await writeSafetensors(path, new Map([['x', broken]])).catch((e) => (error = e));
    expect(error).to.be.instanceOf(Error);
    expect(readFileSync(path, 'utf8')).to.equal('old');
    const missing = await writeSafetensors(join(folder, 'no', 'x'), new Map()).catch((e: Error) => e);
    expect(missing).to.be.instanceOf(CheckpointError);
  });

  it('says why a path cannot be read', async () => {
    const error = await readSafetensors(folder).catch((e: Error) => e);
    expect(error).to.be.instanceOf(CheckpointError).with.property('message').that.includes(`${folder}: cannot be read`);
  });
});
