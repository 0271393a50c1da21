export {
  argmax,
  type DecodingSession,
  type GenerateOptions,
  type GenerationEnd,
  type GenerationEvent,
  generate as generateEvents,
  type LanguageModel,
  logSumExp,
  type Peaks,
  sampleToken,
} from '@rivulet/generation';
export * from '@rivulet/nn';
export * from '@rivulet/recurrent';
export * from '@rivulet/seq2seq';
export * from '@rivulet/stream';
export * from '@rivulet/tensor';
// The constructor of tensors; the initializer of that name stays in @rivulet/nn.
export { ones } from '@rivulet/tensor';
export * from '@rivulet/tokenizer';
export * from '@rivulet/training';
export * from '@rivulet/transformer';
export * from '@rivulet/vision';
export { calibrateModel } from './calibrate-model.ts';
export { type ExportOptions, exportModel } from './export/export-model.ts';
export {
  type ImageFolder,
  type ImageModel,
  type LoadOptions,
  load,
  loadImage,
  loadSegmentation,
  loadText,
  ModelError,
  readImageModel,
  type SegmentationModel,
  type TextModel,
} from './load.ts';
export { type ModelFiles, saveModelFolder } from './model-folder.ts';
export { type Served, type ServeOptions, serveModel } from './serve/serve-model.ts';
