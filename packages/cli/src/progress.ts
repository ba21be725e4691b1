/** What a rehearsal says while it runs, and the ways of saying it: to a person at a terminal, to a log, to a script. */
import { styleText } from 'node:util';
import { createLogUpdate } from 'log-update';

type RehearsalEvent =
  /** A new part of the work begins. */
  | { readonly type: 'stage'; readonly text: string }
  /** Countable progress within the stage. */
  | { readonly type: 'count'; readonly what: string; readonly done: number; readonly of: number }
  | {
      readonly type: 'step';
      readonly job: string;
      readonly site: string;
      readonly round: number;
      readonly step: number;
      readonly of: number;
      /** null where the training is private. */
      readonly loss: number | null;
    }
  | {
      readonly type: 'round';
      readonly job: string;
      readonly round: number;
      readonly of: number;
      readonly loss: number | null;
      /** Validation Dice, weighted by the sites' cases. */
      readonly dice: number | null;
      readonly best: number | null;
      readonly sites: number;
      readonly sitesAsked: number;
    }
  | {
      readonly type: 'stopped';
      readonly job: string;
      readonly rounds: number;
      readonly best: number | null;
      readonly reason: string;
    }
  | { readonly type: 'warning'; readonly text: string }
  | { readonly type: 'finished'; readonly directory: string; readonly text: string; readonly summary: unknown };

export interface Progress extends Disposable {
  show(event: RehearsalEvent): void;
  /** The share of all work that is done, 0 to 1, from which the time left is told. */
  advance(share: number): void;
}

const dice = (value: number | null): string => (value === null ? '–' : value.toFixed(3));
const clock = (seconds: number): string =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

/** One JSON object a line on stdout, with `at`, the seconds since the start. */
export function jsonProgress(): Progress {
  const start = performance.now();
  const show = (event: RehearsalEvent): void => {
    process.stdout.write(`${JSON.stringify({ at: Math.round((performance.now() - start) / 10) / 100, ...event })}\n`);
  };
  return { show, advance: () => {}, [Symbol.dispose]: () => {} };
}

/** Lines for a person; on a terminal also a live block of what every site is doing. */
export function humanProgress(stream: NodeJS.WriteStream): Progress {
  const start = performance.now();
  const seconds = (): number => (performance.now() - start) / 1000;
  const live = stream.isTTY ? createLogUpdate(stream) : null;
  const bars = new Map<string, string>();
  let share = 0;
  let first: { readonly share: number; readonly seconds: number } | null = null;

  const left = (): string => {
    const made = share - (first?.share ?? 0);
    if (first === null || made < 0.05) return '';
    return `  at most ${clock(((seconds() - first.seconds) * (1 - share)) / made)} left`;
  };
  const redraw = (): void => live?.([...bars.values(), styleText('dim', `${clock(seconds())}${left()}`)].join('\n'));
  const line = (text: string): void => {
    live?.clear();
    stream.write(`${styleText('dim', clock(seconds()).padStart(6))}  ${text}\n`);
    redraw();
  };
  const lastCount = new Map<string, number>();
  const count = (what: string, done: number, of: number): void => {
    if (live !== null) bars.set(what, bar(what, done, of));
    if (done === of) {
      bars.delete(what);
      line(`${what}: ${done}`);
    } else if (live === null && done - (lastCount.get(what) ?? 0) >= of / 4) {
      lastCount.set(what, done);
      line(`${what}: ${done} of ${of}`);
    } else redraw();
  };

  const show = (event: RehearsalEvent): void => {
    switch (event.type) {
      case 'stage':
        bars.clear();
        line(styleText('bold', event.text));
        break;
      case 'count':
        count(event.what, event.done, event.of);
        break;
      case 'step': {
        const key = `${event.job}  ${event.site}`;
        const text = bar(`${key}  round ${event.round}`, event.step, event.of);
        if (event.step === event.of) bars.delete(key);
        else bars.set(key, event.loss === null ? text : `${text}  loss ${event.loss.toFixed(3)}`);
        redraw();
        break;
      }
      case 'round': {
        if (event.job.startsWith('local-')) break; // a line for each would drown the others
        const sites = event.sitesAsked > 1 ? `, ${event.sites} of ${event.sitesAsked} sites` : '';
        const best = event.dice !== null && event.dice === event.best ? styleText('green', '  best so far') : '';
        const loss = event.loss === null ? '' : `, loss ${event.loss.toFixed(3)}`;
        line(
          `${event.job.padEnd(10)} round ${event.round} of ${event.of}: validation Dice ${dice(event.dice)}${loss}${sites}${best}${live === null ? left() : ''}`,
        );
        break;
      }
      case 'stopped':
        line(
          `${event.job.padEnd(10)} ended after ${event.rounds} rounds at validation Dice ${dice(event.best)}: ${event.reason}`,
        );
        break;
      case 'warning':
        line(styleText('yellow', `! ${event.text}`));
        break;
      case 'finished':
        bars.clear();
        live?.clear();
        stream.write(`\n${event.text}\n`);
        break;
    }
  };
  const advance = (now: number): void => {
    first ??= { share: now, seconds: seconds() };
    share = Math.max(share, now);
  };
  return { show, advance, [Symbol.dispose]: () => live?.clear() };
}

function bar(label: string, done: number, of: number): string {
  const width = 20;
  const full = Math.round((width * done) / Math.max(1, of));
  return `${label.padEnd(28)} ${'█'.repeat(full)}${styleText('dim', '░'.repeat(width - full))} ${done}/${of}`;
}
