// transformers.js on a model folder that Rivulet exported: node transformers-js.mjs generate|classify FOLDER [FILES…].
// Each line of standard input is one run, answered by a line of JSON: its seconds, or milliseconds until the first token.
import { basename, dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { AutoModelForCausalLM, env, pipeline, Tensor } from '@huggingface/transformers';

const [task, folder, ...files] = process.argv.slice(2);
env.allowRemoteModels = false;
env.useWasmCache = false; // it would be fetched, and the native runtime needs none
env.localModelPath = dirname(folder);
const options = { dtype: 'fp32', local_files_only: true };
const run = task === 'generate' ? await generating() : await classifying();

for await (const line of createInterface({ input: process.stdin })) {
  const begin = performance.now();
  await run(line.split(' ').map(Number));
  process.stdout.write(`${(performance.now() - begin) / 1000}\n`);
}

async function generating() {
  const model = await AutoModelForCausalLM.from_pretrained(basename(folder), options);
  return ([length, count]) => {
    const ids = BigInt64Array.from({ length }, (_, i) => BigInt(1 + ((i * 7919) % 50_000)));
    const inputs = new Tensor('int64', ids, [1, length]);
    const attention_mask = new Tensor('int64', new BigInt64Array(length).fill(1n), [1, length]);
    return model.generate({ inputs, attention_mask, max_new_tokens: count, min_new_tokens: count, do_sample: false });
  };
}

/** As many images at a time as the line says. */
async function classifying() {
  const classify = await pipeline('image-classification', basename(folder), options);
  return async ([together]) => {
    for (let i = 0; i < files.length; i += together) await classify(files.slice(i, i + together));
  };
}
