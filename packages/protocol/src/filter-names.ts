/** What a site says that it did to weights before they left it, by name and in order; said only if it did anything. */
import { z } from 'zod';

export const filterNamesSchema = z.array(z.string().regex(/^[a-z-]{1,40}$/)).max(20);
