import type { Image } from '../image/decode.ts';
import {
  adjustBrightness,
  adjustContrast,
  adjustSaturation,
  adjustSharpness,
  autocontrast,
  equalize,
  posterize,
  solarize,
} from './colour.ts';
import { affineImage, rotateImage } from './geometry.ts';
import type { Augmentation } from './random.ts';

const degrees = (slope: number): number => (Math.atan(slope) * 180) / Math.PI;

/** By a strength from 0 to 1, whose sign is drawn where it makes sense; the ranges are torchvision's. */
const SIGNED: readonly ((image: Image, strength: number) => Image)[] = [
  (image, strength) => shearX(image, 0.3 * strength),
  (image, strength) => shearY(image, 0.3 * strength),
  (image, strength) => affineImage(image, { translate: [Math.trunc((150 / 331) * image.width * strength), 0] }),
  (image, strength) => affineImage(image, { translate: [0, Math.trunc((150 / 331) * image.height * strength)] }),
  (image, strength) => rotateImage(image, 30 * strength),
  (image, strength) => adjustBrightness(image, 1 + 0.9 * strength),
  (image, strength) => adjustSaturation(image, 1 + 0.9 * strength),
  (image, strength) => adjustContrast(image, 1 + 0.9 * strength),
  (image, strength) => adjustSharpness(image, 1 + 0.9 * strength),
];
const UNSIGNED: readonly ((image: Image, strength: number) => Image)[] = [
  (image) => image,
  (image, strength) => posterize(image, 8 - Math.round(strength * 4)),
  (image, strength) => solarize(image, 255 * (1 - strength)),
  autocontrast,
  equalize,
];

// Sheared from the top left corner, as in the paper: what the middle is moved by is taken back.
const shearX = (image: Image, slope: number): Image =>
  affineImage(image, { shear: [degrees(slope), 0], translate: [Math.trunc((slope * image.height) / 2), 0] });
const shearY = (image: Image, slope: number): Image =>
  affineImage(image, { shear: [0, degrees(slope)], translate: [0, Math.trunc((slope * image.width) / 2)] });

export interface RandAugmentOptions {
  /** Changes of an image. Default 2. */
  readonly count?: number;
  /** Their strength, from 0 to 30. Default 9. */
  readonly magnitude?: number;
}

/** RandAugment (https://arxiv.org/abs/1909.13719): some of fourteen changes, all of one strength. */
export function randAugment({ count = 2, magnitude = 9 }: RandAugmentOptions = {}): Augmentation {
  if (!(magnitude >= 0 && magnitude <= 30))
    throw new RangeError(`randAugment: magnitude must be from 0 to 30, got ${magnitude}`);
  const strength = magnitude / 30;
  return (image, random) => {
    let changed = image;
    for (let i = 0; i < count; i++) {
      const kind = Math.floor(random.nextFloat() * (SIGNED.length + UNSIGNED.length));
      const sign = random.nextFloat() < 0.5 ? -1 : 1;
      const signed = SIGNED[kind];
      changed = signed ? signed(changed, sign * strength) : UNSIGNED[kind - SIGNED.length]!(changed, strength);
    }
    return changed;
  };
}
