export { gaussianBlur } from './augment/blur.ts';
export {
  adjustBrightness,
  adjustContrast,
  adjustHue,
  adjustSaturation,
  adjustSharpness,
  autocontrast,
  equalize,
  grayscale,
  invert,
  posterize,
  solarize,
} from './augment/colour.ts';
export { type AffineOptions, affineImage, flipHorizontal, flipVertical, rotateImage } from './augment/geometry.ts';
export { cutmix, type MixedBatch, type MixOptions, mixup, oneHot } from './augment/mix.ts';
export {
  AUGMENTATION_POLICIES,
  type AugmentationPolicy,
  augmentationOf,
  type PolicyOptions,
} from './augment/policy.ts';
export { type RandAugmentOptions, randAugment } from './augment/rand-augment.ts';
export {
  type Augmentation,
  type ColorJitterOptions,
  colorJitter,
  compose,
  type RandomAffineOptions,
  type RandomErasingOptions,
  type ResizedCropOptions,
  randomAffine,
  randomBlur,
  randomCrop,
  randomErasing,
  randomGrayscale,
  randomHorizontalFlip,
  randomResizedCrop,
  randomRotation,
  randomVerticalFlip,
  sometimes,
} from './augment/random.ts';
export { type IdxImages, readIdxImages, readIdxLabels } from './data/idx.ts';
export { type LabelledImages, readImageFolder } from './data/image-folder.ts';
export { type CifarOptions, cifarImages, idxImages, imageFolder, type LabelledImage } from './data/labelled-images.ts';
export { shiftedBatch } from './data/shift.ts';
export { attentionRollout } from './explain/attention-rollout.ts';
export type { Explainer, Explanation } from './explain/explainer.ts';
export { gradCam } from './explain/grad-cam.ts';
export { centerCrop, cropImage } from './image/crop.ts';
export { decodeImage, type Image, type ImageDecodeOptions } from './image/decode.ts';
export {
  type ImageConfig,
  imageProcessorOf,
  parseImageConfig,
  parseImageProcessor,
  parseTimmConfig,
} from './image/image-config.ts';
export { fitImage, normalizeImage, preprocess } from './image/preprocess.ts';
export { type Box, type Interpolation, type ResizeOptions, resizeImage } from './image/resize.ts';
export { ImageError, type ImageSource } from './image/source.ts';
export { calibrateImages, type ImageCalibrationOptions } from './inference/calibrate-images.ts';
export { ImageClassifier, type ImageLabel, type ImageLogits } from './inference/image-classifier.ts';
export { ImageEmbedder } from './inference/image-embedder.ts';
export { type ImageOutput, ImageProgram, type ImageProgramOptions } from './inference/image-program.ts';
export { ImageSegmenter, type Segmentation } from './inference/image-segmenter.ts';
export type { Activation } from './layers/activation.ts';
export { resizePositions } from './layers/positions.ts';
export { AlexNet, type AlexNetConfig } from './models/alexnet.ts';
export { AlexNet2012 } from './models/alexnet-2012.ts';
export { Backbone } from './models/backbone.ts';
export { type BackboneFolder, loadBackboneWeights, parseBackboneConfig } from './models/backbone-config.ts';
export { CifarResNet, type CifarResNetConfig } from './models/cifar-resnet.ts';
export { ConvNeXt, type ConvNeXtConfig } from './models/convnext.ts';
export { DenseNet, type DenseNetConfig } from './models/densenet.ts';
export { EfficientNet, type EfficientNetConfig } from './models/efficientnet.ts';
export { GoogLeNet, type GoogLeNetConfig } from './models/googlenet.ts';
export { LeNet5, type LeNetConfig } from './models/lenet.ts';
export { MLP, type MLPConfig } from './models/mlp.ts';
export { MobileNetV1, type MobileNetV1Config } from './models/mobilenet-v1.ts';
export { MobileNetV2, type MobileNetV2Config } from './models/mobilenet-v2.ts';
export { MobileNetV3, type MobileNetV3Config } from './models/mobilenet-v3.ts';
export { createModel, listModels, type ModelOptions } from './models/registry.ts';
export { ResNet, type ResNetConfig } from './models/resnet.ts';
export { ShuffleNetV2, type ShuffleNetV2Config } from './models/shufflenet-v2.ts';
export { SqueezeNet, type SqueezeNetConfig } from './models/squeezenet.ts';
export { type SwinConfig, SwinTransformer } from './models/swin.ts';
export { VGG, type VGGConfig } from './models/vgg.ts';
export { fitPositions, PatchEmbed, parseViTConfig, ViT, type ViTConfig } from './models/vit.ts';
export { Canvas, type Colour, encodePNG } from './pictures/canvas.ts';
export { confusionPicture } from './pictures/confusion-picture.ts';
export { explanationPicture } from './pictures/explanation-picture.ts';
export { type ClassMap, type HeatMap, heatOverlay, segmentationOverlay } from './pictures/overlays.ts';
export { type SheetItem, type SheetOptions, sheet } from './pictures/sheet.ts';
export { DenseSegmenter, type DenseSegmenterConfig } from './segmentation/dense-segmenter.ts';
export { FCN, type FCNConfig } from './segmentation/fcn.ts';
export {
  createSegmenter,
  listSegmenters,
  type SegmentationModel,
  type SegmenterOptions,
} from './segmentation/registry.ts';
export { Segmenter } from './segmentation/segmenter.ts';
export { parseSegmenterConfig, type SegmenterFolder } from './segmentation/segmenter-config.ts';
export { UNet, type UNetConfig } from './segmentation/unet.ts';
export { freezeFor, type TransferMode } from './transfer.ts';
