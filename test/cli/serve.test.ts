import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { needs, rivulet, root, stories } from '../support/repository.ts';

describe('rivulet serve', () => {
  needs(stories);

  it('serves until it is told to stop, and then ends what is under way', async () => {
    let answer: Promise<{ status: number; text: string }> | undefined;
    let stopping = false;
    const { stdout, stderr, code } = await rivulet(['serve', '--model', stories, '--port', '0'], {
      onError: (text, kill) => {
        const url = /at (http:\S+)\/v1/.exec(text)?.[1];
        if (!url || answer) return;
        const body = JSON.stringify({ model: 'stories260K', prompt: '', max_tokens: 250, temperature: 0 });
        const request = { method: 'POST', body, headers: { connection: 'close' } };
        answer = fetch(`${url}/v1/completions`, request).then(async (response) => {
          return { status: response.status, text: await response.text() };
        });
        setTimeout(() => {
          stopping = true;
          kill('SIGTERM');
        }, 100);
      },
    });
    expect(stopping).to.equal(true);
    expect(code).to.equal(0);
    expect(stdout).to.equal('');
    expect(stderr).to.match(/^rivulet: stories260K at http:.*\nrivulet: no more requests/);
    const { status, text } = await answer!;
    expect(status).to.equal(200);
    expect(JSON.parse(text).usage.completion_tokens).to.equal(250);
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
