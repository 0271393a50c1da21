import { appendFileSync, existsSync, readFileSync, statSync } from 'node:fs';
import { appendFile, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import * as zlib from 'node:zlib';
import { expect } from 'chai';
import { lastValueFrom, type Observable, type Subscription, take, toArray } from 'rxjs';
import { fromReadable, mapAsync } from '../src/index.ts';
import { type FileLine, files, glob, savePositions, type TailLine, type TailOptions, tail } from '../src/node/index.ts';
import { failure, turns, until } from './support/probe.ts';

const all = <T>(stream: Observable<T>): Promise<T[]> => lastValueFrom(stream.pipe(toArray()));
const message = async (promise: Promise<unknown>): Promise<string> => ((await failure(promise)) as Error).message;

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rivulet-sources-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('files', () => {
  const at = (name: string): string => join(folder, name);

  it('unpacks by name, or as it is told', async () => {
    const text = Buffer.from('a\nb\n');
    await writeFile(at('1.gz'), Buffer.concat([zlib.gzipSync(text), zlib.gzipSync('c\n')])); // as `cat` joins them
    await writeFile(at('2.br'), zlib.brotliCompressSync(text));
    await writeFile(at('3.txt'), text);
    const read = await all(files([at('1.gz'), at('2.br'), at('3.txt')]));
    expect(read.map((line) => line.text)).to.deep.equal(['a', 'b', 'c', 'a', 'b', 'a', 'b']);
    await writeFile(at('4'), zlib.deflateSync(text));
    expect(await all(files([at('4')], { compression: 'deflate' }))).to.have.length(2);
    expect(() => files([], { compression: 'lzw' as never })).to.throw(RangeError, 'lzw');
  });

  it('unpacks zstd where Node can, and says so where not', async () => {
    const { zstdCompressSync } = zlib as { zstdCompressSync?: (text: string) => Buffer };
    await writeFile(at('5.zst'), zstdCompressSync?.('a\n') ?? '');
    if (zstdCompressSync) expect(await all(files([at('5.zst')]))).to.have.length(1);
    else
      expect(await message(all(files([at('5.zst')]))))
        .to.include('5.zst')
        .and.include('Node 22.15');
  });

  it('names a packed file that is cut off, after the lines before the cut', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i} ${Math.sin(i)}`).join('\n');
    const packed = zlib.gzipSync(lines);
    await writeFile(at('cut.gz'), packed.subarray(0, packed.length - 9));
    const seen: FileLine[] = [];
    const error = await new Promise((resolve) => files([at('cut.gz')]).subscribe({ next: (x) => seen.push(x), error: resolve })); // biome-ignore format: one thought
    expect((error as Error).message)
      .to.include('cut.gz')
      .and.include('unexpected end of file');
    expect(seen.length).to.be.above(1000);
  });

  it('reads encodings that TextDecoder knows; fatal makes wrong bytes an error', async () => {
    await writeFile(at('utf16'), Buffer.from('\ufeffhé\nß', 'utf16le'));
    expect((await all(files([at('utf16')], { encoding: 'utf-16le' }))).map((line) => line.text)).to.deep.equal([
      'hé',
      'ß',
    ]);
    await writeFile(at('sjis'), Buffer.from([0x93, 0xfa, 0x96, 0x7b, 10]));
    expect((await all(files([at('sjis')], { encoding: 'shift_jis' })))[0]!.text).to.equal('日本');
    await writeFile(at('wrong'), Buffer.from([97, 10, 0xff, 10]));
    expect((await all(files([at('wrong')]))).map((line) => line.text)).to.deep.equal(['a', '\ufffd']);
    expect(await message(all(files([at('wrong')], { fatal: true })))).to.include('wrong');
    expect(() => files([], { encoding: 'klingon' })).to.throw(RangeError, 'klingon');
  });

  it('takes what glob finds, sorted; a pattern without a match is an error', async () => {
    for (const name of ['b.txt', 'a.txt', 'c.md', '.hidden.txt']) await writeFile(at(name), `${name}\n`);
    const found = glob('**/*.{txt,md}', { cwd: folder, ignore: 'b.*' });
    for (let run = 0; run < 2; run++)
      expect((await all(files(found))).map((line) => line.text)).to.deep.equal(['a.txt', 'c.md']);
    expect(await all(files(glob(`${folder}/*.md`)))).to.have.length(1);
    expect(await message(all(files(glob('*.none', { cwd: folder })))))
      .to.include('*.none')
      .and.include(folder);
    expect(() => files('a.txt')).to.throw(TypeError, 'files(["a.txt"])');
  });
});

describe('tail', () => {
  const at = (name: string): string => join(folder, name);
  interface Following {
    readonly seen: string[];
    readonly subscription: Subscription;
    errors: unknown[];
    /** Resolves when this many lines were seen. */
    come(count: number): Promise<string[]>;
  }
  const follow = (path: string, options: TailOptions = {}): Following => {
    const seen: string[] = [];
    const errors: unknown[] = [];
    const subscription = tail(path, { poll: 1, from: 'start', ...options }).subscribe({
      next: ({ path: of, line, text }) => seen.push(`${of.slice(folder.length + 1)}:${line}:${text}`),
      error: (error) => errors.push(error),
    });
    const come = async (count: number): Promise<string[]> => {
      await until(() => seen.length >= count || errors.length > 0);
      return seen.splice(0);
    };
    return { seen, subscription, errors, come };
  };

  it('gives lines that are appended, and those of new files; an unfinished line waits', async () => {
    await writeFile(at('a'), 'one\ntw');
    const { come, subscription } = follow(folder);
    expect(await come(1)).to.deep.equal(['a:0:one']);
    await appendFile(at('a'), 'o\n');
    expect(await come(1)).to.deep.equal(['a:1:two']);
    await writeFile(at('b'), 'new\n');
    expect(await come(1)).to.deep.equal(['b:0:new']);
    subscription.unsubscribe();
  });

  it('begins at the end of what is there, and at the start of what comes later', async () => {
    await writeFile(at('a'), 'old\n');
    const { come, subscription } = follow(folder, { from: 'end', match: (name) => name !== 'c' });
    await turns(30);
    await writeFile(at('c'), 'no\n');
    await writeFile(at('b'), 'yes\n');
    expect(await come(1)).to.deep.equal(['b:0:yes']);
    await appendFile(at('a'), 'more\n');
    expect(await come(1)).to.deep.equal(['a:0:more']);
    subscription.unsubscribe();
  });

  it('reads a rotated file to its end, and the new one under its name', async () => {
    await writeFile(at('log'), 'one\n');
    const { come, subscription } = follow(at('log'));
    expect(await come(1)).to.deep.equal(['log:0:one']);
    await appendFile(at('log'), 'two\n');
    await rename(at('log'), at('log.1'));
    await writeFile(at('log'), 'three\n');
    expect((await come(2)).map((line) => line.split(':')[2]).sort()).to.deep.equal(['three', 'two']);
    subscription.unsubscribe();
  });

  it('begins anew in a file that was cut, or written anew even if it is longer', async () => {
    await writeFile(at('log'), 'one\ntwo\nhal');
    const { come, subscription } = follow(at('log'));
    expect(await come(2)).to.have.length(2);
    await turns(10);
    await truncate(at('log'), 0);
    expect(await come(1)).to.deep.equal(['log:2:hal']); // what was read of it is not lost
    await appendFile(at('log'), 'three\n');
    expect(await come(1)).to.deep.equal(['log:0:three']);
    await writeFile(at('log'), 'another text, longer than the one before\n');
    expect(await come(1)).to.deep.equal(['log:0:another text, longer than the one before']);
    subscription.unsubscribe();
  });

  it('waits for a file that is not there yet, and ends a line whose file was removed', async () => {
    const { come, subscription } = follow(at('later'));
    await turns(20);
    await writeFile(at('later'), 'a\nb');
    expect(await come(1)).to.deep.equal(['later:0:a']);
    await turns(20);
    await rm(at('later'));
    expect(await come(1)).to.deep.equal(['later:1:b']);
    subscription.unsubscribe();
  });

  /** Reads `count` lines, and is stopped when they are done, while the line after them, if there is one, is in work. */
  const part = async (
    path: string,
    checkpoint: string,
    count: number,
    options: TailOptions = {},
  ): Promise<string[]> => {
    const lines = tail(path, { poll: 1, from: 'start', checkpoint, ...options });
    const seen: TailLine[] = [];
    const subscription = lines.pipe(savePositions(checkpoint, { every: 1 }), take(count + 1)).subscribe((line) => seen.push(line)); // biome-ignore format: a call
    const saved = (): boolean => {
      if (!existsSync(checkpoint)) return false;
      const text = readFileSync(checkpoint, 'utf8');
      return count === 0 || (seen.length >= count && text.includes(JSON.stringify(seen[count - 1]!.position)));
    };
    await until(saved);
    subscription.unsubscribe();
    return seen.slice(0, count).map(({ path: of, line, text }) => `${of.slice(folder.length + 1)}:${line}:${text}`);
  };

  it('goes on where a pipeline was stopped, in files that were renamed, and in new ones', async () => {
    const checkpoint = at('.positions');
    await writeFile(at('log'), 'one\ntwo\nthr');
    expect(await part(folder, checkpoint, 2)).to.deep.equal(['log:0:one', 'log:1:two']);
    await appendFile(at('log'), 'ee\nfour\n');
    await rename(at('log'), at('log.1'));
    await writeFile(at('log'), 'other\n');
    const lines = await part(folder, checkpoint, 3, { match: (name) => !name.endsWith('.1') });
    expect(lines.sort()).to.deep.equal(['log.1:2:three', 'log.1:3:four', 'log:0:other']);
    await appendFile(at('log'), 'last\n');
    expect(await part(folder, checkpoint, 1)).to.deep.equal(['log:1:last']);
    await writeFile(at('log'), 'written anew\n');
    expect(await part(folder, checkpoint, 1)).to.deep.equal(['log:0:written anew']);
  });

  it('knows from the first start on where it began, and does not read its own checkpoint', async () => {
    const checkpoint = at('positions');
    await writeFile(at('a'), 'old\n');
    expect(await part(folder, checkpoint, 0, { from: 'end' })).to.deep.equal([]);
    await appendFile(at('a'), 'while it was away\n');
    expect(await part(folder, checkpoint, 1, { from: 'end' })).to.deep.equal(['a:0:while it was away']);
  });

  it('forgets deleted files once their lines are done, while it runs and while it was away', async () => {
    const checkpoint = at('.positions');
    const inode = (name: string): string => `${statSync(at(name)).ino}`;
    const known = (): string[] => {
      const positions = existsSync(checkpoint) ? JSON.parse(readFileSync(checkpoint, 'utf8')) : [];
      return positions.map(({ file }: { file: string }) => file.split(':')[1]);
    };
    const seen: string[] = [];
    const run = (): Subscription =>
      tail(folder, { poll: 1, from: 'start', checkpoint })
        .pipe(savePositions(checkpoint, { every: 1 }))
        .subscribe(({ text }) => seen.push(text));
    await writeFile(at('a'), 'one\n');
    await writeFile(at('b'), 'two\n');
    let running = run();
    await until(() => known().length === 2);
    // A deleted file is told with the next line of another: more of them come, one by one, until it was noticed.
    const only = (name: string) => {
      let before = -1;
      return (): boolean => {
        if (seen.length > before) appendFileSync(at(name), 'more\n');
        before = seen.length;
        return known().join() === inode(name);
      };
    };
    await rm(at('a'));
    await until(only('b'));
    running.unsubscribe();
    await writeFile(at('c'), 'three\n'); // beside the other, so that it cannot get its inode
    await rm(at('b'));
    running = run();
    await until(() => seen.includes('three'));
    await until(only('c'));
    running.unsubscribe();
    expect(seen.filter((text) => text !== 'more')).to.deep.equal(['one', 'two', 'three']);
  });

  it('gives a line again whose work was not done', async () => {
    const checkpoint = at('.positions');
    await writeFile(at('a'), 'one\ntwo\n');
    const failing = tail(folder, { poll: 1, from: 'start', checkpoint }).pipe(
      mapAsync((line) => (line.text === 'two' ? Promise.reject(new Error('down')) : Promise.resolve(line))),
      savePositions(checkpoint),
    );
    expect(await message(all(failing))).to.include('down');
    expect(await part(folder, checkpoint, 1)).to.deep.equal(['a:1:two']);
  });

  it('counts bytes in other encodings, with their marks of byte order', async () => {
    const checkpoint = at('.positions');
    const bytes = (text: string): Buffer => Buffer.from(text, 'utf16le');
    await writeFile(at('a'), bytes('\ufeff\u0a41\u410a\r\nzwei\n'));
    const options = { encoding: 'utf-16le' };
    expect(await part(folder, checkpoint, 1, options)).to.deep.equal(['a:0:\u0a41\u410a']);
    await appendFile(at('a'), bytes('drei\n'));
    const again = await part(folder, checkpoint, 2, options);
    expect(again.at(-1)).to.equal('a:2:drei');
    await writeFile(checkpoint, '[{"file": 1}]');
    expect(await message(all(tail(folder, { checkpoint })))).to.include(
      'expected a list of { file, head, offset, lines }',
    );
  });

  it('looks only when it is asked, and stops when it is left', async () => {
    await writeFile(at('a'), 'one\ntwo\n');
    let release: (() => void) | undefined;
    const seen: string[] = [];
    const subscription = tail(folder, { poll: 1, from: 'start' })
      .pipe(mapAsync(({ text }) => new Promise<string>((resolve) => { release = () => resolve(text); }))) // biome-ignore format: one thought
      .subscribe((text) => seen.push(text));
    await until(() => release !== undefined);
    await appendFile(at('a'), 'three\n');
    release!();
    await until(() => seen.length === 1);
    subscription.unsubscribe();
    release!();
    await turns(20);
    expect(seen).to.deep.equal(['one']);
  });

  it('fails where the folder is missing, and for a line that is too long, with the names', async () => {
    expect(await message(all(tail(join(folder, 'no', 'where'))))).to.include('there is no such folder');
    await writeFile(at('a'), 'abcdef\n');
    const { errors, come } = follow(folder, { maxLineLength: 3 });
    await come(1);
    expect((errors[0] as Error).message)
      .to.include(at('a'))
      .and.include('more than 3 characters');
  });
});

describe('fromReadable of a Node stream', () => {
  it('reads when it is asked, and destroys the stream when it is left', async () => {
    expect(await all(fromReadable(Readable.from(['a', 'b'])))).to.deep.equal(['a', 'b']);
    const silent = new Readable({ objectMode: true, read() {} });
    silent.push(1);
    const seen: unknown[] = [];
    const subscription = fromReadable<unknown>(silent).subscribe((x) => seen.push(x));
    await until(() => seen.length === 1);
    subscription.unsubscribe();
    await until(() => silent.destroyed);
    expect(seen).to.deep.equal([1]);
  });

  it('passes on its error', async () => {
    const broken = new Readable({ read() { this.destroy(new Error('EIO')); } }); // biome-ignore format: one thought
    expect(await message(all(fromReadable(broken)))).to.equal('EIO');
  });
});
