import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja';
import type { ChatFormat, EncodeOptions } from '../tokenizer-options.ts';
import { strftime } from './strftime.ts';

/** A message; templates read what they know of it. */
export interface ChatMessage {
  readonly role: string;
  readonly content?: unknown;
  readonly [field: string]: unknown;
}

export interface ChatTemplateOptions {
  /** Ends with what introduces an answer. Default false. */
  readonly addGenerationPrompt?: boolean;
  /** Ends inside the last message, so that a model goes on with it. Default false. */
  readonly continueFinalMessage?: boolean;
  /** Functions that the model may call, as JSON schemas. */
  readonly tools?: readonly object[] | null;
  /** Texts to answer from, such as `{ title, text }`. */
  readonly documents?: readonly object[] | null;
  /** The name of one of the tokenizer's templates, or a template. Default: 'tool_use' with tools where there is one, else 'default'. */
  readonly template?: string;
  /** More that the template sees. */
  readonly variables?: Readonly<Record<string, unknown>>;
  /** What `strftime_now` tells. Default: the time of the call. */
  readonly now?: Date;
}

/** A chat that its template refuses, or a template that is wrong or missing. */
export class ChatTemplateError extends Error {
  override readonly name = 'ChatTemplateError';
}

/** What of a tokenizer this needs. */
interface ChatTokenizer {
  readonly chat: ChatFormat | null;
  encode(text: string, options?: EncodeOptions): Int32Array;
}

/**
 * Writes a chat as the tokenizer's chat template says, as `apply_chat_template` of Hugging Face's transformers does.
 * @returns the text; with `tokenize` its ids, special tokens in the text being taken as such and none added.
 * @throws ChatTemplateError where the template refuses the chat, is wrong, or missing.
 */
export function applyChatTemplate(
  tokenizer: ChatTokenizer,
  messages: readonly ChatMessage[],
  options: ChatTemplateOptions & { readonly tokenize: true },
): Int32Array;
export function applyChatTemplate(
  tokenizer: ChatTokenizer,
  messages: readonly ChatMessage[],
  options?: ChatTemplateOptions & { readonly tokenize?: false },
): string;
export function applyChatTemplate(
  tokenizer: ChatTokenizer,
  messages: readonly ChatMessage[],
  options: ChatTemplateOptions & { readonly tokenize?: boolean } = {},
): string | Int32Array {
  const text = render(tokenizer.chat, messages, options);
  return options.tokenize ? tokenizer.encode(text, { addSpecialTokens: false }) : text;
}

/** Marks where the last message ends; the blank shows whether the template trims. */
const MARK = 'END_OF_THE_LAST_MESSAGE';

function render(chat: ChatFormat | null, messages: readonly ChatMessage[], options: ChatTemplateOptions): string {
  const { tools = null, documents = null, continueFinalMessage = false, addGenerationPrompt = false } = options;
  if (messages.length === 0) throw new ChatTemplateError('a chat needs one message at least');
  if (continueFinalMessage && addGenerationPrompt)
    throw new ChatTemplateError('continueFinalMessage and addGenerationPrompt exclude each other');
  // Services write null for what is absent; templates ask whether a field is there.
  const present = messages.map((message) =>
    Object.fromEntries(Object.entries(message).filter(([, value]) => value !== null && value !== undefined)),
  );
  if (continueFinalMessage) present.push(marked(present.pop()!));
  const now = options.now ?? new Date();
  const text = run(compiled(templateOf(chat, options)), {
    range,
    strftime_now: (format: string) => strftime(now, format),
    raise_exception: (message: string) => {
      throw new ChatTemplateError(String(message));
    },
    ...chat?.specialTokens,
    ...options.variables,
    messages: present,
    tools,
    documents,
    add_generation_prompt: addGenerationPrompt,
  });
  return continueFinalMessage ? upToMark(text) : text;
}

function templateOf(chat: ChatFormat | null, { template, tools }: ChatTemplateOptions): string {
  const templates = chat?.templates ?? {};
  const own = (name: string): string | undefined => (Object.hasOwn(templates, name) ? templates[name] : undefined);
  if (template !== undefined) return own(template) ?? template;
  const found = (tools ? own('tool_use') : undefined) ?? own('default');
  if (found !== undefined) return found;
  const names = Object.keys(templates);
  throw new ChatTemplateError(
    names.length > 0
      ? `there is no template called default; give one of ${names.join(', ')}`
      : 'the tokenizer has no chat template; give one as the option template',
  );
}

type Program = ReturnType<typeof parse>;

const cache = new Map<string, Program>();

function compiled(source: string): Program {
  let program = cache.get(source);
  if (program) return program;
  try {
    program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
  } catch (error) {
    throw new ChatTemplateError(`the chat template is malformed: ${(error as Error).message}`, { cause: error });
  }
  if (cache.size >= 16) cache.clear();
  cache.set(source, program);
  return program;
}

const CONSTANTS = { true: true, false: false, none: null, True: true, False: false, None: null };

function run(program: Program, variables: Record<string, unknown>): string {
  try {
    const environment = new Environment();
    for (const [name, value] of Object.entries({ ...CONSTANTS, ...variables })) environment.set(name, value);
    return String(new Interpreter(environment).run(program).value);
  } catch (error) {
    if (error instanceof ChatTemplateError) throw error;
    throw new ChatTemplateError(`the chat template fails: ${(error as Error).message}`, { cause: error });
  }
}

/** Templates come from anywhere: a range is as long as Python's sandbox allows, not as long as memory. */
const LONGEST_RANGE = 100_000;

function range(first: number, stop?: number, step = 1): number[] {
  const [from, to] = typeof stop === 'number' ? [first, stop] : [0, first];
  const by = typeof step === 'number' ? step : 1;
  const length = Math.max(0, Math.ceil((to - from) / by));
  if (by === 0 || !(length <= LONGEST_RANGE))
    throw new ChatTemplateError(`range(${from}, ${to}, ${by}) is too long: at most ${LONGEST_RANGE} numbers`);
  return Array.from({ length }, (_, i) => from + i * by);
}

/** A message with a mark behind its text, or behind the last text in its parts. */
function marked(message: Record<string, unknown>): Record<string, unknown> {
  const { content } = message;
  if (typeof content === 'string') return { ...message, content: `${content}${MARK} ` };
  if (Array.isArray(content)) {
    const parts: unknown[] = [...content];
    const at = parts.findLastIndex((part) => typeof (part as { text?: unknown } | null)?.text === 'string');
    const last = parts[at] as { text: string } | undefined;
    if (last) {
      parts[at] = { ...last, text: `${last.text}${MARK} ` };
      return { ...message, content: parts };
    }
  }
  throw new ChatTemplateError('continueFinalMessage: the last message has no text to go on with');
}

function upToMark(text: string): string {
  const at = text.lastIndexOf(MARK);
  if (at < 0) throw new ChatTemplateError('continueFinalMessage: the chat template leaves out the last message');
  const before = text.slice(0, at);
  return text.startsWith(`${MARK} `, at) ? before : before.trimEnd();
}
