import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { applyChatTemplate, type ChatMessage, ChatTemplateError, type Tokenizer } from '../src/index.ts';
import { smallTokenizer } from './support/texts.ts';

interface Case {
  readonly template: string;
  readonly messages: ChatMessage[];
  readonly options: Record<string, unknown>;
  readonly text?: string;
  readonly error?: string;
}

interface Fixture {
  readonly now: string;
  readonly specialTokens: Record<string, string>;
  readonly templates: Record<string, string>;
  readonly cases: Case[];
}

/** Written by tools/reference/chat_templates.py. */
const fixture: Fixture = JSON.parse(
  readFileSync(new URL('fixtures/chat-templates.json', import.meta.url), 'utf8'),
) as Fixture;

function withTemplates(templates: Record<string, string>): Tokenizer {
  const tokenizer = smallTokenizer();
  tokenizer.chat = { templates, specialTokens: fixture.specialTokens };
  return tokenizer;
}

const user: ChatMessage = { role: 'user', content: 'the cat' };

describe('applyChatTemplate', () => {
  const tokenizer = withTemplates(fixture.templates);
  for (const name of Object.keys(fixture.templates))
    it(`writes what transformers writes: ${name}`, () => {
      for (const { messages, options, text, error } of fixture.cases.filter(({ template }) => template === name)) {
        const { add_generation_prompt, continue_final_message, tools, documents, ...variables } = options;
        const apply = (): string =>
          applyChatTemplate(tokenizer, messages, {
            template: name,
            addGenerationPrompt: add_generation_prompt === true,
            continueFinalMessage: continue_final_message === true,
            tools: (tools ?? null) as object[] | null,
            documents: (documents ?? null) as object[] | null,
            variables,
            now: new Date(fixture.now),
          });
        if (text !== undefined) expect(apply(), JSON.stringify({ messages, options })).to.equal(text);
        else expect(apply, error).to.throw(ChatTemplateError);
      }
    });

  it("passes on a template's own complaint", () => {
    expect(() => applyChatTemplate(tokenizer, [user, user], { template: 'instructions' })).to.throw(
      ChatTemplateError,
      /^Roles must alternate: user, assistant, user, assistant$/,
    );
  });

  it('gives ids, with the special tokens of the text and no others', () => {
    const framed = smallTokenizer(['<s>', null, '</s>']);
    framed.chat = {
      templates: { default: '{{ bos_token }}{{ messages[0].content }}' },
      specialTokens: { bos_token: '<s>' },
    };
    const ids = applyChatTemplate(framed, [user], { tokenize: true });
    expect(ids).to.deep.equal(framed.encode('<s>the cat', { addSpecialTokens: false }));
    expect(ids[0]).to.equal(framed.tokenToId('<s>'));
  });

  it('takes the template for tools where there is one, and a template given as text', () => {
    const both = withTemplates({ default: 'plain', tool_use: 'tools' });
    expect(applyChatTemplate(both, [user])).to.equal('plain');
    expect(applyChatTemplate(both, [user], { tools: [] })).to.equal('tools');
    expect(applyChatTemplate(both, [user], { tools: [{}], template: 'default' })).to.equal('plain');
    expect(applyChatTemplate(smallTokenizer(), [user], { template: '{{ messages|length }}' })).to.equal('1');
  });

  it('says what is missing or wrong', () => {
    const cases: [Tokenizer, string | undefined, string][] = [
      [smallTokenizer(), undefined, 'the tokenizer has no chat template'],
      [withTemplates({ rag: '' }), undefined, 'no template called default; give one of rag'],
      [tokenizer, '{% for x in y', 'the chat template is malformed: '],
      [tokenizer, '{{ 1 | nothing }}', 'the chat template fails: '],
      [tokenizer, '{% for i in range(1000000000) %}{% endfor %}', 'is too long: at most 100000 numbers'],
    ];
    for (const [each, template, message] of cases)
      expect(() => applyChatTemplate(each, [user], template === undefined ? {} : { template })).to.throw(
        ChatTemplateError,
        message,
      );
    expect(() => applyChatTemplate(tokenizer, [], { template: 'x' })).to.throw('a chat needs one message at least');
    const silent = { template: 'x', continueFinalMessage: true };
    expect(() => applyChatTemplate(tokenizer, [user], silent)).to.throw(
      'the chat template leaves out the last message',
    );
    expect(() => applyChatTemplate(tokenizer, [{ role: 'user' }], silent)).to.throw('has no text to go on with');
  });
});
