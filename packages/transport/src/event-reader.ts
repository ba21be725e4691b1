/** Server-sent events in the form in which the coordinator writes them: what `data` says, event by event. */
import { TransportError } from './transport-error.ts';

const eventCharactersMax = 64 * 2 ** 20;

export class EventReader {
  readonly #decoder = new TextDecoder();
  #rest = '';

  /** The events that these bytes complete. Comments, which only show that the line lives, are none. */
  read(bytes: Uint8Array): string[] {
    const blocks = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split('\n\n');
    this.#rest = blocks.pop()!;
    if (this.#rest.length > eventCharactersMax) {
      throw new TransportError('transport.answer-malformed', 'The coordinator sent a message that has no end.');
    }
    return blocks.flatMap((block) => {
      const lines = block.split('\n').filter((line) => line.startsWith('data:'));
      return lines.length === 0 ? [] : [lines.map((line) => line.slice(5).trimStart()).join('\n')];
    });
  }
}
