import type { ComponentChildren } from 'preact';
import { Logo } from '../parts/logo.tsx';

interface Props {
  readonly title: string;
  readonly words: ComponentChildren;
  readonly onSubmit: (event: Event) => void;
  readonly children: ComponentChildren;
}

/** What everybody sees who is not signed in: one form on one card. */
export function EntryCard({ title, words, onSubmit, children }: Props) {
  return (
    <main class="centre">
      <form class="card sign-in" onSubmit={onSubmit}>
        <header class="sign-in-head">
          <Logo size={52} />
          <h1>{title}</h1>
          <p class="quiet-text">{words}</p>
        </header>
        {children}
      </form>
    </main>
  );
}
