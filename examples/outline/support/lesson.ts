import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Lesson {
  /** A few steps on a few examples, to see that everything runs. */
  readonly short: boolean;
  /** Prints a line. */
  say(line: string): void;
  /** Where the picture goes. */
  readonly picture: string;
}

/** Runs a lesson when its file is the program that was started, not where it is imported. --short: the short form. */
export async function start(url: string, lesson: (context: Lesson) => Promise<void>): Promise<void> {
  const file = fileURLToPath(url);
  if (process.argv[1] !== file) return;
  const folder = fileURLToPath(new URL('../../../runs/outline/', import.meta.url));
  await mkdir(folder, { recursive: true });
  const picture = join(folder, `${basename(file, '.ts')}.png`);
  const begin = performance.now();
  const say = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  await lesson({ short: process.argv.includes('--short'), say, picture });
  say(`${picture}, ${((performance.now() - begin) / 1000).toFixed(0)} s`);
}
