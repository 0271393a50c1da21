/** Throws a RangeError that names the option unless it is a whole number from `least`. */
export function checkWhole(name: string, value: number, least = 1): void {
  if (!Number.isInteger(value) || value < least)
    throw new RangeError(`${name} must be a whole number from ${least}, got ${value}`);
}

/** Throws a RangeError that names the option unless it is a finite number from 0. */
export function checkDuration(name: string, value: number): void {
  if (!Number.isFinite(value) || value < 0) throw new RangeError(`${name} must be a number of ms from 0, got ${value}`);
}
