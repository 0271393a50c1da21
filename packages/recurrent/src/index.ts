export { type CellConfig, GRUCell, LSTMCell, RNNCell } from './cells.ts';
export { GRU, type StateInput } from './gru.ts';
export { LSTM, type LSTMInput } from './lstm.ts';
export { RNN, type RNNConfig } from './rnn.ts';
export type { RecurrentConfig, RecurrentInput } from './weights.ts';
