import { type WeightFormat, weightFormats } from '@rivulet/tensor';
import { Option } from 'commander';

export interface WeightsOption {
  readonly weights: WeightFormat;
}

export function weightsOption(): Option {
  const what =
    'how weights of linear layers are kept; int8 and int4 take less memory, and a token less time; int8: convolutions too, where the ' +
    'folder is calibrated (rivulet calibrate)';
  return new Option('--weights <format>', what).choices(weightFormats).default('float32');
}
