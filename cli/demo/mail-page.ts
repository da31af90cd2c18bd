/** The demo's e-mails as a page to be read. Nothing in it runs, and nothing of a mail is more than text. */
import type { CaughtMail } from '#homeserver/testing/catcher.ts';

export const MAIL_PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

/** New ones are seen without doing anything. Seconds. */
const AGAIN = 3;

const STYLE = `
:root { color-scheme: light dark; --ground: #f4f3ef; --surface: #fff; --line: #dcd9d1; --text: #1b2430; --quiet: #596474 }
@media (prefers-color-scheme: dark) {
  :root { --ground: #12171c; --surface: #1a2127; --line: #313c46; --text: #edf1f4; --quiet: #a3afba }
}
body { margin: 0 auto; max-width: 720px; padding: 28px 18px; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif }
h1 { margin: 0; font-size: 1.35rem }
p { margin: 4px 0 20px; color: var(--quiet) }
article { margin: 0 0 12px; padding: 14px 18px; border: 1px solid var(--line); border-radius: 14px; background: var(--surface) }
h2 { margin: 0; font-size: 1rem }
small { color: var(--quiet) }
pre { margin: 10px 0 0; white-space: pre-wrap; overflow-wrap: anywhere; font: 0.92rem/1.5 ui-monospace, monospace }
`;

/** @param mails the newest first */
export function mailPage(mails: readonly CaughtMail[]): string {
  const list = mails.map(
    ({ at, to, subject, text }) => `<article>
<h2>${escaped(subject)}</h2>
<small>To ${escaped(to.join(', '))}, <time datetime="${new Date(at).toISOString()}">${new Date(at).toISOString().slice(11, 19)} UTC</time></small>
<pre>${escaped(text)}</pre>
</article>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="${AGAIN}">
<title>E-mail of the demo</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>E-mail of the demo</h1>
<p>${mails.length === 0 ? 'Nothing was sent yet.' : 'The newest first.'} Nothing here is delivered to anybody; this page looks again by itself.</p>
${list.join('\n')}
</main>
</body>
</html>
`;
}

const SIGNS: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => SIGNS[sign] ?? '');
}
