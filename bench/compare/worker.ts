// One workload of training or of inference in a process of its own: reads "steps N" lines, answers each with a line of JSON.
import { createInterface } from 'node:readline';
import { manualSeed } from '@rivulet/nn';
import { type Compiled, compile, defaultBackend, type InputSpecs, type Outputs } from '@rivulet/tensor';
import { Trainer } from '@rivulet/training';
import { type Inference, inferences } from '../engine/inference.ts';
import { type Workload, workloads } from '../engine/workloads.ts';
import { visionInferences, visionTraining } from '../vision/models.ts';

const [name = ''] = process.argv.slice(2);
await defaultBackend();
manualSeed(1);
const runs = { ...inferences, ...visionInferences };
const trained = { ...workloads, ...visionTraining };
const step = Object.hasOwn(runs, name) ? inference(runs[name]!()) : training(trained[name]!());
let gap = 0;
let last = performance.now();
const ticker = setInterval(() => {
  gap = Math.max(gap, performance.now() - last - 1);
  last = performance.now();
}, 1);
ticker.unref();
for await (const line of createInterface({ input: process.stdin })) {
  const times: number[] = [];
  last = performance.now();
  for (let left = Number(line.split(' ')[1]); left > 0; left--) {
    const begin = performance.now();
    await step();
    times.push(performance.now() - begin);
  }
  process.stdout.write(`${JSON.stringify({ times, gap, memory: process.resourceUsage().maxRSS / 1024 })}\n`);
  gap = 0;
}

function training({ feeds, ...options }: Workload): () => Promise<unknown> {
  const trainer = new Trainer(options);
  return () => trainer.train(feeds);
}

/** The graph is compiled by the first run, so that it counts as that run's extra time. */
function inference({ inputs, outputs, feeds }: Inference): () => Promise<unknown> {
  let graph: Promise<Compiled<InputSpecs, Outputs>> | undefined;
  return async () => {
    graph ??= compile(inputs, outputs);
    return (await graph).run(feeds);
  };
}
