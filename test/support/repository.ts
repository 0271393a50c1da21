import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root, and the real data beside it where there is any. */
export const root: string = fileURLToPath(new URL('../../', import.meta.url));
export const shared: string = join(root, '..', 'shared');
export const stories: string = join(shared, 'data/checkpoints/stories260K');

/** Skips the tests of the surrounding `describe` where their data is not there, and says so. */
export function needs(path: string): void {
  before(function () {
    if (existsSync(path)) return;
    console.log(`      skipped: ${path} is not there`);
    this.skip();
  });
}

export interface Finished {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Called with standard error so far; may send a signal. */
  readonly onError?: (text: string, kill: (signal: NodeJS.Signals) => void) => void;
}

/** Runs a program to its end. */
export function execute(
  command: string,
  args: readonly string[],
  { input, cwd = root, env, onError }: RunOptions = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env } });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      onError?.(stderr, (signal) => child.kill(signal));
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ stdout, stderr, code }));
    child.stdin.on('error', () => {}); // it may end before it has read everything
    child.stdin.end(input ?? '');
  });
}

let built: Promise<Finished> | undefined;

/** Runs the command line as users have it, compiled: from source each process would spend a second on TypeScript. */
export function rivulet(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return compiled('compiled-command.mjs', args, options);
}

/** Runs a program of test/support that imports what was compiled. */
export async function compiled(program: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  built ??= execute(join(root, 'node_modules/.bin/tsc'), ['-b', 'packages/rivulet']);
  const { code, stdout } = await built;
  if (code !== 0) throw new Error(`the command does not compile:\n${stdout}`);
  return execute(process.execPath, [join(root, 'test/support', program), ...args], options);
}

/** A folder that is removed after the tests of the surrounding `describe`. */
export function temporaryFolder(): () => string {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'rivulet-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  return () => folder;
}
