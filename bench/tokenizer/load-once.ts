// Loads the tokenizer file that is named and prints how long that and a first short text take, and how much memory it keeps.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { loadTokenizer } from '@rivulet/tokenizer';

const used = (): number => {
  globalThis.gc!();
  const { heapUsed, external } = process.memoryUsage(); // external has the buffers in it
  return heapUsed + external;
};
const file = process.argv[2]!;
const name = basename(file);
const read = (): Uint8Array => new Uint8Array(readFileSync(file));
const before = used();
const bytes = read();
const start = performance.now();
const tokenizer = await loadTokenizer(bytes, { name });
const milliseconds = performance.now() - start;
const again = performance.now();
tokenizer.encode('Some words to begin with.');
const firstEncode = performance.now() - again;
const megabytes = (used() - before - bytes.length) / 1e6;
process.stdout.write(JSON.stringify({ milliseconds, firstEncode, megabytes }));
