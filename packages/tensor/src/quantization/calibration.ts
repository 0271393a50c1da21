/** The least and the greatest value of an activation: what its 256 steps are to cover. */
export interface ActivationRange {
  readonly min: number;
  readonly max: number;
}

/**
 * What `calibrate` saw of a network's activations, by names that count the operations of its graph. It is plain JSON: write it to a file,
 * and give it back through `parseCalibration`. It belongs to one network with its weights.
 */
export interface Calibration {
  /** Of every activation that whole numbers stand for. */
  readonly ranges: Readonly<Record<string, ActivationRange>>;
  /** The mean of each channel of what convolutions read. */
  readonly means: Readonly<Record<string, readonly number[]>>;
  /** The largest value of each channel of what goes through a ReLU to one convolution alone. */
  readonly peaks: Readonly<Record<string, readonly number[]>>;
}

/** A calibration from JSON. @throws TypeError naming the entry that is wrong. */
export function parseCalibration(json: unknown): Calibration {
  const { ranges, means, peaks } = asObject(json, 'a calibration');
  for (const [name, range] of Object.entries(asObject(ranges, "a calibration's 'ranges'"))) {
    const { min, max } = asObject(range, `the range '${name}' of a calibration`);
    if (!isNumber(min) || !isNumber(max) || min > max)
      throw new TypeError(
        `the range '${name}' of a calibration must have finite numbers min ≤ max, got ${JSON.stringify(range)}`,
      );
  }
  for (const [what, entries] of Object.entries({ means, peaks }))
    for (const [name, values] of Object.entries(asObject(entries, `a calibration's '${what}'`)))
      if (!Array.isArray(values) || !values.every(isNumber))
        throw new TypeError(`the ${what} '${name}' of a calibration must be a list of finite numbers`);
  return json as Calibration;
}

const isNumber = (value: unknown): value is number => Number.isFinite(value);

function asObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError(`${what} must be an object, got ${JSON.stringify(value)}`);
  return value as Record<string, unknown>;
}
