/** Which tensors are meant: by name, or by a pattern in which `*` stands for any text. */

/** Whether a name is one of the patterns. */
export function matchesAny(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const parts = pattern.split('*');
    if (parts.length === 1) return name === pattern;
    let position = parts[0]!.length;
    if (!name.startsWith(parts[0]!)) return false;
    for (const part of parts.slice(1, -1)) {
      const found = name.indexOf(part, position);
      if (found < 0) return false;
      position = found + part.length;
    }
    const last = parts.at(-1)!;
    return name.length - last.length >= position && name.endsWith(last);
  });
}
