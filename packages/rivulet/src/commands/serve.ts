import { once } from 'node:events';
import { basename, resolve } from 'node:path';
import type { ServerType } from '@hono/node-server';
import { type Command, InvalidArgumentError } from 'commander';
import { loadText } from '../load.ts';
import { type Served, serveModel } from '../serve/serve-model.ts';
import { natural } from './arguments.ts';
import { type WeightsOption, weightsOption } from './weights-option.ts';

interface Options extends WeightsOption {
  readonly model: string;
  readonly name?: string;
  readonly host: string;
  readonly port: number;
  readonly maxQueue: number;
  readonly maxRows: number;
  readonly stallTimeout: number;
  readonly grace: number;
}

export function addServe(rivulet: Command): void {
  rivulet
    .command('serve')
    .description("serve a model over HTTP, in the form of OpenAI's API; RIVULET_API_KEY, where it is set, is asked for")
    .requiredOption('--model <dir>', "a model folder that holds a Llama or GPT-2 in Hugging Face's layout")
    .option('--name <name>', "what clients call the model; by default the folder's name")
    .option('--host <address>', 'the address to listen on', '127.0.0.1')
    .option('--port <n>', 'the port; 0: any that is free', port, 8080)
    .option('--max-rows <n>', 'texts that are continued at once', natural, 16)
    .option('--max-queue <n>', 'texts in work or waiting; further requests get the status 429', natural, 64)
    .addOption(weightsOption())
    .option('--stall-timeout <s>', 'seconds that a client may leave what was sent unread', natural, 60)
    .option('--grace <s>', 'seconds that requests have to end after SIGTERM or Ctrl-C', natural, 30)
    .action(run);
}

function port(text: string): number {
  const value = natural(text);
  if (value > 65_535) throw new InvalidArgumentError('expected a port up to 65535.');
  return value;
}

/** What only a server needs is loaded here, so that the other commands start without it. */
async function run({
  model: directory,
  name = basename(resolve(directory)),
  host,
  ...options
}: Options): Promise<void> {
  const { maxQueue, maxRows, stallTimeout, grace, weights } = options;
  const { serve: listen } = await import('@hono/node-server');
  const apiKey = process.env.RIVULET_API_KEY;
  const text = await loadText(directory, { maxRows, weights });
  try {
    const served = await serveModel(text, {
      name,
      maxQueue,
      stallTimeout: 1000 * stallTimeout,
      ...(apiKey && { apiKey }),
    });
    const server = listen({ fetch: served.fetch, hostname: host, port: options.port });
    await once(server, 'listening'); // rejects where the port is taken
    const address = server.address();
    const at = typeof address === 'object' ? `http://${host}:${address?.port}` : address;
    process.stderr.write(`rivulet: ${name} at ${at}/v1 (health, metrics: ${at}/health, /metrics)\n`);
    await stopped(served, server, grace);
  } finally {
    await text.model.dispose();
  }
}

/** Waits for a signal, then for the requests under way; a second signal, or the end of the grace, cuts them off. */
async function stopped(served: Served, server: ServerType, grace: number): Promise<void> {
  const signal = (): Promise<void> =>
    new Promise((done) => {
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => done());
    });
  await signal();
  process.stderr.write('rivulet: no more requests; waiting for those under way (again: stop at once)\n');
  served.drain();
  const closed = new Promise<void>((done) => {
    server.close(() => done());
  });
  if ('closeIdleConnections' in server) server.closeIdleConnections();
  let timer: NodeJS.Timeout | undefined;
  const out = new Promise<void>((done) => {
    timer = setTimeout(done, 1000 * grace);
  });
  await Promise.race([closed, signal(), out]);
  clearTimeout(timer);
  served.abort();
  if ('closeAllConnections' in server) server.closeAllConnections();
  await closed;
}
