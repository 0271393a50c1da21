import { createReadStream } from 'node:fs';
import { lines } from '@rivulet/stream';
import type { Observable } from 'rxjs';

/** Where lines come from: files in their order, or standard input where none is named. */
export interface Source {
  /** For messages. */
  readonly name: string;
  readonly lines: Observable<string>;
}

export function sources(files: readonly string[]): Source[] {
  if (files.length === 0) return [{ name: 'standard input', lines: lines(process.stdin) }];
  return files.map((name) => ({ name, lines: lines(createReadStream(name)) }));
}

/**
 * Writes to standard output and waits where its reader is slow. A reader that went away (`| head`) ends the process quietly.
 */
export function write(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (!error) resolve();
      else if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(0);
      else reject(error);
    });
  });
}

/** One clear line on standard error; the exit status becomes 1, the work goes on. */
export function complain(message: string): void {
  process.stderr.write(`rivulet: ${message}\n`);
  process.exitCode = 1;
}
