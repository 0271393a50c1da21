import { expect } from 'chai';
import type { Piece } from '../src/serve/pieces.ts';
import { chatRequest, readRequest } from '../src/serve/requests.ts';
import { withToolCalls } from '../src/serve/tool-calls.ts';
import { callSchema, readTools, type Tools } from '../src/serve/tools.ts';

const weather = { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } };
const tools: Tools = { functions: [weather, { name: 'time' }], forced: null, parallel: true };

/** What comes out for an answer in pieces; the end has no text of its own. */
async function read(texts: readonly string[], given: Tools = tools) {
  const source = async function* (): AsyncGenerator<Piece> {
    for (const [id, text] of texts.entries()) yield { index: 0, text, id };
    yield { index: 0, text: '', end: { type: 'generation-end', tokens: [], score: 0, reason: 'eos' } };
  };
  const found: Piece[] = [];
  for await (const piece of withToolCalls(source(), given)) found.push(piece);
  const calls = found.at(-1)!.toolCalls?.map(({ function: f }) => [f.name, f.arguments]);
  return { parts: found.map(({ text }) => text), calls, ids: found.at(-1)!.toolCalls?.map(({ id }) => id) };
}

describe('tool calls', () => {
  it('are read in the forms in which models write them', async () => {
    const paris = '{"city":"Paris"}';
    const forms: Readonly<Record<string, readonly (readonly string[])[]>> = {
      '<tool_call>\n{"name": "weather", "arguments": {"city": "Paris"}}\n</tool_call>': [['weather', paris]],
      '<tool_call>{"name":"weather","arguments":{"city":"Paris"}}</tool_call>\n<tool_call>{"name":"time"}</tool_call>': [['weather', paris], ['time', '{}']], // biome-ignore format: a pair
      '[TOOL_CALLS] [{"name": "weather", "arguments": {"city": "Paris"}}]': [['weather', paris]],
      '[{"name": "time", "arguments": {}}, {"name": "weather", "arguments": {"city": "Paris"}}]': [['time', '{}'], ['weather', paris]], // biome-ignore format: a pair
      '<|python_tag|>{"name": "weather", "parameters": {"city": "Paris"}}': [['weather', paris]],
      ' {"name": "weather", "arguments": "{\\"city\\":\\"Paris\\"}"}': [['weather', paris]],
    };
    for (const [text, calls] of Object.entries(forms)) {
      const found = await read([...text]);
      expect(found.calls, text).to.deep.equal(calls);
      expect(found.parts.join(''), text).to.equal('');
      for (const id of found.ids!) expect(id).to.match(/^[\da-f]{9}$/);
    }
  });

  it('leave the text before them, which comes at once', async () => {
    const { parts, calls } = await read(['Let me ', 'see <', 'b> <tool', '_call>', '{"name":"time"}', '</tool_call>']);
    expect(parts).to.deep.equal(['Let me ', 'see ', '<b> ', '', '', '', '']);
    expect(calls).to.deep.equal([['time', '{}']]);
  });

  it('are text where nothing can be called so, and none of it is lost', async () => {
    for (const text of [
      '{"name": "rain"}',
      '{"name": "time"',
      '[1, 2]',
      'x <tool_call>{}</tool_call>',
      '<tool_ca',
      '  ',
    ]) {
      const { parts, calls } = await read([...text]);
      expect(calls, text).to.equal(undefined);
      expect(parts.join(''), text).to.equal(text);
    }
  });

  it('are one where the client wants no more', async () => {
    const { calls } = await read(['[{"name": "time"}, {"name": "weather"}]'], { ...tools, parallel: false });
    expect(calls).to.deep.equal([['time', '{}']]);
  });

  it('are kept apart by choice', async () => {
    const source = async function* (): AsyncGenerator<Piece> {
      for (const [index, text] of [[0, '{"name":'], [1, 'Hello'], [0, '"time"}']] as const) yield { index, text, id: 1 }; // biome-ignore format: a table
      for (const index of [1, 0])
        yield { index, text: '', end: { type: 'generation-end', tokens: [], score: 0, reason: 'eos' } };
    };
    const found: Piece[] = [];
    for await (const piece of withToolCalls(source(), tools)) found.push(piece);
    expect(found.map(({ index, text, toolCalls }) => [index, text, toolCalls?.[0]?.function.name])).to.deep.equal([
      [0, '', undefined],
      [1, 'Hello', undefined],
      [0, '', undefined],
      [1, '', undefined],
      [0, '', 'time'],
    ]);
  });

  it('of several functions keep their own definitions', () => {
    const parameters = { $ref: '#/$defs/it', $defs: { it: { type: 'object', properties: { next: { $ref: '#/$defs/it' } } } } }; // biome-ignore format: one thought
    const { anyOf, $defs } = callSchema([{ name: 'a', parameters }, { name: 'b' }]) as Record<string, unknown>;
    expect(anyOf).to.have.length(2);
    expect($defs).to.deep.equal({
      '0.it': { type: 'object', properties: { next: { $ref: '#/$defs/0.it' } } },
      '0.': { $ref: '#/$defs/0.it' },
      '1.': { type: 'object' },
    });
  });

  it('name what is wrong with them', async () => {
    const tool = { type: 'function', function: { name: 'time' } };
    const failure = async (more: object): Promise<string> => {
      const body = JSON.stringify({ messages: [{ role: 'user', content: 'x' }], ...more });
      try {
        readTools(await readRequest(chatRequest, new Request('http://x', { method: 'POST', body })));
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(await failure({ tools: [tool], tool_choice: 'auto' })).to.equal('');
    expect(await failure({ tools: [tool, tool] })).to.contain("two functions 'time'");
    expect(await failure({ tool_choice: 'required' })).to.contain('needs tools');
    expect(await failure({ tools: [tool], tool_choice: { type: 'function', function: { name: 'rain' } } })).to.contain("no function 'rain'"); // biome-ignore format: a call
    expect(await failure({ tools: [{ type: 'function', function: { name: 'a b' } }] })).to.contain('tools.0.function.name'); // biome-ignore format: a call
    expect(await failure({ tools: [{ type: 'retrieval' }] })).to.contain('tools.0');
  });
});
