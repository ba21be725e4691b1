/** A figure as the study draws it, on white, with its file and its numbers. */
import type { Figure } from '@consilium/study/browser';
import { Anchor, Group, Text } from '@mantine/core';
import classes from './study-figure.module.css';

export function StudyFigure({ figure: { csv, name, svg, words } }: { figure: Figure }) {
  const picture = dataUrl('image/svg+xml', svg);
  return (
    <figure className={classes['figure']}>
      <img src={picture} alt={/<title>([^<]*)<\/title>/.exec(svg)?.[1] ?? name} />
      {words !== undefined && (
        <div>
          <Text size="sm">{words.finding}</Text>
          <Text size="sm" c="dimmed">
            {words.caution}
          </Text>
        </div>
      )}
      <Group gap="md" component="figcaption">
        <Anchor size="sm" href={picture} download={`${name}.svg`}>
          SVG
        </Anchor>
        <Anchor size="sm" href={dataUrl('text/csv', csv)} download={`${name}.csv`}>
          Numbers as CSV
        </Anchor>
      </Group>
    </figure>
  );
}

function dataUrl(type: string, text: string): string {
  return `data:${type};charset=utf-8,${encodeURIComponent(text)}`;
}
