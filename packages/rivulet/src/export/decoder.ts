import { decoderWithPast } from '@rivulet/transformer';
import type { CausalFolder } from '../loading/text-models.ts';
import type { Exported } from './export-model.ts';

/** A decoder, and which tokens begin and end its texts, where the folder does not say it. */
export function exportDecoder({ model, tokenizer, tokens }: CausalFolder): Exported {
  const text = (id: number | undefined): string | null => (id === undefined ? null : (tokenizer.idToToken(id) ?? null));
  const json = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    bos_token: text(tokens.bosTokenId),
    eos_token: text(tokens.eosTokenIds[0]),
    model_max_length: model.sizes.contextLength,
  };
  return {
    graph: decoderWithPast(model),
    files: { 'tokenizer_config.json': { json, replace: false } },
  };
}
