/** Two people who write to each other in two browsers, through a real homeserver. */
import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type BrowserPerson, ChatWorld } from './testing/chat-world.ts';

let world: ChatWorld;
let alice: BrowserPerson;
let bob: BrowserPerson;

beforeAll(async () => {
  world = await ChatWorld.start();
  await world.account('alice', 'Alice');
  await world.account('bob', 'Bob');
  await world.account('carol', 'Carol');
  [alice, bob] = [await world.person('alice'), await world.person('bob')];
});
afterAll(() => world[Symbol.asyncDispose]());
afterEach(() => {
  for (const each of [alice, bob]) expect(each.complaints.splice(0)).toEqual([]);
});

const BOB = '@bob@alpha.example';

describe('two people', () => {
  it('write to each other, see what is new, and learn what was read', async () => {
    await alice.converse('Rigging', BOB);
    await alice.say('Good **morning**\n- one\n- two');
    await bob.listed(/Rigging.*1 unread/).waitFor();
    await bob.page.waitForFunction(() => document.title === '(1) Hawser');
    await alice.hears('Delivered');
    await bob.open('Rigging');
    await bob.page.getByText('New messages').waitFor();
    const message = await bob.hears('Good morning');
    expect(await message.locator('strong').allTextContents()).toEqual(['morning']);
    expect(await message.locator('li').count()).toBeGreaterThanOrEqual(2);
    await alice.hears(/Read$/);
    await bob.page.waitForFunction(() => document.title === 'Hawser');
  });

  it('send what will vanish', async () => {
    await alice.page.getByRole('combobox').selectOption('10');
    await alice.say('gone soon');
    await alice.page.getByRole('combobox').selectOption('0');
    expect(await (await bob.hears('gone soon')).textContent()).toMatch(/Vanishes/);
  });

  it('see each other write, and only while it is so', async () => {
    await bob.field.pressSequentially('Hm');
    await alice.page.getByText('Bob is writing…').waitFor();
    await bob.say('Hm, yes');
    await alice.hears('Hm, yes');
    await alice.page.getByText('Bob is writing…').waitFor({ state: 'detached' });
  });

  it('send with Enter and break lines with Shift and Enter', async () => {
    await alice.field.pressSequentially('first');
    await alice.field.press('Shift+Enter');
    await alice.field.pressSequentially('second');
    await alice.field.press('Enter');
    const message = await bob.hears(/first\s*second/);
    expect(await message.locator('.said br').count()).toBe(1);
  });

  it('react, and take it back', async () => {
    const message = alice.message('Hm, yes');
    await message.hover();
    await message.getByRole('button', { name: 'React' }).click();
    await alice.page.getByRole('button', { name: 'thumbs up', exact: true }).click();
    const seen = bob.message('Hm, yes').getByRole('button', { name: /^thumbs up, 1: Alice\. Add yours/ });
    await seen.click();
    await alice
      .message('Hm, yes')
      .getByRole('button', { name: /^thumbs up, 2: You and Alice|2: Alice and Bob|2: You and Bob/ })
      .click();
    await bob
      .message('Hm, yes')
      .getByRole('button', { name: /^thumbs up, 1: You\. Take yours back/ })
      .click();
    await alice.page.getByRole('list', { name: 'Reactions' }).waitFor({ state: 'detached' });
  });

  it('answer a message, and go to it from the answer', async () => {
    const message = bob.message('Good morning');
    await message.hover();
    await message.getByRole('button', { name: 'Reply' }).click();
    await bob.say('To you too');
    const answer = await alice.hears('To you too');
    await answer.getByRole('button', { name: /^Answers Alice: Good morning/ }).click();
    await expect.poll(() => alice.page.evaluate(() => document.activeElement?.ariaLabel)).toMatch(/^You.*Good morning/);
  });

  it('change the last message with the arrow upwards, and Escape leaves it as it was', async () => {
    await alice.say('teh winch');
    await bob.hears('teh winch');
    // What has no place yet cannot be changed; she may learn of it later than he.
    await (await alice.hears('teh winch')).getByText(/^(Sent|Delivered|Read)$/).waitFor();
    await alice.field.press('ArrowUp');
    expect(await alice.field.inputValue()).toBe('teh winch');
    await alice.field.press('Escape');
    expect(await alice.field.inputValue()).toBe('');
    await expect
      .poll(async () => {
        await alice.field.press('ArrowUp');
        return alice.field.inputValue();
      })
      .toBe('teh winch');
    await alice.say('the winch');
    expect(await (await bob.hears('the winch')).textContent()).toMatch(/edited/);
    expect(await bob.message('teh winch').count()).toBe(0);
  });

  it('delete for everyone, after a question that says what happens', async () => {
    await alice.say('a secret');
    await bob.hears('a secret');
    await alice.choose('a secret', /^Delete/);
    const dialog = alice.page.getByRole('dialog');
    expect(await dialog.textContent()).toMatch(/goes from the devices of everybody/);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    expect(await bob.message('a secret').count()).toBe(1);
    await alice.choose('a secret', /^Delete/);
    await dialog.getByRole('button', { name: 'Delete for everyone' }).click();
    await bob.hears('Alice deleted a message');
    expect(await bob.message('a secret').count()).toBe(0);
  });

  it('knock', async () => {
    await bob.page.getByRole('button', { name: 'Knock' }).click();
    await alice.hears('Bob knocked');
  });

  it('mention each other by completing the name', async () => {
    await bob.open('Rigging');
    await alice.field.pressSequentially('and @bo');
    await alice.page.getByRole('option', { name: /Bob/ }).waitFor();
    await alice.field.press('Enter');
    expect(await alice.field.inputValue()).toBe(`and ${BOB} `);
    await alice.field.press('Enter');
    const message = await bob.hears('and @Bob');
    expect(await message.locator('.mention-me').textContent()).toMatch(/@Bob/);
  });
});

