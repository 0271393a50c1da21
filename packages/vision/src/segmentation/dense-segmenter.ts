import { interpolate, type Layer, sequential } from '@rivulet/nn';
import type { Tensor } from '@rivulet/tensor';
import type { Backbone } from '../models/backbone.ts';
import { deepLabHead, fcnHead } from './heads.ts';
import { levelsOf, Segmenter } from './segmenter.ts';

export interface DenseSegmenterConfig {
  /** One whose last stages dilate keeps the map fine: `new ResNet({ …, dilate: [false, true, true] })`. */
  readonly backbone: Backbone;
  /** 'fcn': two convolutions; 'deeplab': DeepLabV3's pyramid of dilated ones. */
  readonly head: 'fcn' | 'deeplab';
  readonly numClasses: number;
  /** A second head on the stage before the last, for training. Default false. */
  readonly auxiliary?: boolean;
  /** Probability of dropout within the heads. Default 0.1, of DeepLabV3's pyramid 0.5. */
  readonly dropout?: number;
}

/**
 * A head on the last feature map, enlarged to the image: fcn_resnet50 (https://arxiv.org/abs/1411.4038, made simple) and DeepLabV3
 * (https://arxiv.org/abs/1706.05587). Parameters as in torchvision's `segmentation.FCN` and `DeepLabV3`.
 */
export class DenseSegmenter extends Segmenter {
  readonly classifier: Layer[];
  readonly aux_classifier: Layer[] | null;
  readonly #levels: readonly number[];

  constructor({ backbone, head, numClasses, auxiliary = false, dropout }: DenseSegmenterConfig) {
    const last = backbone.stages().length - 1;
    const levels = auxiliary ? [last, last - 1] : [last];
    super(backbone, levels);
    this.#levels = levels;
    const [fine, coarse] = levelsOf(backbone, levels).map(({ channels }) => channels);
    this.classifier =
      head === 'fcn' ? fcnHead(fine!, numClasses, dropout ?? 0.1) : deepLabHead(fine!, numClasses, dropout ?? 0.5);
    this.aux_classifier = coarse === undefined ? null : fcnHead(coarse, numClasses, dropout ?? 0.1);
  }

  forward(x: Tensor): Tensor {
    return this.forwardWithAuxiliary(x).logits;
  }

  /** As `forward`, with the second head's logits [N, classes, H, W]; torchvision trains on logits + 0.5·aux. */
  forwardWithAuxiliary(x: Tensor): { readonly logits: Tensor; readonly aux: Tensor | null } {
    const [features, before] = this.backbone.featureMaps(x, this.#levels);
    const size = [x.size(2), x.size(3)];
    const enlarged = (y: Tensor, layers: readonly Layer[]): Tensor =>
      interpolate(sequential(y, layers), { size, mode: 'bilinear' });
    return {
      logits: enlarged(features!, this.classifier),
      aux: this.aux_classifier && enlarged(before!, this.aux_classifier),
    };
  }
}
