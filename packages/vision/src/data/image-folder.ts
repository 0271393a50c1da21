import { readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { ImageError } from '../image/source.ts';

/** Image files, each with the number of its label. */
export interface LabelledImages {
  readonly labels: readonly string[];
  readonly items: readonly { readonly file: string; readonly label: number }[];
}

const EXTENSIONS = new Set(['.png', '.jpg', '.jpeg', '.webp', '.gif', '.tif', '.tiff', '.bmp']);

/**
 * Lists a folder that has a folder of images per class, as torchvision's ImageFolder: the names of the folders, sorted, are the labels.
 * Files are not opened; hidden ones and those that are no images by their extension are left out.
 * @throws ImageError where there are no folders, or one has no image.
 */
export async function readImageFolder(directory: string): Promise<LabelledImages> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: Error) => {
    throw new ImageError(directory, `cannot be read: ${error.message}`, { cause: error });
  });
  const labels = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
  labels.sort();
  if (labels.length === 0) throw new ImageError(directory, 'holds no folders; expected one of images for each class');
  const items: { file: string; label: number }[] = [];
  for (const [label, name] of labels.entries()) {
    const folder = join(directory, name);
    const files = (await readdir(folder)).filter((file) => isImage(file)).sort();
    if (files.length === 0)
      throw new ImageError(folder, `holds no images; expected files that end in ${[...EXTENSIONS].join(', ')}`);
    items.push(...files.map((file) => ({ file: join(folder, file), label })));
  }
  return { labels, items };
}

const isImage = (file: string): boolean => !file.startsWith('.') && EXTENSIONS.has(extname(file).toLowerCase());
