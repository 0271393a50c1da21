import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Tensor, tensor } from '@rivulet/tensor';
import { createModel, ImageClassifier, type ImageConfig, ImageEmbedder, ImageSegmenter } from '@rivulet/vision';
import { expect } from 'chai';
import { classify, embedInputs, fromIterable, type ItemError, segment } from 'rivulet';
import { lastValueFrom, tap, toArray } from 'rxjs';
import sharp from 'sharp';
import { temporaryFolder } from '../support/repository.ts';

const image: ImageConfig = { size: [8, 8], channels: 3, mean: [0, 0, 0], std: [1, 1, 1], layout: 'squash' };
const colours = ['red', 'lime', 'blue'];

/** An image of one colour. */
const flat = (background: string): Promise<Buffer> =>
  sharp({ create: { width: 9, height: 5, channels: 3, background } })
    .png()
    .toBuffer();

/** Says of every image how many it is run together with, up to 8. */
function companions(x: Tensor): Tensor {
  const ones = x.mul(0).add(1).mean([1, 2, 3]);
  const classes = tensor(
    Float32Array.from({ length: 9 }, (_, i) => i),
    [9],
  );
  return ones.reshape([-1, 1]).mul(ones.sum().mul(classes).sub(classes.square().div(2))); // largest where the class is the sum
}

describe('streams of images', () => {
  const folder = temporaryFolder();

  it('are classified, segmented and embedded by path, bytes and address; those that are none are told, the rest goes on', async () => {
    const path = join(folder(), 'red.png');
    writeFileSync(path, await flat('red'));
    writeFileSync(join(folder(), 'blue.png'), await flat('blue'));
    writeFileSync(join(folder(), 'empty.png'), '');
    const bytes = await flat('lime');
    const good = [
      path,
      bytes,
      pathToFileURL(join(folder(), 'blue.png')),
      `data:image/png;base64,${bytes.toString('base64')}`,
    ];
    const inputs = [good[0]!, join(folder(), 'empty.png'), good[1]!, Uint8Array.of(1, 2), good[2]!, good[3]!];
    const told: string[] = [];
    const options = { concurrency: 2, onItemError: ({ message }: ItemError) => told.push(message) };
    const wanted = ['red', 'lime', 'blue', 'lime'];

    const classifier = await ImageClassifier.compile({ forward: (x) => x.mean([2, 3]).mul(9) }, colours, image);
    const classified = await lastValueFrom(fromIterable(inputs).pipe(classify(classifier, options), toArray()));
    expect(classified.map(({ labels }) => labels[0]!.label)).to.deep.equal(wanted);
    expect(classified.map(({ input }) => input)).to.deep.equal(good);

    const segmenter = await ImageSegmenter.compile({ forward: (x) => x }, colours, image);
    const segmented = await lastValueFrom(fromIterable(inputs).pipe(segment(segmenter, options), toArray()));
    expect(segmented.map(({ input }) => input)).to.deep.equal(good);
    for (const [i, { segmentation }] of segmented.entries()) {
      expect([segmentation.width, segmentation.height]).to.deep.equal([9, 5]);
      expect([...segmentation.data]).to.deep.equal(new Array(45).fill(colours.indexOf(wanted[i]!)));
    }

    const mlp = createModel('mlp', { channels: 3, imageSize: 8 });
    const embedder = await ImageEmbedder.compile(mlp, image);
    const embedded = await lastValueFrom(fromIterable(inputs).pipe(embedInputs(embedder, options), toArray()));
    expect(embedded.map(({ input }) => input)).to.deep.equal(good);
    expect(embedded[3]!.vector).to.be.allclose(embedded[1]!.vector, { atol: 1e-6 }); // the same picture
    expect(embedded[0]!.vector).to.not.deep.equal(embedded[1]!.vector);

    expect(told).to.have.length(3 * 2);
    for (const [i, message] of told.entries())
      expect(message).to.match(i % 2 === 0 ? /empty\.png: is empty/ : /2 bytes/);
    for (const model of [classifier, segmenter, embedder]) await model.dispose();
  });

  it('are worked on together as they wait, and no more of them are read than the model has asked for', async () => {
    const labels = Array.from({ length: 9 }, (_, i) => String(i));
    const classifier = await ImageClassifier.compile({ forward: companions }, labels, image, { maxBatch: 3 });
    const bytes = await flat('red');
    let [read, done, most] = [0, 0, 0];
    function* source(): Generator<Uint8Array> {
      for (; read < 24; most = Math.max(most, read - done)) {
        read++;
        yield bytes;
      }
    }
    const sizes = await lastValueFrom(
      fromIterable(source()).pipe(
        classify(classifier, { concurrency: 5 }),
        tap(() => done++),
        toArray(),
      ),
    );
    await classifier.dispose();
    const batches = sizes.map((item) => Number(item.labels[0]!.label));
    expect(batches).to.have.length(24);
    expect(Math.max(...batches), 'images of a run').to.be.within(2, 3);
    expect(Math.min(...batches)).to.be.at.least(1);
    expect(most, 'images that are read and not done').to.be.at.most(5);
  });
});
