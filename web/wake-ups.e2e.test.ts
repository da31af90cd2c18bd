/**
 * Being woken, in a real browser, by a real homeserver, through a fake push service: a browser reaches its maker's service on the
 * open internet only, so that what it would get from there is put in its place. The service worker is the real one, woken by the
 * browser itself.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FakePushService } from '#homeserver/qs/testing/fake-push-service.ts';
import { userIdOf } from '#signalling/ids.ts';
import { type BrowserPerson, ChatWorld } from './testing/chat-world.ts';

let world: ChatWorld;
let service: FakePushService;
let alice: BrowserPerson;

beforeAll(async () => {
  world = await ChatWorld.start();
  service = await FakePushService.listen(world.alpha.certificates);
  await world.alpha.stop();
  Object.assign(world.alpha.site.homeserver, { pushServices: [service.name] });
  await world.serve({ pushNetwork: service.network });
  await world.account('alice', 'Alice');
  await world.account('bob', 'Bob');
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});

it('a person switches it on, is woken when the page is closed, and is shown one notice that says nothing', async () => {
  alice = await world.visit();
  const { page } = alice;
  await page.context().grantPermissions(['notifications'], { origin: world.alpha.url });
  await page.addInitScript((endpoint) => {
    PushManager.prototype.subscribe = async function subscribe(options) {
      if (!options?.userVisibleOnly || !options.applicationServerKey) throw new Error('what Chromium refuses');
      return { endpoint, options } as unknown as PushSubscription;
    };
  }, `${service.endpoint}alice`);
  await page.reload();
  await alice.signIn('alice');
  await page.getByRole('button', { name: 'Your devices' }).click();
  const toggle = page.getByRole('switch', { name: 'Notifications while Hawser is closed' });
  expect(await toggle.getAttribute('aria-checked')).toBe('false');
  await toggle.click();
  await page.getByRole('switch', { name: 'Notifications while Hawser is closed', checked: true }).waitFor();
  expect(alice.complaints).toEqual([]);

  const bob = await world.device('bob');
  const { conversation } = await bob.create('Night', [userIdOf(world.alpha.domain, 'alice')]);
  const browser = await page.context().newCDPSession(page);
  const registered = new Promise<string>((resolve) => {
    browser.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const [first] = registrations;
      if (first) resolve(first.registrationId);
    });
  });
  await browser.send('ServiceWorker.enable');
  const registrationId = await registered;
  await page.goto('about:blank');
  // Until then the page may hear of it yet.
  const metrics = async () => (await fetch(`${world.alpha.admin}/metrics`)).text();
  await expect.poll(metrics, { message: 'only bob is connected' }).toMatch(/event_connections 1\n/);
  await bob.say(conversation, {
    kind: 'message',
    body: { kind: 'text', text: { format: 'plain', text: 'Are you up?' } },
  });
  await expect.poll(() => service.taken.map(({ path, body }) => [path, body])).toEqual([['/wake/alice', '']]);

  const notices = async () => {
    const [worker] = page.context().serviceWorkers();
    return worker?.evaluate(async () => {
      const { registration } = globalThis as unknown as { registration: ServiceWorkerRegistration };
      return (await registration.getNotifications()).map(({ title, body }) => `${title}: ${body}`);
    });
  };
  const push = { origin: world.alpha.url, registrationId, data: '' };
  await browser.send('ServiceWorker.deliverPushMessage', push);
  await browser.send('ServiceWorker.deliverPushMessage', push);
  await expect.poll(notices).toEqual(['Hawser: You have a new message or a call. Open Hawser to see it.']);
});

it('stays on after a visit, and goes off for good', async () => {
  const { page } = alice;
  await page.goto(world.alpha.url);
  await page.getByRole('button', { name: 'Your devices' }).click();
  const toggle = page.getByRole('switch', { name: 'Notifications while Hawser is closed', checked: true });
  await toggle.click();
  await page.getByRole('switch', { name: 'Notifications while Hawser is closed', checked: false }).waitFor();
  await page.reload();
  await page.getByRole('button', { name: 'Your devices' }).click();
  await page.getByRole('switch', { name: 'Notifications while Hawser is closed', checked: false }).waitFor();
});

it('where the organisation has switched it off, a sentence says so in its place', async () => {
  await world.alpha.stop();
  Object.assign(world.alpha.site.homeserver, { pushServices: [] });
  await world.serve();
  const { page } = alice;
  await page.reload();
  await page.getByRole('button', { name: 'Your devices' }).click();
  await page.getByText('Your organisation has switched that off.').waitFor();
  expect(await page.getByRole('switch').count()).toBe(0);
});
