import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { seeded } from '@rivulet/tensor';
import { expect } from 'chai';

const FILE = fileURLToPath(new URL('./support/resumable-run.ts', import.meta.url));
const STEPS = 40;

/** The losses that a process printed, by step. Killed without warning a little after the step `killAt`. */
async function losses(directory: string, killAt?: number): Promise<Map<number, string>> {
  const child = spawn(
    process.execPath,
    ['--import=tsx', '--conditions=source', FILE, directory, String((killAt ?? STEPS) + 4)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
    child.on('exit', (code, signal) => resolve({ code, signal })),
  );
  const found = new Map<number, string>();
  for await (const line of createInterface({ input: child.stdout })) {
    const [step, loss] = line.split(' ') as [string, string];
    found.set(Number(step), loss);
    if (Number(step) === killAt) child.kill('SIGKILL');
  }
  const { code, signal } = await ended;
  if (killAt === undefined) expect(code).to.equal(0);
  else expect(signal).to.equal('SIGKILL');
  return found;
}

describe('a training process that is killed', () => {
  it('is continued by another process to the bit', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rivulet-'));
    const killAt = 5 + Math.floor(28 * seeded(2026).nextFloat());
    try {
      const whole = losses(join(folder, 'whole'));
      const first = await losses(join(folder, 'broken'), killAt);
      const second = await losses(join(folder, 'broken'));
      const expected = await whole;
      expect([...expected.keys()]).to.deep.equal(Array.from({ length: STEPS }, (_, i) => i + 1));
      expect(new Set(expected.values()).size).to.equal(STEPS);
      for (const part of [first, second])
        for (const [step, loss] of part) expect(loss, `step ${step}`).to.equal(expected.get(step));
      expect(Math.max(...first.keys())).to.be.within(killAt, STEPS - 1);
      const [resumed = 0] = second.keys();
      expect(resumed).to.be.within(killAt - 3, Math.max(...first.keys()) + 1); // no further back than a checkpoint
      expect(resumed % 3, 'a run goes on behind a checkpoint').to.equal(1);
      expect(Math.max(...second.keys())).to.equal(STEPS);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
