import { isAbsolute, join, resolve } from 'node:path';
import { glob as match } from 'tinyglobby';

export interface GlobOptions {
  /** The folder that patterns start from. Default: the working directory. */
  readonly cwd?: string;
  /** Patterns of what is left out, from that folder. */
  readonly ignore?: string | readonly string[];
  /** Whether `*` matches names that begin with a dot. Default false. */
  readonly dot?: boolean;
}

/**
 * The files that match patterns such as `corpus/**\/*.txt.gz`, sorted by path, for `files`. Every iteration looks anew.
 * @throws Error where no file matches: a pipeline over nothing would look like success.
 */
export function glob(
  patterns: string | readonly string[],
  { cwd = '.', ignore = [], dot = false }: GlobOptions = {},
): AsyncIterable<string> {
  return {
    async *[Symbol.asyncIterator]() {
      const found = await match([patterns].flat(), { cwd, dot, ignore: [ignore].flat(), onlyFiles: true });
      if (found.length === 0) throw new Error(`no file matches ${[patterns].flat().join(', ')} in ${resolve(cwd)}`);
      for (const path of found.sort()) yield isAbsolute(path) ? path : join(cwd, path);
    },
  };
}
