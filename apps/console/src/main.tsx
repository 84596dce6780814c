import './mantine-styles.js';
import './console.css';
import './player.css';
import { MantineProvider } from '@mantine/core';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Console } from './console.js';
import { DisclosedPage } from './disclosed-page.js';

const root = document.getElementById('console');
if (root === null) throw new Error('index.html has no element for the console.');
// Whoever was sent this address has no account, and sees nothing of the console.
const disclosedTo = /^\/disclosed\/([\w-]{1,200})$/.exec(location.pathname)?.[1];
createRoot(root).render(
  <StrictMode>
    {/* Mantine would write its variables into a style element, which the content security policy refuses; console.css has them. */}
    <MantineProvider withCssVariables={false} withGlobalClasses={false} defaultColorScheme="auto">
      {disclosedTo === undefined ? <Console /> : <DisclosedPage token={disclosedTo} />}
    </MantineProvider>
  </StrictMode>,
);
