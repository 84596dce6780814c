import './mantine-styles.js';
import './console.css';
import { MantineProvider } from '@mantine/core';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Console } from './console.js';

const root = document.getElementById('console');
if (root === null) throw new Error('index.html has no element for the console.');
createRoot(root).render(
  <StrictMode>
    {/* Mantine would write its variables into a style element, which the content security policy refuses; console.css has them. */}
    <MantineProvider withCssVariables={false} withGlobalClasses={false} defaultColorScheme="auto">
      <Console />
    </MantineProvider>
  </StrictMode>,
);
