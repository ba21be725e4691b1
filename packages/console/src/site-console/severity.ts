/** How grave a finding is, in words and colours. */
import type { Severity } from '@consilium/archive/api';

export const severityWords: Readonly<Record<Severity, string>> = { note: 'note', warning: 'warning', failed: 'failed' };
export const severityColors: Readonly<Record<Severity, string>> = {
  note: 'gray.7',
  warning: 'orange.9',
  failed: 'red.9',
};
