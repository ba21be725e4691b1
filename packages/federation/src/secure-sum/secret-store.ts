/** Where a site keeps what it must not forget of its sessions, and what it must forget in time. */
import type { JobId } from '@consilium/protocol';
import type { Ledger } from '../store.ts';

export interface SecretStore extends Pick<Ledger, 'record' | 'entry' | 'recall'> {
  /** Removes, for good, the entries of a job whose keys begin so. */
  erase(jobId: JobId, keyPrefix: string): Promise<void>;
}
