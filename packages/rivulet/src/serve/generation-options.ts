import { type GenerateOptions, jsonSchemaConstraint, Vocabulary } from '@rivulet/generation';
import { type Tokenizer, tokenTexts } from '@rivulet/tokenizer';
import { ApiError } from './errors.ts';
import type { ChatRequest, CommonRequest } from './requests.ts';
import { callSchema, type Tools } from './tools.ts';

/** One text to be written. */
export interface Choice {
  readonly index: number;
  readonly prompt: Int32Array;
  readonly options: GenerateOptions;
}

/** OpenAI's fields as options: temperature 0 is greedy, and without a seed every answer is another. */
export function generateOptions(request: CommonRequest, tokenizer: Tokenizer): GenerateOptions {
  const { temperature, top_p: topP, top_k: topK, min_p: minP, stop, logit_bias: bias } = request;
  const doSample = temperature !== 0 && topK !== 1;
  const stopStrings = (typeof stop === 'string' ? [stop] : (stop ?? [])).filter((text) => text !== '');
  return {
    ...(doSample && {
      doSample,
      temperature: temperature ?? 1,
      topP: Math.max(topP ?? 1, 1e-6), // 0 means the likeliest token alone
      ...(topK && { topK }),
      ...(minP && { minP }),
    }),
    presencePenalty: request.presence_penalty ?? 0,
    frequencyPenalty: request.frequency_penalty ?? 0,
    repetitionPenalty: request.repetition_penalty ?? 1,
    seed: request.seed ?? Math.floor(Math.random() * 2 ** 31),
    priority: request.priority ?? 0,
    ...(bias && Object.keys(bias).length > 0 && { logitBias: bias }),
    ...(stopStrings.length > 0 && { stopStrings, decoder: tokenizer }),
  };
}

/** The choices of several prompts; the seeds differ, so that their texts do. */
export function choices(prompts: readonly Int32Array[], count: number, options: GenerateOptions): Choice[] {
  const { seed = 0 } = options;
  return prompts.flatMap((prompt, p) =>
    Array.from({ length: count }, (_, i) => {
      const index = p * count + i;
      return { index, prompt, options: { ...options, seed: seed + index } };
    }),
  );
}

/** Ids of a prompt that may be text, ids, or a list of either. */
export function promptIds(
  given: string | readonly string[] | readonly number[] | readonly (readonly number[])[],
  tokenizer: Tokenizer,
): Int32Array[] {
  if (typeof given === 'string') return [tokenizer.encode(given)];
  if (typeof given[0] === 'number') return [Int32Array.from(given as readonly number[])];
  return (given as readonly (string | readonly number[])[]).map((one) =>
    typeof one === 'string' ? tokenizer.encode(one) : Int32Array.from(one),
  );
}

const vocabularies = new WeakMap<Tokenizer, Vocabulary>();

/** What a forced call, or `response_format`, binds the text to. @throws ApiError naming a keyword of the schema that is not supported. */
export function answerConstraint(
  { response_format: format }: ChatRequest,
  tools: Tools | null,
  tokenizer: Tokenizer,
  vocabSize: number,
): Pick<GenerateOptions, 'constraint'> {
  const forced = tools?.forced;
  if (!forced && (!format || format.type === 'text')) return {};
  const schema = forced
    ? callSchema(forced)
    : format?.type === 'json_object'
      ? { type: 'object' }
      : (format?.json_schema?.schema ?? {});
  const vocabulary = vocabularies.get(tokenizer) ?? new Vocabulary(padded(tokenTexts(tokenizer), vocabSize));
  vocabularies.set(tokenizer, vocabulary);
  try {
    return { constraint: jsonSchemaConstraint(schema, vocabulary) };
  } catch (error) {
    throw new ApiError(400, (error as Error).message, { param: forced ? 'tools' : 'response_format' });
  }
}

/** Models may have ids that no token has. */
function padded<T>(texts: readonly T[], length: number): (T | null)[] {
  return Array.from({ length }, (_, id) => texts[id] ?? null);
}
