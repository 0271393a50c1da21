export { type IdxImages, readIdxImages, readIdxLabels } from './data/idx.ts';
export { shiftedBatch } from './data/shift.ts';
export { decodeImage, type Image, type ImageDecodeOptions, ImageError } from './image/decode.ts';
export { type ImageConfig, parseImageConfig, preprocess } from './image/preprocess.ts';
export { ImageClassifier, type ImageLabel } from './image-classifier.ts';
export { PatchEmbed, parseViTConfig, ViT, type ViTConfig } from './models/vit.ts';
