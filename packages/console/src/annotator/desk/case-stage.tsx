/** The three planes of a case, and those of a series beside it. */
import { Progress } from '@mantine/core';
import { type ReactNode, useEffect, useRef, useSyncExternalStore } from 'react';
import { type Plane, planes } from '../viewer/view-plane.ts';
import { BesidePlanes } from './beside-planes.tsx';
import type { ComparisonState } from './comparison.ts';
import classes from './desk.module.css';
import type { Desk } from './desk.ts';
import { PlaneMarks, planeNames } from './plane-marks.tsx';
import { PointedMarks } from './pointed-marks.tsx';

export interface CaseStageProps {
  readonly desk: Desk;
  readonly onFault: (error: unknown) => void;
  /** What lies over the pictures. */
  readonly children?: ReactNode;
}

export function CaseStage({ children, desk, onFault }: CaseStageProps) {
  const elements = useRef<Partial<Record<Plane, HTMLDivElement>>>({});
  const first = useRef<HTMLCanvasElement>(null);
  const { plane: active, share, views, window } = useSyncExternalStore(desk.subscribe, desk.state);
  const beside = useComparison(desk)?.series;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a desk is mounted once.
  useEffect(() => {
    desk.mount(elements.current as Record<Plane, HTMLDivElement>, first.current).catch(onFault);
    return () => desk.unmount();
  }, [desk]);
  return (
    <div className={classes['stage']} data-compared={beside !== undefined}>
      {planes.map((plane) => (
        <section
          key={plane}
          className={classes['plane']}
          data-plane={plane}
          data-active={plane === active}
          aria-label={`${planeNames[plane]} plane`}
        >
          <div
            ref={(element) => {
              if (element !== null) elements.current[plane] = element;
            }}
            className={classes['picture']}
            // biome-ignore lint/a11y/noNoninteractiveTabindex: keys scroll the plane that has the focus.
            tabIndex={0}
            role="img"
            aria-label={`${planeNames[plane]} picture`}
            onFocus={() => desk.setPlane(plane)}
            onPointerDown={({ currentTarget }) => {
              // Cornerstone keeps the browser from doing it.
              currentTarget.focus({ preventScroll: true });
              desk.setPlane(plane);
            }}
          />
          {plane === 'axial' && views.axial === undefined && (
            <canvas ref={first} className={classes['first']} aria-hidden data-first />
          )}
          <PointedMarks desk={desk} plane={plane} />
          <PlaneMarks name={planeNames[plane]} view={views[plane]} window={window} />
        </section>
      ))}
      {desk.comparison && beside && views.axial && (
        <BesidePlanes key={beside.seriesInstanceUid} comparison={desk.comparison} />
      )}
      {children}
      {share < 1 && (
        <Progress
          className={classes['loading'] ?? ''}
          value={share * 100}
          size="xs"
          aria-label="Slices that have come"
        />
      )}
    </div>
  );
}

const noComparison = { subscribe: () => () => {}, state: () => undefined };

function useComparison({ comparison }: Desk): ComparisonState | undefined {
  const { state, subscribe } = comparison ?? noComparison;
  return useSyncExternalStore<ComparisonState | undefined>(subscribe, state);
}
