/** The pages of this console. */
import type { ConsolePage } from '../parts/console-page.ts';

export const sitePages = {
  arrivals: { path: '/', name: 'Arrivals', key: 'a', needs: 'catalogue.read' },
  studies: { path: '/studies', name: 'Studies', key: 's', needs: 'catalogue.read' },
  cohorts: { path: '/cohorts', name: 'Cohorts', key: 'c', needs: 'catalogue.read' },
  quality: { path: '/quality', name: 'Quality', key: 'q', needs: 'catalogue.read' },
  quarantine: { path: '/quarantine', name: 'Quarantine', key: 'z', needs: 'identity.reveal' },
  deidentification: { path: '/deidentification', name: 'De-identification', key: 'd', needs: 'catalogue.read' },
  roads: { path: '/roads', name: 'Storage & roads', key: 'r', needs: 'catalogue.read' },
  people: { path: '/people', name: 'People', key: 'p', needs: 'accounts.read' },
} as const satisfies Record<string, ConsolePage>;
