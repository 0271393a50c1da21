import {
  array,
  boolean,
  choice,
  count,
  id,
  type Json,
  object,
  refuse,
  string,
  TokenizerFormatError,
} from '../format.ts';

/** One part of what stands around texts: a text (0 or 1), or special tokens. */
export type TemplatePart =
  | { readonly sequence: 0 | 1; readonly typeId: number }
  | { readonly ids: readonly number[]; readonly tokens: readonly string[]; readonly typeId: number };

export interface Template {
  readonly single: readonly TemplatePart[];
  readonly pair: readonly TemplatePart[];
}

/** What happens to the tokens of one text or two. */
export interface PostProcessor {
  /** Null: the texts follow each other, with type ids 0 and 1. */
  readonly template: Template | null;
  /** White space is left out of offsets, once per entry; whether one blank was put before the text. */
  readonly trims: readonly { readonly addPrefixSpace: boolean }[];
  /** Whether what truncation cut off gets the template's type ids too, which otherwise stay 0 and 1. Default false. */
  readonly typesOverflow?: boolean;
}

const SUPPORTED = 'Sequence, TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel';

/** @throws TokenizerFormatError naming the field. */
export function readPostProcessor(field: string, value: unknown): PostProcessor {
  if (value === null || value === undefined) return { template: null, trims: [] };
  const json = object(field, value);
  switch (json.type) {
    case 'Sequence': {
      const list = array(`${field}.processors`, json.processors);
      const parts = list.map((part, i) => readPostProcessor(`${field}.processors[${i}]`, part));
      const templates = parts.flatMap(({ template }) => template ?? []);
      if (templates.length > 1) refuse(field, value, 'one processor that adds tokens');
      return {
        template: templates[0] ?? null,
        trims: parts.flatMap(({ trims }) => trims),
        typesOverflow: parts.some(({ typesOverflow }) => typesOverflow),
      };
    }
    case 'ByteLevel':
      return { template: null, trims: trims(field, json) };
    case 'TemplateProcessing':
      return { template: readTemplate(field, json), trims: [] };
    case 'BertProcessing':
      return { template: bertTemplate(field, json, 1, 1), trims: [] };
    case 'RobertaProcessing':
      return { template: bertTemplate(field, json, 2, 0), trims: trims(field, json), typesOverflow: true };
    default:
      return refuse(field, value, SUPPORTED);
  }
}

function trims(field: string, json: Json): { addPrefixSpace: boolean }[] {
  const addPrefixSpace = boolean(`${field}.add_prefix_space`, json.add_prefix_space, true);
  return boolean(`${field}.trim_offsets`, json.trim_offsets, true) ? [{ addPrefixSpace }] : [];
}

/** [CLS] A [SEP], and for a pair B [SEP] behind it, with another [SEP] between for RoBERTa. */
function bertTemplate(field: string, json: Json, separators: number, typeOfB: number): Template {
  const special = (name: string, typeId: number): TemplatePart => {
    const [token, number] = array(`${field}.${name}`, json[name]);
    return { tokens: [string(`${field}.${name}[0]`, token)], ids: [id(`${field}.${name}[1]`, number)], typeId };
  };
  const single: TemplatePart[] = [special('cls', 0), { sequence: 0, typeId: 0 }, special('sep', 0)];
  const between = separators === 2 ? [special('sep', 0)] : [];
  return { single, pair: [...single, ...between, { sequence: 1, typeId: typeOfB }, special('sep', typeOfB)] };
}

function readTemplate(field: string, json: Json): Template {
  const specials = object(`${field}.special_tokens`, json.special_tokens ?? {});
  const read = (side: string): TemplatePart[] =>
    array(`${field}.${side}`, json[side]).map((value, i): TemplatePart => {
      const at = `${field}.${side}[${i}]`;
      const part = object(at, value);
      if (part.Sequence !== undefined) {
        const sequence = object(`${at}.Sequence`, part.Sequence);
        const text = choice(`${at}.Sequence.id`, sequence.id, ['A', 'B'] as const);
        return { sequence: text === 'A' ? 0 : 1, typeId: count(`${at}.Sequence.type_id`, sequence.type_id ?? 0) };
      }
      const special = object(`${at}.SpecialToken`, part.SpecialToken);
      const name = string(`${at}.SpecialToken.id`, special.id);
      const where = `${field}.special_tokens["${name}"]`;
      const token = object(where, Object.hasOwn(specials, name) ? specials[name] : undefined);
      const ids = array(`${where}.ids`, token.ids).map((number, k) => id(`${where}.ids[${k}]`, number));
      const tokens = array(`${where}.tokens`, token.tokens).map((text, k) => string(`${where}.tokens[${k}]`, text));
      if (ids.length !== tokens.length) throw new TokenizerFormatError(where, 'expected as many ids as tokens');
      return { ids, tokens, typeId: count(`${at}.SpecialToken.type_id`, special.type_id ?? 0) };
    });
  const [single, pair] = [read('single'), read('pair')];
  for (const part of single)
    if ('sequence' in part && part.sequence === 1)
      throw new TokenizerFormatError(`${field}.single`, 'has a place for a second text');
  return { single, pair };
}
