import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { needs, rivulet, root, stories } from '../support/repository.ts';

/** A streamed completion of 250 tokens, whole; tells when its first token is there. */
async function completion(url: string, begun: () => void): Promise<string> {
  const options = { max_tokens: 250, temperature: 0, stream: true, stream_options: { include_usage: true } };
  const body = JSON.stringify({ model: 'stories260K', prompt: '', ...options });
  const response = await fetch(`${url}/v1/completions`, { method: 'POST', body, headers: { connection: 'close' } });
  expect(response.status).to.equal(200);
  let text = '';
  for await (const bytes of response.body!) {
    if (text === '') begun();
    text += Buffer.from(bytes).toString();
  }
  return text;
}

describe('rivulet serve', () => {
  needs(stories);

  it('serves until it is told to stop, and then ends what is under way', async () => {
    let answer: Promise<string> | undefined;
    const { stdout, stderr, code } = await rivulet(['serve', '--model', stories, '--port', '0'], {
      onError: (text, kill) => {
        const url = /at (http:\S+)\/v1/.exec(text)?.[1];
        if (url) answer ??= completion(url, () => kill('SIGTERM'));
      },
    });
    expect(code).to.equal(0);
    expect(stdout).to.equal('');
    expect(stderr).to.match(/^rivulet: stories260K at http:.*\nrivulet: no more requests/);
    expect(await answer).to.match(/"completion_tokens":250\b[\s\S]*\[DONE\]/);
  });

  it('names what is wrong in one line', async () => {
    const taken = createServer();
    await new Promise<void>((done) => void taken.listen(0, '127.0.0.1', done));
    const { port } = taken.address() as { port: number };
    try {
      const busy = await rivulet(['serve', '--model', stories, '--port', String(port)]);
      expect(busy.code).to.equal(1);
      expect(busy.stderr).to.match(/^rivulet: listen EADDRINUSE.*\n$/);
    } finally {
      taken.close();
    }
    const other = await rivulet(['serve', '--model', join(root, 'models/zh-en')]);
    expect(other.code).to.equal(1);
    expect(other.stderr).to.equal('rivulet: only a model that continues texts can be served\n');
  });
});
