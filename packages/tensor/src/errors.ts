/** A shape or element type that an operation cannot take. Names the operation and what it was given. */
export class ShapeError extends TypeError {
  readonly op: string;

  constructor(op: string, message: string) {
    super(`${op}: ${message}`);
    this.name = 'ShapeError';
    this.op = op;
  }
}
