import { InvalidArgumentError } from 'commander';

/** A whole number from 0. */
export function natural(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError('expected a whole number.');
  return value;
}

/** Any number; what it may be is said where it is used. */
export function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('expected a number.');
  return value;
}

/** A number from 0. */
export function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new InvalidArgumentError('expected a number from 0.');
  return value;
}

/** A number in [0, 1). */
export function share(text: string): number {
  const value = positive(text);
  if (value >= 1) throw new InvalidArgumentError('expected a number from 0 to below 1.');
  return value;
}
