import { randomUUID } from 'node:crypto';
import type { Piece } from './pieces.ts';
import type { Tools } from './tools.ts';

/** A function call as OpenAI's API writes it. */
export interface ToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string /** JSON. */; readonly arguments: string };
}

/** How models begin a call: Hermes, Qwen and others; Mistral; Llama 3.1. Some begin with the JSON at once. */
const OPENINGS = ['<tool_call>', '[TOOL_CALLS]', '<|python_tag|>'];

/**
 * The pieces of answers that may call functions. Text that may be a call is held back until the answer ends; then the last piece has
 * the calls, or the text, where it was none.
 */
export async function* withToolCalls(source: AsyncIterable<Piece>, tools: Tools): AsyncGenerator<Piece> {
  const texts = new Map<number, { held: string; given: boolean }>();
  for await (const piece of source) {
    const state = texts.get(piece.index) ?? { held: '', given: false };
    texts.set(piece.index, state);
    const text = state.held + piece.text;
    if (piece.end) {
      const found = readCalls(text, tools);
      yield found ? { ...piece, text: found.before, toolCalls: found.calls } : { ...piece, text };
      continue;
    }
    const from = tools.forced ? 0 : mayBegin(text, state.given);
    state.held = text.slice(from);
    state.given ||= from > 0;
    yield { ...piece, text: text.slice(0, from) };
  }
}

/** Where a call begins in the text, or may begin with what follows. @param given whether other text stood before. */
function mayBegin(text: string, given: boolean): number {
  if (!given && /^\s*([{[]|$)/.test(text)) return 0;
  const whole = OPENINGS.map((opening) => text.indexOf(opening)).filter((at) => at >= 0);
  if (whole.length > 0) return Math.min(...whole);
  for (let at = Math.max(0, text.length - 14); at < text.length; at++)
    if (OPENINGS.some((opening) => opening.startsWith(text.slice(at)))) return at;
  return text.length;
}

/** The calls that an answer consists of or ends with; null where it has none, or they cannot be read. */
export function readCalls(
  text: string,
  { functions, parallel }: Tools,
): { readonly before: string; readonly calls: readonly ToolCall[] } | null {
  const at = OPENINGS.map((opening) => text.indexOf(opening)).filter((i) => i >= 0);
  const from = at.length > 0 ? Math.min(...at) : 0;
  const written = text.slice(from);
  const bodies = written.startsWith('<tool_call>')
    ? written.split('<tool_call>').slice(1).map((part) => part.split('</tool_call>')[0]!)
    : [OPENINGS.reduce((rest, opening) => (rest.startsWith(opening) ? rest.slice(opening.length) : rest), written)]; // biome-ignore format: two cases
  const calls: ToolCall[] = [];
  for (const body of bodies)
    for (const value of [json(body)].flat()) {
      const call = asCall(value);
      if (!call || !functions.some(({ name }) => name === call.function.name)) return null;
      calls.push(call);
    }
  if (calls.length === 0) return null;
  return { before: text.slice(0, from).trimEnd(), calls: parallel ? calls : calls.slice(0, 1) };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asCall(value: unknown): ToolCall | null {
  if (typeof value !== 'object' || value === null) return null;
  const { name, arguments: named, parameters } = value as Record<string, unknown>;
  if (typeof name !== 'string') return null;
  const given = named ?? parameters ?? {}; // the latter as Llama 3.1 writes them
  const id = randomUUID().replaceAll('-', '').slice(0, 9); // Mistral's templates take no other length
  return {
    id,
    type: 'function',
    function: { name, arguments: typeof given === 'string' ? given : JSON.stringify(given) },
  };
}
