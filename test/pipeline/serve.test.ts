import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ServerType, serve } from '@hono/node-server';
import { expect } from 'chai';
import OpenAI from 'openai';
import { type CausalLM, loadText, type Served, type ServeOptions, serveModel, type TextModel } from 'rivulet';
import { needs, stories } from '../support/repository.ts';

interface Told {
  readonly error: { readonly message: string };
}

describe('serveModel', () => {
  let text: TextModel & { readonly model: CausalLM };
  const servers: ServerType[] = [];
  needs(stories);
  before(async () => {
    text = (await loadText(stories)) as typeof text;
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      if ('closeAllConnections' in server) server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
    await quiet();
  });
  after(() => text?.model.dispose());

  /** Waits until the model has nothing to do. */
  const quiet = async (): Promise<void> => {
    for (let i = 0; i < 200 && text.model.load.rows + text.model.load.waiting > 0; i++) await delay(10);
    expect(text.model.load).to.deep.equal({ running: 0, waiting: 0, rows: 0 });
  };

  interface Running {
    readonly client: OpenAI;
    readonly url: string;
    readonly port: number;
    readonly served: Served;
  }

  const start = async (options: Partial<ServeOptions> = {}): Promise<Running> => {
    const served = await serveModel(text, { name: 'stories', ...options });
    const server = await new Promise<ServerType>((resolve) => {
      const made = serve({ fetch: served.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(made));
    });
    servers.push(server);
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: options.apiKey ?? 'none', maxRetries: 0 });
    return { client, url, port, served };
  };

  const story = (): string => readFileSync(join(stories, 'expected_greedy.txt'), 'utf8');
  const failure = async (work: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> => {
    const error = await work.then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).to.be.instanceOf(OpenAI.APIError);
    return error as InstanceType<typeof OpenAI.APIError>;
  };

  it('completes a prompt, whole and streamed', async () => {
    const { client } = await start();
    const request = { model: 'stories', prompt: '', max_tokens: 256, temperature: 0 };
    const whole = await client.completions.create(request);
    expect(whole.object).to.equal('text_completion');
    expect(whole.choices).to.have.length(1);
    expect(whole.choices[0]).to.include({ text: story(), finish_reason: 'length', index: 0 });
    expect(whole.usage).to.deep.equal({ prompt_tokens: 1, completion_tokens: 256, total_tokens: 257 });
    let streamed = '';
    let count = 0;
    let usage: unknown;
    const options = { ...request, stream: true, stream_options: { include_usage: true } } as const;
    for await (const chunk of await client.completions.create(options)) {
      count++;
      streamed += chunk.choices[0]?.text ?? '';
      usage = chunk.usage ?? usage;
    }
    expect(streamed).to.equal(story());
    expect(count).to.be.above(200);
    expect(usage).to.deep.equal(whole.usage);
  });

  it('takes several prompts and choices, ids, stops, echo and log-probabilities', async () => {
    const { client } = await start();
    const { choices, usage } = await client.completions.create({
      model: 'stories',
      prompt: ['Tom had a dog', 'The sun'],
      max_tokens: 12,
      n: 2,
      temperature: 0,
      stop: ['.', 'sky'],
      echo: true,
      logprobs: 2,
    });
    expect(choices.map(({ index }) => index)).to.deep.equal([0, 1, 2, 3]);
    expect(choices[0]!.text).to.match(/^Tom had a dog named Max$/);
    expect(choices[0]!.finish_reason).to.equal('stop');
    expect(choices[2]!.text).to.match(/^The sun was[^.]*$/);
    expect(choices[1]!.text).to.equal(choices[0]!.text);
    const { logprobs } = choices[0]!;
    expect(logprobs!.tokens!.length).to.equal(logprobs!.token_logprobs!.length);
    expect(Math.max(...logprobs!.token_logprobs!)).to.be.at.most(0);
    expect(Object.keys(logprobs!.top_logprobs![0]!)).to.have.length(2);
    expect(usage!.prompt_tokens).to.equal(
      text.tokenizer.encode('Tom had a dog').length + text.tokenizer.encode('The sun').length,
    );
    const ids = [...text.tokenizer.encode('The sun')];
    const again = await client.completions.create({ model: 'stories', prompt: ids, max_tokens: 3, temperature: 0 });
    expect(choices[2]!.text.startsWith(`The sun${again.choices[0]!.text}`)).to.equal(true);
  });

  it('draws the same with the same seed, and others without', async () => {
    const { client } = await start();
    const draw = async (seed?: number): Promise<string> => {
      const request = { model: 'stories', prompt: 'A', max_tokens: 24, ...(seed !== undefined && { seed }) };
      return (await client.completions.create(request)).choices[0]!.text;
    };
    expect(await draw(5)).to.equal(await draw(5));
    expect(new Set([await draw(), await draw(), await draw()]).size).to.be.above(1);
  });

  it('answers chats, and binds the text to a JSON schema', async () => {
    const { client } = await start();
    const messages = [{ role: 'user', content: 'A dog' }] as const;
    const chat = (more: object = {}) =>
      client.chat.completions.create({ model: 'stories', messages: [...messages], temperature: 0, ...more, stream: false }); // biome-ignore format: a call
    expect((await failure(chat())).message).to.contain('no chat template');
    text.tokenizer.chat = {
      templates: { default: '{% for m in messages %}{{ m.content }}{% endfor %}' },
      specialTokens: {},
    };
    try {
      const answer = await chat({ max_tokens: 8, logprobs: true, top_logprobs: 3 });
      const [choice] = answer.choices;
      expect(choice!.message).to.include({ role: 'assistant' });
      expect(choice!.message.content).to.be.a('string').that.is.not.empty;
      expect(choice!.logprobs!.content!).to.have.length(8);
      expect(choice!.logprobs!.content![0]!.top_logprobs).to.have.length(3);
      let streamed = '';
      const stream = await client.chat.completions.create({
        model: 'stories',
        messages: [...messages],
        max_tokens: 8,
        temperature: 0,
        stream: true,
      });
      for await (const { choices } of stream) streamed += choices[0]?.delta.content ?? '';
      expect(streamed).to.equal(choice!.message.content);
      const schema = { type: 'object', properties: { age: { type: 'integer' }, name: { enum: ['Tom', 'Lily'] } }, required: ['age', 'name'] }; // biome-ignore format: one thought
      const format = { type: 'json_schema', json_schema: { name: 'pet', schema } };
      const bound = await chat({ response_format: format, max_tokens: 60, logit_bias: { [text.tokenizer.tokenToId('1')!]: 0 } }); // biome-ignore format: a call
      const parsed = JSON.parse(bound.choices[0]!.message.content!);
      expect(parsed.name).to.be.oneOf(['Tom', 'Lily']);
      expect(parsed.age).to.satisfy(Number.isInteger);
      const parameters = { type: 'object', properties: { animal: { enum: ['dog', 'cat'] } }, required: ['animal'] };
      const tools = [{ type: 'function', function: { name: 'feed', parameters } }, { type: 'function', function: { name: 'walk', parameters: { type: 'object', properties: {} } } }]; // biome-ignore format: one thought
      const called = await chat({ tools, tool_choice: 'required', max_tokens: 60 });
      expect(called.choices[0]).to.include({ finish_reason: 'tool_calls' });
      expect(called.choices[0]!.message.content).to.equal(null);
      const [call] = called.choices[0]!.message.tool_calls!;
      if (call?.type !== 'function') throw new Error('no function is called');
      expect(call.function.name).to.be.oneOf(['feed', 'walk']);
      const feed = { type: 'function', function: { name: 'feed' } } as const;
      const calling = client.chat.completions.stream({ model: 'stories', messages: [...messages], tools: tools as never, tool_choice: feed, max_tokens: 60, temperature: 0 }); // biome-ignore format: a call
      const { message } = (await calling.finalChatCompletion()).choices[0]!;
      const [fed] = message.tool_calls!;
      expect(fed!.function.name).to.equal('feed');
      expect(JSON.parse(fed!.function.arguments).animal).to.be.oneOf(['dog', 'cat']);
      const history = [...messages, { ...message }, { role: 'tool', tool_call_id: fed!.id, content: 'done' }];
      const next = await chat({ messages: history, tools, max_tokens: 4 });
      expect(next.choices[0]!.message.tool_calls).to.equal(undefined);
      const oneOf = [{ type: 'function', function: { name: 'x', parameters: { oneOf: [] } } }];
      expect(await failure(chat({ tools: oneOf, tool_choice: 'required' }))).to.include({
        status: 400,
        param: 'tools',
      });
      const wrong = { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object', if: {} } } };
      expect(await failure(chat({ response_format: wrong }))).to.include({ status: 400, param: 'response_format' });
    } finally {
      text.tokenizer.chat = null;
    }
  });

  it('embeds texts; what is alike is near', async () => {
    const { client } = await start();
    const input = ['Lily went to the park.', 'Lily went to the park', 'a big red ball!'];
    const { data, usage } = await client.embeddings.create({ model: 'stories', input });
    const vectors = data.map(({ embedding }) => embedding);
    const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
    expect(vectors.map(({ length }) => length)).to.deep.equal([64, 64, 64]);
    expect(dot(vectors[0]!, vectors[0]!)).to.be.closeTo(1, 1e-5);
    expect(dot(vectors[0]!, vectors[1]!)).to.be.above(dot(vectors[0]!, vectors[2]!));
    expect(usage.prompt_tokens).to.be.above(20);
    const floats = await client.embeddings.create({ model: 'stories', input: input[0]!, encoding_format: 'float' });
    expect(floats.data[0]!.embedding).to.be.allclose(vectors[0]!, { atol: 1e-6, rtol: 0 });
  });

  it('lists the model, and refuses others', async () => {
    const { client } = await start();
    expect((await client.models.list()).data.map(({ id }) => id)).to.deep.equal(['stories']);
    expect((await client.models.retrieve('stories')).owned_by).to.equal('rivulet');
    expect(await failure(client.completions.create({ model: 'gpt-5', prompt: 'x' }))).to.include({ status: 404 });
    expect(await failure(client.images.generate({ prompt: 'x' }))).to.include({ status: 404 });
  });

  it('tells what is wrong with a request, with its field', async () => {
    const { client, url } = await start();
    const wrong = async (change: object, status: number, param: string | null, message: RegExp): Promise<void> => {
      const error = await failure(client.completions.create({ model: 'stories', prompt: 'x', ...change } as never));
      expect(error).to.include({ status, param });
      expect(error.message).to.match(message);
    };
    await wrong({ temperature: 3 }, 400, 'temperature', /temperature/);
    await wrong({ n: 0 }, 400, 'n', /n:/);
    await wrong({ prompt: undefined }, 400, 'prompt', /prompt/);
    await wrong({ prompt: [9999] }, 400, null, /token 9999/);
    await wrong({ prompt: 'word '.repeat(600) }, 400, null, /at most 512 together/);
    await wrong({ prompt: 'word '.repeat(600), stream: true }, 400, null, /at most 512 together/);
    await wrong({ logit_bias: { 999: 1 } }, 400, null, /logitBias has token 999/);
    await wrong({ suffix: 'x' }, 400, 'suffix', /suffix/);
    const broken = await fetch(`${url}/v1/completions`, { method: 'POST', body: '{"prompt": ' });
    expect(broken.status).to.equal(400);
    expect(((await broken.json()) as Told).error.message).to.contain('no JSON');
    const large = await fetch(`${url}/v1/completions`, { method: 'POST', body: `{"prompt": "${'x'.repeat(5e6)}"}` });
    expect(large.status).to.equal(413);
  });

  it('asks for its key', async () => {
    const { url, client } = await start({ apiKey: 'secret' });
    const refused = await fetch(`${url}/v1/models`);
    expect(((await refused.json()) as Told).error.message).to.be.a('string');
    expect(refused.status).to.equal(401);
    expect((await fetch(`${url}/health`)).status).to.equal(200);
    expect((await client.models.list()).data).to.have.length(1);
  });

  it('refuses more than may wait with 429, and serves again later', async () => {
    const { client } = await start({ maxQueue: 3 });
    const request = { model: 'stories', prompt: 'A', max_tokens: 100 };
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => client.completions.create(request)));
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(refused).to.have.length(5);
    for (const error of refused) expect(error).to.include({ status: 429 });
    expect(refused[0].headers.get('retry-after')).to.equal('1');
    expect((await client.completions.create(request)).choices).to.have.length(1);
    expect(await failure(client.completions.create({ ...request, n: 4 }))).to.include({ status: 429 });
  });

  it('reports health and metrics, and lets go of what is under way when it ends', async () => {
    const { client, url, served } = await start();
    const request = { model: 'stories', prompt: '', max_tokens: 300, temperature: 0, stream: true } as const;
    const stream = await client.completions.create(request);
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    expect(await (await fetch(`${url}/health`)).json()).to.deep.include({ status: 'ok', running: 1 });
    served.drain();
    expect((await fetch(`${url}/health`)).status).to.equal(503);
    expect(await failure(client.models.list())).to.include({ status: 503 });
    let chunks = 0;
    while (!(await iterator.next()).done) chunks++;
    expect(chunks).to.be.above(250); // what was under way is finished
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).to.match(/rivulet_tokens_total\{kind="generated"\} 300\n/);
    expect(metrics).to.contain('rivulet_requests_total{endpoint="/v1/completions",status="200"} 1');
    expect(metrics).to.match(/rivulet_sessions\{state="running"\} 0/);
    expect(metrics).to.contain('nodejs_eventloop_lag');
  });

  it('ends the work for a client that goes away without a word', async () => {
    const { port } = await start();
    const socket = connect(port, '127.0.0.1');
    const body = JSON.stringify({ prompt: ['A', 'B'], n: 20, max_tokens: 480, stream: true });
    socket.write(`POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    for (let i = 0; i < 500 && text.model.load.running < 16; i++) await delay(1);
    expect(text.model.load).to.deep.include({ running: 16, rows: 16 });
    socket.destroy();
    await quiet();
  });

  it('64 clients at once, each cut off at random: no slot stays taken', async () => {
    const { client, url } = await start({ maxQueue: 64 });
    let state = 1;
    const random = (): number => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    };
    await Promise.all(
      Array.from({ length: 64 }, async (_, i) => {
        const request = { model: 'stories', prompt: `Client ${i}`, max_tokens: 60, stream: true } as const;
        const chunks = Math.floor(random() * 70);
        let seen = 0;
        for await (const _chunk of await client.completions.create(request)) if (++seen >= chunks) break; // hangs up
      }),
    );
    await quiet();
    const after = await client.completions.create({ model: 'stories', prompt: '', max_tokens: 20, temperature: 0 });
    expect(story().startsWith(after.choices[0]!.text)).to.equal(true);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).to.contain('status="499"');
  });
});
