/**
 * Shows that something is new while no page of Hawser is open. A wake-up says nothing, so neither does this; the page finds out
 * by itself. Written as it runs: it is fetched under this name, and must be the same file for every version of the page.
 */

const NOTICE = {
  body: 'You have a new message or a call. Open Hawser to see it.',
  icon: '/icon.svg',
  // One notice, however often the browser is woken, which sounds again.
  tag: 'hawser',
  renotify: true,
};

self.addEventListener('install', () => self.skipWaiting());

self.addEventListener('push', (event) => event.waitUntil(show()));

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(open());
});

async function show() {
  const pages = await pagesOfHawser();
  // Whoever looks at the page sees it there.
  if (pages.some(({ focused }) => focused)) return;
  await self.registration.showNotification('Hawser', NOTICE);
}

/** A second page would find the keys in use by the first. */
async function open() {
  const [page] = await pagesOfHawser();
  await (page ? page.focus() : self.clients.openWindow('/'));
}

function pagesOfHawser() {
  return self.clients.matchAll({ type: 'window', includeUncontrolled: true });
}
