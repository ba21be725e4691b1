/** The catalogue of this package's operating failures. Each has a section in `docs/errors/study.md`. */
export type StudyErrorCode =
  | 'study.record-malformed'
  | 'study.record-inconsistent'
  | 'study.experiment-malformed'
  | 'study.test-set-spent'
  | 'study.input-malformed';

/** A record, an experiment or an input is not what it should be. The message names fields and ids, never an image's content. */
export class StudyError extends Error {
  override readonly name = 'StudyError';
  readonly code: StudyErrorCode;

  constructor(code: StudyErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
