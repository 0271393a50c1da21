/** The nearest multiple of 8, at least 8 and not more than a tenth below: how the MobileNets round channels. */
export function divisible(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}
