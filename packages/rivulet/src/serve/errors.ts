import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

/** An error that the client is told, in the form that OpenAI's clients read. */
export class ApiError extends Error {
  readonly status: ContentfulStatusCode;
  readonly type: string;
  readonly param: string | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: ContentfulStatusCode,
    message: string,
    { param = null, headers = {} }: { param?: string | null; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message);
    this.status = status;
    this.type = status >= 500 ? 'server_error' : status === 429 ? 'rate_limit_error' : 'invalid_request_error';
    this.param = param;
    this.headers = headers;
  }

  get body(): { error: Readonly<Record<string, string | null>> } {
    return { error: { message: this.message, type: this.type, param: this.param, code: null } };
  }
}

/** What a failure is to the client: options and prompts that do not fit are its own, all else is ours. */
export function apiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof HTTPException) return new ApiError(error.status, error.message || 'the key is missing or wrong');
  if (error instanceof RangeError || error instanceof SyntaxError) return new ApiError(400, error.message);
  return new ApiError(500, `the server failed: ${error instanceof Error ? error.message : String(error)}`);
}

export function answerError(context: Context, error: unknown): Response {
  const { status, body, headers } = apiError(error);
  return context.json(body, status, headers);
}
