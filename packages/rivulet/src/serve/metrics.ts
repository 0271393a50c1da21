import type { BatchLoad } from '@rivulet/generation';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What a server counts, for Prometheus. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<'endpoint' | 'status'>;
  readonly #tokens: Counter<'kind'>;
  readonly #first: Histogram;
  readonly #whole: Histogram<'endpoint'>;

  /** @param load asked whenever the metrics are read. */
  constructor(load: () => BatchLoad) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#requests = new Counter({
      name: 'rivulet_requests_total',
      help: 'Requests that were answered, by HTTP status; 499: the client went away.',
      labelNames: ['endpoint', 'status'],
      registers,
    });
    this.#tokens = new Counter({
      name: 'rivulet_tokens_total',
      help: 'Tokens read in prompts and tokens generated.',
      labelNames: ['kind'],
      registers,
    });
    const buckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
    this.#first = new Histogram({
      name: 'rivulet_time_to_first_token_seconds',
      help: 'From a request to its first token.',
      buckets,
      registers,
    });
    this.#whole = new Histogram({
      name: 'rivulet_request_seconds',
      help: 'From a request to the end of its answer.',
      labelNames: ['endpoint'],
      buckets,
      registers,
    });
    const sessions = new Gauge({
      name: 'rivulet_sessions',
      help: 'Texts that are being continued, and those that wait for room.',
      labelNames: ['state'],
      registers,
      collect: () => {
        const { running, waiting } = load();
        sessions.set({ state: 'running' }, running);
        sessions.set({ state: 'waiting' }, waiting);
      },
    });
  }

  /** @param status 499 where the client went away. */
  answered(endpoint: string, status: number, begin: number): void {
    this.#requests.inc({ endpoint, status });
    this.#whole.observe({ endpoint }, (performance.now() - begin) / 1000);
  }

  tokens(kind: 'prompt' | 'generated', count: number): void {
    this.#tokens.inc({ kind }, count);
  }

  firstToken(begin: number): void {
    this.#first.observe((performance.now() - begin) / 1000);
  }

  async text(): Promise<{ text: string; type: string }> {
    return { text: await this.#registry.metrics(), type: this.#registry.contentType };
  }
}
