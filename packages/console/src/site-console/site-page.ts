/** The pages of this console: their addresses, names, and the key that goes to each after `g`. */

export interface SitePage {
  readonly path: string;
  readonly name: string;
  readonly key: string;
}

export const sitePages = {
  arrivals: { path: '/', name: 'Arrivals', key: 'a' },
  studies: { path: '/studies', name: 'Studies', key: 's' },
  cohorts: { path: '/cohorts', name: 'Cohorts', key: 'c' },
  quality: { path: '/quality', name: 'Quality', key: 'q' },
  quarantine: { path: '/quarantine', name: 'Quarantine', key: 'z' },
  deidentification: { path: '/deidentification', name: 'De-identification', key: 'd' },
  roads: { path: '/roads', name: 'Storage & roads', key: 'r' },
} as const satisfies Record<string, SitePage>;
