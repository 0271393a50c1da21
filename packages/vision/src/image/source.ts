import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { FileError } from '@rivulet/tensor';

/** An image that cannot be read; the message names the file and the reason. */
export class ImageError extends FileError {}

/** A path, an address (http, https, data or file), or a file's bytes. */
export type ImageSource = string | URL | Uint8Array;

/** More bytes are not fetched. */
const MOST_BYTES = 2 ** 28;
const WAIT = 30_000;

/** What messages call a source. */
export function nameOf(source: ImageSource): string {
  if (source instanceof Uint8Array) return 'image';
  const text = String(source);
  return text.startsWith('data:') ? `${text.slice(0, 30)}…` : text;
}

/** The bytes of an image file. @throws ImageError where there are none. */
export async function readSource(source: ImageSource, signal?: AbortSignal): Promise<Uint8Array> {
  const bytes = source instanceof Uint8Array ? source : await open(source, signal);
  if (bytes.length === 0) throw new ImageError(nameOf(source), 'is empty');
  return bytes;
}

async function open(source: string | URL, signal?: AbortSignal): Promise<Uint8Array> {
  const name = nameOf(source);
  try {
    const address = source instanceof URL ? source : /^(https?|data|file):/.test(source) ? new URL(source) : null;
    if (address && address.protocol !== 'file:') return await fetched(address, signal);
    return await readFile(address ? fileURLToPath(address) : source, { signal });
  } catch (error) {
    if (error instanceof ImageError) throw error;
    const { message, cause } = error as Error;
    const reason = cause instanceof Error && message === 'fetch failed' ? cause.message || message : message;
    throw new ImageError(name, `cannot be read: ${reason}`, { cause: error });
  }
}

async function fetched(address: URL, signal?: AbortSignal): Promise<Uint8Array> {
  const limit = AbortSignal.timeout(WAIT);
  const response = await fetch(address, { signal: signal ? AbortSignal.any([signal, limit]) : limit });
  const refuse = async (reason: string): Promise<never> => {
    await response.body?.cancel();
    throw new ImageError(nameOf(address), `cannot be read: ${reason}`);
  };
  if (!response.ok) return refuse(`the server answers ${response.status} ${response.statusText}`.trim());
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MOST_BYTES)
      throw new ImageError(nameOf(address), `cannot be read: it has more than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
