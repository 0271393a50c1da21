// npm test [-- FILES AND OPTIONS OF MOCHA]: types, style, then the tests, in a process per core, four at most. The first failure
// decides the exit status.
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const bin = (name) => fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url));
const everything = ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'];
const chosen = process.argv.slice(2);
const files = chosen.some((each) => each.endsWith('.ts')) ? [] : everything;
const jobs = String(Math.min(availableParallelism(), 4));
const steps = [
  ['tsc', '-b'],
  ['biome', 'check', '--error-on-warnings', '.'],
  ['mocha', '--parallel', '--jobs', jobs, ...files, ...chosen],
];
for (const [command, ...args] of steps) {
  const { status } = spawnSync(bin(command), args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
