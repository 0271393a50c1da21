// npm run bench -- NAME [PARTS…] [--json]: prints a table, or JSON.
import { cpus, totalmem } from 'node:os';

/** A figure with its unit and how it was made. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
}

type Benchmark = (parts: readonly string[]) => Promise<Figure[]>;

/** Each is loaded when it is asked for: what the others load, such as whole vocabularies, would weigh on its figures. */
const benchmarks: Readonly<Record<string, () => Promise<Benchmark>>> = {
  translate: async () => (await import('./translate.ts')).translate,
  'train-seq2seq': async () => (await import('./train-seq2seq.ts')).trainSeq2Seq,
  digits: async () => (await import('./digits.ts')).digits,
  engine: async () => (await import('./engine.ts')).engine,
  generation: async () => (await import('./generation.ts')).generation,
  'mnist-mlp': async () => (await import('./tasks/mnist.ts')).mnistMLP,
  'mnist-lenet': async () => (await import('./tasks/mnist.ts')).mnistLeNet,
  'char-gpt': async () => (await import('./tasks/char-gpt.ts')).charGPT,
  tokenizer: async () => (await import('./tokenizer/index.ts')).tokenizer,
  membrane: async () => (await import('./tasks/membrane.ts')).membrane,
  pretrained: async () => (await import('./tasks/pretrained.ts')).pretrained,
  'tokenizer-training': async () => (await import('./tokenizer-training.ts')).tokenizerTraining,
  transfer: async () => (await import('./tasks/transfer.ts')).transfer,
  vision: async () => (await import('./vision.ts')).vision,
  winograd: async () => (await import('./tasks/winograd.ts')).winograd,
  weights: async () => (await import('./weights.ts')).weights,
  int8: async () => (await import('./int8.ts')).int8,
  stream: async () => (await import('./stream.ts')).stream,
  images: async () => (await import('./images.ts')).images,
};

const [name = '', ...rest] = process.argv.slice(2);
const find = benchmarks[name];
if (!find) {
  process.stderr.write(
    `usage: npm run bench -- NAME [PARTS…] [--json]; there are: ${Object.keys(benchmarks).join(', ')}\n`,
  );
  process.exit(2);
}
const benchmark = await find();
const figures = await benchmark(rest.filter((word) => !word.startsWith('--'))).catch((error: unknown) => {
  if (!(error instanceof RangeError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(2);
});
const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
if (rest.includes('--json')) process.stdout.write(`${JSON.stringify({ name, machine, figures })}\n`);
else {
  process.stdout.write(`${machine}\n`);
  for (const { what, value, unit } of figures)
    process.stdout.write(`${what.padEnd(60)} ${value.toFixed(2).padStart(10)} ${unit}\n`);
}
