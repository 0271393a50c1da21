import type { TextModel } from '../load.ts';

export interface ServeOptions {
  /** What clients call the model. */
  readonly name: string;
  /** Texts in work or waiting; further requests get the status 429. Default 64. */
  readonly maxQueue?: number;
  /** How long a client may leave what was sent unread, ms. Default 60,000. */
  readonly stallTimeout?: number;
  /** Clients must send it as a bearer token. Default: none. */
  readonly apiKey?: string;
}

/** A served model: `fetch` answers requests. */
export interface Served {
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /** From now on `/health` says 503, and what is new is refused. */
  drain(): void;
  /** Ends what is under way. */
  abort(): void;
}

/**
 * Answers in the form of OpenAI's API: completions, chats and embeddings, whole or streamed; beside them `/health`, and
 * `/metrics` for Prometheus. A client that goes away ends its generation within one step.
 * @throws TypeError (the promise rejects) for a model that does not continue texts.
 */
export async function serveModel(model: TextModel, options: ServeOptions): Promise<Served> {
  const { createServer } = await import('./app.ts'); // a program that serves nothing does not load what a server needs
  return createServer(model, options);
}
