import { Sight } from '@rivulet/stream';
import { liveLine } from '@rivulet/stream/node';

/** How a command watches its stages. */
export interface Watched {
  readonly stage: Sight['stage'];
  /** Ends the line. */
  end(): void;
}

/**
 * A line about a command's stages on standard error, where that is a terminal and standard output is none: the two would write into
 * each other. Elsewhere stages are not watched at all.
 */
export function watched(): Watched {
  if (!process.stderr.isTTY || process.stdout.isTTY) return { stage: (_name, operator) => operator, end() {} };
  const sight = new Sight();
  const line = liveLine(sight);
  return { stage: (name, operator, facts) => sight.stage(name, operator, facts), end: () => line.unsubscribe() };
}
