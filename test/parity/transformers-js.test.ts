import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AutoModelForCausalLM, AutoTokenizer, env, pipeline, type Tensor } from '@huggingface/transformers';
import { manualSeed, storageOf } from '@rivulet/nn';
import { compile, writeSafetensors } from '@rivulet/tensor';
import { GPT2, parseGPT2Config } from '@rivulet/transformer';
import { expect } from 'chai';
import { exportModel, readImageModel } from 'rivulet';
import { needs, rivulet, root, shared, stories, temporaryFolder } from '../support/repository.ts';

const mobilenet = join(shared, 'data/checkpoints/mobilenet_v2-imagenet');
const photos = join(shared, 'data/images/photos');

// Nothing is fetched: models come from this disk, and the native runtime needs no WebAssembly.
env.allowRemoteModels = false;
env.useWasmCache = false;

/** The library's model and tokenizer of a folder on this disk. */
async function theirs(folder: string, dtype: 'fp32' | 'q4' = 'fp32') {
  env.localModelPath = dirname(folder);
  const name = basename(folder);
  return {
    model: await AutoModelForCausalLM.from_pretrained(name, { dtype, local_files_only: true }),
    tokenizer: await AutoTokenizer.from_pretrained(name, { local_files_only: true }),
  };
}

describe('transformers.js on a model that we exported', () => {
  const folder = temporaryFolder();

  describe('a Llama', () => {
    needs(stories);
    const output = (): string => join(folder(), 'stories');

    it('tells the known story, token by token behind a cache', async () => {
      const { stdout, stderr, code } = await rivulet(['export', '--model', stories, '--output', output()]);
      expect({ stderr, code }).to.deep.equal({ stderr: '', code: 0 });
      expect(stdout).to.equal(`${join(output(), 'onnx/model.onnx')}\n`);
      const { model, tokenizer } = await theirs(output());
      const ids = await model.generate({ ...tokenizer(''), max_new_tokens: 256, do_sample: false });
      const [text] = tokenizer.batch_decode(ids as Tensor, { skip_special_tokens: true });
      expect(text!.trim()).to.equal(readFileSync(join(stories, 'expected_greedy.txt'), 'utf8').trim());
      await model.dispose();
    });

    it('continues several texts of different lengths as each alone', async () => {
      const { model, tokenizer } = await theirs(output());
      const prompts = ['Once upon a time', 'The little dog was very'];
      tokenizer.padding_side = 'left';
      const continued = async (texts: string[]): Promise<string[]> => {
        const ids = await model.generate({
          ...tokenizer(texts, { padding: true }),
          max_new_tokens: 20,
          do_sample: false,
        });
        return tokenizer.batch_decode(ids as Tensor, { skip_special_tokens: true });
      };
      const alone = (await Promise.all(prompts.map((prompt) => continued([prompt])))).flat();
      expect(await continued(prompts)).to.deep.equal(alone);
      await model.dispose();
    });

    it('finds weights beside the model, and knows of them from config.json', async () => {
      const beside = join(folder(), 'beside');
      await exportModel(stories, beside, { external: true });
      await exportModel(stories, beside, { weights: 'int4' }); // the config still speaks of the other one
      expect(readdirSync(join(beside, 'onnx')).sort()).to.deep.equal([
        'model.onnx',
        'model.onnx_data',
        'model_q4.onnx',
      ]);
      const config = JSON.parse(readFileSync(join(beside, 'config.json'), 'utf8'));
      expect(config['transformers.js_config'].use_external_data_format).to.deep.equal({ 'model.onnx': 1 });
      const told = async (name: string): Promise<string[]> => {
        const { model, tokenizer } = await theirs(name);
        const ids = await model.generate({ ...tokenizer('Once upon'), max_new_tokens: 8, do_sample: false });
        await model.dispose();
        return tokenizer.batch_decode(ids as Tensor, { skip_special_tokens: true });
      };
      expect(await told(beside)).to.deep.equal(await told(output()));
    });

    it('reads weights of 4 bits under the name that it looks for', async () => {
      expect(await exportModel(stories, output(), { weights: 'int4' })).to.equal(join(output(), 'onnx/model_q4.onnx'));
      expect(readdirSync(join(output(), 'onnx')).sort()).to.deep.equal(['model.onnx', 'model_q4.onnx']);
      const { model, tokenizer } = await theirs(output(), 'q4');
      const ids = await model.generate({ ...tokenizer('Once upon a time'), max_new_tokens: 8, do_sample: false });
      expect((ids as Tensor).dims).to.deep.equal([1, 13]);
      await model.dispose();
    });
  });

  it('gives the logits of a GPT-2, and makes the files of a tokenizer that lack', async () => {
    const source = join(folder(), 'gpt2-source');
    const config = { model_type: 'gpt2', vocab_size: 6000, n_positions: 32, n_embd: 32, n_layer: 2, n_head: 4 };
    mkdirSync(source);
    writeFileSync(join(source, 'config.json'), JSON.stringify({ ...config, eos_token_id: 1 }));
    copyFileSync(join(root, 'models/zh-en/tokenizer.json'), join(source, 'tokenizer.json'));
    manualSeed(3);
    const ours = new GPT2(parseGPT2Config(config));
    const weights = [...ours.stateDict()].map(([key, tensor]) => [key, storageOf(tensor)] as const);
    await writeSafetensors(join(source, 'model.safetensors'), new Map(weights));
    const output = join(folder(), 'gpt2');
    await exportModel(source, output);

    const { model, tokenizer } = await theirs(output);
    const encoded = tokenizer('我喜欢猫。');
    const input = encoded.input_ids as Tensor;
    const ids = { dtype: 'int64', dims: input.dims, data: input.data as BigInt64Array } as const;
    const graph = await compile({ ids: { shape: ids.dims, dtype: 'int64' } }, (given) => ({
      logits: ours.forward(given.ids),
    }));
    const { logits } = await graph.run({ ids });
    const { logits: theirLogits } = await model(encoded);
    expect(theirLogits.dims).to.deep.equal(logits.dims);
    expect(theirLogits.data).to.be.allclose(logits.data, { atol: 1e-5, rtol: 1e-5 });
    await model.dispose();
    await graph.dispose();
  });

  describe('an image classifier', () => {
    needs(mobilenet);

    it('says what is on photographs', async () => {
      const output = join(folder(), 'mobilenet');
      await exportModel(mobilenet, output);
      env.localModelPath = folder();
      const classify = await pipeline('image-classification', 'mobilenet', { dtype: 'fp32', local_files_only: true });
      for (const [photo, label] of [
        ['parrot.jpg', 'macaw'],
        ['cat_720p.jpg', 'Egyptian cat'],
      ]) {
        const [best] = await classify(join(photos, photo!));
        expect(best).to.include({ label });
      }
      await classify.dispose();
    });

    it('loads as before where it was exported into its own folder', async () => {
      const own = join(folder(), 'own');
      cpSync(mobilenet, own, { recursive: true });
      await exportModel(own, own);
      const [before, after] = [await readImageModel(mobilenet), await readImageModel(own)];
      expect(after.image).to.deep.equal(before.image);
      expect(after.labels).to.deep.equal(before.labels);
    });
  });

  it('has no layout for a translator, and says so', async () => {
    const { stderr, code } = await rivulet(['export', '--model', join(root, 'models/zh-en'), '--output', folder()]);
    expect(code).to.equal(1);
    expect(stderr).to.match(/zh-en\/config.json: a model of type "gru-seq2seq" has no layout for ONNX; .*\n$/);
  });
});
