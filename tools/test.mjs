// npm test: types, style, then every test. The first failure decides the exit status.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const bin = (name) => fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url));
const steps = [
  ['tsc', '-b'],
  ['biome', 'check', '--error-on-warnings', '.'],
  ['mocha', ...process.argv.slice(2)],
];
for (const [command, ...args] of steps) {
  const { status } = spawnSync(bin(command), args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
