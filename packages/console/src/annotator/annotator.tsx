/** Where one can go in the annotator: the list of work, a task of it, and the models. What draws images is loaded with the first task. */
import { Skeleton } from '@mantine/core';
import { lazy, Suspense, useEffect } from 'react';
import { Route, Switch, useLocation } from 'wouter';
import { EmptyPlace } from '../parts/empty-place.tsx';
import { FaultBoundary } from '../parts/fault-boundary.tsx';
import { Entrance } from '../people/entrance.tsx';
import classes from './annotator.module.css';
import { ModelsPage } from './models/models-page.tsx';
import { WorklistPage } from './worklist/worklist-page.tsx';

const loadDesk = () => import('./desk/task-desk.tsx');
const TaskDesk = lazy(async () => ({ default: (await loadDesk()).TaskDesk }));

export function Annotator() {
  return (
    <Entrance>
      <Pages />
    </Entrance>
  );
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
          <Route path="/:project/models">
            {({ project }) => <ModelsPage key={project} project={decodeURIComponent(project)} />}
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
