/** The derivative of log Γ for x > 0: its recurrence up to 7, its asymptotic series from there. */
export function digamma(x: number): number {
  let at = x;
  let sum = 0;
  for (; at < 7; at++) sum -= 1 / at;
  const square = 1 / (at * at);
  const series = square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square * (1 / 240 - square / 132))));
  return sum + Math.log(at) - 1 / (2 * at) - series;
}
