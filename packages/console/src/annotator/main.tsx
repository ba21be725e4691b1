/** The page of those who draw and check labels. Dark, as rooms are in which images are read. */
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import '../parts/page.css';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { createRoot } from 'react-dom/client';
import { Router } from 'wouter';
import { useHashLocation } from 'wouter/use-hash-location';
import { serviceQueries } from '../parts/service-queries.ts';
import { logInByAddress } from '../parts/session.ts';
import { theme, variables } from '../parts/theme.ts';
import { Annotator } from './annotator.tsx';

const client = serviceQueries();
await logInByAddress();

// No StrictMode: it mounts twice, and a task would be opened twice.
createRoot(document.getElementById('root')!).render(
  <QueryClientProvider client={client}>
    <MantineProvider forceColorScheme="dark" theme={theme} cssVariablesResolver={variables}>
      <Notifications position="bottom-right" limit={4} />
      <Router hook={useHashLocation}>
        <Annotator />
      </Router>
    </MantineProvider>
  </QueryClientProvider>,
);
