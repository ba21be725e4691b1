/** The frame of the site's pages: where one can go, whether what is shown is live, and the page itself. */
import { AppShell, Skeleton } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useMemo } from 'react';
import { Redirect, Route, Switch, useLocation } from 'wouter';
import { EmptyPlace } from '../parts/empty-place.tsx';
import { FaultBoundary } from '../parts/fault-boundary.tsx';
import { LiveEvents } from '../parts/live-events.ts';
import { useMay, whoAsks } from '../parts/session.ts';
import { type Shortcut, ShortcutList, useShortcuts } from '../parts/shortcuts.tsx';
import { Entrance } from '../people/entrance.tsx';
import { Refreshing } from './archive-queries.ts';
import { ArrivalsPage } from './arrivals/arrivals-page.tsx';
import { ConsoleHeader } from './console-header.tsx';
import { ConsoleNavigation } from './console-navigation.tsx';
import classes from './site-console.module.css';
import { type SitePage, sitePages } from './site-page.ts';
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

function useLive(): LiveEvents {
  const client = useQueryClient();
  const live = useMemo(() => {
    const refreshing = new Refreshing(client);
    return new LiveEvents({ onEvent: refreshing.note, onReturn: refreshing.everything });
  }, [client]);
  const sees = useMay('catalogue.read');
  useEffect(() => {
    if (sees) live.open();
    return () => live.close();
  }, [live, sees]);
  return live;
}

function Frame() {
  const live = useLive();
  const [menuOpen, menu] = useDisclosure(false);
  const [helpOpen, help] = useDisclosure(false);
  const [location, navigate] = useLocation();
  // biome-ignore lint/correctness/useExhaustiveDependencies: going somewhere closes the menu.
  useEffect(menu.close, [location]);
  const who = useQuery(whoAsks).data;
  const pages = Object.values<SitePage>(sitePages).filter(({ needs }) => who?.permissions.includes(needs));
  const shortcuts: readonly Shortcut[] = [
    { keys: '?', does: 'show this list', run: help.open },
    { keys: '/', does: 'write a query', run: focusSearch },
    ...pages.map(({ key, name, path }) => ({
      ...{ keys: `g ${key}`, does: `go to ${name}`, run: () => navigate(path) },
    })),
  ];
  useShortcuts(shortcuts);
  // Fetched once the first page is here, so that all can be gone to when the service is not.
  useEffect(() => {
    for (const load of Object.values(later)) load().catch(() => {});
  }, []);
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 216, breakpoint: 'sm', collapsed: { mobile: !menuOpen } }}
      padding="md"
    >
      <button type="button" className={classes['skip']} onClick={skipToContent}>
        Skip to the content
      </button>
      <AppShell.Header>
        <ConsoleHeader live={live} isMenuOpen={menuOpen} onMenu={menu.toggle} onHelp={help.open} />
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label="Pages">
        <ConsoleNavigation />
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        <FaultBoundary place={location}>
          <Suspense fallback={<Skeleton height={400} aria-label="Loading" role="status" />}>
            <Switch>
              <Route path="/">
                {who?.permissions.includes(sitePages.arrivals.needs) ? (
                  <ArrivalsPage />
                ) : (
                  <Redirect to={pages[0]?.path ?? '/account'} replace />
                )}
              </Route>
              <Route path="/studies/:kind?/:uid?">
                {({ kind, uid }) => <StudiesPage kind={kind} uid={uid && decodeURIComponent(uid)} />}
              </Route>
              <Route path="/cohorts/:name?">{({ name }) => <CohortsPage name={name} />}</Route>
              <Route path="/quality/:code?">
                {({ code }) => <QualityPage code={code && decodeURIComponent(code)} />}
              </Route>
              <Route path="/quarantine" component={QuarantinePage} />
              <Route path="/deidentification/:uid?">{({ uid }) => <DeidentificationPage uid={uid} />}</Route>
              <Route path="/roads" component={RoadsPage} />
              <Route path="/people" component={PeoplePage} />
              <Route path="/account" component={AccountPage} />
              <Route>
                <EmptyPlace title="There is no such page">The pages are in the list at the left.</EmptyPlace>
              </Route>
            </Switch>
          </Suspense>
        </FaultBoundary>
      </AppShell.Main>
      <ShortcutList shortcuts={shortcuts} opened={helpOpen} onClose={help.close} />
    </AppShell>
  );
}

function focusSearch(): void {
  document.querySelector<HTMLInputElement>('input[data-search]')?.focus();
}

/** No link: the fragment is the page's address. */
function skipToContent(): void {
  document.getElementById('content')?.focus();
}
