import type { Random } from '@rivulet/tensor';
import { cropImage } from '../image/crop.ts';
import type { Image } from '../image/decode.ts';
import { type Interpolation, resizeImage } from '../image/resize.ts';
import { gaussianBlur } from './blur.ts';
import { adjustBrightness, adjustContrast, adjustHue, adjustSaturation, grayscale } from './colour.ts';
import { type AffineOptions, affineImage, flipHorizontal, flipVertical } from './geometry.ts';

/** A random change of an image; the same numbers change it alike. The image that comes in stays as it was. */
export type Augmentation = (image: Image, random: Random) => Image;

type Range = readonly [low: number, high: number];

const between = ([low, high]: Range, random: Random): number => low + (high - low) * random.nextFloat();
/** A whole number from 0 to below `count`. */
const below = (count: number, random: Random): number => Math.floor(random.nextFloat() * count);

/** One after the other. */
export const compose =
  (...augmentations: readonly Augmentation[]): Augmentation =>
  (image, random) =>
    augmentations.reduce((changed, augmentation) => augmentation(changed, random), image);

/** With this probability. */
export const sometimes =
  (probability: number, augmentation: Augmentation): Augmentation =>
  (image, random) =>
    random.nextFloat() < probability ? augmentation(image, random) : image;

// The distributions are those of torchvision's classes of the same names.

export const randomHorizontalFlip = (probability = 0.5): Augmentation => sometimes(probability, flipHorizontal);
export const randomVerticalFlip = (probability = 0.5): Augmentation => sometimes(probability, flipVertical);
export const randomGrayscale = (probability = 0.1): Augmentation => sometimes(probability, grayscale);

/** A part of this size, anywhere; after `padding` black pixels on all sides. */
export const randomCrop =
  (width: number, height: number, padding = 0): Augmentation =>
  (image, random) => {
    const [free, down] = [image.width + 2 * padding - width, image.height + 2 * padding - height];
    if (free < 0 || down < 0)
      throw new RangeError(`randomCrop: ${image.width} × ${image.height} pixels are too few for ${width} × ${height}`);
    const top = below(down + 1, random) - padding;
    return cropImage(image, { left: below(free + 1, random) - padding, top, width, height });
  };

export interface ResizedCropOptions {
  /** The part's share of the image. Default [0.08, 1]. */
  readonly scale?: Range;
  /** Its width over its height. Default [3/4, 4/3]. */
  readonly ratio?: Range;
  /** Default 'bilinear'. */
  readonly interpolation?: Interpolation;
}

/** A part of random size, shape and place, resized (https://arxiv.org/abs/1409.4842, §6). */
export const randomResizedCrop =
  (width: number, height: number, options: ResizedCropOptions = {}): Augmentation =>
  (image, random) => {
    const { scale = [0.08, 1], ratio = [3 / 4, 4 / 3], interpolation = 'bilinear' } = options;
    const part = randomPart(image, scale, ratio, random) ?? middlePart(image, ratio);
    return resizeImage(cropImage(image, part), { width, height, interpolation });
  };

