/** The frame of the site's page: what there is to look at, and the part that is looked at. */
import { AppShell, Title } from '@mantine/core';

export function SiteConsole() {
  return (
    <AppShell header={{ height: 56 }} padding="md">
      <AppShell.Header p="sm">
        <Title order={1} size="h4">
          Consilium site
        </Title>
      </AppShell.Header>
      <AppShell.Main />
    </AppShell>
  );
}
