import { lines, mapItems } from '@rivulet/stream';
import { files as linesOf } from '@rivulet/stream/node';
import { lastValueFrom, type Observable } from 'rxjs';

/** Where lines come from: files in their order, unpacked where they end in .gz, .br or .zst, or standard input where none is named. */
export interface Source {
  /** For messages. */
  readonly name: string;
  readonly lines: Observable<string>;
}

export function sources(files: readonly string[]): Source[] {
  if (files.length === 0) return [{ name: 'standard input', lines: lines(process.stdin) }];
  return files.map((name) => ({ name, lines: linesOf([name]).pipe(mapItems(({ text }) => text)) }));
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
  const clear = process.stderr.isTTY ? '\r\x1b[K' : ''; // a live line may stand there
  process.stderr.write(`${clear}rivulet: ${message}\n`);
  process.exitCode = 1;
}

/** Runs a pipeline over the source of that name to its end; an error of it becomes a line on standard error. */
export async function finish(output: Observable<unknown>, name: string): Promise<void> {
  await lastValueFrom(output, { defaultValue: undefined }).catch(({ message }: Error) =>
    complain(message.startsWith(`${name}: `) ? message : `${name}: ${message}`),
  );
}
