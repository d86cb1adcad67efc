// An OAuth 2 authorization server that others wrote (oidc-provider), set up as strictly as it can be, and a protected
// resource on a port of its own. Prints where they are when ready; ends when stdin closes.

import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

console.info = console.error; // oidc-provider's notices: stdout carries the one line that the tests wait for

const { Provider } = await import('oidc-provider');
const { protectedResource } = await import('./resource.mjs');

async function listen() {
  const server = createServer();
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return [server, `http://127.0.0.1:${server.address().port}`];
}

const [server, issuer] = await listen();
const [resourceServer, resourceOrigin] = await listen();
const resource = `${resourceOrigin}/resource`;

const lifetime = (_ctx, _token, client) => client?.access_token_lifetime ?? 60;

const provider = new Provider(issuer, {
  clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
  clientDefaults: { grant_types: ['authorization_code', 'refresh_token'] },
  // What a test may choose for its client beyond the standard's metadata:
  extraClientMetadata: { properties: ['access_token_lifetime', 'device_code_lifetime', 'default_resource', 'dpop_nonce'] },
  features: {
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    dPoP: {
      enabled: true,
      nonceSecret: randomBytes(32),
      requireNonce: (ctx) => ctx.oidc.client?.dpop_nonce === true || ctx.query.nonce === 'required',
    },
    introspection: { enabled: true },
    registration: { enabled: true, issueRegistrationAccessToken: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: (_ctx, client, oneOf) => oneOf ?? client.default_resource,
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx, indicator, client) => ({
        scope: 'api:read api:write',
        audience: indicator,
        accessTokenFormat: 'jwt',
        accessTokenTTL: lifetime(undefined, undefined, client),
      }),
    },
    revocation: { enabled: true },
  },
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@example.com` }) }),
  claims: { openid: ['sub'], email: ['email'] },
  scopes: ['openid', 'offline_access', 'email', 'api:read', 'api:write'],
  pkce: { required: () => true },
  responseTypes: ['code'],
  rotateRefreshToken: true,
  ttl: {
    AccessToken: lifetime,
    ClientCredentials: lifetime,
    DeviceCode: (_ctx, _code, client) => client?.device_code_lifetime ?? 600,
  },
});

// What the server saw and answered, for the tests to count. Refresh tokens appear as hashes.
const requests = [];
const details = new WeakMap();
const revoked = new WeakMap();
provider.on('grant.error', (ctx, error) => details.set(ctx, error.error_detail));
provider.on('grant.revoked', (ctx, grant) => revoked.set(ctx, grant));
provider.on('server_error', (_ctx, error) => console.error(error));

provider.use(async (ctx, next) => {
  if (ctx.path === '/-/requests') {
    ctx.body = requests.filter((request) => !ctx.query.client_id || request.client_id === ctx.query.client_id);
    return;
  }
  if (ctx.path === '/-/forget') {
    const token = await provider.AccessToken.find(ctx.query.access_token);
    await token?.destroy(); // this token alone: revoking it would take the refresh token along
    ctx.body = { forgotten: Boolean(token) };
    return;
  }
  await next();
  const refreshToken = ctx.oidc?.params?.refresh_token;
  requests.push({
    method: ctx.method,
    path: ctx.path,
    client_id: ctx.oidc?.client?.clientId ?? null,
    grant_type: ctx.oidc?.params?.grant_type ?? null,
    refresh_token: refreshToken ? createHash('sha256').update(refreshToken).digest('hex') : null,
    status: ctx.status,
    error: ctx.body?.error ?? null,
    detail: details.get(ctx) ?? null,
    grant_revoked: revoked.has(ctx),
  });
});

server.on('request', provider.callback());
resourceServer.on('request', protectedResource(issuer, resource));
process.stdin.on('end', () => process.exit(0)).resume();
console.log(JSON.stringify({ issuer, resource }));
