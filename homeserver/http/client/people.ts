/** Who somebody is. */
import { API, User, UserQuery } from '#signalling/client-home.ts';
import { HawserError } from '#signalling/errors.ts';
import { domainOf, handleOf, parseAddress } from '#signalling/ids.ts';
import { userOf } from '../../as/accounts.ts';
import type { Person } from '../../ds/conversation.ts';
import { authenticate } from '../auth.ts';
import type { App } from '../fastify.ts';
import { RateLimit } from '../rate.ts';
import { FEDERATION, told } from '../told.ts';
import type { ClientApiOptions } from './api.ts';

/** Of one person: nobody types faster, and other domains count all our people's look-ups together. */
const LOOK_UPS_PER_SECOND = 10;

export function peopleRoutes(app: App, { sessions, domain, world, localPerson, remotePerson }: ClientApiOptions): void {
  const lookUps = new RateLimit(LOOK_UPS_PER_SECOND, world.now);
  const show = (person: Person) => userOf(person, domainOf(person.user));

  app.get(`${API}/me`, { schema: told('Who is signed in.', { by: 'session', answer: User }) }, async (request) => {
    const { user } = await authenticate(sessions, request);
    const person = await localPerson(user);
    if (!person) throw new HawserError('HOME_UNAUTHENTICATED');
    return show(person);
  });

  const find = told('Finds a person by the exact address, also in another organisation.', {
    by: 'session',
    answer: User,
    refusals: ['HOME_NOT_FOUND', ...FEDERATION, 'HOME_SLOW_DOWN'],
  });
  app.get(`${API}/users`, { schema: { querystring: UserQuery, ...find } }, async (request) => {
    const self = await authenticate(sessions, request);
    if (!lookUps.take(self.user)) throw new HawserError('HOME_SLOW_DOWN');
    const user = parseAddress(request.query.address);
    if (user === undefined) throw new HawserError('HOME_BAD_REQUEST', 'an address looks like @name@domain');
    const person =
      domainOf(user) === domain
        ? await localPerson(user)
        : await remotePerson({ domain: domainOf(user), handle: handleOf(user) });
    if (!person || handleOf(person.user) !== handleOf(user)) throw new HawserError('HOME_NOT_FOUND');
    return show(person);
  });
}
