// Runs a TypeScript program of this repository from source: node tools/source.mjs FILE [ARGUMENTS…]
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import './register-source.mjs';

const [file, ...rest] = process.argv.slice(2);
if (!file) {
  process.stderr.write('usage: node tools/source.mjs FILE [ARGUMENTS…]\n');
  process.exit(2);
}
process.argv = [process.argv[0], resolve(file), ...rest];
await import(pathToFileURL(resolve(file)).href);
