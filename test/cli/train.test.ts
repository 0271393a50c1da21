import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { seeded } from '@rivulet/tensor';
import { expect } from 'chai';
import { type Finished, rivulet, temporaryFolder } from '../support/repository.ts';

/** Sentence pairs of a small made-up language. */
function corpus(): string {
  const random = seeded(5);
  const nouns = [
    ['猫', 'cat'],
    ['狗', 'dog'],
    ['鸟', 'bird'],
    ['鱼', 'fish'],
    ['马', 'horse'],
  ] as const;
  const verbs = [
    ['看', 'sees'],
    ['爱', 'loves'],
    ['追', 'chases'],
    ['怕', 'fears'],
  ] as const;
  const pick = <T>(items: readonly T[]): T => items[random.nextUint32() % items.length]!;
  const lines = Array.from({ length: 400 }, () => {
    const [a, v, b, c] = [pick(nouns), pick(verbs), pick(nouns), pick(nouns)];
    return `${a[0]}${v[0]}${b[0]}和${c[0]}。\tThe ${a[1]} ${v[1]} the ${b[1]} and the ${c[1]}.`;
  });
  return `${lines.join('\n')}\n`;
}

/** MNIST's four files with images of 8 × 8, whose class is the bright row. */
function digits(folder: string): void {
  const random = seeded(6);
  mkdirSync(folder);
  for (const [part, count] of [
    ['train', 360],
    ['t10k', 60],
  ] as const) {
    const labels = Uint8Array.from({ length: count }, () => random.nextUint32() % 8);
    const pixels = Uint8Array.from({ length: count * 64 }, (_, i) =>
      labels[i >> 6] === ((i >> 3) & 7) ? 255 : random.nextUint32() & 63,
    );
    const header = (magic: number, ...dims: number[]): Buffer => {
      const bytes = Buffer.alloc(4 + 4 * dims.length);
      [magic, ...dims].forEach((value, i) => {
        bytes.writeUInt32BE(value, 4 * i);
      });
      return bytes;
    };
    writeFileSync(
      join(folder, `${part}-images-idx3-ubyte.gz`),
      gzipSync(Buffer.concat([header(0x803, count, 8, 8), pixels])),
    );
    writeFileSync(
      join(folder, `${part}-labels-idx1-ubyte.gz`),
      gzipSync(Buffer.concat([header(0x801, count), labels])),
    );
  }
}

describe('rivulet train', () => {
  const folder = temporaryFolder();
  const path = (...names: string[]): string => join(folder(), ...names);
  before(() => {
    writeFileSync(path('pairs.tsv'), corpus());
    digits(path('digits'));
  });

  const sizes = [
    '--vocab-size',
    '320',
    '--target-vocab-size',
    '290',
    '--embedding-dim',
    '16',
    '--hidden-size',
    '32',
    '--attention-heads',
    '2',
  ];
  const seq2seq = ['train', 'seq2seq', '--epochs', '3', '--tokens-per-batch', '256', '--warmup', '5', ...sizes];
  const vit = [
    'train',
    'vit',
    '--epochs',
    '3',
    '--patch-size',
    '4',
    '--embed-dim',
    '16',
    '--depth',
    '2',
    '--num-heads',
    '2',
    '--batch-size',
    '16',
    '--shift',
    '1',
  ];

  const runs: Record<string, () => string[]> = {
    seq2seq: () => [...seq2seq, '--data', path('pairs.tsv')],
    vit: () => [...vit, '--data', path('digits')],
  };
  for (const [name, command] of Object.entries(runs))
    it(`${name}: stopped by Ctrl-C and resumed, ends with the same bits as without`, async () => {
      const whole = await rivulet([...command(), '--output', path(`${name}-whole`)]);
      expect(whole.code, whole.stderr).to.equal(0);
      expect(whole.stderr).to.match(/epoch 3\/3 loss [\d.]+ validation/);

      const stopped = path(`${name}-stopped`);
      const interrupted = await interrupt([...command(), '--output', stopped]);
      expect(interrupted.code, interrupted.stderr).to.equal(0);
      expect(interrupted.stderr)
        .to.include('stopping after this step; the run is saved')
        .and.to.include('go on with --resume');
      const resumed = await rivulet([
        ...command().slice(0, 2),
        '--data',
        command().at(-1)!,
        '--output',
        stopped,
        '--resume',
      ]);
      expect(resumed.code, resumed.stderr).to.equal(0);
      for (const file of ['model.safetensors', 'config.json'])
        expect(
          readFileSync(join(stopped, file)).equals(readFileSync(join(path(`${name}-whole`), file))),
          file,
        ).to.equal(true);
      const [checkpoint] = readdirSync(join(stopped, 'checkpoints'));
      for (const file of ['model.safetensors', 'optimizer.safetensors'])
        expect(
          readFileSync(join(stopped, 'checkpoints', checkpoint!, file)).equals(
            readFileSync(path(`${name}-whole`, 'checkpoints', checkpoint!, file)),
          ),
          file,
        ).to.equal(true);
    });

  /** Sends SIGINT once the first epoch is over. */
  function interrupt(args: readonly string[]): Promise<Finished> {
    let sent = false;
    return rivulet(args, {
      onError: (text, kill) => {
        if (sent || !text.includes('epoch 1/3')) return;
        sent = true;
        kill('SIGINT');
      },
    });
  }

  it('learns: a made-up language is translated after a minute of training', async () => {
    const output = path('learned');
    const args = [...seq2seq, '--epochs', '25', '--learning-rate', '1e-2', '--dropout', '0.1', '--ema', '0.9'];
    const { code, stderr } = await rivulet([...args, '--data', path('pairs.tsv'), '--output', output]);
    expect(code, stderr).to.equal(0);
    const { stdout } = await rivulet(['translate', '--model', output], { input: '猫看狗和鱼。\n' });
    expect(stdout).to.equal('The cat sees the dog and the fish.\n');
  });

  it('says in one line what is wrong', async () => {
    const fails = async (args: readonly string[], message: RegExp): Promise<void> => {
      const { code, stderr } = await rivulet(args);
      expect(code).to.equal(1);
      expect(stderr).to.match(message);
    };
    const data = ['--data', path('pairs.tsv')];
    await fails([...seq2seq, '--data', path('no.tsv'), '--output', path('x1')], /^rivulet: .*no\.tsv/m);
    writeFileSync(path('bad.tsv'), 'a\tb\nonly one\n');
    await fails(
      [...seq2seq, '--data', path('bad.tsv'), '--output', path('x2')],
      /^rivulet: .*bad\.tsv:2: no target in column 2/m,
    );
    await fails([...seq2seq, ...data, '--output', path('x3'), '--resume'], /x3: holds no run to resume/);
    await fails(
      [...seq2seq, ...data, '--output', path('x4'), '--vocab-size', '260'],
      /--target-vocab-size 290 is larger than --vocab-size 260/,
    );
    rmSync(path('digits', 'train-labels-idx1-ubyte.gz'));
    await fails([...vit, '--data', path('digits'), '--output', path('x5')], /train-labels-idx1-ubyte\.gz/);
  });
});
