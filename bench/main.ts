// npm run bench -- NAME [PARTS…] [--json]: prints a table, or JSON.
import { cpus, totalmem } from 'node:os';
import { digits } from './digits.ts';
import { engine } from './engine.ts';
import { generation } from './generation.ts';
import { stream } from './stream.ts';
import { charGPT } from './tasks/char-gpt.ts';
import { mnistLeNet, mnistMLP } from './tasks/mnist.ts';
import { tokenizer } from './tokenizer.ts';
import { tokenizerTraining } from './tokenizer-training.ts';
import { trainSeq2Seq } from './train-seq2seq.ts';
import { translate } from './translate.ts';

/** A figure with its unit and how it was made. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
}

const benchmarks: Readonly<Record<string, (parts: readonly string[]) => Promise<Figure[]>>> = {
  translate,
  'train-seq2seq': trainSeq2Seq,
  digits,
  engine,
  generation,
  'mnist-mlp': mnistMLP,
  'mnist-lenet': mnistLeNet,
  'char-gpt': charGPT,
  tokenizer,
  'tokenizer-training': tokenizerTraining,
  stream,
};

const [name = '', ...rest] = process.argv.slice(2);
const benchmark = benchmarks[name];
if (!benchmark) {
  process.stderr.write(
    `usage: npm run bench -- NAME [PARTS…] [--json]; there are: ${Object.keys(benchmarks).join(', ')}\n`,
  );
  process.exit(2);
}
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
