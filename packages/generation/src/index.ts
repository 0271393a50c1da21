export type { DecodingSession, LanguageModel } from './language-model.ts';
