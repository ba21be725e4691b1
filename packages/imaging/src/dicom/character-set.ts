/**
 * Text in DICOM's character sets (PS3.3 C.12.1.1.2): one set for the whole text, or several with ISO 2022 escape
 * sequences that switch between them. The sets themselves are TextDecoder's.
 */

/** The values of Specific Character Set; an empty first one is the default repertoire. */
export function characterSetsOf(bytes: Uint8Array): readonly string[] {
  return decodeLatin1(bytes)
    .split('\\')
    .map((term) => term.replaceAll('\0', ' ').trim());
}

/** @param sets the values of Specific Character Set. */
export function decodeText(bytes: Uint8Array, sets: readonly string[]): string {
  const initial = encodingOfTerm[(sets[0] ?? '').replace('ISO 2022 IR', 'ISO_IR')] ?? 'latin1';
  const escapeCode = 0x1b;
  let end = bytes.indexOf(escapeCode);
  if (end < 0) return decode(bytes, initial);
  let text = decode(bytes.subarray(0, end), initial);
  while (end < bytes.length) {
    const start = end;
    end = bytes.indexOf(escapeCode, start + 1);
    if (end < 0) end = bytes.length;
    text += decodeEscaped(bytes.subarray(start, end));
  }
  return text;
}

/** An engine's calls take so many arguments. */
const argumentsMax = 8192;

export function decodeLatin1(bytes: Uint8Array): string {
  if (bytes.length <= argumentsMax) return fromLatin1(bytes);
  let text = '';
  for (let at = 0; at < bytes.length; at += argumentsMax) text += fromLatin1(bytes.subarray(at, at + argumentsMax));
  return text;
}

/** Not `...bytes`, which goes through an iterator: a header is hundreds of such calls, and each took five times as long. */
function fromLatin1(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}

/** From one escape sequence up to the next. */
function decodeEscaped(bytes: Uint8Array): string {
  const text = decodeLatin1(bytes.subarray(1, 4));
  const sequence = Object.keys(encodingOfEscape).find((candidate) => text.startsWith(candidate));
  if (sequence === undefined) return decodeLatin1(bytes.subarray(1));
  const encoding = encodingOfEscape[sequence]!;
  // Here the escape sequence is part of the encoding itself.
  return decode(encoding === 'iso-2022-jp' ? bytes : bytes.subarray(1 + sequence.length), encoding);
}

function decode(bytes: Uint8Array, encoding: string): string {
  return encoding === 'latin1' ? decodeLatin1(bytes) : new TextDecoder(encoding).decode(bytes);
}

const encodingOfTerm: Readonly<Record<string, string>> = {
  'ISO_IR 192': 'utf-8',
  'ISO_IR 101': 'iso-8859-2',
  'ISO_IR 109': 'iso-8859-3',
  'ISO_IR 110': 'iso-8859-4',
  'ISO_IR 144': 'iso-8859-5',
  'ISO_IR 127': 'iso-8859-6',
  'ISO_IR 126': 'iso-8859-7',
  'ISO_IR 138': 'iso-8859-8',
  'ISO_IR 148': 'iso-8859-9',
  'ISO_IR 13': 'shift_jis',
  'ISO_IR 166': 'windows-874',
  GB18030: 'gb18030',
  GBK: 'gbk',
};

/** What follows ESC (0x1b). */
const encodingOfEscape: Readonly<Record<string, string>> = {
  '$)C': 'euc-kr',
  '$)A': 'gb18030',
  $B: 'iso-2022-jp',
  '$@': 'iso-2022-jp',
  '(B': 'latin1',
  '(J': 'shift_jis',
  ')I': 'shift_jis',
  '-A': 'latin1',
  '-B': 'iso-8859-2',
  '-C': 'iso-8859-3',
  '-D': 'iso-8859-4',
  '-L': 'iso-8859-5',
  '-G': 'iso-8859-6',
  '-F': 'iso-8859-7',
  '-H': 'iso-8859-8',
  '-M': 'iso-8859-9',
  '-T': 'windows-874',
};
