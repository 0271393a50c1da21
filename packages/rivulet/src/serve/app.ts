import type { CausalLM } from '@rivulet/transformer';
import { Hono } from 'hono';
import { bearerAuth } from 'hono/bearer-auth';
import { bodyLimit } from 'hono/body-limit';
import type { TextModel } from '../load.ts';
import { chatFormat, completionFormat } from './answers.ts';
import { chatIds } from './chat-prompt.ts';
import { embeddings } from './embeddings.ts';
import { ApiError, answerError } from './errors.ts';
import { answerConstraint, choices, generateOptions, promptIds } from './generation-options.ts';
import { Metrics } from './metrics.ts';
import { OnePerTurn } from './one-per-turn.ts';
import { chatRequest, completionRequest, embeddingRequest, readRequest } from './requests.ts';
import type { Served, ServeOptions } from './serve-model.ts';
import { readTools } from './tools.ts';
import { Writer } from './writer.ts';

const MAX_BODY = 4 * 2 ** 20;

/** The server of `serveModel`. */
export function createServer({ tokenizer, model }: TextModel, options: ServeOptions): Served {
  if (!('continuesPrompt' in model)) throw new TypeError('only a model that continues texts can be served');
  const causal: CausalLM = model;
  const { name, apiKey } = options;
  const metrics = new Metrics(() => causal.load);
  const writer = new Writer(causal, tokenizer, metrics, options);
  const turns = new OnePerTurn();
  let draining = false;
  const created = Math.floor(Date.now() / 1000);
  const card = { id: name, object: 'model', created, owned_by: 'rivulet' };
  const known = (given: string | null | undefined): void => {
    if (given && given !== name) throw new ApiError(404, `there is no model '${given}'; there is '${name}'`);
  };

  const app = new Hono();
  app.onError((error, context) => answerError(context, error));
  app.notFound((context) =>
    answerError(context, new ApiError(404, `there is no ${context.req.method} ${context.req.path}`)),
  );
  app.get('/health', (context) =>
    context.json({ status: draining ? 'draining' : 'ok', ...causal.load }, draining ? 503 : 200),
  );
  app.get('/metrics', async (context) => {
    const { text, type } = await metrics.text();
    return context.body(text, 200, { 'content-type': type });
  });
  if (apiKey) app.use('/v1/*', bearerAuth({ token: apiKey }));
  app.use(
    '/v1/*',
    bodyLimit({
      maxSize: MAX_BODY,
      onError: (context) => answerError(context, new ApiError(413, `the request has more than ${MAX_BODY} bytes`)),
    }),
    async (context, next) => {
      if (draining) throw new ApiError(503, 'the server is shutting down');
      const begin = performance.now();
      await turns.next();
      await next();
      if (!context.res.headers.get('content-type')?.startsWith('text/event-stream'))
        metrics.answered(context.req.path, context.res.status, begin);
    },
  );
  app.get('/v1/models', (context) => context.json({ object: 'list', data: [card] }));
  app.get('/v1/models/:name', (context) => {
    known(context.req.param('name'));
    return context.json(card);
  });

  app.post('/v1/completions', async (context) => {
    const request = await readRequest(completionRequest, context.req.raw);
    known(request.model);
    const count = request.n ?? 1;
    if (request.suffix) throw new ApiError(400, 'suffix is not supported', { param: 'suffix' });
    if ((request.best_of ?? count) !== count)
      throw new ApiError(400, 'best_of other than n is not supported', { param: 'best_of' });
    const withLogProbs = typeof request.logprobs === 'number';
    const prompts = promptIds(request.prompt, tokenizer);
    const all = choices(prompts, count, {
      ...generateOptions(request, tokenizer),
      maxNewTokens: request.max_tokens ?? 16,
      ...(withLogProbs && { outputLogprobs: true, topLogprobs: request.logprobs! }),
    });
    const echoes = request.echo ? all.map(({ prompt }) => tokenizer.decode(prompt)) : [];
    return writer.answer(context, all, completionFormat(tokenizer, withLogProbs, echoes), request);
  });

  app.post('/v1/chat/completions', async (context) => {
    const request = await readRequest(chatRequest, context.req.raw);
    known(request.model);
    const tools = readTools(request);
    const prompt = chatIds(request, tools, tokenizer);
    const all = choices([prompt], request.n ?? 1, {
      ...generateOptions(request, tokenizer),
      ...answerConstraint(request, tools, tokenizer, causal.vocabSize),
      maxNewTokens: request.max_completion_tokens ?? request.max_tokens ?? causal.contextLength,
      ...(request.logprobs && { outputLogprobs: true, topLogprobs: request.top_logprobs ?? 0 }),
    });
    return writer.answer(context, all, chatFormat(tokenizer, request.logprobs ?? false, tools), request);
  });

  app.post('/v1/embeddings', async (context) => {
    const request = await readRequest(embeddingRequest, context.req.raw);
    known(request.model);
    if (request.dimensions) throw new ApiError(400, 'dimensions is not supported', { param: 'dimensions' });
    const inputs = promptIds(request.input, tokenizer);
    const format = request.encoding_format ?? 'float';
    const { signal } = context.req.raw; // who goes away waits for nothing more
    return context.json(await writer.inRoom(inputs.length, () => embeddings(causal, inputs, name, format, signal)));
  });

  return {
    fetch: app.fetch,
    drain() {
      draining = true;
    },
    abort: () => writer.abort(),
  };
}
