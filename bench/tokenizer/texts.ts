import { readFileSync } from 'node:fs';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

/** Real texts by their kind. */
export const texts = (): Readonly<Record<string, string>> => ({
  English: read('../../../shared/data/text/tinyshakespeare/input.txt'),
  Chinese: read('../../../shared/data/text/xiyouji/xiyouji.txt'),
  code: read('../../node_modules/typescript/lib/typescript.js').slice(1e6, 2e6),
});
