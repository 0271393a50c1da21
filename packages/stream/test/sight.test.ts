import { SpanStatusCode, trace } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { expect } from 'chai';
import fc from 'fast-check';
import { lastValueFrom, map, take, toArray } from 'rxjs';
import { batch, filterItems, fromIterable, generate, mapAsync, mapItems, Sight, tokenize } from '../src/index.ts';
import { liveLine } from '../src/node/index.ts';
import { instrument } from '../src/opentelemetry/index.ts';
import { Histogram } from '../src/sight/histogram.ts';
import { bytes, parrot } from './support/fakes.ts';
import { failure, Meter, naturals, turns, until } from './support/probe.ts';

describe('Histogram', () => {
  it('gives quantiles to 2 % of those of the sorted values', () => {
    const times = fc.array(fc.double({ min: 0.002, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(times, fc.constantFrom(0.5, 0.95, 0.99), (values, q) => {
        const histogram = new Histogram();
        for (const value of values) histogram.add(value);
        const exact = [...values].sort((a, b) => a - b)[Math.max(0, Math.ceil(q * values.length) - 1)]!;
        expect(histogram.quantile(q)).to.be.within(exact * 0.98, exact * 1.02);
        expect(histogram.max).to.equal(Math.max(...values));
      }),
    );
  });

  it('gives 0 for nothing, and takes times of any size', () => {
    const histogram = new Histogram();
    expect(histogram.quantile(0.5)).to.equal(0);
    for (const ms of [0, 1e12]) histogram.add(ms);
    expect([histogram.count, histogram.max]).to.deep.equal([2, 1e12]);
  });
});

describe('Sight', () => {
  it('counts what stages pull, complete and give, with their tokens', async () => {
    const sight = new Sight();
    const texts = ['ab', 'c', 'x', 'def'];
    const stream = fromIterable(texts).pipe(
      sight.stage('filter', filterItems((text) => text !== 'x')), // biome-ignore format: one stage a line
      sight.stage('tokenize', tokenize(bytes)),
      sight.stage('generate', generate(parrot(), { concurrency: 2 })),
      sight.stage('batch', batch(4)),
    );
    await lastValueFrom(stream);
    const counts = sight.report().map(({ name, pulled, completed, given, tokens, depth }) => ({ name, pulled, completed, given, tokens, depth })); // biome-ignore format: a table
    expect(counts).to.deep.equal([
      { name: 'filter', pulled: 4, completed: 4, given: 3, tokens: 0, depth: 0 },
      { name: 'tokenize', pulled: 3, completed: 3, given: 3, tokens: 6, depth: 0 },
      { name: 'generate', pulled: 3, completed: 3, given: 12, tokens: 6, depth: 0 },
      { name: 'batch', pulled: 12, completed: 12, given: 3, tokens: 0, depth: 0 },
    ]);
    expect(sight.report()[0]!.maxDepth).to.equal(1); // an item that was dropped is not in it any longer
    for (const { latency, itemsPerSecond } of sight.report()) {
      expect(itemsPerSecond).to.be.above(0);
      expect(latency.p50).to.be.at.most(latency.p95 * 1.0001);
      expect(latency.max).to.be.at.least(latency.p99);
    }
  });

  it('sees how deep a stage is filled, up to its window, and keeps the law', async () => {
    const sight = new Sight();
    const meter = new Meter();
    const releases: (() => void)[] = [];
    const work = (x: number): Promise<number> => new Promise((resolve) => void releases.push(() => resolve(x)));
    const done = lastValueFrom(
      meter.source([0, 1, 2, 3, 4]).pipe(sight.stage('work', mapAsync(work, { concurrency: 3 })), toArray()),
    );
    await until(() => releases.length === 3);
    await turns();
    expect(sight.report()[0]).to.include({ depth: 3, maxDepth: 3, window: 3, completed: 0 });
    expect(meter.pulled).to.equal(3);
    for (let i = 0; i < 5; i++) {
      await until(() => releases.length > i);
      releases[i]!();
    }
    expect(await done).to.deep.equal([0, 1, 2, 3, 4]);
    expect(sight.report()[0]).to.include({ depth: 0, maxDepth: 3, completed: 5 });
  });

  it('blames the stage in which an error arose, and empties all when a run is left', async () => {
    const sight = new Sight();
    const broken = mapItems((x: number) => {
      if (x === 2) throw new Error('two');
      return x;
    });
    const chain = fromIterable({ [Symbol.iterator]: naturals }).pipe(
      sight.stage('before', mapItems((x: number) => x)), // biome-ignore format: one stage a line
      sight.stage('broken', broken),
      sight.stage('behind', mapItems((x: number) => x)), // biome-ignore format: one stage a line
    );
    expect(await failure(lastValueFrom(chain)))
      .to.be.an('error')
      .with.property('message', 'two');
    expect(sight.report().map(({ failures, depth }) => [failures, depth])).to.deep.equal([[0, 0], [1, 0], [0, 0]]); // biome-ignore format: a table
    await lastValueFrom(chain.pipe(take(1)));
    await until(() => sight.report().every(({ depth }) => depth === 0));
    expect(sight.report().map(({ failures }) => failures)).to.deep.equal([0, 1, 0]);
  });

  it('watches plain rxjs operators and stages of several operators, too', async () => {
    const sight = new Sight();
    const chain = fromIterable([1, 2]).pipe(
      sight.stage('plain', map((x: number) => x + 1)), // biome-ignore format: one stage a line
      sight.stage('several', (source) => source.pipe(mapItems((x: number) => x), batch(2)), { window: 2, completes: (group) => group.length }), // biome-ignore format: one stage a line
    );
    expect(await lastValueFrom(chain)).to.deep.equal([2, 3]);
    expect(sight.report().map(({ completed }) => completed)).to.deep.equal([2, 2]);
  });

  it('reports while somebody listens, and when a run ends', async () => {
    const sight = new Sight();
    const seen: number[] = [];
    const subscription = sight.reports(60_000).subscribe(([stage]) => seen.push(stage!.completed));
    const chain = fromIterable([1, 2, 3]).pipe(sight.stage('all', mapItems((x: number) => x))); // biome-ignore format: short
    await lastValueFrom(chain);
    await turns();
    expect(seen).to.deep.equal([3]);
    subscription.unsubscribe();
    await lastValueFrom(chain);
    expect(seen).to.deep.equal([3]);
  });
});

describe('OpenTelemetry', () => {
  it('gets a span for the pipeline and one for each stage in it, and metrics of every stage', async () => {
    const spans = new InMemorySpanExporter();
    const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }).getTracer('test');
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1e9, exportTimeoutMillis: 1e8 });
    const meters = new MeterProvider({ readers: [reader] });
    const sight = new Sight();
    const stop = instrument(sight, { tracer, meter: meters.getMeter('test'), itemSpans: true });
    const chain = fromIterable(['ab', 'c']).pipe(
      sight.stage('tokenize', tokenize(bytes)),
      sight.stage('generate', generate(parrot())),
    );
    await lastValueFrom(chain);
    const finished = spans.getFinishedSpans();
    const named = (name: string): (typeof finished)[number][] => finished.filter((span) => span.name === name);
    const [pipeline] = named('rivulet.pipeline');
    const [tokenizing, generating] = [named('tokenize')[0]!, named('generate')[0]!];
    for (const span of [tokenizing, generating])
      expect(span.parentSpanContext?.spanId).to.equal(pipeline!.spanContext().spanId);
    expect(generating.attributes).to.include({
      'rivulet.items.pulled': 2,
      'rivulet.items.completed': 2,
      'rivulet.tokens': 3,
      'rivulet.cancelled': false,
    });
    expect(named('generate item').map((span) => span.parentSpanContext?.spanId)).to.deep.equal(
      Array(2).fill(generating.spanContext().spanId),
    );
    expect(finished).to.have.length(7);

    await reader.forceFlush();
    const metrics = exporter
      .getMetrics()
      .at(-1)!
      .scopeMetrics.flatMap(({ metrics: all }) => all);
    const of = (name: string, stage: string): unknown =>
      (metrics.find(({ descriptor }) => descriptor.name === name)!.dataPoints as DataPoint<unknown>[]).find(
        ({ attributes }) => attributes['rivulet.stage'] === stage,
      )?.value;
    expect(of('rivulet.stream.items.pulled', 'generate')).to.equal(2);
    expect(of('rivulet.stream.tokens', 'tokenize')).to.equal(3);
    expect(of('rivulet.stream.depth', 'generate')).to.equal(0);
    expect(of('rivulet.stream.item.duration', 'generate')).to.include({ count: 2 });

    stop();
    await lastValueFrom(chain);
    expect(spans.getFinishedSpans()).to.have.length(7);
    await meters.shutdown();
  });

  it('is told of errors, and of runs that were left', async () => {
    const spans = new InMemorySpanExporter();
    const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }).getTracer('test');
    const sight = new Sight();
    instrument(sight, { tracer });
    const broken = sight.stage('broken', mapItems((x: number) => { if (x === 1) throw new Error('one'); return x; })); // biome-ignore format: one thought
    const stream = fromIterable({ [Symbol.iterator]: naturals }).pipe(broken);
    await failure(lastValueFrom(stream));
    expect(spans.getFinishedSpans().map(({ name, status }) => [name, status.code, status.message])).to.deep.equal([
      ['broken', SpanStatusCode.ERROR, 'one'],
      ['rivulet.pipeline', SpanStatusCode.ERROR, 'one'],
    ]);
    spans.reset();
    await lastValueFrom(stream.pipe(take(1)));
    await until(() => spans.getFinishedSpans().length === 2);
    expect(spans.getFinishedSpans()[0]!.attributes['rivulet.cancelled']).to.equal(true);
  });

  it('costs nothing and breaks nothing without an SDK', async () => {
    expect(trace.getTracer('none').startSpan('x').isRecording()).to.equal(false);
    const sight = new Sight();
    instrument(sight);
    const chain = fromIterable([1, 2]).pipe(sight.stage('all', mapItems((x: number) => x)), toArray()); // biome-ignore format: short
    expect(await lastValueFrom(chain)).to.deep.equal([1, 2]);
  });
});

