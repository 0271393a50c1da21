import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  EMPTY,
  firstValueFrom,
  lastValueFrom,
  NEVER,
  type Observable,
  type OperatorFunction,
  of,
  Subject,
  throwError,
  toArray,
} from 'rxjs';
import { fromIterable, mapAsync, windowOf } from '../src/index.ts';
import { factsOf } from '../src/operator-facts.ts';
import { failure, Meter, turns, until } from './support/probe.ts';
import { exported, others, type Row, rows } from './support/rows.ts';

const run = (source: Observable<unknown>, { make }: Row): Promise<unknown[]> =>
  lastValueFrom(source.pipe(make() as OperatorFunction<unknown, unknown>, toArray()));
const items = ({ input }: Row, count: number): unknown[] => Array.from({ length: count }, (_, i) => input(i));

describe('the table of operators', () => {
  it('has a row for every operator that is exported', () => {
    expect([...new Set([...rows.map((row) => row.of), ...others])]).to.have.members(exported);
  });
});

describe('the doc comment of every operator', () => {
  const folder = join(import.meta.dirname, '../src');
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n');

  for (const name of new Set(rows.map((row) => row.of)))
    it(`${name} has a marble diagram and states its window`, () => {
      const comment = sources.match(new RegExp(`/\\*\\*((?:(?!\\*/)[^])*)\\*/\\nexport function ${name}<?`))?.[1];
      expect(comment).to.match(/^ \* {5}.*--/m);
      expect(comment).to.match(/Window:\s/);
    });
});

describe('every operator', () => {
  for (const row of rows)
    describe(row.variant ? `${row.of}, ${row.variant}` : row.of, () => {
      const operator = (): OperatorFunction<unknown, unknown> => row.make() as OperatorFunction<unknown, unknown>;

      it('never: gives nothing and does not end', async () => {
        const seen: string[] = [];
        const subscription = NEVER.pipe(operator()).subscribe({
          next: () => seen.push('next'),
          error: () => seen.push('error'),
          complete: () => seen.push('complete'),
        });
        await turns();
        subscription.unsubscribe();
        expect(seen).to.deep.equal([]);
      });

      it('empty: completes', async () => {
        const nothing = row.of === 'resumableFile' ? [{ items: 0, bytes: 0 }] : []; // an empty file is a result
        expect(await run(EMPTY, row)).to.deep.equal(nothing);
        expect(await run(fromIterable([]), row)).to.deep.equal(nothing);
      });

      it('one and many: the same whether the source is pulled or pushes', async () => {
        const one = await run(fromIterable(items(row, 1)), row);
        expect(one).to.have.length.of.at.least(1);
        expect(await run(of(...items(row, 1)), row)).to.deep.equal(one);
        const many = await run(fromIterable(items(row, 5)), row);
        expect(many.length).to.be.above(one.length);
        expect(await run(of(...items(row, 5)), row)).to.deep.equal(many);
        if (row.passes && !row.unordered) expect(many).to.deep.equal(items(row, 5));
      });

      it('error: passes the source’s error on, after what came before it', async () => {
        const broken = new Error('broken');
        expect(await failure(lastValueFrom(throwError(() => broken).pipe(operator())))).to.equal(broken);
        const source = fromIterable(
          (function* () {
            yield* items(row, 3);
            throw broken;
          })(),
        );
        const seen: unknown[] = [];
        const error = await new Promise((resolve) =>
          source.pipe(operator()).subscribe({ next: (x) => seen.push(x), error: resolve }),
        );
        expect(error).to.equal(broken);
        const all = await run(fromIterable(items(row, 3)), row);
        expect(seen).to.deep.equal(row.of === 'resumableFile' ? all.slice(0, 1) : all); // its rest waits for the resumed run
      });

      it('early unsubscribe: gives nothing more and leaves the pushing source', async () => {
        const source = new Subject<unknown>();
        const seen: unknown[] = [];
        const subscription = source.pipe(operator()).subscribe((x) => seen.push(x));
        await until(() => source.observed);
        subscription.unsubscribe();
        source.next(row.input(0));
        await until(() => !source.observed);
        expect(seen).to.deep.equal([]);
      });

      if (!row.once)
        it('is cold: each subscription is a run of its own', async () => {
          const stream = fromIterable(items(row, 2)).pipe(operator(), toArray());
          expect(await firstValueFrom(stream)).to.deep.equal(await firstValueFrom(stream));
        });

      it('has pulled no more than its window beyond what is completed, with all of it at the end', async () => {
        await fc.assert(
          fc.asyncProperty(fc.nat(12), async (count) => {
            const meter = new Meter();
            const own = operator();
            const { window, completes = () => 1 } = factsOf(own)!;
            const counted = mapAsync(async (value: unknown) => {
              await turns(1);
              meter.completed = Math.min(meter.pulled, meter.completed + completes(value));
            });
            await lastValueFrom(meter.source(items(row, count)).pipe(own, counted), { defaultValue: null });
            expect(meter.most).to.be.at.most(window);
            expect(meter).to.include({ pulled: count, completed: count, returned: 1 });
          }),
          { numRuns: 8 },
        );
      });
    });
});

describe('a chain of operators', () => {
  const passing = rows.filter(
    ({ passes, of }) => passes && !['saveProgress', 'savePositions', 'resumeFrom'].includes(of),
  );

  it('has pulled at most 1 + the sum of (window − 1) beyond what is completed; nothing is lost or out of order', async () => {
    const chains = fc.array(fc.nat(passing.length - 1), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(chains, fc.nat(20), async (chain, count) => {
        const meter = new Meter();
        const operators = chain.map((i) => passing[i]!.make() as OperatorFunction<unknown, unknown>);
        const window = operators.reduce((sum, operator) => sum + windowOf(operator)! - 1, 1);
        const numbers: unknown[] = Array.from({ length: count }, (_, i) => i);
        const stream = operators.reduce<Observable<unknown>>((source, operator) => source.pipe(operator), meter.source(numbers)); // biome-ignore format: one thought
        const end = mapAsync(async (item: unknown) => {
          await turns(1);
          meter.completed++;
          return item;
        });
        const seen = await lastValueFrom(stream.pipe(end, toArray()));
        if (chain.some((i) => passing[i]!.unordered)) expect(seen).to.have.members(numbers);
        else expect(seen).to.deep.equal(numbers);
        expect(meter.most).to.be.at.most(window);
      }),
      { numRuns: 80 },
    );
  });
});
