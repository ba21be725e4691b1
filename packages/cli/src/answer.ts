/** What a command has to say, on stdout: JSON for scripts, a line each, or text for people. */
export interface AnswerOptions {
  readonly json?: true;
}

export const jsonOption = ['--json', 'JSON on stdout instead of text'] as const;

export function answer({ json }: AnswerOptions, value: unknown, text: string): void {
  process.stdout.write(json ? `${JSON.stringify(value)}\n` : `${text}\n`);
}

/** Columns as wide as what is in them. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, column) => Math.max(widest[column] ?? 0, cell.length)),
    [],
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
