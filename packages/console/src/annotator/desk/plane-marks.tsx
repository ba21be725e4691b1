/** What a radiologist expects around a picture: sides of the patient, slice, window. */
import type { GreyWindow } from '../viewer/grey-window.ts';
import type { PlaneView } from '../viewer/plane-viewport.ts';
import type { Plane } from '../viewer/view-plane.ts';
import classes from './desk.module.css';

export const planeNames: Readonly<Record<Plane, string>> = {
  axial: 'Axial',
  coronal: 'Coronal',
  sagittal: 'Sagittal',
};

export interface PlaneMarksProps {
  readonly name: string;
  /** Of which series it is, if not the case's. */
  readonly note?: string;
  readonly view: PlaneView | undefined;
  readonly window: GreyWindow | undefined;
}

export function PlaneMarks({ name, note, view, window }: PlaneMarksProps) {
  return (
    <div className={classes['marks']}>
      <span className={classes['name']}>{name}</span>
      {note !== undefined && <span className={classes['note']}>{note}</span>}
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
      {window && (
        <span className={classes['window']}>
          C {Math.round(window.centre)} W {Math.round(window.width)}
        </span>
      )}
    </div>
  );
}
