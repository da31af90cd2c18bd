/**
 * Whether the server in this container is well: its administrator's port answers. One image serves both servers, so both of their default
 * ports are asked; HAWSER_HEALTH_URL names another. Ends with 0 or 1, as HEALTHCHECK in the Dockerfile wants it.
 */
import process from 'node:process';

const DEFAULTS = ['http://127.0.0.1:8450/health', 'http://127.0.0.1:8550/health'];

const given = process.env.HAWSER_HEALTH_URL;
const answers = (given ? [given] : DEFAULTS).map(async (url) => {
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
});

process.exitCode = await Promise.any(answers).then(
  () => 0,
  () => 1,
);
