import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { lastValueFrom, toArray } from 'rxjs';
import {
  fromIterable,
  fromReadable,
  intoWebWritable,
  jsonLines,
  mapItems,
  serverSentEvents,
  toAsyncIterable,
  toReadable,
} from '../src/index.ts';
import { files, intoWritable, progressOf, resumableFile } from '../src/node/index.ts';
import { failure, Meter, naturals, turns } from './support/probe.ts';

describe('files', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rivulet-stream-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('reads plain and packed files in an encoding, one after the other, and says where lines stand', async () => {
    const [plain, packed] = [join(folder, 'a.txt'), join(folder, 'b.txt.gz')];
    await writeFile(plain, Buffer.from('caf\xe9\nx\n', 'latin1'));
    await writeFile(packed, gzipSync(Buffer.from('\xfcber', 'latin1')));
    const seen = await lastValueFrom(files([plain, packed], { encoding: 'latin1' }).pipe(toArray()));
    expect(seen).to.deep.equal([
      { path: plain, line: 0, text: 'café' },
      { path: plain, line: 1, text: 'x' },
      { path: packed, line: 0, text: 'über' },
    ]);
  });

  it('names the file that cannot be read', async () => {
    const missing = join(folder, 'missing.gz');
    expect(((await failure(lastValueFrom(files([missing])))) as Error).message).to.include(missing);
    const broken = join(folder, 'broken.gz');
    await writeFile(broken, 'no gzip');
    expect(((await failure(lastValueFrom(files([broken])))) as Error).message).to.include(broken);
  });

  it('a stopped run resumes with every item exactly once', async () => {
    let run = 0;
    const texts = fc.array(fc.string(), { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(texts, fc.nat(30), fc.integer({ min: 1, max: 7 }), async (items, stop, every) => {
        const path = join(folder, `out-${run++}`);
        const from = async (failAt: number): Promise<unknown> => {
          const { items: done } = await progressOf(path);
          const rest = fromIterable(items.slice(done)).pipe(
            mapItems((text, i) => {
              if (done + i === failAt) throw new Error('stopped');
              return text;
            }),
          );
          return lastValueFrom(rest.pipe(resumableFile(path, { every })), { defaultValue: null });
        };
        await from(stop).catch(() => {});
        await writeFile(path, 'half an item', { flag: 'a' }); // as a machine that stopped leaves it
        await from(-1);
        const kept = Buffer.from(items.join(''));
        expect(await readFile(path)).to.deep.equal(kept);
        expect(await progressOf(path)).to.deep.equal({ items: items.length, bytes: kept.length });
      }),
      { numRuns: 25 },
    );
  });

  it('refuses a checkpoint that is broken or larger than its file', async () => {
    const path = join(folder, 'out');
    await writeFile(`${path}.progress`, '{"items":1}');
    expect(await failure(progressOf(path))).to.be.instanceOf(RangeError);
    await writeFile(`${path}.progress`, '{"items":1,"bytes":9}');
    await writeFile(path, 'a');
    const written = lastValueFrom(fromIterable(['b']).pipe(resumableFile(path)));
    expect(((await failure(written)) as Error).message).to.include('its checkpoint says 9');
  });

  it('an error of the writable fails the stream', async () => {
    const sink = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' })),
    });
    const written = lastValueFrom(fromIterable(['a', 'b', 'c']).pipe(intoWritable(sink), toArray()));
    expect(((await failure(written)) as Error).message).to.include('ENOSPC');
  });
});

describe('web and Node streams', () => {
  it('toReadable and fromReadable ask for what is read, and cancelling ends the run', async () => {
    const meter = new Meter();
    const reader = toReadable(meter.source(naturals())).getReader();
    expect([(await reader.read()).value, (await reader.read()).value]).to.deep.equal([0, 1]);
    expect(meter.pulled).to.equal(2);
    await reader.cancel();
    await turns();
    expect(meter.returned).to.equal(1);
    const again = fromReadable(toReadable(fromIterable([1, 2, 3])));
    expect(await lastValueFrom(again.pipe(toArray()))).to.deep.equal([1, 2, 3]);
  });

  it('toAsyncIterable ends the run when the loop is left', async () => {
    const meter = new Meter();
    for await (const x of toAsyncIterable(meter.source(naturals()))) if (x === 2) break;
    expect([meter.pulled, meter.returned]).to.deep.equal([3, 1]);
  });

  it('a slow writable holds the source back', async () => {
    const meter = new Meter();
    let proceed = (): void => {};
    const sink = new Writable({
      highWaterMark: 1,
      write(_chunk, _encoding, done) {
        proceed = done;
      },
    });
    const subscription = meter.source(naturals()).pipe(jsonLines(), intoWritable(sink)).subscribe();
    await turns();
    expect(meter.pulled).to.equal(1);
    proceed();
    await turns();
    expect(meter.pulled).to.equal(2);
    subscription.unsubscribe();
    await turns();
    expect(meter.returned).to.equal(1);
  });

  it('intoWebWritable writes all and closes', async () => {
    const seen: unknown[] = [];
    const sink = new WritableStream<number>({ write: (x) => void seen.push(x), close: () => void seen.push('closed') });
    await lastValueFrom(fromIterable([1, 2]).pipe(intoWebWritable(sink)));
    expect(seen).to.deep.equal([1, 2, 'closed']);
  });

  it('serverSentEvents numbers events and keeps data on one line', async () => {
    const seen = await lastValueFrom(fromIterable(['a\nb']).pipe(serverSentEvents({ event: 'text' }), toArray()));
    expect(seen).to.deep.equal(['id: 0\nevent: text\ndata: "a\\nb"\n\n']);
  });
});
