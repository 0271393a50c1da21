// Batches of the compiled `train vision` on a folder, by how many threads change the images: hashes, and the threads that were started.
import { createHash } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import threads from 'node:worker_threads';

const { Worker } = threads;
let started = 0;
threads.Worker = class extends Worker {
  constructor(...args) {
    super(...args);
    started++;
  }
};
syncBuiltinESMExports();

const { visionTask } = await import('../../packages/rivulet/dist/training/vision-task.js');
const [data, settings] = process.argv.slice(2);
const results = [];
for (const workers of [0, 1, 3]) {
  started = 0;
  const task = await visionTask({ ...JSON.parse(settings), data, workers }, (error) => {
    throw error;
  });
  const hashes = [];
  for await (const { feeds } of task.options.batches(0))
    hashes.push(createHash('sha256').update(feeds.images.data).digest('hex'));
  await task.trainer.dispose();
  results.push({ workers, started, hashes });
}
process.stdout.write(JSON.stringify(results));
process.exit();
