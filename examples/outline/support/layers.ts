import { BatchNorm2d, Conv2d, type Layer } from '@rivulet/nn';

/** Convolution that keeps the size (over the stride), batch norm and ReLU. */
export const unit = (inputs: number, outputs: number, kernel: number, { stride = 1, groups = 1 } = {}): Layer[] => [
  new Conv2d(inputs, outputs, kernel, { stride, groups, padding: (kernel - 1) / 2, bias: false }),
  new BatchNorm2d(outputs),
  (x) => x.relu(),
];
