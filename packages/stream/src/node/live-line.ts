import { stripVTControlCharacters } from 'node:util';
import { Subscription } from 'rxjs';
import type { Sight } from '../sight/sight.ts';
import type { StageReport } from '../sight/stage.ts';

/** What `liveLine` needs of a terminal. */
export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface LiveLineOptions {
  /** Default: standard error. */
  readonly terminal?: Terminal;
  /** How often the line is written anew, ms. Default 200. */
  readonly period?: number;
}

/**
 * Shows what a `Sight` sees as one line of a terminal that is written anew; nothing where the stream is no terminal. Unsubscribing
 * writes it a last time and ends it.
 *
 *     tokenize 1,204 › generate 1,200 (4 in work, 812 tokens/s, p95 310 ms)
 */
export function liveLine(
  sight: Sight,
  { terminal = process.stderr, period = 200 }: LiveLineOptions = {},
): Subscription {
  if (!terminal.isTTY) return Subscription.EMPTY;
  const show = (stages: readonly StageReport[]): void => {
    const line = stripVTControlCharacters(stagesAsText(stages));
    const room = (terminal.columns ?? 80) - 1; // a line that is full would scroll
    terminal.write(`\r${line.length > room ? `${line.slice(0, room - 1)}…` : line}\x1b[K`);
  };
  const subscription = sight.reports(period).subscribe(show);
  subscription.add(() => {
    show(sight.report());
    terminal.write('\n');
  });
  return subscription;
}

/** One line about all stages. */
export function stagesAsText(stages: readonly StageReport[]): string {
  return stages
    .map(({ name, completed, depth, window, tokens, tokensPerSecond, itemsPerSecond, latency, failures }) => {
      const facts = [
        ...(window > 1 ? [`${depth} in work`] : []),
        tokens > 0 ? `${shortened(tokensPerSecond)} tokens/s` : `${shortened(itemsPerSecond)}/s`,
        `p95 ${duration(latency.p95)}`,
        ...(failures > 0 ? [`${failures} failed`] : []),
      ];
      return `${name} ${completed.toLocaleString('en')} (${facts.join(', ')})`;
    })
    .join(' › ');
}

const shortened = (rate: number): string => (rate >= 100 ? Math.round(rate).toLocaleString('en') : rate.toPrecision(2));

function duration(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toPrecision(3)} s`;
  return ms >= 1 ? `${Math.round(ms)} ms` : `${Math.round(ms * 1000)} µs`;
}
