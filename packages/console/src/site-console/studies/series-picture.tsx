/** The middle slice of a series; where there is none, a place as large. */
import type { SeriesEntry } from '@consilium/archive/api';
import { Text } from '@mantine/core';
import { useState } from 'react';
import { addressOf } from '../../parts/service-client.ts';
import { seriesRoute } from '../archive-asking.ts';
import { seriesTitle } from '../series-words.ts';
import classes from './studies.module.css';

function reasonOf({ modality, state }: SeriesEntry): string {
  if (modality === 'SEG') return 'A segmentation: it is listed with its series';
  return state === 'described' || state === 'unreadable' ? 'No volume, no picture' : 'Not looked at yet';
}

export function SeriesPicture({ series, size = 256 }: { series: SeriesEntry; size?: number }) {
  const [isMissing, setIsMissing] = useState(false);
  if (series.geometry === undefined || isMissing) {
    return (
      <div className={classes['none']} style={{ maxWidth: size }}>
        <Text size="sm" c="dimmed">
          {reasonOf(series)}
        </Text>
      </div>
    );
  }
  return (
    <img
      className={classes['picture']}
      style={{ maxWidth: size }}
      width={size}
      height={size}
      loading="lazy"
      src={addressOf(seriesRoute(series.seriesInstanceUid, 'thumbnail'))}
      alt={`Middle slice of ${seriesTitle(series)}`}
      onError={() => setIsMissing(true)}
    />
  );
}
