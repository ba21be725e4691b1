/** A request that is not as it should be, with the place as FastAPI names it. */
import { ReadingError } from '../reading-error.ts';

export class MalformedRequest extends ReadingError {
  readonly place: readonly string[];

  constructor(
    code: 'reading.request-malformed' | 'reading.upload-too-large',
    message: string,
    place: readonly string[],
  ) {
    super(code, message);
    this.place = place;
  }
}

/** @param place as `query.image` or `body`. */
export function malformed(
  place: string,
  what: string,
  code: 'reading.request-malformed' | 'reading.upload-too-large' = 'reading.request-malformed',
): MalformedRequest {
  return new MalformedRequest(code, `The request is wrong: ${place} ${what}.`, place.split('.'));
}
