import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

/** One side of a comparison: a process that answers every line that it is told with a line of JSON. */
export class Side {
  readonly #process: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(command: string, args: readonly string[]) {
    this.#process = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]();
  }

  async ask<T>(line: string): Promise<T> {
    this.#process.stdin!.write(`${line}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error('a side of the benchmark ended early');
    return JSON.parse(value) as T;
  }

  end(): void {
    this.#process.stdin!.end();
  }
}

/** A python with these modules: RIVULET_PYTHON, or the first python3 of the path. Says so where there is none. */
export function findPython(...modules: readonly string[]): string | null {
  const python = process.env.RIVULET_PYTHON ?? 'python3';
  if (spawnSync(python, ['-c', `import ${modules.join(', ')}`]).status === 0) return python;
  process.stderr.write(`no python with ${modules.join(' and ')} found (RIVULET_PYTHON names one): ours alone\n`);
  return null;
}
