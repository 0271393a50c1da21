import { INTERPOLATIONS, type Interpolation } from './resize.ts';

/** How a model wants its images: the `image` block of config.json. */
export interface ImageConfig {
  /** Height and width. */
  readonly size: readonly [number, number];
  readonly channels: 1 | 3;
  /** Per channel, of values in [0, 1]. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /**
   * 'center': the middle is cut out and resized. 'shorter-side': the shorter side is resized, then the middle is cut out, as torchvision
   * and timm do. 'squash': the whole image is resized, whatever its shape, before that. 'mnist': the ink is found, scaled and centred as MNIST's
   * makers did, and dark ink on a light ground is inverted.
   */
  readonly layout: 'center' | 'shorter-side' | 'squash' | 'mnist';
  /** Of 'center': the share of the shorter side that is kept, in (0, 1]. Default 1. */
  readonly crop?: number;
  /** Of 'shorter-side' its length, of 'squash' both sides, in pixels, before the middle is cut out. Default: the model's size. */
  readonly resize?: number;
  /** Default 'bilinear', with antialiasing as Pillow's. */
  readonly interpolation?: Interpolation;
}

type Json = Readonly<Record<string, unknown>>;

const LAYOUTS = ['center', 'shorter-side', 'squash', 'mnist'];
const listed = (names: readonly string[]): string =>
  names
    .map((name) => `'${name}'`)
    .join(', ')
    .replace(/, ([^,]*)$/, ' or $1');

/** Checks what was read from a file. @throws TypeError naming the field. */
export function parseImageConfig(json: unknown): ImageConfig {
  const { size, channels, mean, std, layout, crop = 1, resize, interpolation = 'bilinear' } = (json ?? {}) as Json;
  const numbers = (value: unknown, count: number): boolean =>
    Array.isArray(value) && value.length === count && value.every((n) => typeof n === 'number' && Number.isFinite(n));
  const want = (ok: boolean, field: string, expected: string, value: unknown): void => {
    if (!ok) throw new TypeError(`image.${field} must be ${expected}, got ${JSON.stringify(value)}`);
  };
  want(numbers(size, 2) && (size as number[]).every(isCount), 'size', '[height, width]', size);
  want(channels === 1 || channels === 3, 'channels', '1 or 3', channels);
  want(numbers(mean, channels as number), 'mean', 'one number per channel', mean);
  want(
    numbers(std, channels as number) && (std as number[]).every((n) => n > 0),
    'std',
    'one number above 0 per channel',
    std,
  );
  want(LAYOUTS.includes(layout as string), 'layout', listed(LAYOUTS), layout);
  want(layout !== 'mnist' || channels === 1, 'channels', "1 with the layout 'mnist'", channels);
  want(typeof crop === 'number' && crop > 0 && crop <= 1, 'crop', 'a number in (0, 1]', crop);
  const least = Math.max(...(size as number[]));
  want(resize === undefined || (isCount(resize) && resize >= least), 'resize', `a whole number from ${least}`, resize);
  want(INTERPOLATIONS.includes(interpolation as Interpolation), 'interpolation', listed(INTERPOLATIONS), interpolation);
  return json as ImageConfig;
}

/**
 * timm's `pretrained_cfg`: input_size [C, H, W], mean, std, crop_pct, crop_mode and interpolation.
 * @throws TypeError naming the field.
 */
export function parseTimmConfig(json: Json): ImageConfig {
  const { input_size: input, mean, std, crop_pct: share = 0.875, crop_mode: mode = 'center', interpolation } = json;
  const [channels, ...size] = (Array.isArray(input) ? input : []) as number[];
  if (size.length !== 2)
    throw new TypeError(`pretrained_cfg.input_size must be [channels, height, width], got ${JSON.stringify(input)}`);
  if (mode !== 'center' && mode !== 'squash')
    throw new TypeError(`pretrained_cfg.crop_mode must be 'center' or 'squash', got ${JSON.stringify(mode)}`);
  const before = Math.floor(Math.max(...size) / (share as number));
  const layout = mode === 'center' ? { layout: 'shorter-side', resize: before } : { layout: 'squash', resize: before };
  return parseImageConfig({
    size,
    channels,
    mean,
    std,
    ...layout,
    ...(interpolation !== undefined && { interpolation }),
  });
}

