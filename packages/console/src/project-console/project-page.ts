/** The pages of this console. */
import type { ConsolePage } from '../parts/console-page.ts';

export const projectPages = {
  overview: { path: '/', name: 'Overview', key: 'o', needs: 'project.read' },
  jobs: { path: '/jobs', name: 'Jobs', key: 'j', needs: 'project.read' },
  matrix: { path: '/matrix', name: 'Models across sites', key: 'x', needs: 'project.read' },
  experiments: { path: '/experiments', name: 'Experiments', key: 'e', needs: 'project.read' },
  differences: { path: '/differences', name: 'How sites differ', key: 'd', needs: 'project.read' },
  privacy: { path: '/privacy', name: 'Privacy & approvals', key: 'v', needs: 'project.read' },
  members: { path: '/members', name: 'Members', key: 'm', needs: 'project.read' },
  audit: { path: '/audit', name: 'Audit trail', key: 'a', needs: 'audit.read' },
  publication: { path: '/publication', name: 'Publication', key: 'u', needs: 'project.read' },
  people: { path: '/people', name: 'People', key: 'p', needs: 'accounts.read' },
} as const satisfies Record<string, ConsolePage>;
