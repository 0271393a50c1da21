import { type Module, StateDictError, type StateDictReport } from '@rivulet/nn';
import type { HostTensor } from '@rivulet/tensor';
import { type ImageConfig, parseImageConfig, parseTimmConfig } from '../image/image-config.ts';
import type { Backbone } from './backbone.ts';
import { createModel } from './registry.ts';

export interface BackboneFolder {
  /** Builds the network, untrained; the file may name one that there is not, which is told then. */
  create(): Backbone;
  readonly image: ImageConfig;
  /** null: the labels stand in a file of their own. */
  readonly labels: readonly string[] | null;
}

/**
 * Reads a config.json with the fields architecture, num_classes, width_mult, padding, image_size, dropout, classes, and preprocessing or
 * image (an `ImageConfig`); or timm's, whose pretrained_cfg says how images are prepared and whose label_names may name the classes.
 * @throws TypeError naming the field.
 */
export function parseBackboneConfig(json: Readonly<Record<string, unknown>>, architecture: string): BackboneFolder {
  const { num_classes: numClasses, width_mult: widthMult = 1, padding, pretrained_cfg: timm, dropout } = json;
  const ofTimm = timm === undefined ? null : parseTimmConfig((timm ?? {}) as Readonly<Record<string, unknown>>);
  const prepared = json.image === undefined ? ofTimm : parseImageConfig(json.image);
  const { image_size: side = prepared?.size[0] ?? 32, classes = json.label_names } = json;
  if (!isCount(numClasses))
    throw new TypeError(`num_classes must be a whole number from 1, got ${JSON.stringify(numClasses)}`);
  if (!isCount(side)) throw new TypeError(`image_size must be a whole number from 1, got ${JSON.stringify(side)}`);
  if (typeof widthMult !== 'number' || !(widthMult > 0))
    throw new TypeError(`width_mult must be a number above 0, got ${JSON.stringify(widthMult)}`);
  if (classes !== undefined && !isLabels(classes, numClasses))
    throw new TypeError(`classes must be a list of ${numClasses} strings`);
  if (dropout !== undefined && !(typeof dropout === 'number' && dropout >= 0 && dropout < 1))
    throw new TypeError(`dropout must be a number from 0 to below 1, got ${JSON.stringify(dropout)}`);
  const tensorflow = typeof padding === 'string' && padding.startsWith('TensorFlow SAME');
  const create = (): Backbone =>
    createModel(architecture, {
      numClasses,
      widthMult,
      imageSize: side,
      channels: 3,
      ...(dropout !== undefined && { dropout }),
      padding: tensorflow ? 'tensorflow' : 'symmetric',
    });
  return { create, image: prepared ?? parsePreprocessing(json.preprocessing, side), labels: classes ?? null };
}

function parsePreprocessing(json: unknown, side: number): ImageConfig {
  const { mean_255, std_255, mean, std, resize } = (json ?? {}) as Record<string, unknown>;
  const share = (values: unknown): unknown =>
    Array.isArray(values) ? values.map((value) => Number(value) / 255) : values;
  const crop = typeof resize === 'string' ? Number(/crop of (0?\.\d+)/.exec(resize)?.[1] ?? 1) : 1;
  return parseImageConfig({
    size: [side, side],
    channels: 3,
    mean: mean ?? share(mean_255),
    std: std ?? share(std_255),
    layout: 'center',
    crop,
  });
}

/**
 * Loads a checkpoint that may lack batch norm's counters, which older writers did not have.
 * @throws StateDictError where anything else does not fit.
 */
export function loadBackboneWeights(model: Module, weights: ReadonlyMap<string, HostTensor>): StateDictReport {
  const report = model.loadStateDict(weights, { strict: false });
  const missing = report.missing.filter((key) => !key.includes('num_batches_tracked'));
  if (missing.length > 0 || report.unexpected.length > 0) throw new StateDictError({ ...report, missing });
  return report;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1;

const isLabels = (value: unknown, count: number): value is string[] =>
  Array.isArray(value) && value.length === count && value.every((label) => typeof label === 'string');
