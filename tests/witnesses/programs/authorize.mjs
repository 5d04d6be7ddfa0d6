// The certified `oidc-provider` as an authorization server of somebody else, until its input ends.
//
// First line of input: { scopes, resources, clients: [{ id, secret, scope, opaque, seconds, bound, extra }] };
// first line of output: { url }. Then every line { "do": ... } is answered by one line:
// publish (a new key, last in the set), sign (with the newest key), retire (all keys but the newest), asked.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Provider } from 'oidc-provider';

console.info = console.error; // what it notes is not part of our answers
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const { scopes, resources, clients } = JSON.parse((await lines.next()).value);
const known = new Map(clients.map((client) => [client.id, client]));
const asked = { jwks: 0, introspection: 0, token: 0 };
const stored = new Map();

// Kept outside of the provider, which is made anew when its keys change: its tokens stay.
class Memory {
  constructor(kind) { this.kind = kind; }
  key(id) { return `${this.kind}:${id}`; }
  async upsert(id, payload) { stored.set(this.key(id), payload); }
  async find(id) { return stored.get(this.key(id)); }
  async destroy(id) { stored.delete(this.key(id)); }
  async consume(id) { stored.get(this.key(id)).consumed = Math.floor(Date.now() / 1000); }
  async findByUid() {}
  async findByUserCode() {}
  async revokeByGrantId() {}
}

async function key() {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const { privateKey } = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const { kty, crv, x, y, d } = await crypto.subtle.exportKey('jwk', privateKey);
  return { kty, crv, x, y, d, use: 'sig', alg: 'ES256' };
}

const keys = [await key()];
const server = createServer((request, response) => answer(request, response));
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${server.address().port}`;
let answer = made();

function made() {
  const provider = new Provider(url, {
    adapter: Memory,
    jwks: { keys },
    scopes,
    enabledJWA: { dPoPSigningAlgValues: ['ES256'], idTokenSigningAlgValues: ['ES256'] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clients: clients.map(({ id, secret, scope, bound }) => ({
      client_id: id,
      client_secret: secret,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      scope,
      dpop_bound_access_tokens: Boolean(bound),
    })),
    extraTokenClaims: (_, token) => known.get(token.clientId).extra,
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      dPoP: { enabled: true },
      introspection: {
        enabled: true,
        allowedPolicy: (_, client, token) => client.clientId === 'gateway' || client.clientId === token.clientId,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resources[0],
        useGrantedResource: () => true,
        getResourceServerInfo: (_, resource, client) => ({
          scope: scopes.join(' '),
          audience: resource,
          accessTokenFormat: known.get(client.clientId).opaque ? 'opaque' : 'jwt',
          accessTokenTTL: known.get(client.clientId).seconds ?? 600,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  });
  provider.use((context, next) => {
    const name = context.path.split('/').pop();
    if (name in asked) asked[name] += 1;
    return next();
  });
  return provider.callback();
}

const commands = {
  publish: async () => { keys.push(await key()); },
  sign: async () => { keys.unshift(keys.pop()); },
  retire: async () => { keys.length = 1; },
  asked: async () => {},
};

say({ url });
for await (const line of lines) {
  await commands[JSON.parse(line).do]();
  answer = made();
  say(asked);
}
process.exit(0);
