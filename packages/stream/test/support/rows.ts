import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { LanguageModel } from '@rivulet/generation';
import { type OperatorFunction, Subject } from 'rxjs';
import * as stream from '../../src/index.ts';
import * as node from '../../src/node/index.ts';
import { bytes, parrot } from './fakes.ts';

const folder = mkdtempSync(join(tmpdir(), 'rivulet-rows-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const file = (): string => join(folder, `${files++}`);

/** An operator and what it is tried on. */
export interface Row {
  /** The exported function that makes it. */
  readonly of: string;
  readonly variant?: string;
  /** A new operator: some hold a stream that can be written once. */
  readonly make: () => OperatorFunction<never, unknown>;
  /** The item of that number; each gives one value or more, or belongs to a group that does. */
  readonly input: (index: number) => unknown;
  /** Gives each item on as it is, so that it fits between others. */
  readonly passes?: true;
  /** Values may come in another order. */
  readonly unordered?: true;
  /** Can run once. */
  readonly once?: true;
}

const ids = (text: string) => ({ index: 0, text, ids: bytes.encode(text) });
const ended: stream.TokenEvent = {
  type: 'generation-end',
  index: 0,
  text: 'a',
  tokens: [97],
  score: -1,
  reason: 'eos',
};
const judge: LanguageModel = { ...parrot(), continuesPrompt: true };
const itself = (x: unknown): unknown => x;
const later = async (x: unknown): Promise<unknown> => x;
const number = (index: number): number => index;
const always =
  (value: unknown): ((index: number) => unknown) =>
  () =>
    value;

// biome-ignore format: a table
export const rows: readonly Row[] = [
  { of: 'tokenize', make: () => stream.tokenize(bytes), input: always('a') },
  { of: 'generate', make: () => stream.generate(parrot()), input: always(ids('a')) },
  { of: 'generate', variant: 'concurrency 3', make: () => stream.generate(parrot(), { concurrency: 3 }), input: always(ids('a')) },
  { of: 'detokenize', make: () => stream.detokenize(bytes), input: always(ended) },
  { of: 'collect', make: () => stream.collect(bytes), input: always(ended) },
  { of: 'translate', make: () => stream.translate(parrot(), bytes, { concurrency: 2 }), input: always('ab') },
  { of: 'classify', make: () => stream.classify({ classify: async () => [{ label: 'cat', score: 1 }] }, { concurrency: 2 }), input: always('a.png') },
  { of: 'embed', make: () => stream.embed({ embed: async (of) => Float32Array.from(Array.from(of)) }, { concurrency: 2 }), input: always(ids('a')) },
  { of: 'embedInputs', make: () => stream.embedInputs({ embed: async () => Float32Array.of(1) }, { concurrency: 2 }), input: always('a.png') },
  { of: 'segment', make: () => stream.segment({ segment: async () => 'parts' }, { concurrency: 2 }), input: always('a.png') },
  { of: 'score', make: () => stream.score(judge, { concurrency: 2 }), input: always(ids('ab')) },
  { of: 'mapAsync', make: () => stream.mapAsync(later), input: number, passes: true },
  { of: 'mapAsync', variant: 'concurrency 3', make: () => stream.mapAsync(later, { concurrency: 3 }), input: number, passes: true },
  { of: 'mapAsync', variant: 'unordered', make: () => stream.mapAsync(later, { concurrency: 3, ordered: false }), input: number, passes: true, unordered: true },
  { of: 'mapOrBury', make: () => stream.mapOrBury(itself, new Subject(), { concurrency: 2 }), input: number, passes: true },
  { of: 'lift', make: () => stream.lift((source) => source), input: number, passes: true },
  { of: 'pullOperator', make: () => stream.pullOperator((source) => source), input: number, passes: true },
  { of: 'stepOperator', make: () => stream.stepOperator(() => ({ next: itself })), input: number, passes: true },
  { of: 'mapItems', make: () => stream.mapItems(itself), input: number, passes: true },
  { of: 'mapItems', variant: 'later', make: () => stream.mapItems(later), input: number, passes: true },
  { of: 'filterItems', make: () => stream.filterItems(() => true), input: number, passes: true },
  { of: 'filterItems', variant: 'later', make: () => stream.filterItems(async () => true), input: number, passes: true },
  { of: 'batch', make: () => stream.batch(2), input: number },
  { of: 'batchByTokens', make: () => stream.batchByTokens({ maxTokens: 3, maxSize: 3, lengthOf: () => 1 }), input: number },
  { of: 'batchByTime', make: () => stream.batchByTime({ maxSize: 2, maxWait: 1 }), input: number },
  { of: 'batchByLength', make: () => stream.batchByLength({ maxTokens: 9, window: 4, lengthOf: (n: number) => n % 5 }), input: number },
  { of: 'restoreOrder', make: () => stream.restoreOrder(), input: (index) => [{ index, item: index }] },
  { of: 'mapByLength', make: () => stream.mapByLength((items: number[]) => items, { maxTokens: 9, window: 4, lengthOf: (n) => n % 5 }), input: number, passes: true },
  { of: 'normalize', make: () => stream.normalize(), input: always('a') },
  { of: 'sentences', make: () => stream.sentences(), input: always('One.') },
  { of: 'windows', make: () => stream.windows({ size: 2, stride: 1 }), input: always(ids('ab')) },
  { of: 'deduplicate', make: () => stream.deduplicate(), input: number, passes: true },
  { of: 'ofLength', make: () => stream.ofLength({ max: 3 }), input: always('a') },
  { of: 'ofScript', make: () => stream.ofScript('Han'), input: always('你好') },
  { of: 'ofLanguage', make: () => stream.ofLanguage(['deu'], () => 'deu'), input: always('gut') },
  { of: 'rateLimit', make: () => stream.rateLimit({ count: 1000, per: 1 }), input: number, passes: true },
  { of: 'expectWithin', make: () => stream.expectWithin(10_000), input: number, passes: true },
  { of: 'through', make: () => stream.through(new stream.Gate()), input: number, passes: true },
  { of: 'jsonLines', make: () => stream.jsonLines(), input: number },
  { of: 'serverSentEvents', make: () => stream.serverSentEvents(), input: number },
  { of: 'intoWebWritable', make: () => stream.intoWebWritable(new WritableStream()), input: number, passes: true, once: true },
  { of: 'intoWritable', make: () => node.intoWritable(new Writable({ objectMode: true, write: (_chunk, _encoding, done) => done() })), input: (index) => index + 1, once: true },
  { of: 'intoFile', make: () => node.intoFile(file()), input: (index) => `${index}` },
  { of: 'resumableFile', make: () => node.resumableFile(file(), { every: 2 }), input: (index) => `${index}`, once: true },
  { of: 'resumeFrom', make: () => node.resumeFrom(file()), input: number, passes: true },
  { of: 'savePositions', make: () => node.savePositions(file(), { every: 2, positionOf: () => ({ file: 'a', head: '', offset: 1, lines: 1 }) }), input: number, passes: true },
  { of: 'saveProgress', make: () => node.saveProgress(file(), { every: 2 }), input: number, passes: true },
];

/** What the package exports beside operators. */
export const others: readonly string[] = [
  ...['fromIterable', 'fromPull', 'fromReadable', 'lines', 'files', 'glob', 'tail'], // sources
  ...['toAsyncIterable', 'toReadable', 'toNodeReadable'], // the end of a chain
  ...['withRetry', 'withTimeout', 'withCircuitBreaker', 'batcher'], // functions for mapAsync
  ...['PullObservable', 'Gate', 'Sight', 'Detokenizer', 'ItemError', 'TimeoutError', 'CircuitOpenError'],
  ...['demandOf', 'windowOf', 'progressOf', 'liveLine', 'stagesAsText'],
];

export const exported: readonly string[] = [stream, node].flatMap((all) =>
  Object.entries(all).flatMap(([name, value]) => (typeof value === 'function' ? [name] : [])),
);
