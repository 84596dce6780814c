import { useSyncExternalStore, type ReactNode } from 'react';

/** The console's pages by their addresses. The service answers each of them with the console. */
export const PAGES = [
  { path: '/', label: 'Hand in' },
  { path: '/watch', label: 'Watch' },
] as const;
export type Path = (typeof PAGES)[number]['path'];

const MOVED = 'console-moved';

/** The page that the address says; the first one where it says none of them. */
export function usePath(): Path {
  return useSyncExternalStore(subscribe, () => PAGES.find(({ path }) => path === location.pathname)?.path ?? '/');
}

function subscribe(listener: () => void): () => void {
  addEventListener('popstate', listener);
  addEventListener(MOVED, listener);
  return () => {
    removeEventListener('popstate', listener);
    removeEventListener(MOVED, listener);
  };
}

/** Links like any other, to be opened in a new tab too; without loading the console anew, which would end what is under way. */
export function Navigation({ at }: { readonly at: Path }): ReactNode {
  return (
    <nav aria-label="Pages" className="console-pages">
      {PAGES.map(({ path, label }) => (
        <a
          key={path}
          href={path}
          aria-current={path === at ? 'page' : undefined}
          onClick={(event) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
            event.preventDefault();
            if (path === location.pathname) return;
            history.pushState(null, '', path);
            dispatchEvent(new Event(MOVED));
          }}
        >
          {label}
        </a>
      ))}
    </nav>
  );
}
