import { readFileSync } from 'node:fs';
import { Command } from 'commander';

type Add = (parent: Command) => void;
type Group = Readonly<Record<string, () => Promise<Add>>>;

const tokens = async (): Promise<Add> => (await import('./commands/tokens.ts')).addTokens;

const commands: Group = {
  translate: async () => (await import('./commands/translate.ts')).addTranslate,
  generate: async () => (await import('./commands/generate.ts')).addGenerate,
  serve: async () => (await import('./commands/serve.ts')).addServe,
  classify: async () => (await import('./commands/classify.ts')).addClassify,
  calibrate: async () => (await import('./commands/calibrate.ts')).addCalibrate,
  export: async () => (await import('./commands/export.ts')).addExport,
  embed: async () => (await import('./commands/embed.ts')).addEmbed,
  segment: async () => (await import('./commands/segment.ts')).addSegment,
  explain: async () => (await import('./commands/explain.ts')).addExplain,
  evaluate: async () => (await import('./commands/evaluate.ts')).addEvaluate,
  encode: tokens,
  decode: tokens,
  count: tokens,
  tokenizer: async () => (await import('./commands/inspect.ts')).addTokenizer,
};

const trainers: Group = {
  seq2seq: async () => (await import('./commands/train-seq2seq.ts')).addTrainSeq2Seq,
  vit: async () => (await import('./commands/train-vit.ts')).addTrainViT,
  vision: async () => (await import('./commands/train-vision.ts')).addTrainVision,
  tokenizer: async () => (await import('./commands/train-tokenizer.ts')).addTrainTokenizer,
};

/** Adds the command of that name, so that the others' libraries need not be loaded; without such a name, all of them. */
async function add(parent: Command, group: Group, name: string | undefined): Promise<void> {
  const chosen = name !== undefined && Object.hasOwn(group, name) ? [group[name]!] : Object.values(group);
  for (const command of new Set(await Promise.all(chosen.map((load) => load())))) command(parent);
}

const version = (): string => JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;

async function program([, , name, second]: readonly string[]): Promise<Command> {
  const rivulet = new Command('rivulet')
    .description('Language-model pipelines as reactive streams, with the models inside')
    .version(version())
    .showHelpAfterError('(rivulet --help shows the options)');
  if (name !== 'train') await add(rivulet, commands, name);
  if (name === 'train' || !Object.hasOwn(commands, name ?? ''))
    await add(rivulet.command('train').description('train a model, or a tokenizer'), trainers, second);
  return rivulet;
}

/** Runs the command line. Errors become one line on standard error and the exit status 1; a wrong call exits with 1 too. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    await (await program(argv)).parseAsync(argv);
  } catch (error) {
    process.stderr.write(`rivulet: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
