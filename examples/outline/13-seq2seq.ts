// Sequence to sequence: numbers in words become numbers in figures. Attention shows which word each figure was read from.
import { crossEntropy, Embedding, Linear, Module, manualSeed } from '@rivulet/nn';
import { GRU } from '@rivulet/recurrent';
import { compile, concat, seeded, type Tensor } from '@rivulet/tensor';
import { adamW, Trainer } from '@rivulet/training';
import { type Lesson, start } from './support/lesson.ts';
import { END, figures, figuresOf, inWords, LENGTH, shifted, WORDS, words } from './support/numbers.ts';
import { matrix } from './support/picture.ts';
import { percent } from './support/train.ts';

const [WIDTH, BATCH] = [64, 64];

class Seq2Seq extends Module {
  readonly words: Embedding = new Embedding(WORDS.length, WIDTH);
  readonly figures: Embedding = new Embedding(12, WIDTH);
  readonly encoder: GRU = new GRU({ inputSize: WIDTH, hiddenSize: WIDTH / 2, bidirectional: true });
  readonly decoder: GRU = new GRU({ inputSize: WIDTH, hiddenSize: WIDTH });
  readonly output: Linear = new Linear(2 * WIDTH, 11);

  /** source [B, S], target so far [B, T] → scores of the next figure [B, T, 11], attention [B, T, S] */
  forward(source: Tensor, target: Tensor): { scores: Tensor; attention: Tensor } {
    const memory = this.encoder.forward(this.words.forward(source.transpose(0, 1))).outputs.transpose(0, 1); // [B, S, E]
    const initial = memory.mean(1).tanh().unsqueeze(0);
    const { outputs } = this.decoder.forward(this.figures.forward(target.transpose(0, 1)), { initial });
    const queries = outputs.transpose(0, 1); // [B, T, E]
    const attention = queries.matmul(memory, { transposeB: true }).div(Math.sqrt(WIDTH)).softmax(-1);
    return { scores: this.output.forward(concat([queries, attention.matmul(memory)], 2)), attention };
  }
}

/** Writes the figures of numbers one by one, with where the first number's looked [LENGTH, LENGTH]. */
async function translate(model: Seq2Seq, numbers: readonly number[]): Promise<{ texts: string[]; looks: number[] }> {
  const spec = { shape: [numbers.length, LENGTH], dtype: 'int32' as const };
  const graph = await compile({ source: spec, target: spec }, ({ source, target }) => {
    const { scores, attention } = model.forward(source, target);
    return { next: scores.argmax(-1), attention: attention.select(0, 0) };
  });
  const answers: number[][] = numbers.map(() => []);
  let looks: number[] = [];
  for (let t = 0; t < LENGTH; t++) {
    const { next, attention } = await graph.run({ source: words(numbers), target: shifted(answers) });
    for (const [i, row] of answers.entries()) row.push(Number(next.data[i * LENGTH + t]));
    looks = Array.from(attention.data, Number);
  }
  await graph.dispose();
  return { texts: answers.map((row) => row.filter((figure) => figure !== END).join('')), looks };
}

export async function seq2seq({ short, say, picture }: Lesson): Promise<void> {
  manualSeed(1);
  const random = seeded(1);
  const numbers = Array.from({ length: 1000 }, (_, n) => n);
  const known = numbers.filter((n) => n < 100 || n % 10 !== 7);
  const model = new Seq2Seq();
  const spec = { shape: [BATCH, LENGTH], dtype: 'int32' as const };
  const trainer = new Trainer({
    model,
    inputs: { source: spec, target: spec, labels: spec },
    loss: ({ source, target, labels }) => crossEntropy(model.forward(source, target).scores, labels),
    optimizer: adamW({ lr: 3e-3 }),
  });
  for (let step = 1; step <= (short ? 2 : 600); step++) {
    const batch = Array.from({ length: BATCH }, () => known[random.nextUint32() % known.length]!);
    const right = batch.map(figuresOf);
    // Teacher forcing: every figure is asked for with the right ones before it.
    const { loss } = await trainer.train({ source: words(batch), target: shifted(right), labels: figures(right) });
    if (step % 100 === 0) say(`step ${step}: loss ${loss.toFixed(4)}`);
  }
  await trainer.dispose();
  const unseen = numbers.filter((n) => !known.includes(n));
  const { texts, looks } = await translate(model, unseen);
  for (const i of [2, 33, 58]) say(`${inWords(unseen[i]!).join(' ')} → ${texts[i]}`);
  const right = unseen.filter((n, i) => `${n}` === texts[i]).length;
  say(`${percent(right / unseen.length)} right of ${unseen.length} numbers that it has never seen`);
  await matrix(picture, looks, LENGTH);
  say(`picture: attention; rows: the figures of ${unseen[0]} and the end; columns: ${inWords(unseen[0]!).join(', ')}`);
}

await start(import.meta.url, seq2seq);
