/**
 * Which passwords are taken: NIST SP 800-63B-4, 3.1.1: a least length, no rules of composition, nothing that is tried first.
 * With at least twelve characters the lists of leaked passwords are nearly all patterns: a well-known word made longer, rows
 * of the keyboard, repetitions. So patterns are refused, of which a list would hold only some.
 */

const charactersMin = 12;
/** Longer ones would only make the service work. */
export const passwordBytesMax = 1024;
const distinctMin = 6;

/** Words with which most leaked passwords begin, and those that somebody would try here. */
const words = [
  ...[
    'password',
    'passwort',
    'passphrase',
    'motdepasse',
    'contrasena',
    'qwerty',
    'qwertz',
    'azerty',
    'asdfgh',
    'zxcvbn',
  ],
  ...[
    'welcome',
    'willkommen',
    'letmein',
    'iloveyou',
    'changeme',
    'secret',
    'geheim',
    'trustno',
    'whatever',
    'sunshine',
  ],
  ...['princess', 'dragon', 'monkey', 'football', 'baseball', 'superman', 'batman', 'starwars', 'pokemon', 'liverpool'],
  ...['admin', 'administrator', 'root', 'user', 'guest', 'test', 'login', 'master', 'default', 'temporary'],
  ...['hospital', 'klinik', 'clinic', 'radiology', 'radiologie', 'doctor', 'patient', 'dicom', 'pacs', 'medical'],
  ...['consilium', 'archive', 'coordinator', 'spring', 'summer', 'autumn', 'winter', 'january', 'company'],
];
const rows = ['1234567890', '0123456789', 'qwertyuiop', 'qwertzuiop', 'azertyuiop', 'asdfghjkl', 'zxcvbnm', 'yxcvbnm'];
const runMin = 4;
/** The longest first. */
const runs = [...rows, 'abcdefghijklmnopqrstuvwxyz']
  .flatMap((row) => [row, [...row].reverse().join('')])
  .flatMap(runsOf)
  .sort((one, other) => other.length - one.length);
const leet: Readonly<Record<string, string>> = {
  0: 'o',
  1: 'i',
  3: 'e',
  4: 'a',
  5: 's',
  7: 't',
  '@': 'a',
  $: 's',
  '!': 'i',
};

/** Two spellings of one text are one password (RFC 8265, 4.2). */
export function normalisedPassword(password: string): string {
  return password.normalize('NFC');
}

/** Why it is not taken, in words for who chose it; undefined if it is. */
export function objectionTo(password: string, own: readonly string[]): string | undefined {
  const characters = [...normalisedPassword(password)];
  if (characters.length < charactersMin) return `A password has at least ${charactersMin} characters.`;
  if (Buffer.byteLength(password) > passwordBytesMax) return 'The password is too long.';
  const text = characters.join('').toLowerCase();
  if (new Set(text).size < distinctMin) return 'The password repeats few characters.';
  if (remainder(text, own) < charactersMin / 2) {
    return 'The password is a known word, a name or a row of keys with little added. Take several words that do not belong together.';
  }
  return undefined;
}

/** How much is left when all that would be tried first is taken out. */
function remainder(text: string, own: readonly string[]): number {
  const names = own.map((name) => name.toLowerCase()).filter((name) => name.length >= 3);
  const lengths = [text, unleeted(text)].map((spelling) => {
    const rest = [...names, ...words, ...runs].reduce((left, known) => left.replaceAll(known, ''), spelling);
    const once = rest.length > 64 ? rest : rest.replace(/(.+?)\1+/gu, '$1');
    return [...once].length;
  });
  return Math.min(...lengths);
}

function unleeted(text: string): string {
  return [...text].map((character) => leet[character] ?? character).join('');
}

function runsOf(row: string): readonly string[] {
  return Array.from({ length: row.length - runMin + 1 }, (_, more) => more + runMin).flatMap((length) =>
    Array.from({ length: row.length - length + 1 }, (_, at) => row.slice(at, at + length)),
  );
}
