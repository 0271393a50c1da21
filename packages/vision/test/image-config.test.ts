import {
  type ImageConfig,
  imageProcessorOf,
  parseBackboneConfig,
  parseImageProcessor,
  parseTimmConfig,
} from '@rivulet/vision';
import { expect } from 'chai';

const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const half = [0.5, 0.5, 0.5];

describe("timm's pretrained_cfg", () => {
  const resnet = {
    input_size: [3, 224, 224],
    interpolation: 'bicubic',
    crop_pct: 0.95,
    crop_mode: 'center',
    ...imagenet,
  };

  it('says how images are prepared', () => {
    const common = { size: [224, 224], channels: 3, ...imagenet };
    expect(parseTimmConfig(resnet)).to.deep.equal({
      ...common,
      layout: 'shorter-side',
      resize: 235,
      interpolation: 'bicubic',
    });
    const { crop_pct: _, interpolation: __, ...bare } = resnet;
    expect(parseTimmConfig(bare)).to.deep.equal({ ...common, layout: 'shorter-side', resize: 256 });
    expect(parseTimmConfig({ ...resnet, crop_pct: 1, crop_mode: 'squash' })).to.include({
      layout: 'squash',
      resize: 224,
    });
  });

  it('belongs to the config.json of a model', () => {
    const json = { architecture: 'resnet18', num_classes: 2, label_names: ['cat', 'dog'], pretrained_cfg: resnet };
    const { image, labels } = parseBackboneConfig(json, 'resnet18');
    expect(image.resize).to.equal(235);
    expect(labels).to.deep.equal(['cat', 'dog']);
  });

  it('names the field that is wrong', () => {
    const wrong: [object, RegExp][] = [
      [{ input_size: 224 }, /pretrained_cfg\.input_size must be \[channels, height, width\], got 224/],
      [{ crop_mode: 'border' }, /pretrained_cfg\.crop_mode must be 'center' or 'squash', got "border"/],
      [{ mean: undefined }, /image\.mean must be one number per channel/],
      [{ interpolation: 'random' }, /image\.interpolation must be 'nearest'/],
    ];
    for (const [changes, message] of wrong)
      expect(() => parseTimmConfig({ ...resnet, ...changes })).to.throw(TypeError, message);
  });
});

describe("Hugging Face's preprocessor_config.json", () => {
  const vit = { image_processor_type: 'ViTImageProcessor', size: 224, resample: 2, image_mean: half, image_std: half };
  const read = (json: object): ImageConfig => parseImageProcessor(json as Readonly<Record<string, unknown>>);
  const common = { channels: 3, mean: half, std: half };

  it('squashes for ViT, and crops what DeiT squashed', () => {
    const squashed = { ...common, size: [224, 224], layout: 'squash' };
    expect(read(vit)).to.deep.equal({ ...squashed, interpolation: 'bilinear' });
    expect(read({ ...vit, size: { height: 224, width: 224 }, resample: 3 }).interpolation).to.equal('bicubic');
    const deit = { ...vit, size: { height: 256, width: 256 }, crop_size: { height: 224, width: 224 } };
    expect(read(deit)).to.deep.equal({ ...squashed, resize: 256, interpolation: 'bilinear' });
    expect(read({ ...deit, do_center_crop: false }).size).to.deep.equal([256, 256]);
  });

  it('resizes the shorter side for ResNet, and by crop_pct for ConvNeXt', () => {
    const crops = { image_mean: half, image_std: half, size: { shortest_edge: 256 }, crop_size: 224 };
    expect(read(crops)).to.deep.equal({ ...common, size: [224, 224], layout: 'shorter-side', resize: 256 });
    const convnext = { image_mean: half, image_std: half, size: { shortest_edge: 224 }, crop_pct: 0.875 };
    expect(read(convnext)).to.deep.equal({ ...common, size: [224, 224], layout: 'shorter-side', resize: 256 });
    expect(read({ ...convnext, size: { shortest_edge: 384 } })).to.include({ layout: 'squash' });
  });

  it('takes scales of its own, and no normalization', () => {
    expect(read({ ...vit, rescale_factor: 2 / 255 }).mean).to.deep.equal([0.25, 0.25, 0.25]);
    expect(read({ ...vit, do_normalize: false })).to.deep.include({ mean: [0, 0, 0], std: [1, 1, 1] });
  });

  it('names the field that is wrong', () => {
    expect(() => read({ ...vit, size: 'large' })).to.throw(TypeError, /^size must be a number, .* got "large"/);
    expect(() => read({ ...vit, resample: 9 })).to.throw(TypeError, /image\.interpolation must be .* got 9/);
  });
});

describe('imageProcessorOf', () => {
  const common = { size: [24, 32], channels: 3, ...imagenet, interpolation: 'bicubic' } as const;
  const square = { ...common, size: [32, 32] } as const;
  const same: readonly ImageConfig[] = [
    { ...common, layout: 'shorter-side', resize: 40 },
    { ...common, layout: 'squash' },
    { ...square, layout: 'squash', resize: 40 },
  ];
  for (const config of same)
    it(`is read back as what it was made of: ${config.layout} to ${config.resize ?? 'the size'}`, () => {
      expect(parseImageProcessor(imageProcessorOf(config)!)).to.deep.equal(config);
    });

  it('resizes and then cuts where we cut and then resize', () => {
    const config = { ...square, layout: 'center', crop: 0.8 } as const;
    expect(parseImageProcessor(imageProcessorOf(config)!)).to.deep.equal({
      ...square,
      layout: 'shorter-side',
      resize: 40,
    });
  });

  it('is not there for what has no counterpart', () => {
    const digits: ImageConfig = { size: [28, 28], channels: 1, mean: [0], std: [1], layout: 'mnist' };
    expect(imageProcessorOf(digits)).to.equal(null);
  });
});
