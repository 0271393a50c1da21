import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { expect } from 'chai';
import { EMPTY, lastValueFrom, NEVER, type Observable, type Subscription, tap, toArray } from 'rxjs';
import {
  fromIterable,
  fromPull,
  intoWebWritable,
  jsonLines,
  mapItems,
  serverSentEvents,
  TimeoutError,
  toAsyncIterable,
  toReadable,
} from '../src/index.ts';
import { intoFile, intoWritable, resumableFile, resumeFrom, saveProgress, toNodeReadable } from '../src/node/index.ts';
import { failure, Meter, naturals, turns, until } from './support/probe.ts';

let folder = '';
let files = 0;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rivulet-sinks-'));
});
after(() => rm(folder, { recursive: true }));

/** A sink at work. */
interface Running {
  readonly done: Promise<unknown>;
  stop(): void;
  /** What has arrived. */
  arrived(): Promise<string>;
}
interface Sink {
  readonly name: string;
  run(source: Observable<string>): Running;
}

const subscribed = (stream: Observable<unknown>, arrived: () => Promise<string>): Running => {
  let subscription: Subscription | undefined;
  const done = new Promise((resolve, reject) => {
    subscription = stream.subscribe({ error: reject, complete: () => resolve(null) });
  });
  return { done, stop: () => subscription?.unsubscribe(), arrived };
};
/** A reader's loop, which is left when it is stopped. */
const looped = (values: AsyncIterable<unknown>, leave: () => void): Running => {
  let text = '';
  const loop = async (): Promise<void> => {
    for await (const value of values) text += value;
  };
  return { done: loop(), stop: leave, arrived: async () => text };
};
const collecting = (): { writable: Writable; arrived: () => Promise<string> } => {
  let text = '';
  const writable = new Writable({
    highWaterMark: 1,
    write(chunk, _encoding, done) {
      text += chunk;
      setImmediate(done);
    },
  });
  return { writable, arrived: async () => text };
};

const sinks: readonly Sink[] = [
  {
    name: 'intoFile',
    run(source) {
      const path = join(folder, `${files++}`);
      return subscribed(source.pipe(intoFile(path)), () => readFile(path, 'utf8').catch(() => ''));
    },
  },
  {
    name: 'resumableFile',
    run(source) {
      const path = join(folder, `${files++}`);
      return subscribed(source.pipe(resumableFile(path, { every: 1 })), () => readFile(path, 'utf8').catch(() => ''));
    },
  },
  ...[false, true].map((end) => ({
    name: `intoWritable, end ${end}`,
    run(source: Observable<string>): Running {
      const { writable, arrived } = collecting();
      return subscribed(source.pipe(intoWritable(writable, { end })), arrived);
    },
  })),
  {
    name: 'intoWebWritable',
    run(source) {
      let text = '';
      const stream = new WritableStream<string>({
        write(chunk) {
          text += chunk;
        },
      });
      return subscribed(source.pipe(intoWebWritable(stream)), async () => text);
    },
  },
  {
    name: 'toReadable',
    run(source) {
      const controller = new AbortController();
      const stream = toReadable(source);
      const piped = stream.pipeThrough(new TransformStream<string, string>(), { signal: controller.signal });
      return looped(piped as unknown as AsyncIterable<string>, () => controller.abort());
    },
  },
  {
    name: 'toNodeReadable',
    run(source) {
      const stream = toNodeReadable(source);
      return looped(stream, () => void stream.destroy());
    },
  },
  {
    name: 'toAsyncIterable',
    run(source) {
      const iterator = toAsyncIterable(source);
      return looped(iterator, () => void iterator.return(undefined));
    },
  },
];

const broken = (): Observable<string> =>
  fromPull(async function* () {
    yield 'a';
    yield 'b';
    throw new Error('midway');
  });

