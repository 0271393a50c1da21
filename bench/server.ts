import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import OpenAI from 'openai';
import { seeded } from 'rivulet';
import type { Figure } from './main.ts';

const file = (path: string): string => new URL(path, import.meta.url).pathname;
const CLIENTS = 64;
const ROUNDS = 5;

/**
 * `rivulet serve` in a process of its own, with the small Llama of ../shared: 64 clients at once, each of which hangs up after a
 * random number of tokens, several times over.
 */
export async function server(): Promise<Figure[]> {
  const model = file('../../shared/data/checkpoints/stories260K');
  const command = [file('../packages/rivulet/bin/rivulet.js'), 'serve', '--model', model, '--port', '0'];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    let url = '';
    for await (const line of createInterface({ input: child.stderr })) {
      url = /at (http:\S+)\/v1/.exec(line)?.[1] ?? '';
      if (url) break;
      throw new Error(line);
    }
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });
    const metric = async (name: string): Promise<number> => {
      const text = await (await fetch(`${url}/metrics`)).text();
      return Number(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'm').exec(text)?.[1]);
    };
    const random = seeded(1);
    const talk = async (i: number): Promise<number> => {
      const request = { model: 'stories260K', prompt: `Client ${i}`, max_tokens: 100, stream: true } as const;
      const most = Math.floor(random.nextFloat() * 110);
      let seen = 0;
      for await (const _ of await client.completions.create(request)) if (++seen >= most) break;
      return seen;
    };
    await talk(0);
    await metric('nodejs_eventloop_lag_max_seconds'); // reading it starts it anew
    const memory = await metric('process_resident_memory_bytes');
    let gap = 0;
    let pieces = 0;
    const begin = performance.now();
    for (let round = 0; round < ROUNDS; round++) {
      const seen = await Promise.all(Array.from({ length: CLIENTS }, (_, i) => talk(i)));
      pieces += seen.reduce((a, b) => a + b, 0);
      gap = Math.max(gap, await metric('nodejs_eventloop_lag_max_seconds'));
    }
    const seconds = (performance.now() - begin) / 1000;
    await new Promise((resolve) => setTimeout(resolve, 500));
    const health = (await (await fetch(`${url}/health`)).json()) as { rows: number; waiting: number };
    return [
      { what: `server, ${CLIENTS} clients that hang up at random`, value: pieces / seconds, unit: 'events/s' },
      { what: 'server, longest gap of its event loop', value: 1000 * gap, unit: 'ms' },
      { what: 'server, slots still taken afterwards', value: health.rows + health.waiting, unit: '' },
      {
        what: 'server, memory gained',
        value: ((await metric('process_resident_memory_bytes')) - memory) / 2 ** 20,
        unit: 'MiB',
      },
    ];
  } finally {
    child.kill();
  }
}
