/** Who somebody is, and who is found. */
import { API, FoundPeople, PeopleQuery, User, UserQuery } from '#signalling/client-home.ts';
import { HawserError } from '#signalling/errors.ts';
import { domainOf, handleOf, parseAddress, parseDomainName } from '#signalling/ids.ts';
import { ownUserOf, userOf } from '../../as/accounts.ts';
import { splitAddress } from '../../as/directory.ts';
import type { Person } from '../../ds/conversation.ts';
import { authenticate } from '../auth.ts';
import type { App } from '../fastify.ts';
import { RateLimit } from '../rate.ts';
import { FEDERATION, told } from '../told.ts';
import type { ClientApiOptions } from './api.ts';

/** Of one person: nobody types faster, and other domains count all our people's look-ups together. */
const LOOK_UPS_PER_SECOND = 10;

export function peopleRoutes(app: App, options: ClientApiOptions): void {
  const { sessions, domain, world, people, localPerson, remotePerson, remotePeople } = options;
  const lookUps = new RateLimit(LOOK_UPS_PER_SECOND, world.now);
  const show = (person: Person) => userOf(person, domainOf(person.user));

  app.get(`${API}/me`, { schema: told('Who is signed in.', { by: 'session', answer: User }) }, async (request) => {
    const { user } = await authenticate(sessions, request);
    const holder = await people.ownAccount.look(user);
    if (!holder) throw new HawserError('HOME_UNAUTHENTICATED');
    return ownUserOf(holder, domain);
  });

  const find = told('Finds a person by the exact address, also in another organisation.', {
    by: 'session',
    answer: User,
    refusals: ['HOME_NOT_FOUND', ...FEDERATION, 'FED_SCOPE', 'HOME_SLOW_DOWN'],
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

  const search = told(
    'Finds people by the beginning of a name or handle; `@b@beta.example` in another organisation, as far as it lets itself be searched.',
    { by: 'session', answer: FoundPeople, refusals: [...FEDERATION, 'FED_SCOPE', 'FED_LIMIT', 'HOME_SLOW_DOWN'] },
  );
  app.get(`${API}/people/search`, { schema: { querystring: PeopleQuery, ...search } }, async (request) => {
    const { user } = await authenticate(sessions, request);
    if (!lookUps.take(user)) throw new HawserError('HOME_SLOW_DOWN');
    const { text, domain: named } = splitAddress(request.query.text);
    // Not typed to the end yet.
    const where = named === undefined ? domain : parseDomainName(named);
    if (where === undefined) return { people: [] };
    const found = where === domain ? await people.find(user, text) : await remotePeople(where, user, text);
    return { people: found.map(show) };
  });
}