describe('what somebody wrote', () => {
  it('is kept for each conversation until it is sent', async () => {
    await alice.field.fill('half a thou');
    await alice.converse('Second', BOB);
    expect(await alice.field.inputValue()).toBe('');
    await alice.open('Rigging');
    await expect.poll(() => alice.field.inputValue()).toBe('half a thou');
    await alice.field.fill('');
  });

  it('is told to be too long before it is refused', async () => {
    await alice.field.fill('x'.repeat(31_000));
    await alice.page.getByText('Room for about 1,768 more characters.').waitFor();
    await alice.field.fill('x'.repeat(33_000));
    await alice.page.getByText(/^Too long by about 232 characters/).waitFor();
    expect(await alice.page.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true);
    await alice.field.fill('');
  });

  it('is found by its words on the device, and the result leads to it', async () => {
    await alice.page.getByRole('searchbox').fill('winch');
    await alice.page
      .getByRole('list', { name: 'Messages found' })
      .getByRole('button', { name: /the winch/ })
      .click();
    await expect.poll(() => alice.page.evaluate(() => document.activeElement?.ariaLabel)).toMatch(/the winch/);
    await alice.page.getByRole('button', { name: 'Clear the search' }).click();
  });

  it('waits while the server is away, is shown so, and arrives when it is back', async () => {
    await world.alpha.stop();
    await alice.page.getByText(/^Not connected\. What you write is kept/).waitFor();
    await alice.say('written offline');
    await (await alice.hears('written offline')).getByText('Waiting to be sent').waitFor();
    await world.serve();
    for (const each of [alice, bob]) await each.retry();
    await bob.hears('written offline');
    await (await alice.hears('written offline')).getByText(/^(Sent|Delivered|Read)$/).waitFor();
    // The browser itself says so in its console when it cannot connect.
    for (const each of [alice, bob]) {
      expect(each.complaints.splice(0).filter((text) => !/WebSocket|Failed to load resource/.test(text))).toEqual([]);
    }
  });
});

it('lists what is muted and archived so, on all devices of a person', async () => {
  const laptop = await world.person('alice');
  await laptop.listed('Second').waitFor();
  await alice.open('Second');
  await alice.page.getByRole('button', { name: 'About this conversation' }).click();
  const dialog = alice.page.getByRole('dialog', { name: 'About this conversation' });
  await dialog.getByLabel('Count nothing').check();
  await dialog.getByLabel(/^Archive/).check();
  expect(await changeTwice(dialog)).toEqual([]);
  await dialog.getByRole('button', { name: 'Close' }).click();
  for (const each of [alice, laptop]) {
    await each.page.getByRole('button', { name: 'Archived (1)' }).click();
    await each.page
      .getByRole('list', { name: 'Archived conversations' })
      .getByRole('button', { name: /Second.*muted/ })
      .waitFor();
  }
  // It hears from now on, and answers for the same person.
  await laptop.open('Rigging');
  await laptop.page.getByText('Nothing was said here since this device was added.').waitFor();
  await laptop.page.getByText(/^What was said before can be read on devices that were there then/).waitFor();
  await laptop.page.getByText('2 people, encrypted').waitFor();
  await bob.say('for both of yours');
  await laptop.hears('for both of yours');
  const why =
    'There may be messages from before this device was added. Only devices that were there then have the keys';
  await laptop.page.locator('.gap', { hasText: why }).waitFor();
  expect(await alice.page.locator('.gap').count()).toBe(0);
  await alice.open('Rigging');
  await laptop.say('from the laptop');
  await alice.hears('from the laptop');
  expect(await alice.message('from the laptop').locator('.bubble-name').count()).toBe(0);
  expect(laptop.complaints).toEqual([]);
  await laptop.page.context().close();
  await alice.page.getByRole('region', { name: 'New device' }).getByRole('button', { name: 'That was me' }).click();
});

