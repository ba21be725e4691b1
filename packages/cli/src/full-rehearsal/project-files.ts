/** What a full rehearsal leaves, by name in its directory. */

/** `record.json` is that of the model of corrected proposals, as any rehearsal leaves it. */
export const projectFiles = {
  project: 'project.json',
  record: 'record.json',
  report: 'report.html',
  summary: 'summary.json',
} as const;
