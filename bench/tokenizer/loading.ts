import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileTokenizer } from '@rivulet/tokenizer';
import type { Figure } from '../main.ts';
import { median } from '../median.ts';
import { load } from './vocabularies.ts';

const TURNS = 5;
const shared = fileURLToPath(new URL('../../../shared/tokenizers/', import.meta.url));
const source = fileURLToPath(new URL('../../tools/source.mjs', import.meta.url));
const worker = fileURLToPath(new URL('./load-once.ts', import.meta.url));

/** Loading from a file's bytes, and the memory that it keeps, each time in a process of its own. */
export async function loading(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'rivulet-bench-'));
  const compiled = join(folder, 'cl100k.rvtk');
  const figures: Figure[] = [];
  try {
    writeFileSync(compiled, compileTokenizer(await load('tiktoken/cl100k_base.tiktoken')));
    const files = {
      'cl100k from ranks': join(shared, 'tiktoken/cl100k_base.tiktoken'),
      'gpt2.json': join(shared, 'hf/gpt2.json'),
      'cl100k, compiled': compiled,
    };
    for (const [name, file] of Object.entries(files)) {
      const found = Array.from(
        { length: TURNS },
        () =>
          JSON.parse(execFileSync(process.execPath, ['--expose-gc', source, worker, file], { encoding: 'utf8' })) as {
            milliseconds: number;
            firstEncode: number;
            megabytes: number;
          },
      );
      figures.push(
        { what: `load ${name}`, value: median(found.map(({ milliseconds }) => milliseconds)), unit: 'ms' },
        { what: `first text after ${name}`, value: median(found.map(({ firstEncode }) => firstEncode)), unit: 'ms' },
        { what: `memory of ${name}`, value: median(found.map(({ megabytes }) => megabytes)), unit: 'MB' },
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return figures;
}
