import {
  array,
  boolean,
  type GenericSchema,
  getDotPath,
  integer,
  literal,
  looseObject,
  maxLength,
  maxValue,
  minLength,
  minValue,
  nullish,
  number,
  picklist,
  pipe,
  record,
  regex,
  safeParse,
  string,
  union,
  unknown,
} from 'valibot';
import { ApiError } from './errors.ts';

type Maybe<T> = T | null | undefined;
/** Text, ids, or a list of either. */
export type Prompts = string | string[] | number[] | number[][];

/** What completions and chats have in common; fields as OpenAI's API names them. */
export interface CommonRequest {
  model?: Maybe<string>;
  temperature?: Maybe<number>;
  top_p?: Maybe<number>;
  n?: Maybe<number>;
  stream?: Maybe<boolean>;
  stream_options?: Maybe<{ include_usage?: Maybe<boolean> }>;
  stop?: Maybe<string | string[]>;
  presence_penalty?: Maybe<number>;
  frequency_penalty?: Maybe<number>;
  logit_bias?: Maybe<Record<string, number>>;
  seed?: Maybe<number>;
  max_tokens?: Maybe<number>;
  // Not OpenAI's, but known from other servers.
  top_k?: Maybe<number>;
  min_p?: Maybe<number>;
  repetition_penalty?: Maybe<number>;
  priority?: Maybe<number>;
}

export interface CompletionRequest extends CommonRequest {
  prompt: Prompts;
  echo?: Maybe<boolean>;
  /** How many of the likeliest tokens to tell. */
  logprobs?: Maybe<number>;
  best_of?: Maybe<number>;
  suffix?: Maybe<string>;
}

export interface ChatRequest extends CommonRequest {
  messages: {
    role: string;
    content?: unknown;
    tool_calls?: Maybe<{ id?: unknown; function: { name: string; arguments: string } }[]>;
    tool_call_id?: unknown;
  }[];
  max_completion_tokens?: Maybe<number>;
  logprobs?: Maybe<boolean>;
  top_logprobs?: Maybe<number>;
  response_format?: Maybe<{
    type: 'text' | 'json_object' | 'json_schema';
    json_schema?: Maybe<{ schema?: Maybe<object> }>;
  }>;
  tools?: Maybe<{ function: { name: string; description?: Maybe<string>; parameters?: Maybe<object> } }[]>;
  tool_choice?: Maybe<'none' | 'auto' | 'required' | { function: { name: string } }>;
  parallel_tool_calls?: Maybe<boolean>;
}

export interface EmbeddingRequest {
  model?: Maybe<string>;
  input: Prompts;
  encoding_format?: Maybe<'float' | 'base64'>;
  dimensions?: Maybe<number>;
}

const whole = (from: number, to: number = Number.MAX_SAFE_INTEGER) =>
  pipe(number(), integer(), minValue(from), maxValue(to));
const between = (from: number, to: number) => pipe(number(), minValue(from), maxValue(to));
const ids = pipe(array(whole(0)), minLength(1));
const texts = union([string(), pipe(array(string()), minLength(1)), ids, pipe(array(ids), minLength(1))]);

const common = {
  model: nullish(string()),
  temperature: nullish(between(0, 2)),
  top_p: nullish(between(0, 1)),
  n: nullish(whole(1, 128)),
  stream: nullish(boolean()),
  stream_options: nullish(looseObject({ include_usage: nullish(boolean()) })),
  stop: nullish(union([string(), pipe(array(string()), maxLength(16))])),
  presence_penalty: nullish(between(-2, 2)),
  frequency_penalty: nullish(between(-2, 2)),
  logit_bias: nullish(record(string(), between(-100, 100))),
  seed: nullish(pipe(number(), integer())),
  max_tokens: nullish(whole(1)),
  // Not OpenAI's, but known from other servers.
  top_k: nullish(whole(0)),
  min_p: nullish(between(0, 1)),
  repetition_penalty: nullish(pipe(number(), minValue(0.01))),
  priority: nullish(number()),
};

export const completionRequest: GenericSchema<unknown, CompletionRequest> = looseObject({
  ...common,
  prompt: texts,
  echo: nullish(boolean()),
  logprobs: nullish(whole(0, 20)),
  best_of: nullish(whole(1)),
  suffix: nullish(string()),
});

const named = looseObject({ name: pipe(string(), regex(/^[\w.-]{1,64}$/)) });
const message = looseObject({
  role: string(),
  content: nullish(unknown()),
  tool_calls: nullish(array(looseObject({ function: looseObject({ name: string(), arguments: string() }) }))),
});

export const chatRequest: GenericSchema<unknown, ChatRequest> = looseObject({
  ...common,
  messages: pipe(array(message), minLength(1)),
  max_completion_tokens: nullish(whole(1)),
  logprobs: nullish(boolean()),
  top_logprobs: nullish(whole(0, 20)),
  response_format: nullish(
    looseObject({
      type: picklist(['text', 'json_object', 'json_schema']),
      json_schema: nullish(looseObject({ schema: nullish(looseObject({})) })),
    }),
  ),
  tools: nullish(
    array(
      looseObject({
        type: literal('function'),
        function: looseObject({
          ...named.entries,
          description: nullish(string()),
          parameters: nullish(looseObject({})),
        }),
      }),
    ),
  ),
  tool_choice: nullish(union([picklist(['none', 'auto', 'required']), looseObject({ function: named })])),
  parallel_tool_calls: nullish(boolean()),
});

export const embeddingRequest: GenericSchema<unknown, EmbeddingRequest> = looseObject({
  model: nullish(string()),
  input: texts,
  encoding_format: nullish(picklist(['float', 'base64'])),
  dimensions: nullish(whole(1)),
});

/** @throws ApiError naming the first field that is wrong, what it is and what was expected. */
export async function readRequest<T>(schema: GenericSchema<unknown, T>, request: Request): Promise<T> {
  let json: unknown;
  try {
    json = await request.json();
  } catch (error) {
    throw new ApiError(400, `the request's body is no JSON: ${(error as Error).message}`);
  }
  const result = safeParse(schema, json, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const param = getDotPath(issue);
  throw new ApiError(400, `${param ?? 'the body'}: ${issue.message}`, { param });
}
