import { pinnedProperty } from './pinned-properties.ts';

/** White_Space as Rust's and Oniguruma's \s: JavaScript's lacks U+0085 and has U+FEFF. */
const WHITE_SPACE = '\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

/** Ends in a quantifier, so that a plus behind it makes it possessive. */
const quantified = /(?:^|[^\\])[+*?]$|\{\d+(?:,\d*)?\}$/;

/**
 * A split pattern as JavaScript's: `\s` and `\S` pinned, possessive quantifiers and atomic groups made plain where they change
 * nothing but speed, and `(?i:…)` over contractions spelled out.
 * @throws Error for a pattern that JavaScript has no equal for.
 */
export function splitPattern(pattern: string): RegExp {
  let out = '';
  let inClass = false;
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i]!;
    if (character === '\\') {
      const next = pattern[++i];
      if (next === 's') out += inClass ? WHITE_SPACE : `[${WHITE_SPACE}]`;
      else if (next === 'S' && !inClass) out += `[^${WHITE_SPACE}]`;
      else if (next === 'S') throw new Error(`split pattern: \\S inside a class is not supported: ${pattern}`);
      else if (next === 'p' || next === 'P') {
        const name = /^\{(\w+)\}/.exec(pattern.slice(i + 1))?.[1];
        const pinned = name === undefined ? undefined : pinnedProperty(name, next === 'P');
        if (pinned === undefined) out += `\\${next}`;
        else {
          out += inClass ? pinned : `[${pinned}]`;
          i += name!.length + 2;
        }
      } else if (next === 'A' || next === 'z' || next === 'Z') out += next === 'A' ? '^' : '$';
      else out += next && /[a-zA-Z0-9^$\\.*+?()[\]{}|/-]/.test(next) ? `\\${next}` : (next ?? '\\');
    } else if (inClass) {
      out += character;
      if (character === ']') inClass = false;
    } else if (character === '[') {
      inClass = true;
      out += character;
    } else if (character === '+' && quantified.test(pattern.slice(0, i)))
      continue; // possessive: greedy gives the same split unless it has to give back
    else out += character;
  }
  const expanded = out.replace(/\(\?i:([^()]*)\)/g, (_, inner: string) => `(?:${anyCase(inner)})`);
  try {
    return new RegExp(expanded, 'gu');
  } catch (error) {
    throw new Error(`split pattern: JavaScript has no equal for ${pattern} (${(error as Error).message})`);
  }
}

/** Letters in either case; s has a third form, U+017F, and k a third, U+212A. */
function anyCase(pattern: string): string {
  return pattern.replace(/\\.|[a-zA-Z]/g, (found, at: number) => {
    if (found.length > 1) return found;
    const [lower, upper] = [found.toLowerCase(), found.toUpperCase()];
    const third = lower === 's' ? '\u017f' : lower === 'k' ? '\u212a' : '';
    const open = pattern.lastIndexOf('[', at) > pattern.lastIndexOf(']', at);
    return open ? lower + upper + third : `[${lower}${upper}${third}]`;
  });
}
