import { expect } from 'chai';
import {
  EMPTY,
  firstValueFrom,
  lastValueFrom,
  NEVER,
  type OperatorFunction,
  of,
  Subject,
  throwError,
  toArray,
} from 'rxjs';
import {
  batch,
  batchByTime,
  batchByTokens,
  type Classifier,
  classify,
  collect,
  deduplicate,
  detokenize,
  filterItems,
  fromIterable,
  Gate,
  generate,
  lift,
  mapAsync,
  mapItems,
  mapOrBury,
  normalize,
  ofLength,
  ofScript,
  pullOperator,
  rateLimit,
  sentences,
  type TokenEvent,
  through,
  tokenize,
  windows,
} from '../src/index.ts';
import { bytes, parrot } from './support/fakes.ts';
import { failure, turns } from './support/probe.ts';

const ids = (text: string) => ({ index: 0, text, ids: bytes.encode(text) });
const ended: TokenEvent = { type: 'generation-end', index: 0, text: 'a', tokens: [97], score: -1, reason: 'eos' };
const classifier: Classifier<unknown> = { classify: async () => [{ label: 'cat', score: 1 }] };

/** Every operator, one input for it and whether that gives one value. Each meets the same table of sources. */
const operators: [string, OperatorFunction<never, unknown>, unknown][] = [
  ['tokenize', tokenize(bytes), 'a'],
  ['generate', generate(parrot()), ids('a')],
  ['detokenize', detokenize(bytes), ended],
  ['collect', collect(bytes), ended],
  ['classify', classify(classifier), 'a.png'],
  ['mapAsync', mapAsync((x: unknown) => x), 1],
  ['mapAsync, concurrency 3', mapAsync((x: unknown) => x, { concurrency: 3 }), 1],
  ['lift', lift((source) => source), 1],
  ['mapItems', mapItems((x: unknown) => x), 1],
  ['mapItems, later', mapItems(async (x: unknown) => x), 1],
  ['filterItems', filterItems(() => true), 1],
  ['batch(1)', batch(1), 1],
  ['batchByTokens', batchByTokens({ maxTokens: 1, lengthOf: () => 1 }), 1],
  ['batchByTime of 1', batchByTime({ maxSize: 1, maxWait: 1 }), 1],
  ['normalize', normalize(), 'a'],
  ['sentences', sentences(), 'One.'],
  ['windows', windows({ size: 2, stride: 1 }), ids('ab')],
  ['deduplicate', deduplicate({ keyOf: () => Symbol('new') }), 1],
  ['ofLength', ofLength({ max: 3 }), 'a'],
  ['ofScript', ofScript('Han'), '你好'],
  ['rateLimit', rateLimit({ count: 100, per: 1 }), 1],
  ['mapOrBury', mapOrBury((x: unknown) => x, new Subject()), 1],
  ['through', through(new Gate()), 1],
  ['pullOperator', pullOperator((source) => source), 1],
];

describe('every operator', () => {
  for (const [name, typed, input] of operators) {
    const operator = typed as unknown as OperatorFunction<unknown, unknown>;
    describe(name, () => {
      it('never: gives nothing and does not end', async () => {
        const seen: string[] = [];
        const subscription = NEVER.pipe(operator).subscribe({
          next: () => seen.push('next'),
          error: () => seen.push('error'),
          complete: () => seen.push('complete'),
        });
        await turns();
        subscription.unsubscribe();
        expect(seen).to.deep.equal([]);
      });

      it('empty: completes', async () => {
        expect(await lastValueFrom(EMPTY.pipe(operator, toArray()))).to.deep.equal([]);
        expect(await lastValueFrom(fromIterable([]).pipe(operator, toArray()))).to.deep.equal([]);
      });

      it('one and many: the same whether the source is pulled or pushes', async () => {
        const one = await lastValueFrom(fromIterable([input]).pipe(operator, toArray()));
        expect(one).to.have.length.of.at.least(1);
        expect(await lastValueFrom(of(input).pipe(operator, toArray()))).to.deep.equal(one);
        const many = await lastValueFrom(fromIterable([input, input, input]).pipe(operator, toArray()));
        expect(many).to.have.length(3 * one.length);
        expect(await lastValueFrom(of(input, input, input).pipe(operator, toArray()))).to.deep.equal(many);
      });

      it('error: passes the source’s error on, after what came before it', async () => {
        const broken = new Error('broken');
        expect(await failure(lastValueFrom(throwError(() => broken).pipe(operator)))).to.equal(broken);
        const source = fromIterable(
          (function* () {
            yield input;
            throw broken;
          })(),
        );
        const seen: unknown[] = [];
        const error = await new Promise((resolve) =>
          source.pipe(operator).subscribe({ next: (x) => seen.push(x), error: resolve }),
        );
        expect(error).to.equal(broken);
        expect(seen).to.have.length.of.at.least(1);
      });

      it('early unsubscribe: gives nothing more and leaves the pushing source', async () => {
        const source = new Subject<unknown>();
        const seen: unknown[] = [];
        const subscription = source.pipe(operator).subscribe((x) => seen.push(x));
        await turns();
        expect(source.observed).to.equal(true);
        subscription.unsubscribe();
        source.next(input);
        await turns();
        expect(seen).to.deep.equal([]);
        expect(source.observed).to.equal(false);
      });

      it('is cold: each subscription is a run of its own', async () => {
        const stream = fromIterable([input]).pipe(operator, toArray());
        expect(await firstValueFrom(stream)).to.deep.equal(await firstValueFrom(stream));
      });
    });
  }
});
