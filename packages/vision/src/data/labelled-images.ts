import { open } from 'node:fs/promises';
import type { Image } from '../image/decode.ts';
import { ImageError } from '../image/source.ts';
import { readIdxImages, readIdxLabels } from './idx.ts';
import { readImageFolder } from './image-folder.ts';

/** An image and the number of its class. */
export interface LabelledImage {
  readonly image: Image;
  readonly label: number;
}

/**
 * The files of a folder per class, class after class; every iteration reads the folder anew. With `fromIterable` of @rivulet/stream it is
 * a source that is asked file by file.
 * @throws ImageError as `readImageFolder`.
 */
export const imageFolder = (directory: string): AsyncIterable<{ readonly file: string; readonly label: string }> =>
  iterable(async function* () {
    const { labels, items } = await readImageFolder(directory);
    for (const { file, label } of items) yield { file, label: labels[label]! };
  });

/** Images and labels of MNIST's format, one by one. @throws Error naming the file, also where the counts differ. */
export const idxImages = (images: string, labels: string): AsyncIterable<LabelledImage> =>
  iterable(async function* () {
    const [{ count, height, width, pixels }, classes] = [await readIdxImages(images), await readIdxLabels(labels)];
    if (classes.length !== count)
      throw new ImageError(labels, `has ${classes.length} labels, ${images} has ${count} images`);
    const area = height * width;
    for (let i = 0; i < count; i++) {
      const data = pixels.subarray(i * area, (i + 1) * area);
      yield { image: { width, height, channels: 1, data }, label: classes[i]! };
    }
  });

export interface CifarOptions {
  /** 10: a byte of the class before each image. 100: a byte of the coarse class, then one of the fine class. Default 10. */
  readonly classes?: 10 | 100;
}

const SIDE = 32;
const AREA = SIDE * SIDE;

/**
 * Images of files in CIFAR's binary format (https://www.cs.toronto.edu/~kriz/cifar.html), one by one, file after file; of CIFAR-100 with
 * the fine classes.
 * @throws ImageError naming a file that is no whole number of records, or has a label that there is not.
 */
export const cifarImages = (
  files: string | readonly string[],
  { classes = 10 }: CifarOptions = {},
): AsyncIterable<LabelledImage> =>
  iterable(async function* () {
    const before = classes === 10 ? 1 : 2;
    const size = before + 3 * AREA;
    for (const path of typeof files === 'string' ? [files] : files) {
      const file = await open(path).catch((error: Error) => {
        throw new ImageError(path, `cannot be read: ${error.message}`, { cause: error });
      });
      try {
        const { size: length } = await file.stat();
        if (length === 0 || length % size !== 0)
          throw new ImageError(
            path,
            `has ${length} bytes, not a whole number of CIFAR-${classes}'s records of ${size}`,
          );
        const record = new Uint8Array(size);
        for (let i = 0; i < length / size; i++) {
          await file.read(record, 0, size, i * size);
          const label = record[before - 1]!;
          if (label >= classes) throw new ImageError(path, `image ${i} has the class ${label}, there are ${classes}`);
          const data = new Uint8Array(3 * AREA);
          // Red, green and blue stand in planes.
          for (let at = 0; at < data.length; at++) data[at] = record[before + (at % 3) * AREA + Math.floor(at / 3)]!;
          yield { image: { width: SIDE, height: SIDE, channels: 3, data }, label };
        }
      } finally {
        await file.close();
      }
    }
  });

/** What starts anew with every iteration. */
const iterable = <T>(start: () => AsyncGenerator<T>): AsyncIterable<T> => ({ [Symbol.asyncIterator]: start });
