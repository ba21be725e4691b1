/** The pages of a project, served by its coordinator. */
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import '../parts/page.css';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Router } from 'wouter';
import { useHashLocation } from 'wouter/use-hash-location';
import { serviceQueries } from '../parts/service-queries.ts';
import { coordinatorWords, ServiceWordsProvider } from '../parts/service-words.tsx';
import { logInByAddress } from '../parts/session.ts';
import { theme, variables } from '../parts/theme.ts';
import { ProjectConsole } from './project-console.tsx';

const client = serviceQueries();
await logInByAddress();

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <MantineProvider defaultColorScheme="auto" theme={theme} cssVariablesResolver={variables}>
        <Notifications position="bottom-right" limit={4} />
        <ServiceWordsProvider value={coordinatorWords}>
          <Router hook={useHashLocation}>
            <ProjectConsole />
          </Router>
        </ServiceWordsProvider>
      </MantineProvider>
    </QueryClientProvider>
  </StrictMode>,
);
