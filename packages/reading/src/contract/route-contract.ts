/** What a route is asked and what it answers. */
import type { z } from 'zod';

export interface RouteContract {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Under the prefix; parameters as `:name`. */
  readonly path: string;
  readonly summary: string;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  /** JSON; `file` for the bytes of one. */
  readonly body?: z.ZodType | 'file';
  /** JSON, or the media type of bytes. */
  readonly answer: z.ZodType | string;
}
