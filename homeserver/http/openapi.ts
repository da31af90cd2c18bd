/** The reference of the client's API in the form of OpenAPI 3.1, made of what the routes tell and parse. */
import fastifySwagger from '@fastify/swagger';
import type { FastifySchema } from 'fastify';
import { AssetPolicy, AssetUpload } from '#signalling/assets.ts';
import * as home from '#signalling/client-home.ts';
import { Connection, Connections } from '#signalling/connections.ts';
import { CertifiedDevice, Device, Devices } from '#signalling/devices.ts';
import { ERRORS, type ErrorCode } from '#signalling/errors.ts';
import { Entry } from '#signalling/queue.ts';
import type { App } from './fastify.ts';
import { EVERYWHERE } from './told.ts';

/** Shapes that stand in the reference once, under a name. Those that hold others come after them. */
const NAMED = {
  Problem: home.Problem,
  User: home.User,
  Session: home.Session,
  Member: home.Member,
  CallMember: home.CallMember,
  Call: home.Call,
  Conversation: home.Conversation,
  Conversations: home.Conversations,
  CallTicket: home.CallTicket,
  Connection,
  Connections,
  Device,
  Devices,
  CertifiedDevice,
  AssetPolicy,
  AssetUpload,
  Entry,
};

const DESCRIPTION = [
  'What a client asks of its own homeserver. Sign in, send the access token with every request, and renew it with the refresh',
  `cookie before it ends. What happens is told over the WebSocket at \`${home.EVENTS_PATH}\``,
  `(subprotocol \`${home.CLIENT_HOME.protocol}\`), whose messages are in \`signalling/client-home.ts\`.`,
  'Every refusal is a `Problem` with a code; `docs/reference/errors.md` says what each means and what to do.',
  `Any request can be refused with ${EVERYWHERE.join(', ')}.`,
].join(' ');

/** To be registered before the routes. */
export async function writeReference(app: App): Promise<void> {
  await app.register(fastifySwagger, {
    convertConstToEnum: false,
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Hawser: clients and their homeserver', version: '1', description: DESCRIPTION },
      servers: [{ url: home.API }],
      components: {
        securitySchemes: {
          accessToken: {
            type: 'http',
            scheme: 'bearer',
            description: 'The answer of `POST /sessions`; good for 15 minutes.',
          },
          refreshCookie: {
            type: 'apiKey',
            in: 'cookie',
            name: '__Host-hawser_refresh',
            description:
              'Set by `POST /sessions`, and replaced each time it is used. Over plain HTTP: `hawser_refresh`.',
          },
        },
      },
    },
    transform: ({ schema, url }) => ({ schema: withRefusals(schema), url }),
    transformObject: (document) =>
      'openapiObject' in document ? named(document.openapiObject) : document.swaggerObject,
  });
}

/** One answer a status, with the codes and sentences of that status. */
function withRefusals(schema: FastifySchema): FastifySchema {
  const { refusals, guests: _guests, ...rest } = schema;
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of refusals ?? []) {
    const { status } = ERRORS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const [[status, answer] = ['204', {}]] = Object.entries((rest.response as Record<string, object> | undefined) ?? {});
  const response: Record<string, object> = { [status]: { ...answer, description: 'Done.' } };
  for (const [of, codes] of byStatus) {
    response[of] = { ...home.Problem, description: `${codes.join(', ')}.` };
  }
  return { ...rest, response };
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The document with each named shape once, and a reference wherever else it stands. */
function named<T extends object>(document: T): T {
  const names = new Map<string, string>();
  const schemas: Record<string, Json> = {};
  const referring = (node: Json): Json => {
    if (Array.isArray(node)) return node.map(referring);
    if (typeof node !== 'object' || node === null) return node;
    const own = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, referring(value)]));
    const { description: _, ...shape } = own;
    const name = names.get(JSON.stringify(own)) ?? names.get(JSON.stringify(shape));
    return name === undefined ? own : { $ref: `#/components/schemas/${name}` };
  };
  for (const [name, schema] of Object.entries(NAMED)) {
    schemas[name] = referring(JSON.parse(JSON.stringify(schema)) as Json);
    names.set(JSON.stringify(schemas[name]), name);
  }
  const whole = referring(JSON.parse(JSON.stringify(document)) as Json) as T & { components?: object };
  return { ...whole, components: { ...whole.components, schemas } };
}
