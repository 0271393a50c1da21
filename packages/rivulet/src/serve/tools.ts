import { ApiError } from './errors.ts';
import type { ChatRequest } from './requests.ts';

/** A function that a chat's answer may call. */
export interface ToolFunction {
  readonly name: string;
  readonly description?: string;
  /** A JSON schema of its arguments. Default: any object. */
  readonly parameters?: object;
}

/** What a chat's answer may call. */
export interface Tools {
  readonly functions: readonly ToolFunction[];
  /** The answer is a call of one of these and nothing else: bound by their schemas. Otherwise the model decides. */
  readonly forced: readonly ToolFunction[] | null;
  /** Whether an answer may have several calls. */
  readonly parallel: boolean;
}

/** The tools of a request; null where there are none, or none may be called. @throws ApiError naming the field that is wrong. */
export function readTools({ tools, tool_choice: choice, parallel_tool_calls: parallel }: ChatRequest): Tools | null {
  if (!tools?.length) {
    if (choice && choice !== 'none' && choice !== 'auto')
      throw new ApiError(400, `tool_choice: ${JSON.stringify(choice)} needs tools`, { param: 'tool_choice' });
    return null;
  }
  const functions = tools.map(({ function: one }): ToolFunction => {
    const { name, description, parameters } = one;
    return { name, ...(description && { description }), ...(parameters && { parameters }) };
  });
  const twice = functions.find(({ name }, i) => functions.findIndex((other) => other.name === name) < i);
  if (twice) throw new ApiError(400, `tools: there are two functions '${twice.name}'`, { param: 'tools' });
  if (choice === 'none') return null;
  const shared = { functions, parallel: parallel ?? true };
  if (!choice || choice === 'auto') return { ...shared, forced: null };
  if (choice === 'required') return { ...shared, forced: functions };
  const chosen = functions.filter(({ name }) => name === choice.function.name);
  if (chosen.length === 0)
    throw new ApiError(400, `tool_choice: there is no function '${choice.function.name}' in tools`, {
      param: 'tool_choice',
    });
  return { ...shared, forced: chosen };
}

/** A JSON schema of one call: the function's name, then arguments that fit its parameters. */
export function callSchema(functions: readonly ToolFunction[]): object {
  const definitions: Record<string, unknown> = {};
  const calls = functions.map(({ name, parameters = { type: 'object' } }, i) => {
    // Its own definitions stand in ours, under a name that no other function's has.
    const rebased = rebase(parameters, `${i}.`) as Record<string, unknown>;
    for (const group of ['$defs', 'definitions'])
      for (const [key, schema] of Object.entries((rebased[group] as object | undefined) ?? {}))
        definitions[`${i}.${key}`] = schema;
    const { $defs: _, definitions: __, ...own } = rebased;
    definitions[`${i}.`] = own;
    return {
      type: 'object',
      properties: { name: { const: name }, arguments: { $ref: `#/$defs/${i}.` } },
      required: ['name', 'arguments'],
    };
  });
  return { anyOf: calls, $defs: definitions };
}

/** The same schema, its references going to definitions with a prefix. */
function rebase(schema: unknown, prefix: string): unknown {
  if (Array.isArray(schema)) return schema.map((item) => rebase(item, prefix));
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === '$ref' && typeof value === 'string'
        ? value.replace(/^#(?:\/(?:\$defs|definitions)\/(.+))?$/, (_, name = '') => `#/$defs/${prefix}${name}`)
        : rebase(value, prefix),
    ]),
  );
}