describe('every sink', () => {
  for (const { name, run } of sinks)
    describe(name, () => {
      it('never: writes nothing and does not end', async () => {
        const { done, stop, arrived } = run(NEVER);
        let ended = false;
        done.then(() => { ended = true; }, () => {}); // biome-ignore format: one thought
        await turns();
        expect([ended, await arrived()]).to.deep.equal([false, '']);
        stop();
      });

      it('empty, one, many: all of it is there at the end', async () => {
        for (const [source, text] of [
          [EMPTY, ''],
          [fromIterable(['a']), 'a'],
          [fromIterable(['a', 'b', 'c', 'd']), 'abcd'],
        ] as const) {
          // biome-ignore format: a table
          const { done, arrived } = run(source);
          await done;
          expect(await arrived()).to.equal(text);
        }
      });

      it('an error midway: what came before it is there', async () => {
        const { done, arrived } = run(broken());
        expect(await failure(done)).to.be.an('error').with.property('message', 'midway'); // biome-ignore format: short
        await turns();
        expect(await arrived()).to.equal('ab');
      });

      it('early unsubscribe: leaves the source; what was given on is there', async () => {
        const meter = new Meter();
        const given: string[] = [];
        const endless = meter.source({ [Symbol.iterator]: naturals }).pipe(
          mapItems(async (x) => {
            await turns(1);
            given.push(`${x}`);
            return `${x}`;
          }),
        );
        const { stop, arrived, done } = run(endless);
        done.catch(() => {});
        await until(() => given.length > 3);
        stop();
        await until(() => meter.returned === 1);
        const pulled = meter.pulled;
        await turns();
        expect(meter.pulled).to.equal(pulled);
        const text = await arrived();
        expect(given.join('')).to.satisfy((all: string) => all.startsWith(text));
        expect(text.length).to.be.at.least(1);
      });
    });
});

