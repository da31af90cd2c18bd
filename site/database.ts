/** Reads the URL of a PostgreSQL database as an administrator writes it. Nothing here quotes it: it may hold a password. */

interface Parts {
  readonly scheme: string;
  readonly user: string | undefined;
  /** Host and port, a folder with a socket in percent-encoding, or empty. */
  readonly host: string;
  readonly name: string;
  /** With its question mark, or empty. */
  readonly query: string;
}

/**
 * Why a text is no URL of a database, in words that follow the option's name; undefined where it is one.
 * A password has no place in it: the file is read by more people and programs than a password should be.
 */
export function wrongDatabase(text: string): string | undefined {
  const parts = partsOf(text);
  const form = 'It looks like postgresql://hawser@db.alpha.example/hawser.';
  if (typeof parts === 'string') {
    return parts === 'password'
      ? 'there is a password in it. Take it out, and name its file in homeserver.databasePasswordFile.'
      : `this is not the URL of a PostgreSQL database. ${form}`;
  }
  if (parts.name === '') return `it does not name the database. ${form}`;
  return undefined;
}

/** The same URL with a password, for the driver alone. @param url one in which nothing is wrong */
export function withPassword(url: string, password: string): string {
  const { scheme, user, host, name, query } = checked(url);
  return `${scheme}${user ?? ''}:${encodeURIComponent(password)}@${host}/${name}${query}`;
}

/** The database in words for a log or a sentence: where it is and its name. @param url one in which nothing is wrong */
export function placeInWords(url: string): string {
  const { host, name, query } = checked(url);
  const where = new URLSearchParams(query).get('host') ?? decodeURIComponent(host);
  return `${decodeURIComponent(name)} at ${where || 'localhost'}`;
}

function checked(url: string): Parts {
  const parts = partsOf(url);
  if (typeof parts === 'string') throw new RangeError('not the URL of a database');
  return parts;
}

function partsOf(text: string): Parts | 'password' | 'form' {
  const match =
    /^(postgres(?:ql)?:\/\/)(?:([^:@/?#\s]*)(:[^@/?#\s]*)?@)?([^/?#\s]*)(?:\/([^/?#\s]*))?(\?[^#\s]*)?$/.exec(text);
  // Where the form is wrong, a password with a special character may be why.
  if (!match) return text.includes('@') && /\/\/[^@]*:[^@]*@/.test(text) ? 'password' : 'form';
  const [, scheme = '', user, password, host = '', name = '', query = ''] = match;
  if (password !== undefined || host.includes('@') || name.includes('@')) return 'password';
  const options = new URLSearchParams(query);
  if (['password', 'sslpassword'].some((key) => options.has(key))) return 'password';
  try {
    decodeURIComponent(host + name + (user ?? ''));
  } catch {
    return 'form';
  }
  return { scheme, user, host, name, query };
}
