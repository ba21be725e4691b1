/** The pages, with what waits on each of them. */
import { Badge, NavLink } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useLocation } from 'wouter';
import { wholeNumber } from '../parts/quantity.ts';
import { useMay, whoAsks } from '../parts/session.ts';
import { overview } from './archive-asking.ts';
import { type SitePage, sitePages } from './site-page.ts';

export function ConsoleNavigation() {
  const [location] = useLocation();
  const { data } = useQuery({ ...overview, enabled: useMay('catalogue.read') });
  const who = useQuery(whoAsks).data;
  const waiting: Partial<Record<keyof typeof sitePages, { count: number; noun: string; color: string }>> = data
    ? {
        arrivals: { count: data.waitingSeries, noun: 'series to be looked at', color: 'blue' },
        quality: { count: data.findings.failed, noun: 'failed findings', color: 'orange.9' },
        quarantine: { count: data.quarantined, noun: 'files', color: 'red.9' },
      }
    : {};
  const all = Object.entries(sitePages) as [keyof typeof sitePages, SitePage][];
  const entries = all.filter(([, { needs }]) => who?.permissions.includes(needs));
  const links = entries.map(([id, { name, path }]) => {
    const isHere = path === '/' ? location === '/' : location.startsWith(path);
    const mark = waiting[id];
    return (
      <NavLink
        key={id}
        component={Link}
        href={path}
        label={name}
        active={isHere}
        variant="filled"
        {...(isHere ? { 'aria-current': 'page' as const } : {})}
        rightSection={
          mark !== undefined && mark.count > 0 ? (
            <Badge color={mark.color} size="sm" aria-label={`${wholeNumber(mark.count)} ${mark.noun}`}>
              {wholeNumber(mark.count)}
            </Badge>
          ) : undefined
        }
      />
    );
  });
  return (
    <>
      {links}
      <NavLink component="a" href="annotator.html" label="Annotator" />
    </>
  );
}