describe('a sink that cannot write', () => {
  const full = existsSync('/dev/full');

  it('intoFile on a full disk names the file; the items before are told', async function () {
    if (!full) this.skip();
    const error = (await failure(lastValueFrom(fromIterable(['a', 'b']).pipe(intoFile('/dev/full'))))) as Error;
    expect(error.message).to.include('/dev/full').and.include('ENOSPC');
  });

  it('resumableFile on a full disk keeps its last checkpoint', async function () {
    if (!full) this.skip();
    const path = join(folder, 'to-full');
    await symlink('/dev/full', path);
    const error = (await failure(lastValueFrom(fromIterable(['a', 'b']).pipe(resumableFile(path))))) as Error;
    expect(error.message).to.include(path).and.include('after item 0').and.include('ENOSPC');
    expect(existsSync(`${path}.progress`)).to.equal(false);
  });

  it('intoFile in a folder that is missing', async () => {
    const error = (await failure(lastValueFrom(fromIterable(['a']).pipe(intoFile(join(folder, 'no', 'x')))))) as Error;
    expect(error.message).to.include('ENOENT').and.include(join('no', 'x'));
  });

  it('intoWritable tells the error of the last write, which comes later', async () => {
    for (const code of ['ENOSPC', 'EPIPE']) {
      const sink = new Writable({ write: (_chunk, _encoding, done) => void setTimeout(done, 1, Object.assign(new Error(code), { code })) }); // biome-ignore format: one thought
      const error = await failure(lastValueFrom(fromIterable(['only']).pipe(intoWritable(sink))));
      expect(error).to.have.property('code', code);
    }
  });

  it('a pipe whose reader went away', async () => {
    const pipe = new PassThrough({ highWaterMark: 1 });
    const meter = new Meter();
    const run = lastValueFrom(meter.source(naturals()).pipe(jsonLines(), intoWritable(pipe)));
    await turns();
    pipe.destroy();
    expect(((await failure(run)) as Error).message).to.include('closed before the end');
    expect(meter.returned).to.equal(1);
  });

  it('intoWebWritable of a stream that fails', async () => {
    const stream = new WritableStream<string>({ write() { throw new Error('ENOSPC'); } }); // biome-ignore format: one thought
    const run = lastValueFrom(fromIterable(['a', 'b']).pipe(intoWebWritable(stream)));
    expect(((await failure(run)) as Error).message).to.equal('ENOSPC');
  });

  it('a client that never reads holds the source; with patience, not for ever', async () => {
    const meter = new Meter();
    const silent = (): Writable => new Writable({ highWaterMark: 1, write() {} });
    const events = meter.source({ [Symbol.iterator]: naturals }).pipe(serverSentEvents());
    const subscription = events.pipe(intoWritable(silent())).subscribe();
    await turns(30);
    expect(meter.pulled).to.equal(1);
    subscription.unsubscribe();
    await until(() => meter.returned === 1);
    const error = await failure(lastValueFrom(events.pipe(intoWritable(silent(), { patience: 5 }))));
    expect(error).to.be.instanceOf(TimeoutError).with.property('message', 'the writable stream took nothing for 5 ms');
    expect(meter.returned).to.equal(2);
  });

  it('a client of Server-Sent Events that goes away ends its run and no other', async () => {
    const meter = new Meter();
    let ended: unknown;
    const server = createServer((_request, response) => {
      const events = meter.source(naturals()).pipe(serverSentEvents(), intoWritable(response));
      events.subscribe({ error: (error) => { ended = error; } }); // biome-ignore format: one thought
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const answer = await new Promise<IncomingMessage>((resolve) => get({ port, host: '127.0.0.1' }, resolve));
    await new Promise((resolve) => answer.once('data', resolve));
    answer.destroy();
    await until(() => meter.returned === 1);
    expect(ended).to.be.an('error');
    await new Promise((resolve) => server.close(resolve));
  });

  for (const [
    value,
    told,
  ] of [[() => 0, 'item 0 (function) has no form in JSON'], [1n, 'item 0 has no form in JSON']] as const) // biome-ignore format: a table
    it(`JSON of a ${typeof value}`, async () => {
      for (const operator of [jsonLines(), serverSentEvents()])
        expect(((await failure(lastValueFrom(fromIterable<unknown>([value]).pipe(operator)))) as Error).message).to.include(told); // biome-ignore format: one thought
    });
});

describe('serverSentEvents', () => {
  it('goes on behind the event that a reader saw last, and tells when to come back', async () => {
    const seen = await lastValueFrom(fromIterable(['a', 'b']).pipe(serverSentEvents({ firstId: 7, retry: 500 }), toArray())); // biome-ignore format: one thought
    expect(seen).to.deep.equal(['retry: 500\nid: 7\ndata: "a"\n\n', 'id: 8\ndata: "b"\n\n']);
    expect(() => serverSentEvents({ retry: 0.5 })).to.throw(RangeError, 'retry');
  });
});

describe('saveProgress and resumeFrom', () => {
  it('a stopped pipeline resumes where it was: every item at least once, those done before the checkpoint once', async () => {
    for (const [stop, every] of [
      [0, 1],
      [3, 1],
      [5, 2],
      [7, 3],
    ] as const) {
      // biome-ignore format: a table
      const path = join(folder, `progress-${files++}`);
      const done: string[] = [];
      const run = (failAt: number): Promise<unknown> =>
        lastValueFrom(
          fromIterable([...'abcdefghij']).pipe(
            resumeFrom(path),
            mapItems((item) => {
              if (item === 'abcdefghij'[failAt]) throw new Error('stopped');
              return item;
            }),
            saveProgress(path, { every }),
            tap((item) => void done.push(item)),
          ),
          { defaultValue: null },
        );
      await run(stop).catch(() => {});
      await run(-1);
      expect(done.join('')).to.equal('abcdefghij');
      expect(JSON.parse(await readFile(path, 'utf8'))).to.deep.equal({ items: 10, bytes: 0 });
    }
  });

  it('counts by the items’ own numbers where some are left out', async () => {
    const path = join(folder, `progress-${files++}`);
    const chain = (items: number[], seen: number[]): Observable<unknown> =>
      fromIterable(items).pipe(
        resumeFrom(path),
        mapItems((item, index) => ({ item, index })),
        (source) => source.pipe(mapItems((x) => x)),
        saveProgress(path, { every: 1, indexOf: ({ index }) => index }),
        tap(({ item }) => void seen.push(item)),
      );
    const seen: number[] = [];
    await lastValueFrom(chain([1, 2, 3], seen));
    await lastValueFrom(chain([1, 2, 3, 4, 5], seen));
    expect(seen).to.deep.equal([1, 2, 3, 4, 5]);
  });
});
