/** What has been pointed out to a model or a tool, over the plane on which it can be seen. */
import { useSyncExternalStore } from 'react';
import type { Pointed } from '../case/pointed.ts';
import type { CaseViewer } from '../viewer/case-viewer.ts';
import type { Plane, Vector } from '../viewer/view-plane.ts';
import classes from './desk.module.css';
import type { Desk } from './desk.ts';

/** Told apart by form as well: a cross is in, a bar is out. */
const colours = { in: '#69db7c', out: '#ff8787', bounds: '#ffffff' } as const;

export function PointedMarks({ desk, plane }: { desk: Desk; plane: Plane }) {
  const { preview, views } = useSyncExternalStore(desk.subscribe, desk.state);
  const { viewer } = desk;
  if (preview === undefined || viewer === undefined || views[plane] === undefined) return null;
  const { box, clicks, lasso, scribbles } = preview.pointed;
  const { spacingMm } = desk.options.volume.geometry;
  const on = (voxel: Vector) => placeOn(viewer, plane, { voxel, nearMm: Math.max(...spacingMm) / 2 + 0.01 });
  return (
    <svg className={classes['pointed']} aria-hidden data-pointed>
      {box && <BoxMark viewer={viewer} plane={plane} box={box} />}
      {lasso && <LassoMark lasso={lasso} on={on} />}
      {scribbles.flatMap(({ isForeground, voxels }, scribble) =>
        voxels.map((voxel) => {
          const place = on(voxel);
          const key = `${scribble} ${voxel.join(' ')}`;
          return (
            place && (
              <circle key={key} cx={place[0]} cy={place[1]} r={2.5} fill={colours[isForeground ? 'in' : 'out']} />
            )
          );
        }),
      )}
      {clicks.map(({ isForeground, voxel }) => {
        const place = on(voxel);
        return place && <ClickMark key={voxel.join(' ')} place={place} isForeground={isForeground} />;
      })}
    </svg>
  );
}

type Place = readonly [x: number, y: number];

/** Undefined if it lies on another slice. */
function placeOn(
  viewer: CaseViewer,
  plane: Plane,
  { nearMm, voxel }: { voxel: Vector; nearMm: number },
): Place | undefined {
  const { depthMm, place } = viewer.whereIs(plane, voxel);
  return depthMm <= nearMm ? place : undefined;
}

function ClickMark({ isForeground, place: [x, y] }: { place: Place; isForeground: boolean }) {
  const colour = colours[isForeground ? 'in' : 'out'];
  return (
    <g stroke={colour} strokeWidth={2} fill="none">
      <circle cx={x} cy={y} r={6} />
      <path d={`M${x - 3} ${y}h6${isForeground ? `M${x} ${y - 3}v6` : ''}`} />
    </g>
  );
}

function LassoMark({ lasso, on }: { lasso: NonNullable<Pointed['lasso']>; on: (voxel: Vector) => Place | undefined }) {
  const places = lasso.points.map(([y, x]) => on([lasso.slice, y, x]));
  if (places.some((place) => place === undefined)) return null;
  return (
    <polygon
      points={places.map((place) => place!.join(',')).join(' ')}
      stroke={colours.bounds}
      strokeWidth={2}
      fill="none"
    />
  );
}

/** As far as it is seen along the plane: where the plane is turned, the rectangle around it. */
function BoxMark({
  box: { first, last },
  plane,
  viewer,
}: {
  box: NonNullable<Pointed['box']>;
  plane: Plane;
  viewer: CaseViewer;
}) {
  const focus = viewer.focusVoxelOf(plane);
  const isCut = [0, 1, 2].every((axis) => {
    const [low, high] = [first[axis]! - 0.5, last[axis]! + 0.5];
    return axis !== viewer.axisOf(plane) || (focus[axis]! >= low && focus[axis]! <= high);
  });
  if (!isCut) return null;
  const corners = Array.from({ length: 8 }, (_, at): Vector => {
    const edge = (axis: 0 | 1 | 2) => ((at >> axis) & 1 ? last[axis] + 0.5 : first[axis] - 0.5);
    return [edge(0), edge(1), edge(2)];
  }).map((corner) => viewer.whereIs(plane, corner).place);
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return (
    <rect
      {...{ x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y }}
      stroke={colours.bounds}
      strokeWidth={2}
      strokeDasharray="6 4"
      fill="none"
    />
  );
}
