import { applyChatTemplate, type ChatMessage, ChatTemplateError, type Tokenizer } from '@rivulet/tokenizer';
import { ApiError } from './errors.ts';
import type { ChatRequest } from './requests.ts';
import type { Tools } from './tools.ts';

/**
 * The ids of a chat as the model's template writes it, calls and results of functions included. A template that knows no functions
 * gets them as text: what there is in a system message, calls as the JSON that is asked for there, and results as the user's words.
 * @throws ApiError where the model has no chat template, or it refuses the chat.
 */
export function chatIds({ messages }: ChatRequest, tools: Tools | null, tokenizer: Tokenizer): Int32Array {
  const { chat } = tokenizer;
  if (!chat) throw new ApiError(400, 'this model has no chat template (tokenizer_config.json); use /v1/completions');
  const asked = messages.map(plainMessage);
  const template = (tools && chat.templates.tool_use) ?? chat.templates.default ?? '';
  const knowsTools = /\btools\b/.test(template);
  const plain = knowsTools ? asked : asked.map(asText);
  const written = tools && !knowsTools ? described(plain, tools) : plain;
  try {
    return applyChatTemplate(tokenizer, written, {
      addGenerationPrompt: true,
      tokenize: true,
      ...(tools && knowsTools && { tools: tools.functions.map((one) => ({ type: 'function', function: one })) }),
    });
  } catch (error) {
    if (error instanceof ChatTemplateError) throw new ApiError(400, error.message, { param: 'messages' });
    throw error;
  }
}

/** Text in parts becomes one text, and arguments become what their JSON says: so templates expect them. */
function plainMessage(message: ChatRequest['messages'][number], i: number): ChatMessage {
  const { content, tool_calls: calls } = message;
  const refuse = (field: string, what: string): never => {
    throw new ApiError(400, `messages.${i}.${field}: ${what}`, { param: `messages.${i}.${field}` });
  };
  if (message.role === 'tool' && typeof message.tool_call_id !== 'string')
    refuse('tool_call_id', 'expected the id of the call that this answers');
  const text = Array.isArray(content)
    ? content
        .map((part: { type?: unknown; text?: unknown } | null) =>
          typeof part?.text === 'string'
            ? part.text
            : refuse('content', `expected text, got ${JSON.stringify(part?.type)}`),
        )
        .join('')
    : content;
  return {
    ...message,
    ...(text !== undefined && { content: text }),
    ...(calls && {
      tool_calls: calls.map((call, n) => {
        let given: unknown;
        try {
          given = JSON.parse(call.function.arguments || '{}');
        } catch {
          refuse(`tool_calls.${n}.function.arguments`, 'is no JSON');
        }
        return { ...call, function: { ...call.function, arguments: given } };
      }),
    }),
  };
}

/** The chat with what may be called told in its system message: templates take one, at the start. */
function described(messages: readonly ChatMessage[], { functions, forced }: Tools): ChatMessage[] {
  const text = [
    'These functions can be called:',
    ...functions.map((one) => JSON.stringify(one)),
    `${forced ? 'Answer' : 'To call one, answer'} with nothing but JSON: {"name": "…", "arguments": {…}}`,
  ].join('\n');
  const [first, ...rest] = messages;
  if (first?.role !== 'system') return [{ role: 'system', content: text }, ...messages];
  return [{ ...first, content: `${first.content}\n\n${text}` }, ...rest];
}

/** A call or a result as plain words. */
function asText(message: ChatMessage): ChatMessage {
  const { role, content, tool_calls: calls } = message;
  if (role === 'tool') return { role: 'user', content: `Result: ${content}` };
  if (!Array.isArray(calls)) return message;
  const written = calls.map(({ function: { name, arguments: given } }) => JSON.stringify({ name, arguments: given }));
  return { role, content: [...(content ? [content] : []), ...written].join('\n') };
}
