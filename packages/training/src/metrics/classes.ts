/** Class numbers, such as the data of an integer tensor. */
export type Classes = ArrayLike<number> | ArrayLike<bigint>;

/** Calls `visit` for every pair of a prediction and its target. @throws RangeError where the lists differ in length. */
export function eachPair(
  metric: string,
  predictions: Classes,
  targets: Classes,
  ignoreIndex: number | undefined,
  visit: (prediction: number, target: number, at: number) => void,
): void {
  if (predictions.length !== targets.length)
    throw new RangeError(`${metric}: ${predictions.length} predictions for ${targets.length} targets`);
  for (let i = 0; i < targets.length; i++) {
    const target = Number(targets[i]);
    if (target !== ignoreIndex) visit(Number(predictions[i]), target, i);
  }
}

/** @throws RangeError where a class is not one of them. */
export function wantClass(metric: string, what: string, value: number, classes: number, at: number): void {
  if (!(Number.isInteger(value) && value >= 0 && value < classes))
    throw new RangeError(`${metric}: ${what} ${at} is ${value}, expected a class from 0 to ${classes - 1}`);
}
