export { type IdxImages, readIdxImages, readIdxLabels } from './data/idx.ts';
export { shiftedBatch } from './data/shift.ts';
export { PatchEmbed, ViT, type ViTConfig } from './models/vit.ts';
