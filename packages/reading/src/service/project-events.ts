/** What happens in a project, as it happens: to each only what that person may see. */
import { type EventStreamOptions, sendEvents } from '@consilium/archive';
import type { Asker } from '../asker.ts';
import type { ReadingRoom } from '../reading-room.ts';
import { eventAnswer, workAnswer } from './answers.ts';

const eventsMax = 1000;

export function sendProjectEvents(
  room: ReadingRoom,
  {
    asker,
    project,
    since,
  }: {
    asker: Asker;
    project: string;
    /** The last event that is known; `Last-Event-ID` of a browser that comes back says it, too. */
    since: number;
  },
  stream: EventStreamOptions,
): void {
  let last = Math.max(since, Number(stream.request.headers['last-event-id'] ?? 0) || 0);
  sendEvents(stream, (send) => {
    const news = () => {
      const events = room.events(asker, project, { since: last, limit: eventsMax });
      last = events.at(-1)?.seq ?? last;
      return events.map((event) => `id: ${event.seq}\ndata: ${JSON.stringify(eventAnswer(event))}`);
    };
    const tell = () => send(news);
    const listening = room.listen(tell);
    // How far models are is told as it is now: of an event of another name, and without a number.
    const working = room.models.listen(asker, project, (work) =>
      send(() => [`event: work\ndata: ${JSON.stringify(workAnswer(work))}`]),
    );
    tell();
    return [listening, working];
  });
}
