/** Answers every text with the same text. How it is started, and what it is made of: docs/guides/bots.md. */
import { Following } from '#client/following.ts';
import { Bot } from './bot.ts';

await using bot = await Bot.open('Echo bot', true);
// Lets this device into conversations that are older than it.
const following = new Following(bot.messenger, console.error);

for await (const { body, answer } of bot.messenger.heard(bot.stop)) {
  if (body.kind === 'text') await answer({ kind: 'message', body });
}
following.close();
