/** The nearest multiple of 8, at least 8 and not more than a tenth below: how the MobileNets round channels. */
export function divisible(channels: number, by = 8): number {
  const rounded = Math.max(by, Math.floor((channels + by / 2) / by) * by);
  return rounded < 0.9 * channels ? rounded + by : rounded;
}
