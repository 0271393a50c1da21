/** The least power of two that is not below `count`, nor below `least`, which is one. */
export function powerOfTwo(count: number, least: number = 1): number {
  let size = least;
  while (size < count) size *= 2;
  return size;
}
