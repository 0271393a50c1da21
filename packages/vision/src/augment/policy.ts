import { randAugment } from './rand-augment.ts';
import { type Augmentation, compose, randomErasing, randomHorizontalFlip, randomResizedCrop } from './random.ts';

/**
 * Augmentations by name, each more than the one before: 'none'; 'flip'; 'crop', a part of random size and place; 'rand', RandAugment after
 * it; 'strong', that and random erasing.
 */
export type AugmentationPolicy = (typeof AUGMENTATION_POLICIES)[number];

export const AUGMENTATION_POLICIES: readonly ['none', 'flip', 'crop', 'rand', 'strong'] = [
  'none',
  'flip',
  'crop',
  'rand',
  'strong',
];

export interface PolicyOptions {
  /** Height and width of what comes out. */
  readonly size: readonly [number, number];
  /** Whether images may be mirrored. Default true. */
  readonly flip?: boolean;
  /** What erased places become, 0 to 255 per channel: the mean of the data, which is 0 to the model. Default 0. */
  readonly mean?: readonly number[];
}

/** What a policy does to an image; 'none' and 'flip' leave its size as it is. */
export function augmentationOf(policy: AugmentationPolicy, { size, flip = true, mean }: PolicyOptions): Augmentation {
  const level = AUGMENTATION_POLICIES.indexOf(policy);
  if (level < 0) throw new RangeError(`there is no policy '${policy}'; there are: ${AUGMENTATION_POLICIES.join(', ')}`);
  const [height, width] = size;
  return compose(
    ...(level >= 2 ? [randomResizedCrop(width, height)] : []),
    ...(level >= 1 && flip ? [randomHorizontalFlip()] : []),
    ...(level >= 3 ? [randAugment()] : []),
    ...(level >= 4 ? [randomErasing({ probability: 0.25, value: mean ?? 0 })] : []),
  );
}
