import type { WeightFormat } from '@rivulet/tensor';
import type { Command } from 'commander';
import { exportModel } from '../export/export-model.ts';
import { write } from './input.ts';
import { weightsOption } from './weights-option.ts';

interface Options {
  readonly model: string;
  readonly output: string;
  readonly weights: WeightFormat;
}

export function addExport(rivulet: Command): void {
  rivulet
    .command('export')
    .description('write a model as ONNX in the layout that transformers.js and other programs read')
    .requiredOption('--model <dir>', 'a model folder')
    .requiredOption('--output <dir>', 'the folder to write; the model folder itself is allowed')
    .addOption(weightsOption())
    .action(run);
}

async function run({ model, output, weights }: Options): Promise<void> {
  await write(`${await exportModel(model, output, { weights })}\n`);
}
