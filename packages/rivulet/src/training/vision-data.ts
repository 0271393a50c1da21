import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Random, seeded } from '@rivulet/tensor';
import {
  decodeImage,
  fitImage,
  type Image,
  type ImageConfig,
  ImageError,
  type LabelledImages,
  normalizeImage,
  readImageFolder,
  resizeImage,
} from '@rivulet/vision';

/** What is kept in memory of images, or of their features; what goes beyond is made anew when it is needed. */
const KEPT_BYTES = 2 ** 31;
/** Images that are decoded at once. */
const AT_ONCE = 8;

/** Labelled images of a model's size. */
export interface Pictures {
  readonly items: LabelledImages['items'];
  /** Float32 [C, H, W], normalized. */
  load(index: number): Promise<Float32Array>;
  /** As it was decoded, its shorter side at most twice the model's: what random parts are cut from. */
  source(index: number): Promise<Image>;
}

/**
 * Opens all images once, so that one that cannot be read is told before the training and left out.
 * @param complain is given the error, which names the file.
 * @param sources whether `source` will be asked for; then those are kept too.
 * @throws Error where a class has no image left.
 */
export async function openPictures(
  { items, labels: names }: LabelledImages,
  config: ImageConfig,
  complain: (error: Error) => void,
  sources = false,
): Promise<Pictures> {
  const decode = (file: string): Promise<Image> => decodeImage(file, { channels: config.channels });
  const read = async (file: string): Promise<{ fitted: Uint8Array; source: Image | null; length: number }> => {
    const image = await decode(file);
    const fitted = fitImage(image, config);
    const source = sources ? sourceOf(image, fitted) : null;
    return { fitted, source, length: fitted.length + (source?.data.length ?? 0) };
  };
  // A digit is found and centred first, whatever is done to it then.
  const sourceOf = (image: Image, fitted: Uint8Array): Image =>
    config.layout === 'mnist'
      ? { width: config.size[1], height: config.size[0], channels: config.channels, data: fitted }
      : reduced(image, 2 * Math.min(...config.size));
  const good: { file: string; label: number; kept: { fitted: Uint8Array; source: Image | null } | null }[] = [];
  let bytes = 0;
  for (let from = 0; from < items.length; from += AT_ONCE) {
    const part = items.slice(from, from + AT_ONCE);
    const results = await Promise.allSettled(part.map(({ file }) => read(file)));
    for (const [i, result] of results.entries()) {
      if (result.status === 'rejected') {
        complain(result.reason);
        continue;
      }
      bytes += result.value.length;
      good.push({ ...part[i]!, kept: bytes <= KEPT_BYTES ? result.value : null });
    }
  }
  const used = new Set(good.map(({ label }) => label));
  const empty = items.find(({ label }) => !used.has(label));
  if (empty) throw new Error(`${dirname(empty.file)}: none of the images of '${names[empty.label]}' can be read`);
  return {
    items: good,
    load: async (index) => {
      const { file, kept } = good[index]!;
      return normalizeImage((kept ?? (await read(file))).fitted, config);
    },
    source: async (index) => {
      const { file, kept } = good[index]!;
      return (kept ?? (await read(file))).source!;
    },
  };
}

/** An image whose shorter side is at most so long. */
function reduced(image: Image, most: number): Image {
  const scale = most / Math.min(image.width, image.height);
  if (scale >= 1) return image;
  const side = (length: number): number => Math.max(most, Math.round(length * scale));
  return resizeImage(image, { width: side(image.width), height: side(image.height) });
}

/** Keeps what `load` gives, up to so many bytes: features of images that never change. */
export function kept(
  load: (index: number) => Promise<Float32Array>,
  most: number = KEPT_BYTES,
): (index: number) => Promise<Float32Array> {
  const known = new Map<number, Float32Array>();
  let bytes = 0;
  return async (index) => {
    const before = known.get(index);
    if (before) return before;
    const values = await load(index);
    bytes += values.byteLength;
    if (bytes <= most) known.set(index, values);
    return values;
  };
}

export interface SplitImages extends LabelledImages {
  /** The files that are held out; null: none are named. */
  readonly heldOut: ReadonlySet<string> | null;
}

/** A folder of images per class, or two of them, `train` and `val`. @throws ImageError as `readImageFolder`, and where their classes differ. */
export async function readSplitFolder(directory: string): Promise<SplitImages> {
  const names = await readdir(directory).catch((): string[] => []); // told below
  if (!names.includes('train') || !names.includes('val'))
    return { ...(await readImageFolder(directory)), heldOut: null };
  const [train, val] = [await readImageFolder(join(directory, 'train')), await readImageFolder(join(directory, 'val'))];
  if (train.labels.join('\n') !== val.labels.join('\n'))
    throw new ImageError(
      directory,
      `train has the classes ${train.labels.join(', ')}, val has ${val.labels.join(', ')}`,
    );
  const heldOut = new Set(val.items.map(({ file }) => file));
  return { labels: train.labels, items: [...train.items, ...val.items], heldOut };
}

/** Numbers of the images to train on and of those held out: as they are named, else a share of every class, at random. */
export function split(
  { items }: Pictures,
  { heldOut }: SplitImages,
  share: number,
  seed: number,
): { train: number[]; validation: number[] } {
  if (!heldOut)
    return shareOf(
      items.map(({ label }) => label),
      share,
      seed,
    );
  const chosen = (held: boolean): number[] => items.flatMap(({ file }, i) => (heldOut.has(file) === held ? [i] : []));
  return { train: chosen(false), validation: chosen(true) };
}

/** At least one image of each class that has two. */
function shareOf(labels: readonly number[], share: number, seed: number): { train: number[]; validation: number[] } {
  const random = seeded(seed, 0x7a11);
  const [train, validation]: [number[], number[]] = [[], []];
  for (const label of [...new Set(labels)].sort((a, b) => a - b)) {
    const own = random.shuffle(labels.flatMap((other, i) => (other === label ? [i] : [])));
    const count = own.length < 2 ? 0 : Math.max(1, Math.min(own.length - 1, Math.round(own.length * share)));
    validation.push(...own.slice(0, count));
    train.push(...own.slice(count));
  }
  return { train, validation };
}

/** Mirrors every second image, at random: a copy of [C, H, W] with rows of `width`. */
export function flipped(image: Float32Array, width: number, random: Random): Float32Array {
  if (random.nextFloat() < 0.5) return image;
  const out = new Float32Array(image.length);
  for (let row = 0; row < image.length; row += width)
    for (let x = 0; x < width; x++) out[row + x] = image[row + width - 1 - x]!;
  return out;
}