it('lets an administrator rename, promote and remove, and anybody leave, each told in the timeline', async () => {
  await alice.converse('Crew', BOB);
  await bob.listed('Crew').waitFor();
  await bob.open('Crew');
  const about = async (each: BrowserPerson) => {
    await each.page.getByRole('button', { name: 'About this conversation' }).click();
    return each.page.getByRole('dialog', { name: 'About this conversation' });
  };
  const dialog = await about(alice);
  await dialog.getByLabel(/^Name/).fill('Watch');
  await dialog.getByRole('button', { name: 'Rename' }).click();
  await bob.listed('Watch').waitFor();
  await dialog.getByLabel('Add somebody by address').fill('@carol@alpha.example');
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await dialog.getByRole('button', { name: /^Remove\s+Carol/ }).click();
  await alice.page.getByRole('dialog', { name: 'Remove Carol?' }).getByRole('button', { name: 'Remove' }).click();
  for (const words of ['Alice renamed the conversation to “Watch”.', 'Alice added Carol.', 'Alice removed Carol.']) {
    await bob.page.locator('.notice', { hasText: words }).waitFor();
  }
  // Whoever may not decide is offered nothing of it.
  const his = await about(bob);
  expect(await his.getByRole('button', { name: /Remove|Rename|Make|^Add$/ }).count()).toBe(0);
  await his.getByRole('button', { name: 'Close' }).click();

  await dialog.getByRole('button', { name: 'Leave conversation' }).click();
  const leaving = alice.page.getByRole('dialog', { name: 'Leave this conversation?' });
  expect(await leaving.textContent()).toMatch(/Bob, who has been here longest, is one then/);
  await leaving.getByRole('button', { name: 'Leave', exact: true }).click();
  await alice.listed('Watch').waitFor({ state: 'detached' });
  await bob.page.locator('.notice', { hasText: 'Alice left.' }).waitFor();
  await bob.page.locator('.notice', { hasText: 'You are an administrator now' }).waitFor();
  await bob.say('alone now');
  await bob.hears('alone now');
  await bob.open('Rigging');
  await alice.open('Rigging');
});

it('keeps what one reads where it is, and loads the past by pages', async () => {
  const carol = await world.device('carol');
  const line = (number: number) => alice.page.locator('.said', { hasText: new RegExp(`^line ${number}$`) });
  const { conversation } = await carol.create('Long', [`mimi://alpha.example/u/alice` as never]);
  const say = (text: string) =>
    carol.say(conversation, { kind: 'message', body: { kind: 'text', text: { format: 'plain', text } } });
  for (let number = 1; number <= 120; number++) await say(`line ${number}`);
  await carol.idle();
  await alice.listed(/Long.*120 unread/).waitFor();
  await alice.open('Long');
  await alice.page.getByText('New messages', { exact: true }).waitFor();
  await line(1).waitFor();
  const scroller = alice.page.locator('.timeline-scroll');
  await alice.page.getByRole('button', { name: /new messages$/ }).click();
  await line(120).waitFor();
  await expect.poll(() => alice.listed(/Long.*unread/).count()).toBe(0);
  // Back into the past, two pages.
  const top = () => scroller.evaluate((element) => element.scrollTo({ top: 0 }));
  await expect
    .poll(async () => {
      await top();
      return line(1).count();
    })
    .toBe(1);
  await line(60).scrollIntoViewIfNeeded();
  // The page hears of having been scrolled with the next picture.
  await scroller.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
  const place = async () => Math.round((await line(60).boundingBox())?.y ?? 0);
  const before = await place();
  await say('one more');
  await alice.page.getByRole('button', { name: '1 new message' }).waitFor();
  expect(await place()).toBe(before);
  await alice.page.getByRole('button', { name: '1 new message' }).click();
  await alice.hears('one more');
});

it('lets messages vanish on all devices', async () => {
  await alice.open('Rigging');
  await bob.hears('A message of Alice has vanished');
  await alice.hears('A message of yours has vanished');
  expect((await bob.message('gone soon').count()) + (await alice.message('gone soon').count())).toBe(0);
});

/** Changes two settings at the same moment, and returns each state of both in the next 200 ms that was not what was chosen. */
function changeTwice(dialog: Locator): Promise<readonly string[]> {
  return dialog.evaluate(async (element) => {
    const one = (selector: string) => element.querySelector(selector) as HTMLInputElement;
    const [radio, box] = [one('fieldset.choices input'), one('input[type=checkbox]')];
    const wrong: string[] = [];
    for (const [muted, archived] of [
      [radio, false],
      [[...element.querySelectorAll('fieldset.choices input')].at(-1) as HTMLInputElement, true],
    ] as const) {
      muted.click();
      box.click();
      const end = performance.now() + 200;
      while (performance.now() < end) {
        await new Promise((later) => setTimeout(later));
        if (!muted.checked || box.checked !== archived) wrong.push(`${muted.checked} ${box.checked}`);
      }
    }
    return wrong;
  });
}
