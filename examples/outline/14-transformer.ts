// A transformer that sorts: it reads figures and writes them in order, each by looking back at all that it has read.
import { crossEntropy, Embedding, LayerNorm, Linear, Module, manualSeed, splitHeads } from '@rivulet/nn';
import { compile, hostTensor, iota, seeded, type Tensor } from '@rivulet/tensor';
import { adamW, Trainer } from '@rivulet/training';
import { Block } from '@rivulet/transformer';
import { type Lesson, start } from './support/lesson.ts';
import { matrix } from './support/picture.ts';
import { percent } from './support/train.ts';

/** Six figures, a mark, and all but the last of the sorted ones. */
const [COUNT, MARK, LENGTH, WIDTH, HEADS, BATCH] = [6, 10, 12, 64, 4, 64];

class Sorter extends Module {
  readonly tokens: Embedding = new Embedding(11, WIDTH);
  readonly positions: Embedding = new Embedding(LENGTH, WIDTH);
  readonly blocks: Block[] = [0, 1].map(() => new Block({ embedDim: WIDTH, numHeads: HEADS }));
  readonly norm: LayerNorm = new LayerNorm(WIDTH);
  readonly head: Linear = new Linear(WIDTH, 10);

  /** ids [B, L] → what each block reads, and at last what comes out, [B, L, E] */
  states(ids: Tensor): Tensor[] {
    const states = [this.tokens.forward(ids).add(this.positions.forward(iota(LENGTH)))];
    for (const block of this.blocks) states.push(block.forward(states.at(-1)!, { causal: true })); // none sees what follows
    return states;
  }

  /** ids [B, L] → scores of the figure behind the mark and those after it [B, COUNT, 10] */
  forward(ids: Tensor): Tensor {
    return this.head.forward(this.norm.forward(this.states(ids).at(-1)!.slice(1, COUNT)));
  }

  /** How much each position of the last block looks at each: softmax(q·kᵀ/√D), [B, H, L, L] */
  attention(ids: Tensor): Tensor {
    const block = this.blocks.at(-1)!;
    const projected = block.attn.qkv.forward(block.norm1.forward(this.states(ids).at(-2)!));
    const [q, k] = projected.chunk(3, -1).map((t) => splitHeads(t, HEADS));
    const later = iota(LENGTH).unsqueeze(0).greater(iota(LENGTH).unsqueeze(1));
    const scores = q!.matmul(k!, { transposeB: true }).div(Math.sqrt(WIDTH / HEADS));
    return scores.maskedFill(later, -1e9).softmax(-1);
  }
}

export async function transformer({ short, say, picture }: Lesson): Promise<void> {
  const random = seeded(1);
  const draw = () => {
    const figures = Array.from({ length: BATCH }, () => Array.from({ length: COUNT }, () => random.nextUint32() % 10));
    const sorted = figures.map((row) => row.toSorted((a, b) => a - b));
    const rows = figures.map((row, i) => [...row, MARK, ...sorted[i]!.slice(0, -1)]);
    return { ids: hostTensor(rows, 'int32'), labels: hostTensor(sorted, 'int32') };
  };
  manualSeed(1);
  const model = new Sorter();
  const ids = { shape: [BATCH, LENGTH], dtype: 'int32' as const };
  const trainer = new Trainer({
    model,
    inputs: { ids, labels: { shape: [BATCH, COUNT], dtype: 'int32' } },
    loss: ({ ids, labels }) => crossEntropy(model.forward(ids), labels),
    optimizer: adamW({ lr: 2e-3 }),
  });
  for (let step = 1; step <= (short ? 2 : 800); step++) {
    const { loss } = await trainer.train(draw());
    if (step % 200 === 0) say(`step ${step}: loss ${loss.toFixed(4)}`);
  }
  await trainer.dispose();
  const test = draw();
  const graph = await compile({ ids }, ({ ids }) => ({
    next: model.forward(ids).argmax(-1),
    attention: model.attention(ids).select(0, 0).mean(0),
  }));
  const { next, attention } = await graph.run({ ids: test.ids });
  await graph.dispose();
  const right = next.data.filter((figure, i) => Number(figure) === Number(test.labels.data[i])).length;
  const given = test.ids.data.slice(0, COUNT).join(' ');
  say(`${percent(right / next.data.length)} right in unseen rows: ${given} > ${next.data.slice(0, COUNT).join(' ')}`);
  await matrix(picture, Array.from(attention.data, Number), LENGTH);
  say(`picture: where each position looks, the mean of all heads, while it sorts ${given}`);
}

await start(import.meta.url, transformer);
