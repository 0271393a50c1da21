import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { eventStream } from '../src/serve/event-stream.ts';

async function* counting(made: number[]): AsyncGenerator<{ n: number }> {
  for (let n = 0; n < 1000; n++) {
    made.push(n);
    yield { n };
  }
}

const options = { stallTimeout: 30, cancelled: () => {} };
const text = (stream: ReadableStream<Uint8Array>): Promise<string> => new Response(stream).text();

describe('eventStream', () => {
  it('writes values as events, and says when it is done', async () => {
    const values = [{ a: 1 }, { b: 'ü\n' }][Symbol.iterator]();
    const source = { next: async () => values.next() } as AsyncIterator<unknown>;
    expect(await text(eventStream(source, String, options))).to.equal(
      'data: {"a":1}\n\ndata: {"b":"ü\\n"}\n\ndata: [DONE]\n\n',
    );
  });

  it('makes nothing ahead of its reader, and gives up one that does not read', async () => {
    const made: number[] = [];
    let cancelled = 0;
    const stream = eventStream(counting(made), String, { stallTimeout: 30, cancelled: () => void cancelled++ });
    const reader = stream.getReader();
    await reader.read();
    await delay(5);
    expect(made.length).to.be.at.most(3);
    await delay(60);
    expect(cancelled).to.equal(1);
    const error = await reader.read().then(() => reader.read()).catch((e: unknown) => e); // biome-ignore format: one thought
    expect(error).to.be.an('error').with.property('message', 'the client read nothing for 30 ms');
  });

  it('tells the source when its reader goes away', async () => {
    let cancelled = 0;
    const stream = eventStream(counting([]), String, { stallTimeout: 1000, cancelled: () => void cancelled++ });
    await stream.cancel();
    expect(cancelled).to.equal(1);
  });

  it('ends with what an error is to the client', async () => {
    const source = { next: () => Promise.reject(new RangeError('too long')) } as AsyncIterator<unknown>;
    const described = eventStream(source, (error) => ({ error: (error as Error).message }), options);
    expect(await text(described)).to.equal('data: {"error":"too long"}\n\n');
  });
});
