/** Colours and shapes of all pages: Mantine's, with the contrast that WCAG 2.2 AA asks for. */
import { type CSSVariablesResolver, createTheme } from '@mantine/core';

export const theme = createTheme({
  primaryColor: 'blue',
  primaryShade: { light: 8, dark: 8 },
  autoContrast: true,
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
  focusRing: 'auto',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
});

export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#55606b',
    '--mantine-color-error': '#c92a2a',
    '--mantine-color-placeholder': '#6b7580',
  },
  dark: {
    '--mantine-color-dimmed': '#b3bac1',
    '--mantine-color-error': '#ff8787',
    '--mantine-color-placeholder': '#9aa3ab',
  },
});
