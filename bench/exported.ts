import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportModel, type GPT2, type GPT2Config, saveModelFolder, storageOf } from 'rivulet';
import { Side } from './side.ts';

const peer = new URL('./peers/transformers-js.mjs', import.meta.url).pathname;

/** A folder for the time of the work. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'rivulet-bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** transformers.js in a process of its own, on a model that was exported for it. */
export async function transformersJs(
  task: 'generate' | 'classify',
  { source, output, files = [] }: { source: string; output: string; files?: readonly string[] },
): Promise<Side> {
  await exportModel(source, output);
  return new Side(process.execPath, [peer, task, output, ...files]);
}

/** GPT-2 with its weights as a folder of Hugging Face's. */
export async function saveGPT2(folder: string, model: GPT2, config: GPT2Config, tokenizer: string): Promise<void> {
  await mkdir(folder);
  const weights = new Map([...model.stateDict()].map(([key, tensor]) => [key, storageOf(tensor)]));
  const { vocabSize: vocab_size, nPositions: n_positions, nEmbd: n_embd, nLayer: n_layer, nHead: n_head } = config;
  await saveModelFolder(folder, {
    config: { model_type: 'gpt2', vocab_size, n_positions, n_embd, n_layer, n_head, eos_token_id: vocab_size - 1 },
    weights,
  });
  await copyFile(tokenizer, join(folder, 'tokenizer.json'));
  await writeFile(join(folder, 'generation_config.json'), '{}');
}
