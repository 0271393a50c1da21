import type { Session } from '../backend/backend.ts';
import { type BackendChoice, chooseBackend } from '../backend/select.ts';
import { type Outputs, traceInference } from '../compile.ts';
import { type Feeds, type InputSpecs, type Inputs, orderFeeds } from '../feeds.ts';
import { HeldWeights } from '../held.ts';
import { lowerInParts } from '../lowering/lower.ts';
import { encodeInParts } from '../onnx/encode.ts';
import { inSlices } from '../slices.ts';
import type { ActivationRange, Calibration } from './calibration.ts';
import { type EachOf, eachOf } from './each-of.ts';
import { Histogram } from './histogram.ts';
import { observed } from './observed.ts';
import { type Sites, sitesOf } from './quantize-model.ts';

export interface CalibrationOptions extends BackendChoice {
  /**
   * Which values 256 steps are to cover: 'mse' the range with the least squared error of rounding and cutting off, 'percentile' all but the
   * outermost, 'minmax' all. Default 'mse'.
   */
  readonly method?: CalibrationMethod;
  /** Of 'percentile': how many of the values, in percent, above 50. Default 99.99. */
  readonly percentile?: number;
}

export type CalibrationMethod = 'mse' | 'percentile' | 'minmax';

export const calibrationMethods: readonly CalibrationMethod[] = ['mse', 'percentile', 'minmax'];

/**
 * Looks at the activations of a network, in float32, over batches like those that it will see, so that `compile` and `exportONNX` can write
 * its convolutions in whole numbers: `{ weights: 'int8', calibration }`. A hundred images are enough. All activations of a batch are in
 * memory at once: batches of eight images of 224 × 224 take some hundred MiB.
 * @param build what will be compiled, or more of it: a part from the inputs on needs a part of the calibration.
 * @throws RangeError where no batch is given, where the graph has no convolution, where activations are no finite numbers, and for a
 * percentile outside; TypeError for an unknown method; ShapeError naming the input that is missing or does not fit.
 */
export async function calibrate<I extends InputSpecs>(
  specs: I,
  build: (inputs: Inputs<I>) => Outputs,
  batches: EachOf<Feeds<I>>,
  { method = 'mse', percentile = 99.99, backend, ...settings }: CalibrationOptions = {},
): Promise<Calibration> {
  const rangeOf = chosen(method, percentile);
  const { feeds, outputs } = traceInference(specs, build);
  const held = new HeldWeights(outputs.map(({ tensor }) => tensor)); // those of now, until the session has them
  let session: Session;
  let names: { readonly [K in keyof Sites]: readonly string[] };
  try {
    const { model, sites } = await inSlices(sitesOf(await inSlices(lowerInParts(feeds, outputs, { held }))));
    names = { ranges: [...sites.ranges.keys()], means: [...sites.means.keys()], peaks: [...sites.peaks.keys()] };
    const bytes = await inSlices(encodeInParts(observed(model, sites)));
    session = await (await chooseBackend(backend)).createSession(bytes, settings);
  } finally {
    held.release();
  }
  const histograms = names.ranges.map(() => new Histogram());
  const sums = names.means.map((): number[] => []);
  const peaks = names.peaks.map((): number[] => []);
  let count = 0;
  let total = 0;
  try {
    for await (const batch of eachOf(batches)) {
      const results = await session.run(orderFeeds(specs, batch));
      histograms.forEach((histogram, i) => {
        if (!histogram.add(results[i]!.data as Float32Array))
          throw new RangeError(
            `calibrate: batch ${count} gives values of '${names.ranges[i]}' that are no finite numbers`,
          );
      });
      const size = results[0]!.data.length; // batches count as they are large
      total += size;
      const [means, largest] = [results.slice(histograms.length), results.slice(histograms.length + sums.length)];
      sums.forEach((sum, i) => {
        means[i]!.data.forEach((mean, channel) => {
          sum[channel] = (sum[channel] ?? 0) + size * Number(mean);
        });
      });
      peaks.forEach((peak, i) => {
        largest[i]!.data.forEach((value, channel) => {
          peak[channel] = Math.max(peak[channel] ?? Number.NEGATIVE_INFINITY, Number(value));
        });
      });
      count++;
    }
  } finally {
    await session.dispose();
  }
  if (count === 0) throw new RangeError('calibrate: no batches were given; the ranges of activations come from them');
  return {
    ranges: Object.fromEntries(names.ranges.map((name, i) => [name, rangeOf(histograms[i]!)])),
    means: Object.fromEntries(names.means.map((name, i) => [name, sums[i]!.map((sum) => short(sum / total))])),
    peaks: Object.fromEntries(names.peaks.map((name, i) => [name, peaks[i]!.map(short)])),
  };
}

function chosen(method: CalibrationMethod, percentile: number): (histogram: Histogram) => ActivationRange {
  if (!calibrationMethods.includes(method))
    throw new TypeError(`there is no calibration method '${method}'; there are: ${calibrationMethods.join(', ')}`);
  if (!(percentile > 50 && percentile <= 100))
    throw new RangeError(`percentile must be above 50 and at most 100, got ${percentile}`);
  return (histogram) => {
    const { min, max } =
      method === 'mse' ? histogram.leastError() : method === 'minmax' ? histogram : histogram.percentile(percentile);
    return { min: short(min), max: short(max) };
  };
}

/** Six digits: more than 256 steps can tell apart. */
const short = (value: number): number => Number(value.toPrecision(6));
