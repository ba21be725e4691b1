/** Ctrl-C, or SIGTERM: what is under way comes to an orderly end. */
import { CliError } from './cli-error.ts';
import { ExitCode } from './exit-code.ts';

/** Aborts at the first Ctrl-C; a second one, a second later or more, ends the process at once. */
export function stopOnInterrupt(notice = 'Stopping after the current step ...'): AbortSignal {
  const controller = new AbortController();
  let firstMs: number | null = null;
  const stop = (): void => {
    firstMs ??= performance.now();
    if (performance.now() - firstMs > 1000) process.exit(ExitCode.interrupted);
    if (!controller.signal.aborted && notice !== '') process.stderr.write(`\n${notice}\n`);
    controller.abort(new CliError('cli.interrupted', 'Interrupted.'));
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return controller.signal;
}
