import { ArchiveError } from '../archive-error.ts';

/** A query that cannot be understood, and where. */
export class QueryError extends ArchiveError {
  /** Of the first character that is not understood, counted from 0. */
  readonly position: number;

  constructor(
    code: 'archive.query-invalid' | 'archive.query-field-unknown' | 'archive.query-value-invalid',
    message: string,
    position: number,
  ) {
    super(code, message);
    this.position = position;
  }
}
