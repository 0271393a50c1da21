import { type ImageConfig, parseImageConfig } from '../image/image-config.ts';
import { createSegmenter, type SegmentationModel } from './registry.ts';

export interface SegmenterFolder {
  readonly model: SegmentationModel;
  readonly image: ImageConfig;
  /** Names of the classes; numbers where the file has none. */
  readonly labels: readonly string[];
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1;

/**
 * Reads the config.json of a segmentation model: architecture (a name of `listSegmenters`), num_classes, classes, image_size (a number, or
 * [height, width]), channels, preprocessing (mean, std, interpolation), and of some models widths, auxiliary and dropout.
 * @throws TypeError naming the field.
 */
export function parseSegmenterConfig(json: Readonly<Record<string, unknown>>, architecture: string): SegmenterFolder {
  const { num_classes: numClasses, classes, image_size: size = 512, channels = 3, widths, auxiliary, dropout } = json;
  const want = (ok: boolean, field: string, expected: string): void => {
    if (!ok) throw new TypeError(`${field} must be ${expected}, got ${JSON.stringify(json[field])}`);
  };
  want(isCount(numClasses), 'num_classes', 'a whole number from 1');
  const count = numClasses as number;
  const named =
    Array.isArray(classes) && classes.length === count && classes.every((label) => typeof label === 'string');
  want(classes === undefined || named, 'classes', `a list of ${count} strings`);
  const sides = isCount(size) ? [size, size] : size;
  want(
    Array.isArray(sides) && sides.length === 2 && sides.every(isCount),
    'image_size',
    'a whole number from 1, or two',
  );
  want(channels === 1 || channels === 3, 'channels', '1 or 3');
  want(widths === undefined || (Array.isArray(widths) && widths.length > 0 && widths.every(isCount)), 'widths', 'a list of whole numbers from 1'); // biome-ignore format: one condition
  want(auxiliary === undefined || typeof auxiliary === 'boolean', 'auxiliary', 'true or false');
  want(dropout === undefined || (typeof dropout === 'number' && dropout >= 0 && dropout < 1), 'dropout', 'a number from 0 to below 1'); // biome-ignore format: one condition
  const each = (value: number): number[] => Array(channels as number).fill(value);
  const { mean = each(0), std = each(1), interpolation } = (json.preprocessing ?? {}) as Record<string, unknown>;
  const image = parseImageConfig({
    ...{ size: sides, channels, mean, std, layout: 'squash' },
    ...(interpolation !== undefined && { interpolation }),
  });
  const model = createSegmenter(architecture, {
    numClasses: count,
    channels: channels as number,
    ...(widths !== undefined && { widths: widths as number[] }),
    ...(auxiliary !== undefined && { auxiliary: auxiliary as boolean }),
    ...(dropout !== undefined && { dropout: dropout as number }),
  });
  return { model, image, labels: (classes as string[] | undefined) ?? Array.from({ length: count }, (_, i) => `${i}`) };
}
