/** Renders the reference page of all error codes: `node signalling/errors-page.ts > docs/reference/errors.md`. */
import { fileURLToPath } from 'node:url';
import { ERRORS } from './errors.ts';

const PARTS: readonly (readonly [prefix: string, title: string])[] = [
  ['SIG_', 'Signalling, on every connection'],
  ['SFT_', 'The media server and its links'],
  ['TRUST_', 'Who speaks for a domain'],
  ['MLS_', 'Messaging Layer Security, on the device'],
  ['CONTENT_', 'What is inside an encrypted message'],
  ['MSG_', 'Messages in a conversation, on the device'],
  ['VAULT_', 'What a device has stored'],
  ['HOME_', 'The homeserver, for its own people'],
  ['FED_', 'Between homeservers'],
];

export function errorsPage(): string {
  const lines = [
    '# Error codes',
    '',
    'Generated from `signalling/errors.ts`. *Status* is the HTTP status, *close* the WebSocket close code; *retry*: the same',
    'call can succeed later.',
  ];
  for (const [prefix, title] of PARTS) {
    lines.push('', `## ${title}`, '', '| code | status | close | retry | what it means and what to do |');
    lines.push('| --- | --- | --- | --- | --- |');
    for (const [code, { status, close, retry, sentence }] of Object.entries(ERRORS)) {
      if (!code.startsWith(prefix)) continue;
      lines.push(`| \`${code}\` | ${status} | ${close} | ${retry ? 'yes' : 'no'} | ${sentence} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(errorsPage());
