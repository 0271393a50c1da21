export { Attention, Block, type BlockConfig, Mlp } from './block.ts';