describe('liveLine', () => {
  const terminal = (isTTY: boolean, columns = 100): { text: string; isTTY: boolean; columns: number; write(text: string): void } => ({ text: '', isTTY, columns, write(text) { this.text += text; } }); // biome-ignore format: one thought

  it('writes one line that is written anew, within the terminal’s width', async () => {
    const sight = new Sight();
    const wide = terminal(true);
    const narrow = terminal(true, 20);
    const lines = [wide, narrow].map((each) => liveLine(sight, { terminal: each, period: 60_000 }));
    const work = sight.stage(
      'work',
      mapAsync(async (x: number) => x, { concurrency: 4 }),
    );
    await lastValueFrom(fromIterable([1, 2, 3]).pipe(work));
    for (const line of lines) line.unsubscribe();
    const plain = wide.text.replaceAll('\x1b[K', '');
    expect(plain).to.match(/^(\rwork 3 \(0 in work, [\d.,e+]+\/s, p95 [\d.]+ (µs|ms)\)){2}\n$/u);
    for (const shown of narrow.text.split('\r')) expect(shown.replace('\x1b[K', '').trim().length).to.be.at.most(19);
  });

  it('writes nothing where there is no terminal', async () => {
    const sight = new Sight();
    const pipe = terminal(false);
    const line = liveLine(sight, { terminal: pipe });
    await lastValueFrom(fromIterable([1]).pipe(sight.stage('all', mapItems((x: number) => x)))); // biome-ignore format: short
    line.unsubscribe();
    expect(pipe.text).to.equal('');
  });
});
