import './eager.ts'; // lets expressions run by themselves

export { gradients, gradientsInParts, vjp } from './autodiff.ts';
export type { Backend, BackendName, HostTensor, Session, SessionOptions } from './backend/backend.ts';
export { defaultBackend, openBackend } from './backend/select.ts';
export {
  Checkpoint,
  type MetadataValue,
  type RawTensor,
  type ReadOptions,
  type TensorInfo,
} from './checkpoint/checkpoint.ts';
export { CheckpointError } from './checkpoint/checkpoint-error.ts';
export { openCheckpoint, readCheckpoint } from './checkpoint/open-checkpoint.ts';
export { type FileContent, replaceFile, replaceFiles } from './checkpoint/replace-file.ts';
export { openSafetensors, parseSafetensors, readSafetensors } from './checkpoint/safetensors.ts';
export { type WriteOptions, writeSafetensors } from './checkpoint/safetensors-write.ts';
export { openTorch } from './checkpoint/torch.ts';
export type { TorchOptions } from './checkpoint/torch-values.ts';
export {
  Compiled,
  type CompileOptions,
  compile,
  type Outputs,
  type Results,
  type WeightOptions,
} from './compile.ts';
export { CompiledStep, compileStep, type StepOptions, type StepProgram } from './compile-step.ts';
export { arange, linspace, ones, rand, randint, randn, zeros } from './constructors.ts';
export { addDims, type Dim, formatShape, type Shape, SymbolicDim, sameDim, sameShape, symbol } from './dim.ts';
export { allocate, type DType, dtypes, type TypedArray } from './dtype.ts';
export { ShapeError } from './errors.ts';
export { exportONNX, type SaveONNXOptions, saveONNX } from './export-onnx.ts';
export type { Feeds, InputSpec, InputSpecs, Inputs } from './feeds.ts';
export { FileError } from './file-error.ts';
export { inputsOf, resolve, topological } from './graph.ts';
export { JoinedRuns, type JoinedRunsOptions } from './joined-runs.ts';
export { type WeightFormat, weightFormats } from './lowering/packed-weights.ts';
export type { Node } from './node.ts';
export { eye, flip, type PadMode } from './ops/arrange.ts';
export { einsum } from './ops/einsum.ts';
export { gru, gruStep } from './ops/gru.ts';
export { embedding } from './ops/indexing.ts';
export { concat, full, iota, stack } from './ops/layout.ts';
export { type LSTMState, lstm, lstmStep } from './ops/lstm.ts';
export { addmm } from './ops/matmul.ts';
export type { ResizeMode } from './ops/resize.ts';
export { type Nonlinearity, rnn, rnnStep } from './ops/rnn.ts';
export { type ScanOptions, type ScanStep, scan } from './ops/scan.ts';
export { type OpAttributes, type OpName, ops } from './ops/table.ts';
export { type PerAxis, perAxis, reach } from './ops/windows.ts';
export type { NestedValues } from './print.ts';
export {
  type CalibrationMethod,
  type CalibrationOptions,
  calibrate,
  calibrationMethods,
} from './quantization/calibrate.ts';
export { type ActivationRange, type Calibration, parseCalibration } from './quantization/calibration.ts';
export { type EachOf, eachOf } from './quantization/each-of.ts';
export { type Random, seeded, xoshiro128 } from './random.ts';
export type { InParts } from './slices.ts';
export {
  apply,
  applyAll,
  buffer,
  bufferOf,
  constant,
  hostTensor,
  input,
  type MatmulOptions,
  type NestedArray,
  type ParameterNode,
  parameter,
  type Scalar,
  scalar,
  Tensor,
  tensor,
} from './tensor.ts';
export { currentTrace, type Trace } from './trace.ts';
