/** The page as a person uses it, for checks and benchmarks with real browsers. */
import type { Page } from 'playwright-core';
import { CONVERSATION_TITLE, type Person } from './trial.ts';

/** Most that a step on the page may take, ms. */
export const STEP_MS = 15_000;

/** Signs in and opens the trial's conversation. */
export async function signIn(page: Page, { organisation, handle, password }: Person): Promise<void> {
  await signInAt(page, organisation.url, handle, password);
  await openConversation(page);
}

export async function signInAt(page: Page, url: string, handle: string, password: string): Promise<void> {
  page.setDefaultTimeout(STEP_MS);
  await page.goto(url);
  await page.locator('input[name=username]').fill(handle);
  await page.locator('input[name=password]').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Makes a conversation with somebody, `@bob@beta.example`, and opens it. */
export async function converse(page: Page, address: string): Promise<void> {
  await page.getByRole('button', { name: 'New conversation' }).first().click();
  await page.getByLabel('With whom').fill(address);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('button', { name: /^Take .* out$/ }).waitFor();
  await page.getByLabel('Name of the conversation').fill(CONVERSATION_TITLE);
  await page.getByRole('button', { name: 'Create' }).click();
  await openConversation(page);
}

export async function openConversation(page: Page): Promise<void> {
  await page.getByRole('button', { name: CONVERSATION_TITLE }).first().click();
}

/** Resolves when the call is on the screen. */
export async function startCall(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Start call' }).click();
  await page.getByRole('toolbar', { name: 'Call' }).waitFor({ timeout: STEP_MS });
}

/** Resolves when the button was pressed. */
export async function joinCall(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Join call' }).click();
}

export async function leaveCall(page: Page): Promise<void> {
  await page
    .getByRole('toolbar', { name: 'Call' })
    .getByRole('button', { name: /^Leave/ })
    .click();
  await page.getByRole('dialog').getByRole('button', { name: 'Leave', exact: true }).click();
  await openConversation(page);
}

declare global {
  interface Window {
    /** The longest time that a timer of this page came late, ms. */
    hawserStall?: number;
  }
}

/** The longest time that timers of the page were held up since it was last asked, ms. */
export function stallOf(page: Page): Promise<number> {
  return page.evaluate((every) => {
    const stall = window.hawserStall ?? 0;
    if (window.hawserStall === undefined) {
      let last = performance.now();
      setInterval(() => {
        const now = performance.now();
        window.hawserStall = Math.max(window.hawserStall ?? 0, now - last - every);
        last = now;
      }, every);
    }
    window.hawserStall = 0;
    return Math.round(stall);
  }, 20);
}
