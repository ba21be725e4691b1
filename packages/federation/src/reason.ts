/** Why a job ended: a code for programs, a sentence for people. */
export interface JobReason {
  readonly code: string;
  readonly text: string;
}
