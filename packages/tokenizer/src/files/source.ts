/** A tokenizer file that cannot be read or used; the message names the file, the field and the reason, in one line. */
export class TokenizerFileError extends Error {
  override readonly name = 'TokenizerFileError';
  readonly file: string;
  /** The message without the file. */
  readonly reason: string;

  constructor(file: string, reason: string, options?: ErrorOptions) {
    const line = reason.replace(/\s*\n\s*/g, ' ');
    super(`${file}: ${line}`, options);
    this.file = file;
    this.reason = line;
  }
}

/** Where files lie beside each other. */
export interface Folder {
  /** How messages call a file. */
  pathOf(name: string): string;
  /** The bytes of a file, or null where there is none. @throws TokenizerFileError where it cannot be read. */
  read(name: string): Promise<Uint8Array | null>;
  /** The names of all files, or null where they are not known. */
  list(): Promise<readonly string[] | null>;
}

export interface Located {
  readonly folder: Folder;
  /** Null: the folder itself is meant. */
  readonly file: string | null;
  /** How messages call it. */
  readonly path: string;
}

export type Fetch = (url: string) => Promise<Response>;

/** The folder and file of a path or URL. @throws TokenizerFileError where there is neither. */
export async function locate(source: string | URL, fetcher: Fetch): Promise<Located> {
  const text = String(source);
  if (/^https?:/i.test(text)) return onTheWeb(new URL(text), fetcher);
  const node = nodeModules();
  if (node) return onDisk(/^file:/i.test(text) ? node.url.fileURLToPath(text) : text, node);
  const base = (globalThis as { location?: { href: string } }).location?.href;
  if (!base || /^file:/i.test(text)) throw new TokenizerFileError(text, 'cannot be read: there are no files here');
  return onTheWeb(new URL(text, base), fetcher);
}

interface NodeModules {
  readonly fs: typeof import('node:fs/promises');
  readonly path: typeof import('node:path');
  readonly url: typeof import('node:url');
}

/** Node's modules, asked for at run time: bundles for browsers then know nothing of them. */
function nodeModules(): NodeModules | null {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
  const get = process?.getBuiltinModule;
  if (!get) return null;
  return { fs: get('node:fs/promises'), path: get('node:path'), url: get('node:url') } as NodeModules;
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function onDisk(path: string, { fs, path: paths }: NodeModules): Promise<Located> {
  const unreadable = (file: string, error: unknown): never => {
    throw new TokenizerFileError(file, `cannot be read: ${reasonOf(error)}`, { cause: error });
  };
  const info = await fs.stat(path).catch((error: unknown) => unreadable(path, error));
  const directory = info.isDirectory() ? path : paths.dirname(path);
  const folder: Folder = {
    pathOf: (name) => paths.join(directory, name),
    read: async (name) => {
      const file = paths.join(directory, name);
      try {
        return await fs.readFile(file);
      } catch (error) {
        return (error as NodeJS.ErrnoException).code === 'ENOENT' ? null : unreadable(file, error);
      }
    },
    list: () => fs.readdir(directory).catch((error: unknown) => unreadable(directory, error)),
  };
  return { folder, file: info.isDirectory() ? null : paths.basename(path), path };
}

function onTheWeb(url: URL, fetcher: Fetch): Located {
  const file = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
  const pathOf = (name: string): string => {
    const beside = new URL(url);
    beside.pathname = url.pathname.slice(0, url.pathname.length - file.length) + name;
    return beside.href;
  };
  const folder: Folder = {
    pathOf,
    read: async (name) => {
      const address = pathOf(name);
      const fail = (error: unknown): never => {
        throw new TokenizerFileError(address, `cannot be fetched: ${reasonOf(error)}`, { cause: error });
      };
      const response = await fetcher(address).catch(fail);
      if (response.status === 404 || response.status === 410) return null;
      if (!response.ok) fail(`the server answers ${response.status} ${response.statusText}`.trim());
      return new Uint8Array(await response.arrayBuffer().catch(fail));
    },
    list: async () => null,
  };
  return { folder, file: file === '' ? null : file, path: url.href };
}
