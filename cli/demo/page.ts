/** The page as a person uses it, for checks and benchmarks with real browsers. */
import type { Page } from 'playwright-core';
import { CONVERSATION_TITLE, type Person } from './trial.ts';

/** Most that a step on the page may take, ms. */
export const STEP_MS = 15_000;

/** Signs in and opens the trial's conversation. */
export async function signIn(page: Page, { organisation, handle, password }: Person): Promise<void> {
  page.setDefaultTimeout(STEP_MS);
  await page.goto(organisation.url);
  await page.locator('input[name=username]').fill(handle);
  await page.locator('input[name=password]').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
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
