import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type TrainTokenizerOptions, trainTokenizerJSON } from '@rivulet/tokenizer';
import { Tokenizer as Rust } from 'tokenizers';
import type { Figure } from './main.ts';
import { median } from './median.ts';

const shared = new URL('../../shared/data/text/', import.meta.url);
const BYTES = 5_000_000;
const TURNS = 3;

interface Kind {
  readonly options: TrainTokenizerOptions;
  /** What the peer is written in or called, and its Python package. */
  readonly peer: string;
  readonly module: string;
}

const kinds: Readonly<Record<string, Kind>> = {
  bpe: { options: { model: 'BPE', vocabSize: 30_000 }, peer: 'tokenizers (Rust)', module: 'tokenizers' },
  wordpiece: { options: { model: 'WordPiece', vocabSize: 30_000 }, peer: 'tokenizers (Rust)', module: 'tokenizers' },
  unigram: { options: { model: 'Unigram', vocabSize: 8000 }, peer: 'SentencePiece', module: 'sentencepiece' },
};

function texts(): { training: string; heldOut: string } {
  const shakespeare = readFileSync(new URL('tinyshakespeare/input.txt', shared), 'utf8');
  const cut = Math.floor(shakespeare.length * 0.9);
  const others = [
    'timemachine/timemachine.txt',
    'sms-spam/SMSSpamCollection',
    'multi30k/train.en.gz',
    'multi30k/train.de.gz',
  ].map((path) => {
    const bytes = readFileSync(new URL(path, shared));
    return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  });
  const all = Buffer.from([shakespeare.slice(0, cut), ...others].join('\n'));
  return { training: all.subarray(0, BYTES).toString().replaceAll('\ufffd', ''), heldOut: shakespeare.slice(cut) };
}

/** Training on 5 MB of English and German, one thread, ours and the others' in turn. */
export async function tokenizerTraining(names: readonly string[]): Promise<Figure[]> {
  for (const name of names)
    if (!kinds[name]) throw new RangeError(`there is no part '${name}'; there are: ${Object.keys(kinds).join(', ')}`);
  const python = process.env.RIVULET_PYTHON ?? 'python3';
  const folder = mkdtempSync(join(tmpdir(), 'rivulet-bench-'));
  const [file, heldOutFile] = [join(folder, 'training.txt'), join(folder, 'held-out.txt')];
  const { training, heldOut } = texts();
  writeFileSync(file, training);
  writeFileSync(heldOutFile, heldOut);
  const lines = training.split(/(?<=\n)/);
  const figures: Figure[] = [];
  try {
    for (const [name, { options, peer, module }] of Object.entries(kinds)) {
      if (names.length > 0 && !names.includes(name)) continue;
      const has = spawnSync(python, ['-c', `import ${module}`]).status === 0;
      if (!has) process.stderr.write(`no python with ${module} found (RIVULET_PYTHON names one): ours alone\n`);
      const [ours, theirs]: [number[], number[]] = [[], []];
      let [json, tokens]: [object, number | null] = [{}, null];
      for (let turn = 0; turn < TURNS; turn++) {
        const start = performance.now();
        json = await trainTokenizerJSON(lines, options);
        ours.push((performance.now() - start) / 1000);
        if (!has) continue;
        const script = new URL('./peers/tokenizer_training.py', import.meta.url).pathname;
        const answer = JSON.parse(
          execFileSync(python, [script, name, file, String(options.vocabSize), heldOutFile], { encoding: 'utf8' }),
        ) as { seconds: number; tokens: number | null };
        theirs.push(answer.seconds);
        tokens = answer.tokens;
      }
      const what = `${name}, ${options.vocabSize} tokens`;
      figures.push({ what, value: median(ours), unit: 's' });
      if (has)
        figures.push(
          { what: `${what}: ${peer}`, value: median(theirs), unit: 's' },
          { what: `${what}: time, ratio to ${peer}'s`, value: median(ours) / median(theirs), unit: '×' },
        );
      if (name !== 'unigram') continue;
      const own = await countTokens(json, heldOut);
      figures.push({
        what: `${what}: held-out text`,
        value: (100 * own) / heldOut.length,
        unit: 'tokens per 100 characters',
      });
      if (tokens !== null)
        figures.push({
          what: `${what}: held-out text, ${peer}`,
          value: (100 * tokens) / heldOut.length,
          unit: 'tokens per 100 characters',
        });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return figures;
}

async function countTokens(json: object, text: string): Promise<number> {
  const tokenizer = Rust.fromString(JSON.stringify(json));
  let count = 0;
  for (const line of text.split('\n')) count += (await tokenizer.encode(line)).getIds().length;
  return count;
}
