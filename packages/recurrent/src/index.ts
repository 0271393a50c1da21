export { GRU, type GRUConfig } from './gru.ts';
