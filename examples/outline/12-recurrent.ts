// Recurrent networks that guess the next letter: a plain RNN, GRU and LSTM, each with the same width. They write a line at the end.
import { sampleToken } from '@rivulet/generation';
import { crossEntropy, Embedding, Linear, Module, manualSeed } from '@rivulet/nn';
import { GRU, LSTM, RNN } from '@rivulet/recurrent';
import { compile, hostTensor, seeded, symbol, type Tensor } from '@rivulet/tensor';
import { adamW, Trainer } from '@rivulet/training';
import { prose } from './support/data.ts';
import { type Lesson, start } from './support/lesson.ts';
import { curves } from './support/picture.ts';
import { smooth } from './support/train.ts';

const [LETTERS, TIME, BATCH, WIDTH] = [' abcdefghijklmnopqrstuvwxyz', 32, 32, 128];
const LAYERS = { RNN, GRU, LSTM };

class LetterModel extends Module {
  readonly embedding: Embedding = new Embedding(LETTERS.length, 32);
  readonly rnn: RNN | GRU | LSTM;
  readonly head: Linear = new Linear(WIDTH, LETTERS.length);

  constructor(Layer: (typeof LAYERS)[keyof typeof LAYERS]) {
    super();
    this.rnn = new Layer({ inputSize: 32, hiddenSize: WIDTH });
  }

  /** ids [T, B] → a score for each letter that may follow [T, B, 27] */
  forward(ids: Tensor): Tensor {
    return this.head.forward(this.rnn.forward(this.embedding.forward(ids)).outputs);
  }
}

export async function recurrent({ short, say, picture }: Lesson): Promise<void> {
  const { text, source } = await prose(short);
  const ids = Int32Array.from(text, (c) => LETTERS.indexOf(c));
  const shape = [TIME, BATCH];
  const lines: Record<string, number[]> = {};
  for (const [name, Layer] of Object.entries(LAYERS)) {
    manualSeed(1);
    const random = seeded(1);
    const model = new LetterModel(Layer);
    const trainer = new Trainer({
      model,
      inputs: { x: { shape, dtype: 'int32' }, y: { shape, dtype: 'int32' } },
      loss: ({ x, y }) => crossEntropy(model.forward(x), y),
      optimizer: adamW({ lr: 4e-3 }),
      clipNorm: 1, // gradients through many steps can explode
    });
    const losses: number[] = [];
    for (let step = 0; step < (short ? 2 : 400); step++) {
      const starts = Array.from({ length: BATCH }, () => random.nextUint32() % (ids.length - TIME - 1));
      const window = (shift: number) =>
        Int32Array.from({ length: TIME * BATCH }, (_, i) => ids[starts[i % BATCH]! + Math.floor(i / BATCH) + shift]!);
      const feeds = { x: hostTensor(window(0), 'int32', shape), y: hostTensor(window(1), 'int32', shape) };
      losses.push((await trainer.train(feeds)).loss);
    }
    await trainer.dispose();
    lines[name] = smooth(losses);
    const bits = lines[name].at(-1)! / Math.LN2;
    say(`${name}: ${model.parameterCount()} parameters, ${bits.toFixed(2)} bits a letter: "${await write(model, 60)}"`);
  }
  say(`${source}; the loss in nats: ${await curves(picture, lines)}`);
}

/** Draws one letter after the other. */
async function write(model: LetterModel, length: number): Promise<string> {
  const graph = await compile({ x: { shape: [symbol('T'), 1], dtype: 'int32' } }, ({ x }) => ({ y: model.forward(x) }));
  const [random, ids] = [seeded(1), [...'the '].map((c) => LETTERS.indexOf(c))];
  while (ids.length < length) {
    const { y } = await graph.run({ x: hostTensor(ids, 'int32', [ids.length, 1]) });
    ids.push(
      sampleToken((y.data as Float32Array).slice(-LETTERS.length), { temperature: 0.7, topK: 0, topP: 1 }, () =>
        random.nextFloat(),
      ),
    );
  }
  await graph.dispose();
  return ids.map((id) => LETTERS[id]).join('');
}

await start(import.meta.url, recurrent);
