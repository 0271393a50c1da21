import {
  type Context,
  context,
  type Meter,
  metrics,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { Sight } from '../sight/sight.ts';
import type { Stage, StageRun } from '../sight/stage.ts';

const NAME = '@rivulet/stream';
const STAGE = 'rivulet.stage';

export interface InstrumentOptions {
  /** Default: the one of the tracer provider that is registered. */
  readonly tracer?: Tracer;
  /** Default: the one of the meter provider that is registered. */
  readonly meter?: Meter;
  /** Whether every item of every stage is a span of its own; the stages' runs always are. Default false. */
  readonly itemSpans?: boolean;
}

/** The span of a pipeline's run, and how many of its stages run. */
interface Pipeline {
  readonly span: Span;
  readonly context: Context;
  running: number;
}

/**
 * Tells OpenTelemetry what a `Sight` sees. A run of a pipeline is the span `rivulet.pipeline`, that of a stage a span of its name in
 * it, with counts of items and tokens. Metrics, each with the attribute `rivulet.stage`: the counters `rivulet.stream.items.pulled`,
 * `.items.completed`, `.values`, `.tokens` and `.failures`, the gauge `.depth`, and the histogram `.item.duration` in seconds.
 * Without an SDK, all of it does nothing. Returns what ends it.
 */
export function instrument(
  sight: Sight,
  { tracer = trace.getTracer(NAME), meter = metrics.getMeter(NAME), itemSpans = false }: InstrumentOptions = {},
): () => void {
  const pulled = meter.createObservableCounter('rivulet.stream.items.pulled', { description: 'Items that came in' });
  const completed = meter.createObservableCounter('rivulet.stream.items.completed', { description: 'Items done' });
  const values = meter.createObservableCounter('rivulet.stream.values', { description: 'Values given' });
  const tokens = meter.createObservableCounter('rivulet.stream.tokens', { description: 'Tokens in the values given' });
  const failures = meter.createObservableCounter('rivulet.stream.failures', { description: 'Runs that failed here' });
  const depth = meter.createObservableGauge('rivulet.stream.depth', {
    description: 'Items that came in and are not done',
  });
  const duration = meter.createHistogram('rivulet.stream.item.duration', {
    description: 'From an item’s coming in to its being done',
    unit: 's',
    advice: { explicitBucketBoundaries: [0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60] },
  });
  const observed = [pulled, completed, values, tokens, failures, depth];
  const observe: Parameters<Meter['addBatchObservableCallback']>[0] = (result) => {
    for (const stage of sight.report()) {
      const attributes = { [STAGE]: stage.name };
      result.observe(pulled, stage.pulled, attributes);
      result.observe(completed, stage.completed, attributes);
      result.observe(values, stage.given, attributes);
      result.observe(tokens, stage.tokens, attributes);
      result.observe(failures, stage.failures, attributes);
      result.observe(depth, stage.depth, attributes);
    }
  };
  meter.addBatchObservableCallback(observe, observed);

  const pipelines = new WeakMap<AbortSignal, Pipeline>();
  const spans = new WeakMap<StageRun, Span>();
  const date = (ms: number): number => performance.timeOrigin + ms;
  const stop = sight.listen({
    runStart(stage: Stage, run: StageRun) {
      let pipeline = pipelines.get(run.pipeline);
      if (!pipeline) {
        const span = tracer.startSpan('rivulet.pipeline', { startTime: date(run.began) });
        pipeline = { span, context: trace.setSpan(context.active(), span), running: 0 };
        pipelines.set(run.pipeline, pipeline);
      }
      pipeline.running++;
      const attributes = { [STAGE]: stage.name };
      spans.set(run, tracer.startSpan(stage.name, { attributes, startTime: date(run.began) }, pipeline.context));
    },
    itemEnd(stage, run, ms, to) {
      const attributes = { [STAGE]: stage.name };
      duration.record(ms / 1000, attributes);
      const parent = spans.get(run);
      if (!itemSpans || !parent) return;
      const within = trace.setSpan(context.active(), parent);
      tracer.startSpan(`${stage.name} item`, { attributes, startTime: date(to - ms) }, within).end(date(to));
    },
    runEnd(_stage, run) {
      const pipeline = pipelines.get(run.pipeline);
      const span = spans.get(run);
      if (!pipeline || !span) return; // it began before
      span.setAttributes({
        'rivulet.items.pulled': run.pulled,
        'rivulet.items.completed': run.completed,
        'rivulet.values': run.given,
        'rivulet.tokens': run.tokens,
        'rivulet.cancelled': run.pipeline.aborted && !run.error,
      });
      for (const each of run.error ? [span, pipeline.span] : []) {
        const error = run.error?.error;
        each.recordException(error instanceof Error ? error : String(error));
        each.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
      }
      span.end();
      if (--pipeline.running > 0) return;
      pipeline.span.end();
      pipelines.delete(run.pipeline);
    },
  });
  return () => {
    stop();
    meter.removeBatchObservableCallback(observe, observed);
  };
}
