/** A set of `unicode-sets.ts` as an expression that finds one of its characters. */
export function characterSet(runs: string): RegExp {
  let members = '';
  let code = 0;
  runs.split(' ').forEach((digits, i) => {
    const length = Number.parseInt(digits, 36);
    if (i % 2 === 1) members += `\\u{${code.toString(16)}}-\\u{${(code + length - 1).toString(16)}}`;
    code += length;
  });
  return new RegExp(`[${members}]`, 'u');
}
