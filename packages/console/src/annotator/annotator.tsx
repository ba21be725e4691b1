/** Where one can go in the annotator: the list of work, and a task of it. What draws images is loaded with the first task. */
import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useEffect } from 'react';
import { Route, Switch, useLocation } from 'wouter';
import { EmptyPlace } from '../parts/empty-place.tsx';
import { ErrorView } from '../parts/error-view.tsx';
import { FaultBoundary } from '../parts/fault-boundary.tsx';
import { LoginPage } from '../parts/login-page.tsx';
import { ask } from '../parts/service-client.ts';
import { ServiceError } from '../parts/service-error.ts';
import classes from './annotator.module.css';
import { WorklistPage } from './worklist/worklist-page.tsx';

const loadDesk = () => import('./desk/task-desk.tsx');
const TaskDesk = lazy(async () => ({ default: (await loadDesk()).TaskDesk }));

export function Annotator() {
  const session = useQuery({ queryKey: ['session'], queryFn: () => ask('/session'), staleTime: 60_000 });
  if (session.error instanceof ServiceError && session.error.status === 401) return <LoginPage />;
  if (session.data !== undefined) return <Pages />;
  if (session.error) {
    return (
      <main className={classes['alone']}>
        <ErrorView error={session.error} onRetry={() => void session.refetch()} />
      </main>
    );
  }
  return <Skeleton height="100dvh" aria-label="Loading" role="status" />;
}

function Pages() {
  const [location] = useLocation();
  // While the reader chooses.
  useEffect(() => {
    loadDesk().catch(() => {});
  }, []);
  return (
    <FaultBoundary place={location}>
      <Suspense fallback={<Skeleton height="100dvh" aria-label="Loading" role="status" />}>
        <Switch>
          <Route path="/">
            <WorklistPage />
          </Route>
          <Route path="/:project">
            {({ project }) => <WorklistPage key={project} project={decodeURIComponent(project)} />}
          </Route>
          <Route path="/:project/tasks/:task">
            {({ project, task }) => (
              <TaskDesk key={task} project={decodeURIComponent(project)} taskId={decodeURIComponent(task)} />
            )}
          </Route>
          <Route>
            <main className={classes['alone']}>
              <EmptyPlace title="There is no such page">The list of work is at the beginning.</EmptyPlace>
            </main>
          </Route>
        </Switch>
      </Suspense>
    </FaultBoundary>
  );
}
