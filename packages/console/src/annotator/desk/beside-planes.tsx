/** The planes of a series that is looked at beside the case, and the choice of it. */
import { NativeSelect, Text } from '@mantine/core';
import { useEffect, useRef, useSyncExternalStore } from 'react';
import { showError } from '../../parts/change.ts';
import { Section } from '../../parts/section.tsx';
import { type Plane, planes } from '../viewer/view-plane.ts';
import type { BesideSeries, Comparison } from './comparison.ts';
import classes from './desk.module.css';
import { PlaneMarks, planeNames } from './plane-marks.tsx';

export function BesidePlanes({ comparison }: { comparison: Comparison }) {
  const elements = useRef<Partial<Record<Plane, HTMLDivElement>>>({});
  const { series, views, window } = useSyncExternalStore(comparison.subscribe, comparison.state);
  // biome-ignore lint/correctness/useExhaustiveDependencies: mounted once for a series.
  useEffect(() => {
    comparison.mount(elements.current as Record<Plane, HTMLDivElement>).catch(showError);
    return () => comparison.unmount();
  }, [series]);
  if (series === undefined) return null;
  return planes.map((plane) => (
    <section
      key={plane}
      className={classes['plane']}
      data-beside={plane}
      aria-label={`${planeNames[plane]} plane beside`}
    >
      <div
        ref={(element) => {
          if (element !== null) elements.current[plane] = element;
        }}
        className={classes['picture']}
        role="img"
        aria-label={`${planeNames[plane]} picture beside`}
      />
      <PlaneMarks
        name={planeNames[plane]}
        {...(plane === 'axial' ? { note: shortWords(series) } : {})}
        view={views[plane]}
        window={window}
      />
    </section>
  ));
}

export function BesidePanel({ comparison }: { comparison: Comparison }) {
  const { isSameFrame, series } = useSyncExternalStore(comparison.subscribe, comparison.state);
  if (comparison.choices.length === 0) return null;
  return (
    <Section title="Side by side">
      <NativeSelect
        size="xs"
        label="Series beside (i)"
        data={[
          { value: '', label: 'none' },
          ...comparison.choices.map((one) => ({ value: one.seriesInstanceUid, label: besideWords(one) })),
        ]}
        value={series?.seriesInstanceUid ?? ''}
        onChange={({ currentTarget: { value } }) =>
          comparison.choose(comparison.choices.find(({ seriesInstanceUid }) => seriesInstanceUid === value))
        }
      />
      {isSameFrame !== undefined && (
        <Text size="xs" role="status">
          {isSameFrame
            ? 'Its slices follow by position: both were taken in one frame of reference.'
            : 'Its slices follow by their share of the series: it has another frame of reference.'}
        </Text>
      )}
    </Section>
  );
}

function besideWords(series: BesideSeries): string {
  const { number, slices } = series;
  return [shortWords(series), number === null ? '' : `series ${number}`, `${slices} slices`]
    .filter((word) => word !== '')
    .join(' · ');
}

/** A date is as the archive de-identified it. */
function shortWords({ date, isSameStudy, modality, phase }: BesideSeries): string {
  const day = date === null ? 'no date' : `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`;
  return [isSameStudy ? 'same study' : day, modality ?? '', phase ?? ''].filter((word) => word !== '').join(' · ');
}
