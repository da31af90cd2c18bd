import { expect, it } from 'vitest';
import { sampleSite } from '#site/sample.ts';
import { SiteSchema } from '#site/schema.ts';
import { readYaml } from '#site/yaml.ts';
import { checkCoturn } from './check.ts';
import { coturnDirectives, coturnFile } from './coturn.ts';
import { HARMFUL_SWITCHES, HARMFUL_VALUES, HARMLESS, TIGHTER } from './options.ts';

const whole = sampleSite().replaceAll(/^( *)#(?! )(.*)$/gm, '$1$2');
const { value: site } = readYaml(SiteSchema, whole);
if (!site?.turn?.hosts[0]) throw new Error('the sample has a TURN host');
const [host] = site.turn.hosts;
const wanted = coturnDirectives(site, site.turn, host);
const file = coturnFile(site, host, wanted);
const lineOf = (text: string, line: string) => text.split('\n').indexOf(line) + 1;

it('finds nothing in what was rendered, nor in the same written otherwise', () => {
  expect(checkCoturn(file, wanted)).toEqual([]);
  const otherwise = file
    .replaceAll(/^#.*$/gm, '')
    .replace('realm=alpha.example', ' realm = "alpha.example"\r')
    .replace('no-cli', 'no-cli=true');
  expect(checkCoturn(otherwise, wanted)).toEqual([]);
});

it('has a reason above each line, and no secret', () => {
  const lines = file.split('\n').slice(3, -1);
  for (const [index, line] of lines.entries()) expect(line.startsWith('# ')).toBe(index % 2 === 0);
  expect(file).not.toMatch(/secret=/);
});

it.each(wanted.map((directive) => [directive.option, directive] as const))(
  'finds that %s is missing',
  (_, directive) => {
    const without = wanted.filter((each) => each !== directive);
    const [finding, ...others] = checkCoturn(coturnFile(site, host, without), wanted);
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ severity: 'wrong', found: expect.stringContaining(directive.option) });
    expect(finding?.remedy).toContain(directive.reason);
  },
);

it('finds another value, with its line', () => {
  const text = file.replace('user-quota=12', 'user-quota=0');
  expect(checkCoturn(text, wanted)).toEqual([
    {
      line: lineOf(text, 'user-quota=0'),
      severity: 'wrong',
      found: 'user-quota=0 stands there.',
      remedy: expect.stringContaining('user-quota=12'),
    },
  ]);
});

it.each([
  ['allow-loopback-peers', /services of the TURN host/],
  ['allowed-peer-ip=10.0.0.0-10.255.255.255', /no media of the SFT/],
  ['no-auth', /everybody may relay/],
  ['user=alice:opensesame', /user=… is not asked for: there are accounts/],
  ['static-auth-secret=opensesame', /static-auth-secret=… is not asked for/],
  ['listening-ip=0.0.0.0', /^listening-ip=0.0.0.0 is not .* address or port that the site does not name/],
  ['aux-server=203.0.113.9:3479', /address or port that the site/],
  ['psql-userdb="host=db user=coturn password=opensesame"', /hawser turn secrets writes none/],
  ['mysql-userdb="host=db password=opensesame"', /hawser turn secrets writes none/],
  ['redis-userdb="ip=10.0.0.1 password=opensesame"', /hawser turn secrets writes none/],
  ['mongo-userdb=mongodb://coturn:opensesame@db/coturn', /hawser turn secrets writes none/],
  ['redis-statsdb="ip=10.0.0.1 password=opensesame"', /^redis-statsdb=… .* another machine is told/],
  ['pkey-pwd=opensesame', /^pkey-pwd=… is not asked for: a password stands in this file/],
  ['cli-password=opensesame', /the console is there/],
  ['no-tls', /nobody gets in by TLS/],
  ['no-udp', /nobody gets in by UDP/],
  ['no-udp yes', /nobody gets in by UDP/],
  ['no-stun', /get no answer/],
  ['stun-only', /nothing is relayed/],
  ['rest-api-separator=-', /have a colon there, are refused/],
  ['alt-listening-port=3479', /address or port/],
  ['alt-tls-listening-port=444', /address or port/],
  ['tcp-proxy-port=5555', /says himself from which address/],
  ['lt-cred-mech', /there are accounts/],
  ['external-ip=203.0.113.99', /^external-ip=… .*an address that the site does not name/],
  ['total-quota=0', /^total-quota=0 is not asked for\.$/],
])('finds %s, and shows no secret', (line, words) => {
  const text = `${file}${line}\n`;
  const [finding, ...others] = checkCoturn(text, wanted);
  expect(others).toEqual([]);
  expect(finding).toMatchObject({ line: lineOf(text, line), severity: 'wrong', found: expect.stringMatching(words) });
  expect(JSON.stringify(finding)).not.toContain('opensesame');
});

it('knows each option of coturn, and none as two things', () => {
  const all = [Object.keys(HARMFUL_SWITCHES), Object.keys(HARMFUL_VALUES), [...HARMLESS], [...TIGHTER]].flat();
  expect(all.filter((option, index) => all.indexOf(option) !== index)).toEqual([]);
  const asked = new Set(wanted.map(({ option }) => option));
  expect([...HARMLESS, ...Object.keys(HARMFUL_SWITCHES)].filter((option) => asked.has(option))).toEqual([]);
});

it('says nothing of what is off, nor of what makes it tighter', () => {
  const lines = 'no-tls=0\nverbose=off\nno-udp = no\nrest-api-separator=:\nunauthorized-ratelimit\n';
  expect(checkCoturn(`${file}${lines}unauthorized-ratelimit-rps=10\n`, wanted)).toEqual([]);
});

it('shows nothing of a line that it does not know', () => {
  const found = checkCoturn(`${file}opensesame\nopen-sesame=opensesame\n__proto__=opensesame\n`, wanted);
  const line = { severity: 'unknown', found: 'A line that Hawser does not know stands there.' };
  expect(found).toMatchObject([line, line, line]);
  expect(JSON.stringify(found)).not.toMatch(/open-?sesame/);
});

it('only names what it does not know, and takes more that is denied', () => {
  expect(checkCoturn(`${file}proc-user=turnserver\ndenied-peer-ip=9.9.9.9\n`, wanted)).toMatchObject([
    { severity: 'unknown', found: 'proc-user=turnserver is not asked for.' },
  ]);
});
