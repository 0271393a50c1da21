import wabt from 'wabt';

/** WebAssembly's text format → a module's bytes. */
export async function compileText(text: string): Promise<Uint8Array> {
  const module = (await wabt()).parseWat('module.wat', text, { simd: true });
  try {
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}
