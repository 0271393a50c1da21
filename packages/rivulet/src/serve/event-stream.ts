export interface EventStreamOptions {
  /** How long a client may leave what was sent unread before it is given up, ms. */
  readonly stallTimeout: number;
  /** Called when the client went away or was given up. */
  readonly cancelled: () => void;
}

/**
 * JSON values as Server-Sent Events, made only as fast as they are read; an error becomes the last event. A client that does not
 * read is given up after a while, so that it does not hold its place for ever.
 */
export function eventStream(
  values: AsyncIterator<unknown>,
  describe: (error: unknown) => unknown,
  { stallTimeout, cancelled }: EventStreamOptions,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const line = (value: unknown): Uint8Array =>
    encoder.encode(`data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`);
  let timer: ReturnType<typeof setTimeout> | undefined;
  return new ReadableStream({
    async pull(controller) {
      clearTimeout(timer);
      try {
        const { done, value } = await values.next();
        if (done) {
          controller.enqueue(line('[DONE]'));
          controller.close();
          return;
        }
        controller.enqueue(line(value));
        timer = setTimeout(() => {
          cancelled();
          controller.error(new Error(`the client read nothing for ${stallTimeout} ms`));
        }, stallTimeout);
        timer.unref?.();
      } catch (error) {
        controller.enqueue(line(describe(error)));
        controller.close();
      }
    },
    cancel() {
      clearTimeout(timer);
      cancelled();
    },
  });
}