interface Part {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A part by its share and shape, tried ten times; null where none fits. */
function randomPart(image: Image, scale: Range, ratio: Range, random: Random): Part | null {
  for (let i = 0; i < 10; i++) {
    const area = image.width * image.height * between(scale, random);
    const aspect = Math.exp(between([Math.log(ratio[0]), Math.log(ratio[1])], random));
    const [width, height] = [Math.round(Math.sqrt(area * aspect)), Math.round(Math.sqrt(area / aspect))];
    if (width < 1 || height < 1 || width > image.width || height > image.height) continue;
    const top = below(image.height - height + 1, random);
    return { left: below(image.width - width + 1, random), top, width, height };
  }
  return null;
}

/** The largest part in the middle whose shape is allowed. */
function middlePart(image: Image, [low, high]: Range): Part {
  const aspect = Math.min(high, Math.max(low, image.width / image.height));
  const width = Math.max(1, Math.min(image.width, Math.round(image.height * aspect)));
  const height = Math.max(1, Math.min(image.height, Math.round(image.width / aspect)));
  const [left, top] = [Math.floor((image.width - width) / 2), Math.floor((image.height - height) / 2)];
  return { left, top, width, height };
}

export interface RandomAffineOptions extends Pick<AffineOptions, 'interpolation' | 'fill'> {
  /** Turns by up to so many degrees, either way. */
  readonly degrees: number;
  /** Moves by up to these shares of width and height. Default none. */
  readonly translate?: readonly [number, number];
  /** Default [1, 1]. */
  readonly scale?: Range;
  /** Shears by up to so many degrees along x and y. Default none. */
  readonly shear?: readonly [number, number];
}

export const randomAffine =
  ({ degrees, translate = [0, 0], scale = [1, 1], shear = [0, 0], ...options }: RandomAffineOptions): Augmentation =>
  (image, random) => {
    const both = (most: number): number => between([-most, most], random);
    const angle = both(degrees);
    const move = [Math.round(both(translate[0] * image.width)), Math.round(both(translate[1] * image.height))] as const;
    const size = between(scale, random);
    return affineImage(image, {
      ...options,
      angle,
      translate: move,
      scale: size,
      shear: [both(shear[0]), both(shear[1])],
    });
  };

export const randomRotation = (
  degrees: number,
  options: Pick<AffineOptions, 'interpolation' | 'fill'> = {},
): Augmentation => randomAffine({ degrees, ...options });

export interface ColorJitterOptions {
  /** Factors from 1 − x, at least 0, to 1 + x. Default 0: left as it is. */
  readonly brightness?: number;
  readonly contrast?: number;
  readonly saturation?: number;
  /** Shares of the circle of colours, either way, up to 0.5. Default 0. */
  readonly hue?: number;
}

/** Brightness, contrast, saturation and hue, in random order. */
export const colorJitter = ({
  brightness = 0,
  contrast = 0,
  saturation = 0,
  hue = 0,
}: ColorJitterOptions): Augmentation => {
  if (!(hue >= 0 && hue <= 0.5)) throw new RangeError(`colorJitter: hue must be in [0, 0.5], got ${hue}`);
  const scaled =
    (most: number, adjust: (image: Image, factor: number) => Image): Augmentation =>
    (image, random) =>
      adjust(image, between([Math.max(0, 1 - most), 1 + most], random));
  const steps: [number, Augmentation][] = [
    [brightness, scaled(brightness, adjustBrightness)],
    [contrast, scaled(contrast, adjustContrast)],
    [saturation, scaled(saturation, adjustSaturation)],
    [hue, (image, random) => adjustHue(image, between([-hue, hue], random))],
  ];
  const used = steps.filter(([most]) => most > 0).map(([, step]) => step);
  return (image, random) => compose(...random.shuffle([...used]))(image, random);
};

/** A Gaussian blur over `size` pixels (odd), its sigma drawn. */
export const randomBlur =
  (size: number, sigma: Range = [0.1, 2]): Augmentation =>
  (image, random) =>
    gaussianBlur(image, size, between(sigma, random));

export interface RandomErasingOptions {
  /** Default 0.5. */
  readonly probability?: number;
  /** The erased share. Default [0.02, 0.33]. */
  readonly scale?: Range;
  /** Height over width. Default [0.3, 3.3]. */
  readonly ratio?: Range;
  /** What takes the place, one number per channel, or one for all. Default 0. */
  readonly value?: number | readonly number[];
}

/** Erases a rectangle (https://arxiv.org/abs/1708.04896). */
export const randomErasing = (options: RandomErasingOptions = {}): Augmentation => {
  const { probability = 0.5, scale = [0.02, 0.33], ratio = [0.3, 3.3], value = 0 } = options;
  return sometimes(probability, (image, random) => {
    const part = randomPart(image, scale, [1 / ratio[1], 1 / ratio[0]], random);
    if (!part) return image;
    const { width, channels } = image;
    const data = image.data.slice();
    for (let y = part.top; y < part.top + part.height; y++)
      for (let x = part.left; x < part.left + part.width; x++)
        for (let c = 0; c < channels; c++)
          data[(y * width + x) * channels + c] = typeof value === 'number' ? value : value[c]!;
    return { ...image, data };
  });
};
