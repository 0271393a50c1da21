import { mkdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { type ItemError, mapAsync, type SettledOptions } from '@rivulet/stream';
import { replaceFile } from '@rivulet/tensor';
import { type Canvas, encodePNG, type Image } from '@rivulet/vision';
import { lastValueFrom, type Observable } from 'rxjs';
import { complain } from './input.ts';

/** Images that are decoded and wait for the model at once. */
export const AT_ONCE = 16;

/** What is done with an image that fails: one line, and the next. */
export const perImage: Required<SettledOptions> = {
  concurrency: AT_ONCE,
  onItemError: ({ cause }: ItemError): void => complain((cause as Error).message),
};

/** Shows the results one after the other, and lets the model go at the end. */
export async function showAll<T>(
  results: Observable<T>,
  show: (result: T) => Promise<void>,
  model: { dispose(): Promise<void> },
): Promise<void> {
  try {
    await lastValueFrom(results.pipe(mapAsync(show)), { defaultValue: undefined });
  } finally {
    await model.dispose();
  }
}

/** Names of the files of pictures in a folder, which is made: those of their images, with a number where one is taken. */
export async function pictureFolder(directory: string): Promise<(image: string, suffix?: string) => string> {
  await mkdir(directory, { recursive: true });
  const taken = new Map<string, string>();
  return (image, suffix = '') => {
    const stem = basename(image, extname(image));
    let name = stem;
    for (let i = 2; (taken.get(name) ?? image) !== image; i++) name = `${stem}-${i}`;
    taken.set(name, image);
    return join(directory, `${name}${suffix}.png`);
  };
}

export const writePicture = async (file: string, picture: Canvas | Image): Promise<void> =>
  replaceFile(file, [await encodePNG(picture)]);

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
