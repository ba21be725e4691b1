/** The three planes of a case, with what a radiologist expects around a picture: sides of the patient, slice, window. */
import { Progress } from '@mantine/core';
import { type ReactNode, useEffect, useRef, useSyncExternalStore } from 'react';
import { type Plane, planes } from '../viewer/view-plane.ts';
import classes from './desk.module.css';
import type { Desk } from './desk.ts';
import { PointedMarks } from './pointed-marks.tsx';

const planeNames: Readonly<Record<Plane, string>> = { axial: 'Axial', coronal: 'Coronal', sagittal: 'Sagittal' };

export interface CaseStageProps {
  readonly desk: Desk;
  readonly onFault: (error: unknown) => void;
  /** What lies over the pictures. */
  readonly children?: ReactNode;
}

export function CaseStage({ children, desk, onFault }: CaseStageProps) {
  const elements = useRef<Partial<Record<Plane, HTMLDivElement>>>({});
  const first = useRef<HTMLCanvasElement>(null);
  const { plane: active, share, views } = useSyncExternalStore(desk.subscribe, desk.state);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a desk is mounted once.
  useEffect(() => {
    desk.mount(elements.current as Record<Plane, HTMLDivElement>, first.current).catch(onFault);
    return () => desk.unmount();
  }, [desk]);
  return (
    <div className={classes['stage']}>
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
          <PlaneMarks desk={desk} plane={plane} />
        </section>
      ))}
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

function PlaneMarks({ desk, plane }: { desk: Desk; plane: Plane }) {
  const { views, window } = useSyncExternalStore(desk.subscribe, desk.state);
  const view = views[plane];
  return (
    <div className={classes['marks']}>
      <span className={classes['name']}>{planeNames[plane]}</span>
      {view && (
        <>
          <span className={classes['slice']} data-slice>
            {view.slice} / {view.slices}
          </span>
          {(['top', 'right', 'bottom', 'left'] as const).map((edge) => (
            <span key={edge} className={classes['edge']} data-edge={edge}>
              {view.edges[edge]}
            </span>
          ))}
        </>
      )}
      <span className={classes['window']}>
        C {Math.round(window.centre)} W {Math.round(window.width)}
      </span>
    </div>
  );
}
