/** The site's pages: what is live in them, and where each is. */
import type { ArchiveEvent } from '@consilium/archive/api';
import { NavLink } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { lazy, useEffect, useMemo } from 'react';
import { Redirect, Route, Switch } from 'wouter';
import { ConsoleFrame } from '../parts/console-frame.tsx';
import type { ConsolePage, PageMark } from '../parts/console-page.ts';
import { EmptyPlace } from '../parts/empty-place.tsx';
import { LiveEvents } from '../parts/live-events.ts';
import { useMay, whoAsks } from '../parts/session.ts';
import type { Shortcut } from '../parts/shortcuts.tsx';
import { Entrance } from '../people/entrance.tsx';
import { overview } from './archive-asking.ts';
import { Refreshing } from './archive-queries.ts';
import { ArrivalsPage } from './arrivals/arrivals-page.tsx';
import { sitePages } from './site-page.ts';
import { StudiesPage } from './studies/studies-page.tsx';

const later = {
  cohorts: () => import('./cohorts/cohorts-page.tsx'),
  quality: () => import('./quality/quality-page.tsx'),
  quarantine: () => import('./quarantine/quarantine-page.tsx'),
  deidentification: () => import('./deidentification/deidentification-page.tsx'),
  roads: () => import('./roads/roads-page.tsx'),
  people: () => import('../people/people-page.tsx'),
  account: () => import('../people/account-page.tsx'),
};
const CohortsPage = lazy(async () => ({ default: (await later.cohorts()).CohortsPage }));
const QualityPage = lazy(async () => ({ default: (await later.quality()).QualityPage }));
const QuarantinePage = lazy(async () => ({
  default: (await later.quarantine()).QuarantinePage,
}));
const DeidentificationPage = lazy(async () => ({
  default: (await later.deidentification()).DeidentificationPage,
}));
const RoadsPage = lazy(async () => ({ default: (await later.roads()).RoadsPage }));
const PeoplePage = lazy(async () => ({ default: (await later.people()).PeoplePage }));
const AccountPage = lazy(async () => ({ default: (await later.account()).AccountPage }));

export function SiteConsole() {
  return (
    <Entrance>
      <Frame />
    </Entrance>
  );
}

function useLive(): LiveEvents<ArchiveEvent> {
  const client = useQueryClient();
  const live = useMemo(() => {
    const refreshing = new Refreshing(client);
    return new LiveEvents<ArchiveEvent>({ onEvent: refreshing.note, onReturn: refreshing.everything });
  }, [client]);
  const sees = useMay('catalogue.read');
  useEffect(() => {
    if (sees) live.open();
    return () => live.close();
  }, [live, sees]);
  return live;
}

const searching: readonly Shortcut[] = [{ keys: '/', does: 'write a query', run: focusSearch }];

function Frame() {
  const live = useLive();
  const who = useQuery(whoAsks).data;
  const sees = useMay('catalogue.read');
  const reads = useMay('room.enter');
  const { data } = useQuery({ ...overview, enabled: sees });
  const pages = Object.values<ConsolePage>(sitePages).filter(({ needs }) => who?.permissions.includes(needs));
  const marks: Record<string, PageMark> = data
    ? {
        [sitePages.arrivals.path]: { count: data.waitingSeries, noun: 'series to be looked at', color: 'blue' },
        [sitePages.quality.path]: { count: data.findings.failed, noun: 'failed findings', color: 'orange.9' },
        [sitePages.quarantine.path]: { count: data.quarantined, noun: 'files', color: 'red.9' },
      }
    : {};
  // Fetched once the first page is here, so that all can be gone to when the service is not.
  useEffect(() => {
    for (const load of Object.values(later)) load().catch(() => {});
  }, []);
  return (
    <ConsoleFrame
      badge={sees ? `archive: ${data?.project ?? '…'}` : 'archive'}
      live={sees ? live : undefined}
      pages={pages}
      marks={marks}
      shortcuts={searching}
      links={reads && <NavLink component="a" href="annotator.html" label="Annotator" />}
    >
      <Switch>
        <Route path="/">{sees ? <ArrivalsPage /> : <Redirect to={pages[0]?.path ?? '/account'} replace />}</Route>
        <Route path="/studies/:kind?/:uid?">
          {({ kind, uid }) => <StudiesPage kind={kind} uid={uid && decodeURIComponent(uid)} />}
        </Route>
        <Route path="/cohorts/:name?">{({ name }) => <CohortsPage name={name} />}</Route>
        <Route path="/quality/:code?">{({ code }) => <QualityPage code={code && decodeURIComponent(code)} />}</Route>
        <Route path="/quarantine" component={QuarantinePage} />
        <Route path="/deidentification/:uid?">{({ uid }) => <DeidentificationPage uid={uid} />}</Route>
        <Route path="/roads" component={RoadsPage} />
        <Route path="/people" component={PeoplePage} />
        <Route path="/account" component={AccountPage} />
        <Route>
          <EmptyPlace title="There is no such page">The pages are in the list at the left.</EmptyPlace>
        </Route>
      </Switch>
    </ConsoleFrame>
  );
}

function focusSearch(): void {
  document.querySelector<HTMLInputElement>('input[data-search]')?.focus();
}
