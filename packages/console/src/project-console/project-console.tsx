/** The project's pages: what is live in them, and where each is. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { lazy, useEffect, useMemo } from 'react';
import { Redirect, Route, Switch } from 'wouter';
import { ConsoleFrame } from '../parts/console-frame.tsx';
import type { ConsolePage, PageMark } from '../parts/console-page.ts';
import { EmptyPlace } from '../parts/empty-place.tsx';
import { useMay, whoAsks } from '../parts/session.ts';
import { Entrance } from '../people/entrance.tsx';
import { JobPage } from './jobs/job-page.tsx';
import { JobsPage } from './jobs/jobs-page.tsx';
import { OverviewPage } from './overview/overview-page.tsx';
import { overview } from './project-asking.ts';
import { ProjectLive } from './project-live.ts';
import { projectPages } from './project-page.ts';

const later = {
  matrix: () => import('./matrix/matrix-page.tsx'),
  experiments: () => import('./experiments/experiments-page.tsx'),
  differences: () => import('./differences/differences-page.tsx'),
  privacy: () => import('./privacy/privacy-page.tsx'),
  members: () => import('./members/members-page.tsx'),
  audit: () => import('./audit/audit-page.tsx'),
  publication: () => import('./publication/publication-page.tsx'),
  people: () => import('../people/people-page.tsx'),
  account: () => import('../people/account-page.tsx'),
};
const MatrixPage = lazy(async () => ({ default: (await later.matrix()).MatrixPage }));
const ExperimentsPage = lazy(async () => ({ default: (await later.experiments()).ExperimentsPage }));
const DifferencesPage = lazy(async () => ({ default: (await later.differences()).DifferencesPage }));
const PrivacyPage = lazy(async () => ({ default: (await later.privacy()).PrivacyPage }));
const MembersPage = lazy(async () => ({ default: (await later.members()).MembersPage }));
const AuditPage = lazy(async () => ({ default: (await later.audit()).AuditPage }));
const PublicationPage = lazy(async () => ({ default: (await later.publication()).PublicationPage }));
const PeoplePage = lazy(async () => ({ default: (await later.people()).PeoplePage }));
const AccountPage = lazy(async () => ({ default: (await later.account()).AccountPage }));

export function ProjectConsole() {
  return (
    <Entrance>
      <Frame />
    </Entrance>
  );
}

function useLive(): ProjectLive {
  const client = useQueryClient();
  const live = useMemo(() => new ProjectLive(client), [client]);
  const sees = useMay('project.read');
  useEffect(() => {
    if (sees) live.events.open();
    return () => live.events.close();
  }, [live, sees]);
  return live;
}

function Frame() {
  const live = useLive();
  const who = useQuery(whoAsks).data;
  const sees = useMay('project.read');
  const { data } = useQuery({ ...overview, enabled: sees });
  const pages = Object.values<ConsolePage>(projectPages).filter(({ needs }) => who?.permissions.includes(needs));
  const marks: Record<string, PageMark> = data
    ? {
        [projectPages.jobs.path]: { count: data.jobs['running'] ?? 0, noun: 'jobs under way', color: 'blue' },
        [projectPages.members.path]: { count: data.waiting, noun: 'keys to be admitted', color: 'orange.9' },
        [projectPages.audit.path]: { count: data.alarms, noun: 'alarms', color: 'red.9' },
      }
    : {};
  // Fetched once the first page is here, so that all can be gone to when the service is not.
  useEffect(() => {
    for (const load of Object.values(later)) load().catch(() => {});
  }, []);
  return (
    <ConsoleFrame
      badge={sees ? `project: ${data?.project ?? '…'}` : 'project'}
      live={sees ? live.events : undefined}
      pages={pages}
      marks={marks}
    >
      <Switch>
        <Route path="/">
          {sees ? <OverviewPage live={live} /> : <Redirect to={pages[0]?.path ?? '/account'} replace />}
        </Route>
        <Route path="/jobs" component={JobsPage} />
        <Route path="/jobs/:jobId">{({ jobId }) => <JobPage jobId={decodeURIComponent(jobId)} live={live} />}</Route>
        <Route path="/matrix" component={MatrixPage} />
        <Route path="/experiments/:id?">{({ id }) => <ExperimentsPage id={id && decodeURIComponent(id)} />}</Route>
        <Route path="/differences" component={DifferencesPage} />
        <Route path="/privacy" component={PrivacyPage} />
        <Route path="/members" component={MembersPage} />
        <Route path="/audit" component={AuditPage} />
        <Route path="/publication" component={PublicationPage} />
        <Route path="/people" component={PeoplePage} />
        <Route path="/account" component={AccountPage} />
        <Route>
          <EmptyPlace title="There is no such page">The pages are in the list at the left.</EmptyPlace>
        </Route>
      </Switch>
    </ConsoleFrame>
  );
}
