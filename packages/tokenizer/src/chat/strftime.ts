const LOCALE = 'en-US';

const pad = (value: number, size = 2, fill = '0'): string => String(value).padStart(size, fill);

const named = (date: Date, options: Intl.DateTimeFormatOptions): string =>
  new Intl.DateTimeFormat(LOCALE, options).format(date);

const dayOfYear = (date: Date): number =>
  Math.round(
    (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - Date.UTC(date.getFullYear(), 0, 0)) / 86_400_000,
  );

const directives: Readonly<Record<string, (date: Date) => string>> = {
  Y: (date) => String(date.getFullYear()),
  y: (date) => pad(date.getFullYear() % 100),
  m: (date) => pad(date.getMonth() + 1),
  d: (date) => pad(date.getDate()),
  e: (date) => pad(date.getDate(), 2, ' '),
  j: (date) => pad(dayOfYear(date), 3),
  H: (date) => pad(date.getHours()),
  I: (date) => pad(date.getHours() % 12 || 12),
  M: (date) => pad(date.getMinutes()),
  S: (date) => pad(date.getSeconds()),
  p: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  A: (date) => named(date, { weekday: 'long' }),
  a: (date) => named(date, { weekday: 'short' }),
  B: (date) => named(date, { month: 'long' }),
  b: (date) => named(date, { month: 'short' }),
  F: (date) => strftime(date, '%Y-%m-%d'),
  T: (date) => strftime(date, '%H:%M:%S'),
  '%': () => '%',
};

/** Python's strftime with English names, in local time; `%-d` leaves padding out. What it does not know stays as it is. */
export function strftime(date: Date, format: string): string {
  return format.replace(/%(-?)([A-Za-z%])/g, (found, bare: string, letter: string) => {
    const text = Object.hasOwn(directives, letter) ? directives[letter]!(date) : found;
    return bare ? text.replace(/^[0 ]+(?=.)/, '') : text;
  });
}
