/** What went wrong, in words for the person at the terminal, with what to do about it. Exit code 2. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: string;
  constructor(code: `cli.${string}`, message: string) {
    super(message);
    this.code = code;
  }
}
