/** An error about a file; the message starts with its path. */
export class FileError extends Error {
  readonly file: string;

  constructor(file: string, message: string, options?: ErrorOptions) {
    super(`${file}: ${message}`, options);
    this.name = new.target.name;
    this.file = file;
  }
}