/** Hugging Face's numbers of Pillow's filters. */
const RESAMPLE: readonly Interpolation[] = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming'];

/**
 * Hugging Face's preprocessor_config.json of an image classifier: size, crop_size, crop_pct, resample, rescale_factor, image_mean
 * and image_std.
 * @throws TypeError naming the field.
 */
export function parseImageProcessor(json: Json): ImageConfig {
  const { crop_pct: share, do_normalize: normalizes = true, rescale_factor: rescale = 1 / 255, resample } = json;
  const type = String(json.image_processor_type ?? json.feature_extractor_type ?? '');
  const given = sidesOf(json.size, /^(ViT|Deit|DeiT|Beit)/.test(type));
  if (!given)
    throw new TypeError(
      `size must be a number, { shortest_edge } or { height, width }, got ${JSON.stringify(json.size)}`,
    );
  const factor = (rescale as number) * 255; // what is normalized is x · rescale, not x / 255
  const scaled = (values: unknown, otherwise: number): unknown => {
    if (!normalizes) return Array(3).fill(otherwise / factor);
    return Array.isArray(values) ? values.map((value) => Number(value) / factor) : values;
  };
  const common = {
    channels: 3,
    mean: scaled(json.image_mean, 0),
    std: scaled(json.image_std, 1),
    ...(resample !== undefined && { interpolation: RESAMPLE[resample as number] ?? resample }),
  };
  const crop = json.do_center_crop === false ? null : sidesOf(json.crop_size, true);
  if (typeof share === 'number') {
    // ConvNeXt's: large sizes are not cropped.
    const [side] = given.sides as [number];
    const layout = side < 384 ? { layout: 'shorter-side', resize: Math.trunc(side / share) } : { layout: 'squash' };
    return parseImageConfig({ ...common, ...layout, size: [side, side] });
  }
  const size = crop?.sides ?? given.sides;
  if (!given.shortest && given.sides[0] !== given.sides[1] && crop)
    throw new TypeError('a size that is not square cannot be cropped further: leave out crop_size');
  const resize = crop ? { resize: given.sides[0] } : {};
  return parseImageConfig({ ...common, layout: given.shortest ? 'shorter-side' : 'squash', size, ...resize });
}

/**
 * The preprocessor_config.json that says the same, for programs of Hugging Face's; null where theirs have no counterpart: grey images,
 * and the layout 'mnist'. Where we cut and then resize, they resize and then cut.
 */
export function imageProcessorOf(config: ImageConfig): Json | null {
  const { size, channels, mean, std, layout, crop = 1, resize, interpolation = 'bilinear' } = config;
  if (channels !== 3 || layout === 'mnist') return null;
  const [height, width] = size;
  const shorter = resize ?? Math.round(Math.min(height, width) / (layout === 'center' ? crop : 1));
  const cuts = layout !== 'squash' || resize !== undefined;
  const squashed = resize === undefined ? { height, width } : { height: resize, width: resize };
  return {
    image_processor_type: cuts ? 'BitImageProcessor' : 'ViTImageProcessor',
    do_convert_rgb: true,
    do_resize: true,
    size: layout === 'squash' ? squashed : { shortest_edge: shorter },
    resample: RESAMPLE.indexOf(interpolation),
    do_center_crop: cuts,
    ...(cuts && { crop_size: { height, width } }),
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: mean,
    image_std: std,
  };
}

/** @param square whether a number alone means both sides. */
function sidesOf(
  value: unknown,
  square: boolean,
): { readonly sides: readonly number[]; readonly shortest: boolean } | null {
  if (isCount(value)) return { sides: [value, value], shortest: !square };
  const { shortest_edge: shortest, height, width } = (value ?? {}) as Json;
  if (isCount(shortest)) return { sides: [shortest, shortest], shortest: true };
  return isCount(height) && isCount(width) ? { sides: [height, width], shortest: false } : null;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1;
