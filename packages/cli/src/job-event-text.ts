/** A job's events as lines for people. */
import type { WatchedEvent } from './job-follower.ts';

/** null for what would drown the rest. */
export function jobEventText(event: WatchedEvent): string | null {
  switch (event.kind) {
    case 'job-started': {
      const from = event.completedRounds > 0 ? `goes on after round ${event.completedRounds}` : 'begins';
      return `${from} with ${event.participants.join(', ')}`;
    }
    case 'round-started':
      return `round ${event.round} of ${event.of}: asks ${event.participants.join(', ')}`;
    case 'task-sent':
      return event.attempt === 1
        ? null
        : `${at(event)}${event.siteId} is asked to ${event.task} once more (${event.attempt})`;
    case 'site-step':
      if (event.step !== event.of) return null;
      return `${at(event)}${event.siteId} has done its ${event.of} steps${event.loss === null ? '' : `, loss ${event.loss.toFixed(3)}`}`;
    case 'site-case':
      return event.done === event.of ? `${at(event)}${event.siteId}: ${event.task}, ${event.of} cases` : null;
    case 'site-waiting':
      return `${at(event)}${event.siteId} waits for a person there to approve the job`;
    case 'contribution-accepted':
      return `${at(event)}${event.siteId}: ${event.task} accepted after ${(event.ms / 1000).toFixed(1)} s`;
    case 'site-lost': {
      const next = event.again ? 'It is asked again.' : '';
      return `${at(event)}${event.siteId} was lost: ${event.message} (${event.code}) ${next}`.trim();
    }
    case 'site-left-out':
      return `${at(event)}${event.siteId} is left out: ${event.message} (${event.code})`;
    case 'aggregated':
      return `${at(event)}aggregated from ${event.participants.join(', ')}`;
    case 'evaluated':
      return `${at(event)}validation Dice ${event.score === null ? 'unknown' : event.score.toFixed(4)}`;
    case 'best-model':
      return `${at(event)}the best so far`;
    case 'job-ended':
      return `${event.state}: ${event.reason.text} (${event.reason.code})`;
    default:
      return null;
  }
}

/** Surveys have no rounds. */
function at({ round }: { readonly round: number }): string {
  return round === 0 ? '' : `round ${round}: `;
}
