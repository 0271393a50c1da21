import { expect } from 'chai';
import { chatIds } from '../src/serve/chat-prompt.ts';
import type { ChatRequest } from '../src/serve/requests.ts';
import type { Tools } from '../src/serve/tools.ts';

type Tokenizer = Parameters<typeof chatIds>[2];
const tools: Tools = { functions: [{ name: 'time', description: 'Now.' }], forced: null, parallel: true };
const asked = { role: 'user', content: 'When?' };
const called = { role: 'assistant', content: null, tool_calls: [{ id: 'c1', function: { name: 'time', arguments: '{"zone": 1}' } }] }; // biome-ignore format: one thought
const answered = { role: 'tool', tool_call_id: 'c1', content: '9:00' };

/** The text that a template makes of a chat. */
function written(template: string, messages: object[], given: Tools | null = null): string {
  let text = '';
  const tokenizer = {
    chat: { templates: { default: template }, specialTokens: {} },
    encode: (what: string) => {
      text = what;
      return new Int32Array(0);
    },
  } as unknown as Tokenizer;
  chatIds({ messages } as ChatRequest, given, tokenizer);
  return text;
}

describe('chatIds', () => {
  const plain = '{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}';

  it('gives tools, calls with their arguments, and results to a template that knows them', () => {
    const template = `{% for t in tools or [] %}{{ t.function.name }}: {{ t.function.description }};{% endfor %}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% for c in m.tool_calls or [] %}{{ c.function.name }}({{ c.function.arguments.zone + 1 }}){% endfor %}{% endfor %}`;
    const text = written(template, [asked, called, answered], tools);
    expect(text).to.match(/^time: Now\.;<user>When\?<assistant>.*time\(2\)<tool>9:00$/);
  });

  it('tells them in words to a template that knows none', () => {
    const text = written(plain, [{ role: 'system', content: 'Be kind.' }, asked, called, answered], tools);
    expect(text).to.match(
      /^<system>Be kind\.\n\nThese functions can be called:\n\{"name":"time","description":"Now\."}\n/,
    );
    expect(text).to.match(/<user>When\?<assistant>\{"name":"time","arguments":\{"zone":1}}<user>Result: 9:00$/);
    expect(written(plain, [asked], tools)).to.match(/^<system>These functions[\s\S]*<user>When\?$/);
    expect(written(plain, [asked])).to.equal('<user>When?');
  });

  it('joins the parts of a text, and refuses others', () => {
    const parts = [{ type: 'text', text: 'a' }, { type: 'text', text: 'b' }]; // biome-ignore format: short
    expect(written(plain, [{ role: 'user', content: parts }])).to.equal('<user>ab');
    const image = [{ type: 'image_url', image_url: { url: 'x' } }];
    expect(() => written(plain, [{ role: 'user', content: image }])).to.throw(
      /messages\.0\.content: expected text, got "image_url"/,
    );
  });

  it('names what is wrong with a call or a result', () => {
    const broken = { ...called, tool_calls: [{ function: { name: 'time', arguments: '{' } }] };
    expect(() => written(plain, [asked, broken])).to.throw('messages.1.tool_calls.0.function.arguments: is no JSON');
    expect(() => written(plain, [{ role: 'tool', content: 'x' }])).to.throw('messages.0.tool_call_id');
  });
});
