/**
 * A number of a file as the reference reads it: its shortest digits as one whole number, over a power of ten. Each of the two steps
 * rounds, so that the last bit can differ from JavaScript's, which rounds once; two ways to cut a word of equal scores differ by
 * just that.
 */
export function readDecimal(value: number): number {
  const parts = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value));
  if (!parts) return value; // not finite
  const [, sign, whole, fraction = '', exponent = '0'] = parts;
  const magnitude = Number(whole! + fraction);
  const power = Number(exponent) - fraction.length;
  // Beyond it a power of ten is no double; nor has a score that many digits.
  if (Math.abs(power) > 308) return value;
  const read = power < 0 ? magnitude / 10 ** -power : magnitude * 10 ** power;
  return sign ? -read : read;
}
